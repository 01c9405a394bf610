/* request.json of a deployment: what was asked for, without secrets; read again by rollback, recovery and status. */
#ifndef BLUEGREEN_REQUEST_H
#define BLUEGREEN_REQUEST_H

#include "agent/run.h"

int request_store(struct run *run, struct err *err);
/* 0; 1 when the deployment or its file is not there. *spec is replaced on success only. */
int request_load_spec(int app_fd, const char *id, struct spec *spec, struct err *err);
/* The keys of the secret environment variables of a deployment. 0; 1 when its file is not there. */
int request_load_secret_keys(int app_fd, const char *id, struct strlist *keys, struct err *err);
/* The same, with op, reason and only_if_current: into a run whose dir_fd is open. */
int request_load(struct run *run, struct err *err);

#endif
