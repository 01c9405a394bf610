/*
 * struct span: borrowed bytes. struct buf: owned bytes, always terminated, never without a limit.
 *
 * Appends do nothing after a failure (limit or memory), which is checked once with buf_check(). Parsers take a span,
 * read through the span_ verbs below, and never look past len.
 */
#ifndef BLUEGREEN_BUF_H
#define BLUEGREEN_BUF_H

#include "banned.h"
#include "cleanup.h"
#include "err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

struct span {
    const char *ptr;
    size_t len;
};

struct buf {
    char *ptr; /* NULL while empty; otherwise terminated at ptr[len] */
    size_t len;
    size_t cap;
    size_t max;  /* bytes, terminator not counted */
    bool failed; /* an append did not fit or had no memory; sticky */
};

#define BUF_INIT(max_bytes) { .max = (max_bytes) }
#define SPAN_LIT(s) ((struct span){ .ptr = "" s, .len = sizeof(s) - 1 })

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);      /* frees; leaves an empty buf with the same max */
void buf_wipe_done(struct buf *b); /* zeroes the bytes first: for secrets. Growth also zeroes what it leaves behind */
void buf_reset(struct buf *b);     /* empty, keeps the memory, clears failed */

void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_add_span(struct buf *b, struct span s);
void buf_adds(struct buf *b, const char *s); /* NULL adds nothing */
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void buf_consume(struct buf *b, size_t n); /* drop the first n bytes */

/* 0, or -ERR_NOMEM naming the limit when an append failed. */
int buf_check(const struct buf *b, struct err *err);

/* The text; "" when empty. Valid until the next change. */
const char *buf_str(const struct buf *b);
struct span buf_span(const struct buf *b);
/* Hand the heap string over (caller frees); NULL when failed or out of memory. The buf is empty afterwards. */
char *buf_detach(struct buf *b);

const char *base_name(const char *path); /* what follows the last '/'; borrowed */

struct span span_of(const char *s); /* of a terminated string; NULL gives an empty span */
bool span_eq(struct span a, const char *s);
bool span_starts(struct span a, const char *prefix);
bool span_contains(struct span a, const char *needle);
struct span span_trim(struct span a); /* blanks, tabs, CR and LF at both ends */
/* Cut the next line (without LF; a CR before it stays) off *rest. false when rest is empty. */
bool span_next_line(struct span *rest, struct span *line);
/* Cut up to the first `sep` off *rest into *part; the separator is dropped. false when rest is empty. */
bool span_split(struct span *rest, char sep, struct span *part);
/* Heap copy, terminated; NULL when out of memory or when the span holds a NUL byte. */
char *span_dup(struct span a);
/* Whole span is a decimal number within [min, max]. No sign, no blanks. */
bool span_to_int(struct span a, int64_t min, int64_t max, int64_t *ret);
/* Bytes (1 to 4) of the well-formed UTF-8 character at the front; 0 when there is none. */
size_t span_utf8_next(struct span s);
bool span_is_utf8(struct span s);

static inline void buf_done_p(struct buf *b)
{
    buf_done(b);
}

static inline void buf_wipe_done_p(struct buf *b)
{
    buf_wipe_done(b);
}

#endif
