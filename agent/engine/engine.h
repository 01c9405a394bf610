/*
 * The one door to the Docker Engine API: a Unix socket, JSON, no docker CLI.
 *
 * The API version is negotiated at open: min(ENGINE_API_MAX, the engine's own). Every call has a deadline of its own.
 * A timed-out POST may still happen later, so callers look at the world again instead of trusting a failure.
 * Errors: -ERR_DOCKER_MISSING / -ERR_DOCKER_DENIED (socket), -ERR_DOCKER (answer with an error; err->code is the HTTP
 * status and the message the engine's own), -ERR_TIMEOUT, -ERR_CANCEL, and what a call's docstring names.
 */
#ifndef BLUEGREEN_ENGINE_H
#define BLUEGREEN_ENGINE_H

#include "shared/json.h"
#include "shared/redact.h"

#include <signal.h>

#define ENGINE_SOCKET "/var/run/docker.sock"
#define ENGINE_ID_MAX 80

struct engine;

/*
 * socket_path NULL: $DOCKER_HOST when it is unix://…, else ENGINE_SOCKET, else the rootless $XDG_RUNTIME_DIR/docker.sock
 * or /run/user/UID/docker.sock. cancel as in http_new(); may be NULL. Pings and negotiates.
 */
int engine_open(struct engine **ret, const char *socket_path, const volatile sig_atomic_t *cancel, struct err *err);
void engine_free(struct engine *e);
void engine_free_p(struct engine **e);
const char *engine_socket_path(const struct engine *e);
/* No call takes longer than this from now on, whatever its own deadline; 0: as they have it. */
void engine_limit(struct engine *e, int64_t timeout_ms);

struct engine_info {
    char version[64];
    char api[16]; /* negotiated */
    char os[32];
    char arch[32]; /* Docker's name: "amd64", "arm64" */
    char root_dir[256];
    char kernel[128];
    char storage_driver[64];
    bool live_restore;
    bool rootless;
};
int engine_info(struct engine *e, struct engine_info *ret, struct err *err);

/* ---- images ---- */

struct engine_image {
    char id[ENGINE_ID_MAX]; /* sha256:… */
    char arch[32], os[32];
    int64_t size_bytes;
    char digest[ENGINE_ID_MAX]; /* sha256:… of the RepoDigest of `repo`, "" when it has none (locally built) */
    struct json *raw;           /* whole inspect; owned */
};
/* repo: the repository whose RepoDigest is wanted; NULL: the first. 0; 1 when there is no such image. */
int engine_image_inspect(struct engine *e, const char *ref, const char *repo, struct engine_image *ret,
                         struct err *err);
void engine_image_done(struct engine_image *i);
/* Array as of GET /images/json: Id, RepoTags, RepoDigests, Size. Caller frees. */
int engine_image_list(struct engine *e, struct json **ret, struct err *err);

struct engine_pull_progress {
    int64_t current, total; /* bytes over all layers known so far */
    unsigned layers, layers_done;
    char status[96]; /* the engine's last words, filtered of control bytes */
};
/* credentials; username "" = anonymous. The password reaches the engine in a header, nothing else. */
struct engine_auth {
    const char *server; /* registry host[:port] */
    const char *username, *password;
};
/*
 * Check credentials (POST /auth). -ERR_REGISTRY_AUTH when refused, -ERR_REGISTRY when the registry cannot be reached.
 */
int engine_registry_login(struct engine *e, const struct engine_auth *auth, struct err *err);
/*
 * Pull repo at tag or digest ("sha256:…"); never all tags. progress is called at most 4 times a second and may be NULL.
 * Ends after timeout_ms. -ERR_IMAGE_MISSING, -ERR_REGISTRY_AUTH, -ERR_REGISTRY, -ERR_DISK_FULL, -ERR_PLATFORM as far as
 * the engine's words tell. A stream that ends is no proof: inspect afterwards.
 */
int engine_image_pull(struct engine *e, const char *repo, const char *tag_or_digest, const struct engine_auth *auth,
                      void (*progress)(void *ctx, const struct engine_pull_progress *p), void *ctx, int64_t timeout_ms,
                      struct err *err);
#define ENGINE_PLATFORMS_MAX 16
struct engine_remote {
    char digest[ENGINE_ID_MAX];               /* sha256:… that the tag names right now; "" the engine cannot tell */
    size_t platform_count;                    /* 0 unknown */
    char platforms[ENGINE_PLATFORMS_MAX][48]; /* "linux/amd64", "linux/arm64/v8" */
};
/* What the registry says of an image, without a pull: GET /distribution/REF/json. Failures as for a pull. */
int engine_image_remote(struct engine *e, const char *ref, const struct engine_auth *auth, struct engine_remote *ret,
                        struct err *err);
/* 0 removed, 1 gone already or in use by a container. Never forced. */
int engine_image_remove(struct engine *e, const char *ref, struct err *err);

/*
 * Make an image REPO:TAG from a tar or tar.gz that holds its files (POST /images/create?fromSrc=-); it starts `entrypoint`
 * (a JSON array in text form). Replaces what had that tag.
 */
int engine_image_import(struct engine *e, struct span archive, const char *repo, const char *tag,
                        const char *entrypoint, struct err *err);

/* ---- containers ---- */

struct engine_endpoint { /* one network of a container */
    char network[128];   /* name */
    char network_id[ENGINE_ID_MAX];
    char ip[48];                /* "" when not connected now */
    char static_ip[48];         /* IPAMConfig.IPv4Address, "" = dynamic */
    const struct json *aliases; /* array or NULL; owned by the raw of the container */
};
#define ENGINE_ENDPOINTS_MAX 16

struct engine_container {
    char id[ENGINE_ID_MAX];
    char name[128];  /* without the slash */
    char image[256]; /* Config.Image */
    char image_id[ENGINE_ID_MAX];
    char status[16]; /* created running paused restarting removing exited dead */
    bool running, restarting, oom_killed;
    int64_t exit_code;
    int64_t restart_count;
    char error[320]; /* State.Error */
    char started_at[40], finished_at[40], created[40];
    char health[16]; /* "", starting, healthy, unhealthy: the image's own HEALTHCHECK */
    char restart_policy[32];
    char network_mode[128];
    bool tty;
    struct engine_endpoint endpoints[ENGINE_ENDPOINTS_MAX];
    size_t endpoint_count;
    struct json *raw; /* whole inspect; owned */
};
/* 0; 1 when there is none of that name or id. */
int engine_container_inspect(struct engine *e, const char *name_or_id, struct engine_container *ret, struct err *err);
void engine_container_done(struct engine_container *c);
const char *engine_container_label(const struct engine_container *c, const char *label); /* "" when absent */
/* A time of the engine's ("2026-01-29T03:10:02.113456789Z") as Unix milliseconds; -1: none, or the zero time of "never". */
int64_t engine_time_ms(const char *text);
/* Bytes that a container has written to its own layer; 0 also when it is gone or the engine does not say. */
int engine_container_size(struct engine *e, const char *id, int64_t *ret_bytes, struct err *err);

/* Array as of GET /containers/json?all=1; label ("k=v") NULL: all. Caller frees. */
int engine_container_list(struct engine *e, const char *label, struct json **ret, struct err *err);
/* body: the create request (agent/container.c makes it). id out. 409 on the name is -ERR_DOCKER code 409. */
int engine_container_create(struct engine *e, const char *name, const struct json *body, char id[ENGINE_ID_MAX],
                            struct err *err);
/* 0, also when it runs already. A taken port is -ERR_PORT_TAKEN with the engine's words. */
int engine_container_start(struct engine *e, const char *id, struct err *err);
/* 0, also when it was stopped already or is gone. Waits grace_s + 10 s. */
int engine_container_stop(struct engine *e, const char *id, int64_t grace_s, struct err *err);
int engine_container_rename(struct engine *e, const char *id, const char *name, struct err *err); /* 0 when named so */
int engine_container_remove(struct engine *e, const char *id,
                            struct err *err); /* force, volumes of its own; 0 if gone */
/* The same, but one that runs stays: -ERR_DOCKER with the engine's words. */
int engine_container_remove_stopped(struct engine *e, const char *id, struct err *err);
/* {"Name":…,"MaximumRetryCount":…} as create and update want it; "" is "no". Owned by the caller. */
struct json *engine_restart_policy(const char *policy);
int engine_container_set_restart_policy(struct engine *e, const char *id, const char *policy /* no, on-failure:3 … */,
                                        struct err *err);
/*
 * The last `tail` lines of both streams, newest max_bytes kept (whole, demultiplexed). 0; *out is initialised by the
 * caller with its max >= max_bytes. Memory stays within 2 * max_bytes whatever the log's size. Secrets that `hide` knows
 * are replaced before anything is cut off; NULL: not filtered.
 */
int engine_container_logs(struct engine *e, const struct engine_container *c, int tail, size_t max_bytes,
                          bool timestamps, const struct redactor *hide, struct buf *out, struct err *err);

/* Takes the next bytes of a log; 0, or -kind, which ends it. */
typedef int engine_log_fn(void *ctx, struct span data);
struct engine_log_options {
    int64_t lines;    /* of the end, as far as they are not older than since_ms */
    int64_t since_ms; /* Unix time; 0: any */
    bool follow;      /* go on until the container ends or the engine's cancel flag is set */
};
/*
 * The same as it comes, and on as the container writes: bytes of both streams go to emit, secrets replaced as above (the
 * beginning of what may be one is held back until it is clear). -ERR_CANCEL; what emit returned.
 */
int engine_container_read_logs(struct engine *e, const struct engine_container *c, const struct engine_log_options *o,
                               const struct redactor *hide, engine_log_fn *emit, void *ctx, struct err *err);

struct engine_stats {                         /* one-shot sample */
    int64_t at_ms;                            /* monotonic */
    uint64_t cpu_total_ns;                    /* since start */
    int64_t memory_bytes, memory_limit_bytes; /* page cache subtracted */
    uint64_t net_rx_bytes, net_tx_bytes;
    int64_t pids;
};
int engine_container_stats(struct engine *e, const char *id, struct engine_stats *ret, struct err *err);

/*
 * Wait until a container of that name is started, at or after since_s (Unix seconds). 0 it was; 1 not within timeout_ms,
 * or the engine ended the stream.
 */
int engine_wait_for_start(struct engine *e, const char *name, int64_t since_s, int64_t timeout_ms, struct err *err);

/* ---- networks ---- */

struct engine_network {
    char id[ENGINE_ID_MAX];
    char name[128];
    char driver[32];
    char subnet[64]; /* first IPv4 */
    char gateway[48];
    bool internal;
    bool subnet_configured; /* the subnet was given at creation: static addresses are possible */
    struct json *raw;
};
int engine_network_inspect(struct engine *e, const char *name, struct engine_network *ret,
                           struct err *err); /* 1: none */
void engine_network_done(struct engine_network *n);
/* subnet NULL: the engine chooses. labels: object or NULL. 0, also when it exists. */
int engine_network_create(struct engine *e, const char *name, const char *subnet, const char *gateway,
                          const struct json *labels, struct err *err);
int engine_network_remove(struct engine *e, const char *name, struct err *err); /* 0 when gone, 1 in use */
/* static_ip "" = dynamic; aliases array or NULL. 0, also when connected already. -ERR_PORT_TAKEN. */
int engine_network_connect(struct engine *e, const char *network, const char *container, const char *static_ip,
                           const struct json *aliases, struct err *err);
int engine_network_disconnect(struct engine *e, const char *network, const char *container,
                              struct err *err); /* 0 if not */

#endif
