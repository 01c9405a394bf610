/*
 * An image in Amazon ECR and the host's own credentials: its environment, a container's endpoint, the role of the instance.
 * They give the login token, a new one when it expires in mid-pull, and a look at what is to be pulled.
 *
 * Only the rows ecr_login, image_check and image_pull of a deployment come here: recovery, keeper and rollback pull nothing.
 */
#ifndef BLUEGREEN_AGENT_ECR_H
#define BLUEGREEN_AGENT_ECR_H

#include "agent/run.h"
#include "shared/aws/ecr.h"

struct ecrhost;
void ecrhost_free(struct ecrhost *h); /* zeroes the token; NULL is fine */

/* Is the image in ECR, and do the host's own credentials count (spec.ecr_auth)? Of run->ref. */
bool ecrhost_counts(const struct run *run);

/*
 * Get a login token with the host's own credentials and let the engine try it; from here on registry_auth() is this login.
 * Errors of ecr_token_get() and engine_registry_login().
 */
int ecrhost_login(struct run *run, struct err *err);
/* Where the credentials of that login came from, for people; "" when there is none. */
const char *ecrhost_source(const struct run *run);

/* The login of this run: the host's, else the one of the request; username "" when there is none. Borrowed. */
struct engine_auth registry_auth(const struct run *run);

/*
 * The registry refused in the middle of things. 1: that was an expired token of the host's role, there is a new one, go on
 * (once a run). 0: err stays, with kind ERR_REGISTRY_EXPIRED when it was an expired token all the same. -ERR_CANCEL.
 */
int ecrhost_renew(struct run *run, struct err *err);

/*
 * The registry lets the host's login in, but not at this image. 1: with ecr-auth auto the runner's login takes its place, go
 * on; 0: there is none, err stays.
 */
int ecrhost_give_way(struct run *run, struct err *err);

/* ecr_image_look() at run->digest with the host's credentials. 1: there are none, or it is ECR Public, which nobody asks. */
int ecrhost_look(struct run *run, struct ecr_image *ret, struct err *err);

#endif
