/* What readers and rules of the action's own inputs have in common. Private to the inputs. */
#ifndef BLUEGREEN_INPUTS_READING_H
#define BLUEGREEN_INPUTS_READING_H

#include "cmd/inputs/inputs.h"

static inline struct inputs *inputs_of(const struct settings_reading *rd)
{
    return rd->into[SETTINGS_OF_PROGRAM];
}

settings_reader_fn inputs_read_ssh_port; /* int */
settings_reader_fn inputs_read_host;     /* char *: host, brackets dropped */

#endif
