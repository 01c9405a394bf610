/* The bundle of a deployment: what the host has to show for it, as a tar.gz in data events. */
#ifndef BLUEGREEN_COLLECT_H
#define BLUEGREEN_COLLECT_H

#include "shared/err.h"

/* Stream it to out_fd; the caller ends the request. -ERR_REMOTE when the deployment is not known. */
int collect_reply(const char *app, const char *id, int out_fd, struct err *err);

#endif
