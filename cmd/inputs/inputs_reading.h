/*
 * How one row of the table of inputs (cmd/inputs/inputs.c) becomes one field: a reader for each kind of value, and the one place
 * that words a refusal. Private to the inputs.
 */
#ifndef BLUEGREEN_INPUTS_READING_H
#define BLUEGREEN_INPUTS_READING_H

#include "cmd/inputs/inputs.h"

#define INPUTS_VALUE_MAX (128 * 1024) /* Linux passes no longer NAME=VALUE: MAX_ARG_STRLEN */

#define INPUTS_ROWS_MAX 104

struct inputs_row;

/* One call of inputs_read(). */
struct inputs_reading {
    inputs_env_fn *env;
    void *ctx;
    struct inputs *in;
    struct buf *problems;        /* lines, borrowed */
    struct err *err;             /* filled by the first problem */
    int result;                  /* 0, or -kind of the first problem */
    unsigned told;               /* problems so far */
    bool wrong[INPUTS_ROWS_MAX]; /* by index of the row: it was told already */
};

/*
 * value: terminated, trimmed, not empty. Writes the field at row->at, or tells a problem. 0, or -ERR_NOMEM: only that ends
 * the reading.
 */
typedef int inputs_reader_fn(struct inputs_reading *rd, const struct inputs_row *row, const char *value);

struct inputs_row {
    const char *id;   /* as in action.yml */
    const char *dflt; /* likewise; "" none; what begins with ${{ is filled in by the runner only */
    bool secret;
    inputs_reader_fn *read;
    size_t at;                       /* offset of the field in struct inputs */
    int64_t min, max;                /* of numbers, durations (ms), sizes (bytes), CPUs (10^-9) */
    bool (*check)(const char *text); /* of texts and of list items */
    const char *wants;               /* for people: what check() accepts */
};

inputs_reader_fn inputs_read_text;     /* char *; check (NULL: any), wants */
inputs_reader_fn inputs_read_number;   /* int64_t; min, max */
inputs_reader_fn inputs_read_ssh_port; /* int */
inputs_reader_fn inputs_read_duration; /* int64_t ms; min, max */
inputs_reader_fn inputs_read_seconds;  /* int64_t s; min, max in ms; whole seconds only */
inputs_reader_fn inputs_read_since;    /* int64_t Unix ms: a duration before now, or a time */
inputs_reader_fn inputs_read_size;     /* int64_t bytes; min, max */
inputs_reader_fn inputs_read_cpus;     /* int64_t 10^-9 CPUs; min, max */
inputs_reader_fn inputs_read_bool;     /* bool */
inputs_reader_fn inputs_read_list;     /* struct strlist; check, wants for each item */
inputs_reader_fn inputs_read_env;      /* struct strlist of KEY=VALUE */
inputs_reader_fn inputs_read_host;     /* char *: host, brackets dropped */
inputs_reader_fn inputs_read_kpi;      /* struct kpi_table */

/* Row of this id, and whether a problem of it was told already. The id must be in the table. */
const struct inputs_row *inputs_row_of(const char *id);
bool inputs_is_wrong(const struct inputs_reading *rd, const char *id);

/* Read an env file's text into `into`; problems are told as of `row`. */
int inputs_read_env_text(struct inputs_reading *rd, const struct inputs_row *row, struct span text, bool is_file,
                         struct strlist *into);

/* "input 'ID' line N: TEXT" (line 0: no number) as a line of problems; the first also becomes the error. */
void inputs_problem(struct inputs_reading *rd, enum err_kind kind, const char *id, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* "input 'ID': got 'VALUE', wants WANTS"; of a secret only the length. line 0: no number. */
void inputs_refuse(struct inputs_reading *rd, const struct inputs_row *row, unsigned line, struct span value,
                   const char *wants);

/* KEY of a KEY=VALUE text. */
struct span inputs_key_of(const char *item);
/* Index of the item with this key, or list->len. */
size_t inputs_find_key(const struct strlist *list, struct span key);

#endif
