/*
 * The GitHub sink: the only writer to stdout, and the only place that prints workflow commands.
 *
 * Words from outside go through github_remote_line(): prefixed, split at CR and LF, control bytes made visible, "##["
 * and "::" broken so that the runner recognises no command. Everything else printed here is redacted and made safe as
 * well, commands excepted, and those are composed here alone. Annotations spend a budget of 10 per type and step.
 */
#ifndef BLUEGREEN_GITHUB_H
#define BLUEGREEN_GITHUB_H

#include "shared/redact.h"

#define GITHUB_ANNOTATIONS_MAX 10
#define GITHUB_ANNOTATION_CHARS 4096       /* the runner cuts there */
#define GITHUB_REMOTE_LINE_MAX (16 * 1024) /* bytes shown of one remote line */
#define GITHUB_REMOTE_LINES_MAX 50000      /* remote lines shown in one run; the rest is counted */
#define GITHUB_REMOTE_BYTES_MAX (16 * 1024 * 1024)
#define GITHUB_SUMMARY_MAX (1024 * 1024 - 1024) /* the runner refuses more than 1 MiB */
#define GITHUB_VALUE_MAX (64 * 1024)            /* one output or state value */

struct github;

/* fd: where to write (1). on_actions: print commands (GITHUB_ACTIONS=true), otherwise plain text for a terminal. */
int github_new(struct github **ret, int fd, bool on_actions, const struct redactor *redactor, struct err *err);
/* The same into a function: takes all bytes and returns 0; anything else is a reader that is gone. */
typedef int github_write_fn(void *ctx, struct span bytes);
int github_new_writer(struct github **ret, github_write_fn *write_fn, void *ctx, bool on_actions,
                      const struct redactor *redactor, struct err *err);
void github_free(struct github *g); /* ends an open group, says how many lines were dropped */
void github_free_p(struct github **g);

/*
 * Have the runner hide a secret of REDACT_MIN bytes or more; of one with several lines, each line of REDACT_LINE_MIN bytes
 * or more for itself: given the whole, the runner would hide short lines like "}" too. First thing to be printed.
 */
void github_mask(struct github *g, const char *value);
void github_group(struct github *g, const char *title); /* ends an open one first */
void github_endgroup(struct github *g);
/* One line of our own words (still redacted and made safe); further lines in it are indented. */
void github_line(struct github *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Words from a host, container or registry; `prefix` is ours ("app", "host"), a constant. */
void github_remote_line(struct github *g, const char *prefix, struct span text);
/* Print how many remote lines were dropped since the last call, if any. */
void github_tell_dropped(struct github *g);

enum github_level { GITHUB_NOTICE, GITHUB_WARNING, GITHUB_ERROR };
/* Where the annotations from now on point: a file of the workspace, "" nowhere, and a line of it, 0 none. Ours, plain. */
void github_set_position(struct github *g, const char *file, int line);
/* title: best a constant (the runner does not mask titles); redacted and made safe all the same. Message is cut at 4096 characters. Over budget: an ordinary line. */
void github_annotate(struct github *g, enum github_level level, const char *title, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Shown with step debug (RUNNER_DEBUG=1) only; counts as a remote line. */
void github_debug(struct github *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * File commands: GITHUB_OUTPUT, GITHUB_STATE. Values may hold newlines; they are made safe, outputs are redacted too. State is
 * for words of ours only, and stays whole: a deployment's id in which a short secret happens to stand would be lost to
 * post. No file: nothing happens. -ERR_IO, -ERR_NOMEM beyond GITHUB_VALUE_MAX.
 */
int github_output(struct github *g, const char *name, const char *value, struct err *err);
int github_state(const char *name, const char *value, struct err *err);
/* Append Markdown to GITHUB_STEP_SUMMARY (at most 1 MiB; cut with a note). Redacted here once more. */
int github_summary(struct github *g, struct span markdown, struct err *err);

/* What was printed, as plain text (cmd/log/logcopy.h says how much of it): whole, and the last lines. */
void github_log(const struct github *g, struct buf *out);
void github_log_tail(const struct github *g, size_t lines, struct buf *out);

/* Append text with every secret replaced. */
void github_redact(const struct github *g, struct span text, struct buf *out);

#endif
