/*
 * What a command on the host asks for, as a request: its options, the secrets of standard input, and for deploy and plan the settings
 * with which the version that serves was deployed. Whatever is not given stays as it is there, secrets too: those are taken from the
 * container. A list that is given replaces the whole list.
 */
#ifndef BLUEGREEN_WANTED_H
#define BLUEGREEN_WANTED_H

#include "shared/cli/cli.h"
#include "shared/wire.h"

/* Settings that are options here; for struct cli. */
bool wanted_option(size_t i, struct cli_setting *ret);

struct wanted {
    struct wire_request request; /* done by the caller */
    struct buf problems;         /* of the options, a line each */
    struct buf notes;            /* what was taken from where, a line each */
};

void wanted_init(struct wanted *w);
void wanted_done(struct wanted *w); /* zeroes the secrets */
static inline void wanted_done_p(struct wanted *w)
{
    wanted_done(w);
}

/*
 * call: of a command that works on an app. in_fd: where the secrets come from, if they are wanted. -ERR_INPUT, with w->problems when
 * they are several; errors of the engine and the state root.
 */
int wanted_read(struct wanted *w, const struct cli_call *call, int in_fd, struct err *err);

#endif
