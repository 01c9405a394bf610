/*
 * Host keys as people publish them in a tag or a parameter: fingerprints, public keys, known_hosts lines, mixed as they
 * like. Pure.
 */
#ifndef BLUEGREEN_HOSTKEYTEXT_H
#define BLUEGREEN_HOSTKEYTEXT_H

#include "shared/buf.h"

#define HOSTKEYTEXT_NAMES_MAX 5
#define HOSTKEYTEXT_MAX (64 * 1024) /* bytes; a parameter has at most 8 KB, a tag 1 KB */

/* Whose keys: the names that a known_hosts line may have for it. */
struct hostkeytext_host {
    const char *names[HOSTKEYTEXT_NAMES_MAX]; /* NULL or "": none */
    int port;
};

/*
 * Appends to `fingerprints` and `known_hosts` what hostpins_parse() takes; the lines of the latter are for any host (the
 * name "*"), so these are for this one connection only. A known_hosts line for other hosts is passed over. 0, or
 * -ERR_NO_PIN naming the line: it is no key; or there is none for this host.
 */
int hostkeytext_parse(struct span text, const struct hostkeytext_host *host, struct buf *fingerprints,
                      struct buf *known_hosts, struct err *err);

#endif
