/* The answer to a question, out of the report events that bring it (docs/protocol.md "Reports"). */
#ifndef BLUEGREEN_ANSWER_H
#define BLUEGREEN_ANSWER_H

#include "shared/event.h"

#define ANSWER_NAME_SIZE 24
#define ANSWER_ENTRIES_MAX 10000 /* as many as may be asked for */
#define ANSWER_MEMORY_MAX                                                                                              \
    (96LL * 1024 * 1024) /* of all entries together, about; ten thousand of a history are a third of it */
#define ANSWER_TEXT_MAX (64 * 1024 * 1024) /* a whole answer as text, JSON or for people */

/* How much there is of an answer; zeroed before the first event. */
struct answer_size {
    size_t entries;
    int64_t memory; /* bytes that the entries take, about */
    bool cut;       /* what was over a limit was left out */
};

/*
 * Take a report event in. *report (owned by the caller; NULL before the first), name ("status") and *size are what came so far: the
 * entries of the later parts of a long answer follow those of the first, up to both limits. A report of another name replaces it. An
 * event whose name is not of small letters is none: names become parts of file names.
 */
void answer_add(const struct event *ev, char name[ANSWER_NAME_SIZE], struct json **report, struct answer_size *size);

#endif
