/* Pieces of Markdown: everything from outside is redacted, then escaped, at one place. */
#ifndef BLUEGREEN_MARKDOWN_H
#define BLUEGREEN_MARKDOWN_H

#include "shared/redact.h"

struct markdown {
    struct buf *out;
    const struct redactor *redactor; /* NULL: nothing is secret */
};

/* Constants of ours, as they stand. */
void markdown_raw(const struct markdown *m, const char *constant);
void markdown_rawf(const struct markdown *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Words from outside, for a paragraph or a table cell; at most MARKDOWN_TEXT_MAX bytes of them. */
#define MARKDOWN_TEXT_MAX 2000
void markdown_text(const struct markdown *m, const char *text);
/* The same as code; a dash when empty. */
void markdown_code(const struct markdown *m, const char *text);
/* A fenced block of lines; the last max_bytes of them. */
void markdown_fence(const struct markdown *m, struct span text, size_t max_bytes);
/* "4.20 s", or a dash below 0. */
void markdown_seconds(const struct markdown *m, double seconds);
/* "12.3 MB", or a dash below 0. */
void markdown_bytes(const struct markdown *m, double bytes);

#endif
