/*
 * From the settings of a deployment to the Engine's container-create request, and the labels by which a container is
 * known again. Labels are the memory on the host that outlives this program: contract, see docs/protocol.md.
 */
#ifndef BLUEGREEN_CONTAINER_H
#define BLUEGREEN_CONTAINER_H

#include "shared/spec.h"

#define CONTAINER_LABEL_PREFIX "io.bluegreen."
#define CONTAINER_LABEL_APP CONTAINER_LABEL_PREFIX "app"
#define CONTAINER_LABEL_DEPLOYMENT CONTAINER_LABEL_PREFIX "deployment"
#define CONTAINER_LABEL_ROLE CONTAINER_LABEL_PREFIX "role"
#define CONTAINER_LABEL_DIGEST CONTAINER_LABEL_PREFIX "digest" /* sha256:… of the image in its registry; "" local */
#define CONTAINER_LABEL_IMAGE CONTAINER_LABEL_PREFIX "image"   /* reference as the user gave it */
#define CONTAINER_LABEL_CONFIG CONTAINER_LABEL_PREFIX "config" /* spec_fingerprint() */
#define CONTAINER_LABEL_STRATEGY CONTAINER_LABEL_PREFIX "strategy"
#define CONTAINER_LABEL_PREVIOUS CONTAINER_LABEL_PREFIX "previous" /* deployment that served before; absent: none */

#define CONTAINER_ROLE_VERSION "version"

struct container_plan {
    const struct spec *spec;
    const char *image_ref; /* digest reference or image id to run */
    const char *deployment;
    const char *digest;         /* NULL is "" */
    const char *fingerprint;    /* of spec_fingerprint() */
    const char *network;        /* network to be on from the start; NULL or "": the engine's default */
    const char *static_ip;      /* on that network; NULL or "": dynamic. Needs a user-defined network */
    int port_first, port_last;  /* range of host ports for container_port; equal: one port; first 0: none published */
    const char *restart_policy; /* no, always, unless-stopped, on-failure[:N]; NULL: no */
    const char *previous;
};

/*
 * The request, owned by the caller; it holds the values of secret_env. Further networks of the spec are not in it:
 * engines before API 1.44 take one network at creation, the others are to be connected afterwards.
 * Where env and secret_env repeat a key the last one counts, secret_env last.
 * -ERR_INPUT: a label of the user's begins with io.bluegreen. or has no '='. -ERR_BUG: a field that must be there is not.
 */
int container_plan_to_json(const struct container_plan *plan, struct json **ret, struct err *err);

/* The plan's label, under io.bluegreen.: refused for users. */
bool container_label_is_ours(const char *label);

#endif
