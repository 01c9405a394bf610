/*
 * Text of inputs to values. Everything here takes borrowed bytes, looks at no more than the span, and says no instead
 * of guessing. Scalars are taken whole: trimming is the caller's.
 */
#ifndef BLUEGREEN_SETTINGS_PARSE_H
#define BLUEGREEN_SETTINGS_PARSE_H

#include "shared/buf.h"

#define SETTINGS_DURATION_MAX_MS (366LL * 24 * 3600 * 1000)
#define SETTINGS_SIZE_MAX_BYTES (1LL << 50)
#define SETTINGS_LIST_MAX 1000 /* entries of one list input */

/*
 * "500ms", "2s", "1m30s", "2h", "3d": numbers with unit, largest unit first, each unit once; a bare number is seconds.
 * At most SETTINGS_DURATION_MAX_MS.
 */
bool settings_parse_duration(struct span text, int64_t *ret_ms);
/* The shortest text that settings_parse_duration() reads back to the same value: "1m30s", "0s". */
void settings_format_duration(int64_t ms, struct buf *out);

/* "512m", "1g", "1024k", "100b", also "1gb" and "1GiB"; powers of 1024; a bare number is bytes. */
bool settings_parse_size(struct span text, int64_t *ret_bytes);
/* In the largest unit that divides it: "512m", "1000b". */
void settings_format_size(int64_t bytes, struct buf *out);

/* "2", "1.5", "0.25": at most 9 decimals, at most 100000. *ret_nano in 10^-9 CPUs. */
bool settings_parse_cpus(struct span text, int64_t *ret_nano);
void settings_format_cpus(int64_t nano, struct buf *out);

/* "2026-01-29T03:10:00Z", with a fraction of three digits or none: Unix milliseconds, or -1. */
int64_t settings_parse_time(const char *text);

/* true True TRUE false False FALSE, as GitHub's toolkit reads booleans. */
bool settings_parse_bool(struct span text, bool *ret);

/*
 * What a list reader meets. `line` counts from 1. Both callbacks may be called any number of times, in order of the
 * lines. item() returns 0 to go on or -kind to end the reading with that.
 */
struct settings_list_visitor {
    void *ctx;
    int (*item)(void *ctx, unsigned line, struct span item);
    /* `text` is the offending line: show it only when the input is not secret. */
    void (*complain)(void *ctx, unsigned line, struct span text, const char *what);
};
/*
 * One item a line, blanks at both ends cut; empty lines and lines that begin with # are skipped. 0, or what item()
 * returned.
 */
int settings_parse_list(struct span text, const struct settings_list_visitor *visitor);

struct settings_env_visitor {
    void *ctx;
    /* value is borrowed and may hold LF; valid during the call only. */
    int (*entry)(void *ctx, unsigned line, struct span key, struct span value);
    void (*complain)(void *ctx, unsigned line, struct span text, const char *what);
};
enum settings_env_form {
    /*
     * KEY=VALUE, the value as it stands (no quotes, no escapes; a CR at the end is dropped), or KEY<<WORD and the lines
     * up to one that is just WORD.
     */
    SETTINGS_ENV_LINES,
    /*
     * KEY=VALUE of an env file: `export ` in front, blanks around the value and quotes around it are dropped. Within
     * double quotes \n \t \r \" \\ \$ are escapes; within single quotes nothing is.
     */
    SETTINGS_ENV_FILE,
};
/* Empty lines and lines that begin with # are skipped. 0, or what entry() returned, or -ERR_NOMEM. */
int settings_parse_env(struct span text, enum settings_env_form form, const struct settings_env_visitor *visitor);

/* [A-Za-z_][A-Za-z0-9_]*, at most 256 bytes. */
bool settings_is_env_key(struct span key);

#endif
