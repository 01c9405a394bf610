/* An environment for struct aws, of a test's own. */
#ifndef BLUEGREEN_AWS_ENV_H
#define BLUEGREEN_AWS_ENV_H

#include "shared/aws/aws.h"

struct aws_env {
    struct {
        const char *name, *value;
    } vars[16];
    char notes[4000];   /* a line each */
    char secrets[8000]; /* what aws_learn() was told, a line each */
};

/* Set, change or (NULL) remove a variable; borrowed. */
void aws_env_set(struct aws_env *e, const char *name, const char *value);
/* A struct aws with this environment, these notes and secrets; aws_init() is still to be called. */
struct aws aws_with_env(struct aws_env *e);

#endif
