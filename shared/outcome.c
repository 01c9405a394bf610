#include "shared/outcome.h"

#include <string.h>

#define OUTCOME_KINDS (OUTCOME_REPORTED + 1)

/* Contract: README "Exit codes". The two exceptions are in outcome_exit_code(). */
static const struct {
    const char *name;
    int exit_code;
} outcomes[OUTCOME_KINDS] = {
    [OUTCOME_UNKNOWN] = { "unknown", 13 },
    [OUTCOME_DEPLOYED] = { "deployed", 0 },
    [OUTCOME_UNCHANGED] = { "unchanged", 0 },
    [OUTCOME_ROLLED_BACK] = { "rolled_back", 10 },
    [OUTCOME_FAILED_UNTOUCHED] = { "failed_untouched", 11 },
    [OUTCOME_ROLLBACK_FAILED] = { "rollback_failed", 12 },
    [OUTCOME_REPORTED] = { "reported", 0 },
};

static unsigned row(enum outcome o)
{
    return (unsigned)o < OUTCOME_KINDS ? (unsigned)o : OUTCOME_UNKNOWN;
}

const char *outcome_name(enum outcome o)
{
    return outcomes[row(o)].name;
}

enum outcome outcome_from_name(const char *name)
{
    for (unsigned i = 0; name && i < OUTCOME_KINDS; i++)
        if (strcmp(outcomes[i].name, name) == 0)
            return (enum outcome)i;
    return OUTCOME_UNKNOWN;
}

int outcome_exit_code(enum outcome o, bool wanted_rollback, enum err_kind cause)
{
    if (o == OUTCOME_ROLLED_BACK && wanted_rollback)
        return 0;
    if (o == OUTCOME_FAILED_UNTOUCHED && cause != ERR_OK)
        return err_kind_exit_code(cause);
    return outcomes[row(o)].exit_code;
}
