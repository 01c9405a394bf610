/*
 * How a secret may be written in a log: a second writing of the encodings for tests, by maps of characters and by packing
 * bits, where the program has a function for each. It shares no code with the program.
 */
#ifndef BLUEGREEN_TESTS_ENCODER_H
#define BLUEGREEN_TESTS_ENCODER_H

#include <stddef.h>

#define ENCODER_LINE_MIN 8
#define ENCODER_FORM_MIN 4

typedef void encoder_fn(void *ctx, const char *form, size_t len);

size_t encoder_count(void);
const char *encoder_name(size_t i);
/* Every text of encoding `i` that all texts with this value have in common. */
void encoder_forms(size_t i, const char *value, size_t len, encoder_fn *fn, void *ctx);
/* All encodings of the secret, of the secret without blanks around it, and of its lines of ENCODER_LINE_MIN or more. */
void encoder_secret(const char *secret, size_t len, encoder_fn *fn, void *ctx);

#endif
