/*
 * Uploads a file as an artifact of the workflow run: what actions/upload-artifact does (protocol of its version 4), with
 * nothing but the runner's own service. CreateArtifact, blocks to the signed URL, block list, FinalizeArtifact.
 *
 * The artifact is a zip with the file in it, as everything that downloads artifacts expects. Nothing is held in memory but
 * one block, and nothing is written to disk. Source of the protocol: github.com/actions/toolkit, packages/artifact; Azure
 * Put Block, Put Block List. Reading order: artifact.c (the flow), artifact_api.h (the service), artifact_call.h (attempts).
 */
#ifndef BLUEGREEN_ARTIFACT_H
#define BLUEGREEN_ARTIFACT_H

#include "shared/buf.h"

#include <signal.h>

#define ARTIFACT_BLOCK_BYTES (8 * 1024 * 1024)
#define ARTIFACT_ATTEMPTS 5                   /* of each call */
#define ARTIFACT_TIME_MAX_MS (10 * 60 * 1000) /* of the whole upload */
#define ARTIFACT_IDLE_MAX_MS (60 * 1000)      /* without a byte either way, of a block */
#define ARTIFACT_SILENT_MAX_MS (20 * 1000)    /* the same, of a call */

/* What the runner offers; NULL or "" where it says nothing. Borrowed. */
struct artifact_service {
    const char *results_url;    /* ACTIONS_RESULTS_URL */
    const char *token;          /* ACTIONS_RUNTIME_TOKEN; secret */
    const char *server_url;     /* GITHUB_SERVER_URL */
    const char *repository;     /* GITHUB_REPOSITORY */
    const char *run_id;         /* GITHUB_RUN_ID */
    const char *retention_days; /* GITHUB_RETENTION_DAYS: an upper bound */
};

struct artifact_options {
    struct artifact_service service;
    const char *name;       /* as inputs_is_artifact_name() wants it */
    int64_t retention_days; /* 0: the repository's default; artifact_retention() has the bound */
    bool overwrite;
    int64_t time_max_ms, idle_max_ms;    /* 0: as defined above */
    const volatile sig_atomic_t *cancel; /* may be NULL */
    int cancel_fd;                       /* readable ends a pause; -1 none */
    /* Told of every secret that comes to be (the signed URL and its signature) before anything else can print it. */
    void (*secret)(void *ctx, const char *value);
    void (*progress)(void *ctx, const char *text); /* one line of ours; the number of lines is bounded */
    void *ctx;
};

struct artifact {
    char id[32];     /* decimal; "" none */
    char url[512];   /* its page */
    char digest[80]; /* "sha256:HEX" of the zip */
    int64_t bytes;   /* of the zip */
};

/* Environment of the runner into *ret; the token is the caller's, as it does not stay in the environment. */
void artifact_service_from_env(struct artifact_service *ret, const char *token);

/* Does this runner take artifacts from us? When not, *why is a sentence for people (a constant). */
bool artifact_supported(const struct artifact_service *service, const char **why);

/* Days to ask for: `wanted`, but no more than the runner's GITHUB_RETENTION_DAYS allows. 0 stays 0. */
int64_t artifact_retention(int64_t wanted, const char *allowed);

/*
 * Upload the file at `path` under its base name. 0; -ERR_ARTIFACT with the cause (name taken, quota used up, service does not
 * answer…), -ERR_CANCEL, -ERR_IO. Whatever fails, the file stays as it is. Error texts hold neither token nor signed URL.
 * A cancel takes effect within 100 ms.
 */
int artifact_upload(const struct artifact_options *o, const char *path, struct artifact *ret, struct err *err);

#endif
