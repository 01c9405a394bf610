/*
 * One call of an artifact upload: an HTTP exchange that is tried again where that makes sense, within the upload's deadline.
 */
#ifndef BLUEGREEN_ARTIFACT_CALL_H
#define BLUEGREEN_ARTIFACT_CALL_H

#include "cmd/artifact/artifact.h"
#include "shared/http.h"
#include "shared/json.h"

#define ARTIFACT_ANSWER_MAX (256 * 1024) /* bytes of an answer */
#define ARTIFACT_RETRY_LINES 24          /* told of one upload; further ones are not */

/* What the calls of one upload have in common. */
struct artifact_line {
    const struct artifact_options *o;
    struct http *http;
    int64_t deadline_ms; /* monotonic */
    unsigned told;
};

struct artifact_call {
    const char *what;            /* "CreateArtifact", "block 3 of 32": for messages */
    struct http_request request; /* without times and label */
    unsigned attempts;
    bool json; /* a good answer is a JSON object; one that cannot be read counts as no answer */
};

struct artifact_answer {
    struct http_response http;
    struct json *json; /* of an answer that can be read; NULL otherwise */
    bool doubtful;     /* an attempt before the last may have been carried out without our knowing */
};

/*
 * 0 when an answer came that is no reason to try again: 2xx, or a refusal for good; when every attempt was answered by
 * 429 or 5xx, 0 with the last of these. -ERR_ARTIFACT (no answer; the text has the reason), -ERR_CANCEL.
 * artifact_answer_done() in every case.
 */
int artifact_call(struct artifact_line *line, const struct artifact_call *call, struct artifact_answer *ret,
                  struct err *err);
void artifact_answer_done(struct artifact_answer *a);

bool artifact_answer_is_good(const struct artifact_answer *a); /* 2xx */

/* How long: doubled each time, or as the peer asks with Retry-After (0: it does not); bounded. */
int64_t artifact_pause_ms(unsigned attempt, int64_t retry_after_ms);
/* Wait before the next attempt (1: the first was just made). -ERR_CANCEL, -ERR_ARTIFACT when the upload's time is over. */
int artifact_pause(const struct artifact_line *line, unsigned attempt, int64_t retry_after_ms, struct err *err);

/* Tell a line of ours, if there is anybody to tell. */
void artifact_note(const struct artifact_line *line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
