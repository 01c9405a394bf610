/* A bundle on its way to a file: it has its name only when it is whole. */
#ifndef BLUEGREEN_BUNDLEFILE_H
#define BLUEGREEN_BUNDLEFILE_H

#include "shared/buf.h"

#include <limits.h>

struct bundlefile {
    int fd;              /* -1: not open */
    char name[PATH_MAX]; /* "" standard output */
    char temp[PATH_MAX + 16];
};

/* name: "-" is standard output. -ERR_INPUT: that is a terminal; -ERR_IO. */
int bundlefile_open(struct bundlefile *f, const char *name, struct err *err);
int bundlefile_add(struct bundlefile *f, struct span bytes, struct err *err);
/* It is whole: give it its name, in place of what is called so. */
int bundlefile_finish(struct bundlefile *f, struct err *err);
/* Without bundlefile_finish() nothing stays. */
void bundlefile_done(struct bundlefile *f);

#endif
