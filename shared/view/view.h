/*
 * The answers of the agent as people read them: a report (docs/protocol.md "Reports") to lines of text. One place, so that
 * the host's own command line, a laptop and the action's log show the same state in the same words.
 *
 * Words from outside go through shared/safetext.h here: nothing that a container or an image is called can reach a terminal
 * as a control sequence.
 */
#ifndef BLUEGREEN_VIEW_H
#define BLUEGREEN_VIEW_H

#include "shared/json.h"

struct view {
    struct buf *out; /* lines, each ended with LF */
    unsigned width;  /* columns of the terminal; 0: as long as they are */
    bool colour;     /* SGR sequences of ours; a terminal's, and NO_COLOR is not set */
    bool screen;     /* shown from the top, and the end may not fit: what is to be done comes before the details */
};

/* `name`: of the report event. false, and nothing is written: no such report is known. */
bool view_report(const struct view *v, const char *name, const struct json *report);

/* The first line alone, without LF: what the report comes to, in one sentence. */
bool view_sentence(const char *name, const struct json *report, struct buf *out);

#endif
