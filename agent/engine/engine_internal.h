/*
 * What the files of the engine door share. Nobody else includes this (tests and fuzz targets of these files do).
 */
#ifndef BLUEGREEN_ENGINE_INTERNAL_H
#define BLUEGREEN_ENGINE_INTERNAL_H

#include "agent/engine/engine.h"
#include "shared/http.h"

#define ENGINE_API_MAX_MINOR 47 /* the newest API that this code was written against: 1.47, Engine 27 */
#define ENGINE_API_MIN_MINOR 30 /* GET /distribution came with it: Engine 17.06 */
#define ENGINE_API_ONE_SHOT 41  /* stats?one-shot= */

#define ENGINE_TIMEOUT_MS 30000        /* questions */
#define ENGINE_CHANGE_TIMEOUT_MS 60000 /* create, start, remove: slow on a small, busy host */
#define ENGINE_BODY_MAX ((size_t)4 * 1024 * 1024)
#define ENGINE_LIST_MAX ((size_t)8 * 1024 * 1024)
#define ENGINE_PATH_MAX 4096

struct engine {
    struct http *http;
    char socket_path[108]; /* sizeof(sockaddr_un.sun_path) */
    int64_t limit_ms;      /* of every call; 0: none */
    int api_minor;         /* 41: "1.41"; 0 before the negotiation */
};

struct engine_request {
    const char *method;
    const char *path;         /* begins with '/', without the version */
    struct span body;         /* len 0: none */
    const char *content_type; /* of the body; NULL: JSON */
    const char *header;       /* one more header line, or NULL */
    bool unversioned;         /* no /v1.NN in front */
    int64_t timeout_ms;       /* 0: ENGINE_TIMEOUT_MS */
    size_t max_body;          /* 0: ENGINE_BODY_MAX */
    int accept[4];            /* statuses beside 2xx and 304 that are no error here; 0: none */
    /* Kind of an error answer and its hint; NULL: engine_words_common(). Returns ERR_OK to leave it at ERR_DOCKER. */
    enum err_kind (*kind_of)(int status, const char *words, const char **hint);
    int (*on_data)(void *ctx, struct span data); /* as in struct http_request */
    void *ctx;
};

struct engine_answer {
    int status;
    char words[ERR_TEXT_MAX]; /* `message` of an accepted error answer; "" otherwise */
    char api_version[16];
    struct json *json; /* of a 2xx answer with a JSON body; NULL: none. Owned */
};

/*
 * Do one call. 0 when the status is 2xx, 304 or accepted. Otherwise -kind with the engine's own words and err->code its
 * status. *ret is initialised here (may be NULL when the answer does not matter); end it with engine_answer_done().
 */
int engine_call(struct engine *e, const struct engine_request *request, struct engine_answer *ret, struct err *err);
void engine_answer_done(struct engine_answer *a);

/* The same with a JSON body, which may be NULL. */
int engine_call_json(struct engine *e, struct engine_request *request, const struct json *body,
                     struct engine_answer *ret, struct err *err);

/* Append a name or reference to a path: letters, digits and ._:@/- stay, everything else is percent-encoded. */
void engine_path_add(struct buf *path, const char *name);
/* prefix, name, suffix in one. -ERR_INPUT when name is empty or cannot be part of a path. */
int engine_path(struct buf *path, const char *prefix, const char *name, const char *suffix, struct err *err);

/* Copy text into a field, cut at its size; NULL is "". */
void engine_copy(char *out, size_t size, const char *text);

/* "1.41" -> 41; -1 when it is not of that form. */
int engine_api_minor(const char *api);

/* ---- what the engine's words mean (engine_words.c) ---- */

/* Case-insensitive search. */
bool engine_words_have(const char *words, const char *needle);
enum err_kind engine_words_common(int status, const char *words, const char **hint);
enum err_kind engine_words_pull(int status, const char *words, const char **hint);
enum err_kind engine_words_login(int status, const char *words, const char **hint);
enum err_kind engine_words_start(int status, const char *words, const char **hint);
enum err_kind engine_words_connect(int status, const char *words, const char **hint);
/* Set err from an error answer: kind and hint by kind_of, the text "HTTP-less": the engine's words as they are. */
int engine_words_error(enum err_kind (*kind_of)(int, const char *, const char **), int status, const char *words,
                       struct err *err);
/* The error of an accepted answer that turned out to be one after all: "Docker Engine: WHAT NAME: its words". */
int engine_refused(const struct engine_answer *answer, enum err_kind (*kind_of)(int, const char *, const char **),
                   const char *what, const char *name, struct err *err);
/* Copy with every 64-digit id cut to the 12 digits that `docker ps` shows, so that messages stay readable. */
void engine_words_shorten(struct span text, char *out, size_t size);

/* ---- the pull's progress stream (engine_pull.c) ---- */

#define ENGINE_LAYERS_MAX 256 /* Docker's own limit is 127 */
#define ENGINE_PULL_OBJECT_MAX ((size_t)64 * 1024)

struct engine_layer {
    char id[24];
    int64_t current, total;
    bool done;
};

struct engine_pull {
    struct buf object; /* the JSON object being collected */
    unsigned depth;
    bool in_string, escaped;
    struct engine_layer layers[ENGINE_LAYERS_MAX];
    struct engine_pull_progress progress;
    uint64_t objects;         /* seen so far */
    char error[ERR_TEXT_MAX]; /* first error object's words; "": none */
    void (*on_progress)(void *ctx, const struct engine_pull_progress *p);
    void *ctx;
    int64_t told_at_ms; /* monotonic; 0: never */
    struct err *err;    /* where engine_pull_feed() says what is wrong with the stream */
};

void engine_pull_init(struct engine_pull *p);
void engine_pull_done(struct engine_pull *p);
/* Take the next bytes, cut anywhere. 0 or -ERR_PROTO. Fits engine_request.on_data with ctx = the struct. */
int engine_pull_feed(void *pull, struct span data);
/* End of the stream. -ERR_PROTO when it ends inside an object; the kind of the error object when there was one. */
int engine_pull_finish(struct engine_pull *p, struct err *err);

/* ---- logs: frames and the newest bytes (engine_stream.c) ---- */

/* Ring that keeps the newest `max` bytes. */
struct engine_tail {
    char *ring;
    size_t max;
    size_t at;      /* where the next byte goes */
    uint64_t total; /* bytes ever added */
};
int engine_tail_init(struct engine_tail *t, size_t max, struct err *err); /* max > 0 */
void engine_tail_done(struct engine_tail *t);
void engine_tail_add(struct engine_tail *t, struct span data);
/* Append at most `max` bytes to out. When bytes were lost, it begins with a whole line, if there is one. */
void engine_tail_get(const struct engine_tail *t, struct buf *out);

/*
 * Demultiplexer of {stream,0,0,0,len_be32} + payload frames, which may be split anywhere. Source: Engine API,
 * ContainerAttach "Stream format".
 */
#define ENGINE_STREAMS 4 /* 0 stdin, 1 stdout, 2 stderr, 3 the engine's own errors */
struct engine_demux {
    bool raw; /* TTY: no frames, everything is payload */
    bool hides;
    unsigned char header[8];
    size_t header_len;
    uint32_t left;       /* of the current payload */
    engine_log_fn *emit; /* where the payload goes */
    void *ctx;
    struct redact_stream streams[ENGINE_STREAMS]; /* frames of one may stand between two halves of another's line */
    struct buf clean;                             /* on its way out */
    struct err *err;
};
/* All borrowed; hide NULL: nothing is secret. */
void engine_demux_init(struct engine_demux *d, bool raw, engine_log_fn *emit, void *ctx, const struct redactor *hide,
                       struct err *err);
/* Fits `emit` with ctx = a struct engine_tail. */
int engine_tail_take(void *tail, struct span data);
void engine_demux_done(struct engine_demux *d);
/* After the last byte: what was held back is emitted. */
int engine_demux_finish(struct engine_demux *d, struct err *err);
/* 0 or -ERR_PROTO. Fits engine_request.on_data with ctx = the struct. */
int engine_demux_feed(void *demux, struct span data);

/* ---- others ---- */

/* X-Registry-Auth header line for auth; empty when anonymous. Holds the password: wipe it. */
int engine_auth_header(const struct engine_auth *auth, struct buf *out, struct err *err);
/* The JSON object {username,password,serveraddress}. Holds the password: wipe it. */
int engine_auth_json(const struct engine_auth *auth, struct buf *out, struct err *err);

/* Read a stats answer. at_ms is not set. */
void engine_stats_read(const struct json *j, struct engine_stats *ret);

#endif
