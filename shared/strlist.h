/* A growing list of owned strings, e.g. the KEY=VALUE lines of `env`. */
#ifndef BLUEGREEN_STRLIST_H
#define BLUEGREEN_STRLIST_H

#include "buf.h"

struct strlist {
    char **items;
    size_t len;
    size_t cap;
};

/* Append a copy. 0 or -ERR_NOMEM. */
int strlist_add(struct strlist *l, struct span s, struct err *err);
bool strlist_has(const struct strlist *l, const char *s);
void strlist_done(struct strlist *l);
/* Zeroes each string before it is freed: for secrets. */
void strlist_wipe_done(struct strlist *l);

#endif
