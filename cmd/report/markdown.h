/* Pieces of Markdown: everything from outside is redacted, then escaped, at one place. */
#ifndef BLUEGREEN_MARKDOWN_H
#define BLUEGREEN_MARKDOWN_H

#include "shared/redact.h"

struct markdown {
    struct buf *out;
    const struct redactor *redactor; /* NULL: nothing is secret */
    size_t text_max;                 /* bytes shown of each text from outside; 0: MARKDOWN_TEXT_MAX */
};

/* Constants of ours, as they stand. */
void markdown_raw(const struct markdown *m, const char *constant);
void markdown_rawf(const struct markdown *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Words from outside, for a paragraph or a table cell; at most text_max bytes of them, then "…". */
#define MARKDOWN_TEXT_MAX 2000
void markdown_text(const struct markdown *m, const char *text);
/* The same as code; a dash when empty. */
void markdown_code(const struct markdown *m, const char *text);
/* A link to an http(s) address; any other address, and one that names a user, is shown as code. `words` NULL: the address itself. */
void markdown_link(const struct markdown *m, const char *words, const char *url);
/* The same inside of HTML that begins a line (a <table>, say), where Markdown is not read. */
void markdown_html_code(const struct markdown *m, const char *text);
void markdown_html_link(const struct markdown *m, const char *words, const char *url);
/* "sha256:1a2b3c4d5e6f" as code: enough of a digest to tell two from each other. */
void markdown_digest(const struct markdown *m, const char *digest);
/* A fenced block of lines; the last max_bytes of them. */
void markdown_fence(const struct markdown *m, struct span text, size_t max_bytes);
/* "4.20 s", or a dash below 0. */
void markdown_seconds(const struct markdown *m, double seconds);
/* "2026-01-29 03:10:02" of an ISO 8601 time in UTC; anything else as text. */
void markdown_time(const struct markdown *m, const char *iso);
/* "12.3 MB", or a dash below 0. */
void markdown_bytes(const struct markdown *m, double bytes);

#endif
