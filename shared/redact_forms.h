/*
 * The ways a secret is written on its way into a log: the table of encodings, and the forms a value takes in each.
 *
 * Where an encoding mixes neighbouring bytes (base64, base32), the forms are what every text that contains the value
 * has in common: one for each place of a group where the value may begin. Where tools fold long lines (base64(1), xxd(1),
 * od(1)), each line is a form. What the value's own neighbours contribute, at most three digits at each end, is no part.
 */
#ifndef BLUEGREEN_REDACT_FORMS_H
#define BLUEGREEN_REDACT_FORMS_H

#include "buf.h"

#define REDACT_FOLDED_MIN 8 /* a shorter rest of a folded line is no form: it would blank ordinary text */

/* From value to text; what does not fit is told by the buffer. */
typedef void redact_step_fn(struct span value, struct buf *out);
/* Takes one form; borrowed for the call. Negative stops. */
typedef int redact_form_fn(void *ctx, struct span form, struct err *err);
/* From the text to its forms; `arg` is the row's. */
typedef int redact_cut_fn(struct span text, unsigned arg, redact_form_fn *fn, void *ctx, struct err *err);

struct redact_encoding {
    const char *name;
    redact_step_fn *step[2]; /* one after the other; NULL: none */
    redact_cut_fn *cut;
    unsigned arg;
};

/* The table; its first row is the value as it is. */
const struct redact_encoding *redact_encodings(size_t *count);

/* Hand over every form the value takes in one encoding. What `fn` returned, or -ERR_NOMEM. */
int redact_encode(const struct redact_encoding *e, struct span value, redact_form_fn *fn, void *ctx, struct err *err);

#endif
