/*
 * Settings written as one JSON object: the file of a command line, or its secret settings on standard input. Keys are the names of
 * settings; values are strings, numbers and booleans, lists may be arrays, and what has names in it (env, labels, kpi) an object.
 */
#ifndef BLUEGREEN_SETTINGS_JSON_H
#define BLUEGREEN_SETTINGS_JSON_H

#include "shared/settings/settings.h"

#define SETTINGS_JSON_MAX (512 * 1024) /* bytes of the text */

enum settings_json_kind {
    SETTINGS_JSON_PLAIN,  /* no secret may be in it; "$schema" is for editors, and not read */
    SETTINGS_JSON_SECRET, /* nothing else may be in it */
};

struct settings_json;

/*
 * what: for messages, "bluegreen.json". -ERR_INPUT naming it and the key: no JSON object, no such setting, a setting of the other
 * kind, a value of the wrong type. A value is never repeated. *ret is the caller's.
 */
int settings_json_parse(struct span text, const char *what, settings_table table, enum settings_json_kind kind,
                        struct settings_json **ret, struct err *err);
/*
 * The same for what comes from a descriptor, up to its end; the bytes read are zeroed. -ERR_INPUT also for more than
 * SETTINGS_JSON_MAX of them, and for a terminal.
 */
int settings_json_read(int fd, const char *what, settings_table table, enum settings_json_kind kind,
                       struct settings_json **ret, struct err *err);
void settings_json_free(struct settings_json *j); /* zeroes the values */
void settings_json_free_p(struct settings_json **j);

/* The value as an input has it, lists one entry a line; NULL: not there. j may be NULL. */
const char *settings_json_get(const struct settings_json *j, const char *id);

#endif
