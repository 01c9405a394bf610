/*
 * Settings: what a person may say of a deployment or of a question, by the same names and with the same refusals wherever it
 * is said: inputs of the action, options and files of a command line, on a laptop or on the host.
 *
 * A section is a table of rows, one row for each setting. A program puts sections in an order, its own ones among them, and
 * says where values come from; settings_read() fills the fields and tells every problem, not just the first.
 */
#ifndef BLUEGREEN_SETTINGS_H
#define BLUEGREEN_SETTINGS_H

#include "shared/cli/cli.h"
#include "shared/redact.h"
#include "shared/spec.h"
#include "shared/wire.h"

#define SETTINGS_VALUE_MAX (128 * 1024) /* Linux passes no longer NAME=VALUE: MAX_ARG_STRLEN */
#define SETTINGS_ROWS_MAX 112
#define SETTINGS_NAME_MAX 96

/* What a question, a rollback or a prune asks for, besides the app. */
struct settings_ask {
    char *to;         /* rollback: deployment, digest, tag or image; "" the previous version */
    char *of;         /* logs: blue, green, next or a deployment; bundle: a deployment; "" the usual one */
    int64_t since_ms; /* logs: Unix time of the oldest line; 0 any */
    int64_t lines;    /* logs, history: newest so many; 0 the usual number */
    bool dry_run;     /* prune */
};

/* What the rows of a section fill. */
enum settings_base { SETTINGS_OF_SPEC, SETTINGS_OF_ASK, SETTINGS_OF_PROGRAM, SETTINGS_BASES };

struct settings_reading;
struct settings_row;

/*
 * value: terminated, trimmed, not empty. Writes the field at row->at, or tells a problem. 0, or -ERR_NOMEM: only that ends
 * the reading.
 */
typedef int settings_reader_fn(struct settings_reading *rd, const struct settings_row *row, const char *value);

struct settings_row {
    const char *id;   /* as in action.yml */
    const char *dflt; /* likewise; "" none; what begins with ${{ is filled in by GitHub's runner only */
    bool secret;
    settings_reader_fn *read;
    size_t at;                       /* offset of the field in what the section fills */
    int64_t min, max;                /* of numbers, durations (ms), sizes (bytes), CPUs (10^-9) */
    bool (*check)(const char *text); /* of texts and of list items */
    const char *wants;               /* for people: what check() accepts */
    unsigned commands;               /* CLI_BIT() of those that take it as an option; 0: no option */
    const char *help;                /* of the option, one line */
};

struct settings_section {
    enum settings_base base;
    const struct settings_row *rows;
    size_t len;
};

/* The sections that every program has; a setting is in one of them only. */
extern const struct settings_section settings_asked;     /* to … dry-run */
extern const struct settings_section settings_container; /* app … stop-timeout */
extern const struct settings_section settings_health;    /* health-path … warm-up */
extern const struct settings_section settings_traffic;   /* strategy, spare-port */
extern const struct settings_section settings_keeping;   /* lock-timeout … kpi */
extern const struct settings_section settings_ecr;       /* ecr-auth, fail-on-severity */

/* In order: what is told first, and the order of lists for people. Ended by NULL. */
typedef const struct settings_section *const settings_table[];

/* The i-th row of the table, over all sections; NULL past the end. *base: of its section; may be NULL. */
const struct settings_row *settings_table_row(settings_table table, size_t i, enum settings_base *base);
/* Row of this id; NULL: there is none. */
const struct settings_row *settings_table_find(settings_table table, const char *id);

/* Its value has one entry a line. */
bool settings_is_list(const struct settings_row *row);
/* ... and each entry has a name: KEY=VALUE, NAME: VALUE. */
bool settings_is_map(const struct settings_row *row);
/* The i-th row as shared/cli/ takes it. false past the end. */
bool settings_table_option(settings_table table, size_t i, struct cli_setting *ret);

/* Where values come from. */
struct settings_source {
    void *ctx;
    /* As it was given, borrowed until the reading is over; NULL or "": it was not. */
    const char *(*value)(void *ctx, const char *id);
    /* What messages call the setting, such as "input 'port'" or "option '--port'". */
    void (*name)(void *ctx, const char *id, char out[SETTINGS_NAME_MAX]);
};

/* One reading; the first part is the caller's. */
struct settings_reading {
    const struct settings_section *const *table;
    const struct settings_source *source;
    void *into[SETTINGS_BASES]; /* struct spec, struct settings_ask, the program's own */
    const char *workspace;      /* env-file is looked up there and must not lead out of it; NULL: any file will do */
    const char *folder;   /* the same for a person: the folder of the configuration that named env-file; NULL: any */
    struct buf *problems; /* lines, borrowed */
    struct err *err;      /* filled by the first problem */

    int result;                    /* 0, or -kind of the first problem */
    unsigned told;                 /* problems so far */
    bool wrong[SETTINGS_ROWS_MAX]; /* by index of the row: it was told already */
    void *base;                    /* what the row that is being read fills */
    char *env_file;                /* as given, owned; NULL none */
};

/* Spec and ask before a reading: defaults; ports that settings_finish() derives from others are 0. -ERR_NOMEM. */
int settings_init(struct spec *spec, struct settings_ask *ask, struct err *err);
void settings_ask_done(struct settings_ask *ask);

/* Every row. 0, or -ERR_NOMEM; problems are told and kept in rd->result. settings_reading_done() in every case. */
int settings_read(struct settings_reading *rd);
/*
 * What settings want of each other, and what the operation cannot go without: app, image, of; ports and registry; the env file
 * is read and merged. As settings_read().
 */
int settings_finish(struct settings_reading *rd, enum wire_op op);
void settings_reading_done(struct settings_reading *rd);

/* Do the requests of this operation carry the settings of a deployment? */
bool settings_op_has_spec(enum wire_op op);

/*
 * Everything in the secret settings that must not be seen: each value whole and trimmed, and the values of secret-env. Wrong
 * ones as well. The first negative result of part() ends it and is returned.
 */
int settings_each_secret(settings_table table, const struct settings_source *source,
                         int (*part)(void *ctx, struct span text), void *ctx);

/* ---- for rows of a program's own ---- */

settings_reader_fn settings_read_text;     /* char *; check (NULL: any), wants */
settings_reader_fn settings_read_lines;    /* char *: lines, as they are */
settings_reader_fn settings_read_number;   /* int64_t; min, max */
settings_reader_fn settings_read_duration; /* int64_t ms; min, max */
settings_reader_fn settings_read_seconds;  /* int64_t s; min, max in ms; whole seconds only */
settings_reader_fn settings_read_since;    /* int64_t Unix ms: a duration before now, or a time */
settings_reader_fn settings_read_size;     /* int64_t bytes; min, max */
settings_reader_fn settings_read_cpus;     /* int64_t 10^-9 CPUs; min, max */
settings_reader_fn settings_read_bool;     /* bool */
settings_reader_fn settings_read_list;     /* struct strlist; check, wants for each item */
settings_reader_fn settings_read_env;      /* struct strlist of KEY=VALUE */
settings_reader_fn settings_read_kpi;      /* struct kpi_table */

/* A problem of this setting was told already. */
bool settings_is_wrong(const struct settings_reading *rd, const char *id);
/* "got nothing, wants WANTS" when value is empty and nothing was told of it before. */
void settings_require(struct settings_reading *rd, const char *id, const char *value, const char *wants);
/* "NAME line N: TEXT" (line 0: no number) as a line of problems; the first also becomes the error. */
void settings_problem(struct settings_reading *rd, enum err_kind kind, const char *id, unsigned line, const char *fmt,
                      ...) __attribute__((format(printf, 5, 6)));
/* "NAME: got 'VALUE', wants WANTS"; of a secret only the length. line 0: no number. */
void settings_refuse(struct settings_reading *rd, const struct settings_row *row, unsigned line, struct span value,
                     const char *wants);
/* -ERR_NOMEM: "read NAME: out of memory". */
int settings_no_memory(struct settings_reading *rd, const char *id);

/* Read an env file's text into `into`; problems are told as of env-file. */
int settings_read_env_text(struct settings_reading *rd, struct span text, struct strlist *into);

/* KEY of a KEY=VALUE text. */
struct span settings_key_of(const char *item);
/* Index of the item with this key, or list->len. */
size_t settings_find_key(const struct strlist *list, struct span key);

#endif
