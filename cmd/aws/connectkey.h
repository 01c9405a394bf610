/*
 * ssh-auth: instance-connect. A key pair that lives in this process only, and whose public half EC2 Instance Connect
 * shows to the host's sshd for 60 s at a time.
 */
#ifndef BLUEGREEN_CONNECTKEY_H
#define BLUEGREEN_CONNECTKEY_H

#include "shared/err.h"

#include <stdbool.h>
#include <stdint.h>

struct stage;
struct connectkey;

/* With ssh-auth: instance-connect: make the key and put it where ssh_connect() takes it from. Otherwise, and again: nothing. */
int connectkey_make(struct stage *s, struct err *err);

/*
 * Tell EC2 of the public half: right before each login. Nothing without ssh-auth: instance-connect.
 * deadline_ms: of the login (monotonic). cancellable: the user's cancel ends it.
 * -ERR_INSTANCE the instance is gone or does not run, -ERR_AWS_DENIED with the IAM action, else as aws_call().
 */
int connectkey_push(struct stage *s, int64_t deadline_ms, bool cancellable, struct err *err);

void connectkey_free(struct connectkey *k); /* NULL is fine */

#endif
