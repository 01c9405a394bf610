/*
 * Settings of a person's command line, later ones win: the file (bluegreen.json), options. Secret ones come on standard input only; the
 * key may also be a file or the agent's (cmd/cli/handkey.h), the pins lines of a known_hosts file (cmd/cli/handpins.h).
 */
#ifndef BLUEGREEN_HANDSOURCE_H
#define BLUEGREEN_HANDSOURCE_H

#include "cmd/cli/handkey.h"
#include "cmd/inputs/inputs.h"
#include "shared/settings/settings_json.h"

#define HANDSOURCE_CONFIG "bluegreen.json"

struct handsource {
    const struct cli_call *call;
    const char *config_path;                /* for messages */
    struct settings_json *config, *secrets; /* NULL: none */
    struct handkey key;
    struct buf known_hosts; /* lines given, and those chosen from the file; empty: none */
    struct buf jump_known_hosts;
    char known_hosts_path[1024];
    char env_folder[1024]; /* where the file is */
    struct {               /* values put together here, by id; borrowed out until the end */
        const char *id;
        char *value;
    } made[SETTINGS_ROWS_MAX];
    size_t made_len;
    bool failed;                 /* one could not be made: no memory */
    struct inputs_source source; /* to be handed on; points here */
};

/* Read file and standard input. *s is initialised in every case, and must stay where it is. -ERR_INPUT, -ERR_NOMEM. */
int handsource_init(struct handsource *s, const struct cli_call *call, struct err *err);
/* Find key and pins for the host that the settings name. cancel_fd ends a question for a passphrase. -ERR_INPUT, -ERR_KEY, -ERR_CANCEL. */
int handsource_prepare(struct handsource *s, int cancel_fd, struct err *err);
void handsource_done(struct handsource *s);

#endif
