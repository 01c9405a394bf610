/*
 * The runner's own look at an image in Amazon ECR, before anything is connected to: is it there, what does its scan say,
 * and a login token for the host. From here on the image is deployed by the digest that its tag had at this moment.
 */
#ifndef BLUEGREEN_ECRCHECK_H
#define BLUEGREEN_ECRCHECK_H

#include "cmd/stage.h"

/*
 * Of a deployment, before the first connection. Nothing happens with an image that is not in ECR, with registry-username
 * (spec.ecr_auth becomes "" in both cases), and with ecr-auth host-role. Otherwise spec.image gets its digest,
 * registry_username and registry_password the token, image_size_bytes the size; fail_on_severity becomes "off" once it is
 * answered here, so that the host need not. With ecr-auth auto, no credentials at all and missing permissions are lines in
 * the log and leave it to the host.
 * -ERR_IMAGE_MISSING, -ERR_IMAGE_FINDINGS, -ERR_INPUT (fail-on-severity without a scan), errors of account_open(),
 * aws_chain_get() and aws_call().
 */
int ecrcheck_run(struct stage *s, struct err *err);

/* A new token in place of one that ecrcheck_run() has sent and that has expired. 1: it had sent none. Otherwise as there. */
int ecrcheck_renew(struct stage *s, struct err *err);

#endif
