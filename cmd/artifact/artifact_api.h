/*
 * The calls of the runner's results service (Twirp: JSON by POST). Answers are read leniently: snake_case or camelCase,
 * 64-bit numbers as text or number, what is absent is empty.
 */
#ifndef BLUEGREEN_ARTIFACT_API_H
#define BLUEGREEN_ARTIFACT_API_H

#include "cmd/artifact/artifact_call.h"

#define ARTIFACT_ID_SIZE 128     /* of a backend id, with terminator */
#define ARTIFACT_URL_MAX 8192    /* bytes of a signed URL */
#define ARTIFACT_TOKEN_MAX 65536 /* bytes of the runner's token */

/* Who uploads: the two ids that every request carries, out of the token. */
struct artifact_ids {
    char run[ARTIFACT_ID_SIZE], job[ARTIFACT_ID_SIZE];
};

/* The token is a JWT; its signature is the service's business. -ERR_ARTIFACT when it gives no right to artifacts. */
int artifact_ids_from_token(const char *token, struct artifact_ids *ret, struct err *err);

/* "https://host:port" of a URL; false when it is none of http or https, or too long. */
bool artifact_origin(const char *url, char *out, size_t out_size);

struct artifact_api {
    struct artifact_line *line;
    struct artifact_ids ids;
    char origin[300];
    char name[256];
    int64_t retention_days; /* 0: not sent */
};

/* -ERR_ARTIFACT for a token or an address that does not do. */
int artifact_api_init(struct artifact_api *api, struct artifact_line *line, struct err *err);

/*
 * The signed URL into *url (secrets are told before this returns). -ERR_ARTIFACT, -ERR_CANCEL; 1: the name is taken, *doubtful
 * says whether by an attempt of this very call.
 */
int artifact_api_create(const struct artifact_api *api, struct buf *url, bool *doubtful, struct err *err);

/* An artifact of that name in this run. */
struct artifact_found {
    struct artifact_ids ids;
    char id[32]; /* decimal; "" not told */
    int64_t size;
};
/* 1: found; 0: there is none; -kind. */
int artifact_api_find(const struct artifact_api *api, struct artifact_found *ret, struct err *err);
/* Remove it. An artifact that is gone already is no error. */
int artifact_api_delete(const struct artifact_api *api, const struct artifact_ids *ids, struct err *err);
/* All bytes are there; hex is their SHA-256. */
int artifact_api_finalize(const struct artifact_api *api, int64_t bytes, const char *hex, char id[32], struct err *err);

/* Whatever came back as `msg`, for a message: printable, cut, and without token or signature. For tests. */
void artifact_api_words(const struct artifact_api *api, const struct json *answer, char out[200]);

#endif
