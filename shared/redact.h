/*
 * Takes secrets out of text that leaves the program: log lines, events, error texts, bundles.
 *
 * A secret is registered whole, without the blanks around it, and line by line (lines of REDACT_LINE_MIN bytes or more,
 * PEM armour excepted), each as it is and in every encoding of shared/redact_forms.h. A text of several lines longer than
 * REDACT_WHOLE_MAX is encoded line by line only: nearly all of it is found by them. Every byte that is part of an
 * occurrence goes: overlapping occurrences become one "***".
 *
 * redactor_apply() takes text that is whole: nothing of a secret lies before or behind it. Text that comes in pieces goes
 * through a stream, which holds back what may be the beginning of a secret. Of text whose end was cut off, e.g. to fit
 * into a buffer, redactor_apply_cut() also hides a last piece that a secret may begin with.
 */
#ifndef BLUEGREEN_REDACT_H
#define BLUEGREEN_REDACT_H

#include "buf.h"

#define REDACT_MIN 4      /* shorter secrets are not searched for: they would blank ordinary text */
#define REDACT_LINE_MIN 8 /* the same for one line of a secret, and for what is left of one that was cut */
/* Encoded forms of all secrets together; secrets and lines as they are may take 16384 and 1 MiB more. */
#define REDACT_FORMS_MAX 131072
#define REDACT_BYTES_MAX (12 * 1024 * 1024)
#define REDACT_WHOLE_MAX 4096 /* an RSA key of 4096 bits has 3.4 KB */

struct redactor;

int redactor_new(struct redactor **ret, struct err *err);
void redactor_free(struct redactor *r); /* zeroes what it held; NULL is fine */
void redactor_free_p(struct redactor **r);

/*
 * Register a value; copied. Shorter than REDACT_MIN or known already: nothing happens. -ERR_NOMEM, also beyond
 * REDACT_FORMS_MAX or REDACT_BYTES_MAX; the value and its lines as they are may be registered then, encodings of them in
 * part. Streams that are open know the value from the first byte on that they still hold back.
 */
int redactor_add(struct redactor *r, struct span secret, struct err *err);

/* Append text to out with every secret replaced. `r` NULL: copies. */
void redactor_apply(const struct redactor *r, struct span text, struct buf *out);
/*
 * The same for text that may go on behind its end: REDACT_LINE_MIN bytes or more there that begin a form go too. A text
 * below REDACT_CUT_MIN bytes was not cut by anybody, and keeps an end like "registry/shop" beside a secret "shop-…".
 */
#define REDACT_CUT_MIN                                                                                                 \
    90 /* the smallest array that words from outside are cut to: struct engine_pull_progress has 96 */
void redactor_apply_cut(const struct redactor *r, struct span text, struct buf *out);

/* The texts of an error, each of which may have been cut to fit. */
void redactor_clean_err(const struct redactor *r, struct err *e);

/* One text in pieces. What comes out is what redactor_apply() makes of the whole, wherever it was split. */
struct redact_stream {
    const struct redactor *r; /* borrowed; NULL: copies */
    struct buf held;          /* read, not yet decided: less than the longest form */
    size_t hidden;            /* bytes at the front of it that belong to an occurrence */
};

void redact_stream_init(struct redact_stream *s, const struct redactor *r);
void redact_stream_done(struct redact_stream *s);
/* Append what is decided to `out`. Without memory the piece is lost, and out->failed is set. */
void redact_stream_feed(struct redact_stream *s, struct span text, struct buf *out);
/* Append the rest; the stream is then as new. */
void redact_stream_finish(struct redact_stream *s, struct buf *out);

#endif
