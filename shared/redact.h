/*
 * Takes secrets out of text that leaves the program: log lines, events, error texts, bundles.
 *
 * A secret is registered whole, without the blanks around it, and line by line (lines of REDACT_LINE_MIN bytes or more,
 * PEM armour excepted); the whole also as base64 and base64url at each of the three alignments, wrapped as base64(1)
 * and openssl(1) do, JSON-escaped, percent-encoded and in hex. Text is handed over in whole lines or blobs. Every byte
 * that is part of an occurrence goes: overlapping occurrences become one "***".
 */
#ifndef BLUEGREEN_REDACT_H
#define BLUEGREEN_REDACT_H

#include "buf.h"

#define REDACT_MIN 4           /* shorter secrets are not searched for: they would blank ordinary text */
#define REDACT_LINE_MIN 8      /* the same for one line of a secret */
#define REDACT_FORMS_MAX 65536 /* of all secrets together; bounds memory */

struct redactor;

int redactor_new(struct redactor **ret, struct err *err);
void redactor_free(struct redactor *r); /* zeroes what it held; NULL is fine */
void redactor_free_p(struct redactor **r);

/*
 * Register a value; copied. Shorter than REDACT_MIN or known already: nothing happens. -ERR_NOMEM, also for more than
 * REDACT_FORMS_MAX forms; part of the forms may be registered then.
 */
int redactor_add(struct redactor *r, struct span secret, struct err *err);

/* Append text to out with every secret replaced. `r` NULL: copies. */
void redactor_apply(const struct redactor *r, struct span text, struct buf *out);

#endif
