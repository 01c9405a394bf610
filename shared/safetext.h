/*
 * Words from outside made harmless: for a log that a program (the runner) reads line by line, and for Markdown.
 *
 * Control bytes become visible pictures (ESC is shown as U+241B); C1 and bidi controls, invisible characters, line
 * separators and invalid UTF-8 become U+FFFD. Both command syntaxes of the runner are broken with a blank: "##[" anywhere
 * and "::" as the first thing of a line. The runner compares by culture, so characters that such a comparison may
 * ignore do not hide a command here: everything outside ASCII is looked through.
 */
#ifndef BLUEGREEN_SAFETEXT_H
#define BLUEGREEN_SAFETEXT_H

#include "shared/buf.h"

/* Append `text` as one line: CR and LF become pictures as well. Invariant: the result holds no byte below 0x20 but TAB. */
void safetext_line(struct span text, struct buf *out);

/* Cut the next line off *rest: it ends at LF, CRLF or a lone CR, as the runner sees it. false when rest is empty. */
bool safetext_next_line(struct span *rest, struct span *line);

/* Append `text` for a paragraph or table cell: safetext_line(), then nothing of it can act as Markdown or HTML. */
void safetext_markdown(struct span text, struct buf *out);
/* Append `text` between HTML tags (a <summary>, say), where Markdown is not read. */
void safetext_html(struct span text, struct buf *out);
/* Append a fenced block with the lines of `text`; the fence is longer than any run of back-ticks inside. */
void safetext_fence(struct span text, struct buf *out);
/* Append `text` as a word of a Mermaid chart: letters, digits and "_.()-", anything else a blank. */
void safetext_mermaid(struct span text, struct buf *out);

/* The longest prefix of at most `max` bytes that ends between two characters (UTF-8). */
struct span safetext_cut(struct span text, size_t max);

#endif
