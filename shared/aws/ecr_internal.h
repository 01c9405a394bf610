/* What the files of ECR share. */
#ifndef BLUEGREEN_ECR_INTERNAL_H
#define BLUEGREEN_ECR_INTERNAL_H

#include "ecr.h"

/*
 * aws_call() with the chain's credentials; once more with new ones when AWS says that they have expired. `body` is printed
 * and stays the caller's.
 */
int ecr_call(struct aws *a, struct aws_chain *chain, const struct ecr_registry *r, enum aws_op op,
             const struct json *body, struct json **ret, struct err *err);

/* {"registryId","repositoryName"}: every question about a repository begins so. Owned by the caller. */
struct json *ecr_body(const struct ecr_registry *r, const char *repo);

/* A note for the log, behind those that are there; cut to fit. */
void ecr_note(struct ecr_image *i, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A platform of the manifest as people write it: "linux/arm64/v8"; "" when os or architecture are missing. */
void ecr_platform(const struct json *from, char *out, size_t size);
/* Does `has` satisfy `wanted`? */
bool ecr_platform_fits(const char *has, const char *wanted);

/*
 * The platform of a single image, out of its configuration: GetDownloadUrlForLayer and one GET. `config` is the manifest's
 * descriptor of it. 0 and the platform ("" when the configuration tells none); errors of aws_call() and http_perform();
 * -ERR_PROTO when the blob is not the one of the descriptor.
 */
int ecr_config_platform(struct aws *a, struct aws_chain *chain, const struct ecr_registry *r, const char *repo,
                        const struct json *config, char *out, size_t size, struct err *err);

/* Findings of one image (not of an index) by DescribeImageScanFindings, added to what *i has. */
int ecr_scan_look(struct aws *a, struct aws_chain *chain, const struct ecr_registry *r, const struct ecr_wanted *wanted,
                  const char *digest, struct ecr_image *i, struct err *err);
/* Are the counts that came with this status those of a scan that has ended well? */
bool ecr_scan_counts(const char *status);
/* The same out of findingSeverityCounts that came with another answer. */
void ecr_scan_take(const struct json *counts, struct ecr_image *i);

#endif
