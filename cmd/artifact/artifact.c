#include "cmd/artifact/artifact.h"

#include "cmd/artifact/artifact_api.h"
#include "cmd/artifact/artifact_block.h"
#include "shared/clock.h"
#include "shared/crypto.h"
#include "shared/zip.h"

#include <fcntl.h>
#include <inttypes.h>
#include <strings.h>

#define RESTARTS_MAX ARTIFACT_ATTEMPTS
#define TOLD_EVERY_MS 30000 /* of progress that is slower than a quarter in this time */

struct upload {
    const struct artifact_options *o;
    struct artifact_line line;
    struct artifact_api api;
    struct zip zip;
    char hex[CRYPTO_SHA256_HEX_SIZE]; /* of the zip */
    struct buf url;                   /* signed; secret */
    char *block;                      /* ARTIFACT_BLOCK_BYTES */
    size_t blocks;
    size_t quarters; /* of the zip, told as sent */
    int64_t told_ms;
    bool created; /* once before: the name is taken by ourselves */
};

/* ---- what the runner offers ---- */

void artifact_service_from_env(struct artifact_service *ret, const char *token)
{
    *ret = (struct artifact_service){
        .results_url = getenv("ACTIONS_RESULTS_URL"),
        .token = token,
        .server_url = getenv("GITHUB_SERVER_URL"),
        .repository = getenv("GITHUB_REPOSITORY"),
        .run_id = getenv("GITHUB_RUN_ID"),
        .retention_days = getenv("GITHUB_RETENTION_DAYS"),
    };
}

static bool is_set(const char *s)
{
    return s && *s;
}

static bool ends_with(struct span s, const char *end)
{
    size_t n = strlen(end);

    return s.len > n && strncasecmp(s.ptr + s.len - n, end, n) == 0;
}

/* github.com, *.ghe.com, *.localhost: everything else is a GitHub Enterprise Server, as the toolkit sees it too. */
static bool is_github(const char *url)
{
    const char *host = strstr(url, "://");
    struct span name = { .ptr = host ? host + 3 : url };

    name.len = strcspn(name.ptr, ":/?#");
    return (name.len == 10 && strncasecmp(name.ptr, "github.com", 10) == 0) || ends_with(name, ".ghe.com") ||
           ends_with(name, ".localhost");
}

bool artifact_supported(const struct artifact_service *service, const char **why)
{
    *why = NULL;
    if (is_set(service->server_url) && !is_github(service->server_url))
        *why = "GitHub Enterprise Server has no artifact service that the action could upload to";
    else if (!is_set(service->results_url))
        *why = "this runner offers no artifact service (ACTIONS_RESULTS_URL is not set)";
    else if (!is_set(service->token))
        *why = "this runner gives the action no token for its artifact service (ACTIONS_RUNTIME_TOKEN is not set)";
    return !*why;
}

int64_t artifact_retention(int64_t wanted, const char *allowed)
{
    int64_t most = 0;

    if (!span_to_int(span_of(allowed), 1, 100000, &most) || wanted < most)
        return wanted;
    return most;
}

/* ---- create ---- */

static int fail_taken(const struct upload *u, struct err *err)
{
    (void)err_set(err, ERR_ARTIFACT, 409, "an artifact named '%s' exists in this run already", u->o->name);
    err_hint(err,
             "Give each upload of a run its own artifact-name (left empty, it is unique), or set artifact-overwrite: "
             "true. The bundle is in the workspace (output bundle-path).");
    return -ERR_ARTIFACT;
}

static int remove_existing(struct upload *u, struct err *err)
{
    struct artifact_found found;
    int r = artifact_api_find(&u->api, &found, err);

    if (r <= 0)
        return r;
    artifact_note(&u->line, "an earlier artifact of that name is replaced");
    return artifact_api_delete(&u->api, &found.ids, err);
}

/* The name is taken by what an attempt of ours left, unless a whole artifact has it. */
static int free_name(struct upload *u, struct err *err)
{
    struct artifact_found found;
    int r = artifact_api_find(&u->api, &found, err);

    if (r < 0)
        return r;
    if (r > 0 && found.size > 0 && !u->created && !u->o->overwrite)
        return fail_taken(u, err);
    return artifact_api_delete(&u->api, r > 0 ? &found.ids : &u->api.ids, err);
}

static int create(struct upload *u, struct err *err)
{
    bool doubtful = false;
    int r = 0;

    if (u->o->overwrite && !u->created)
        r = remove_existing(u, err);
    if (r == 0)
        r = artifact_api_create(&u->api, &u->url, &doubtful, err);
    if (r == 1 && !doubtful && !u->created)
        return fail_taken(u, err);
    if (r == 1) {
        r = free_name(u, err);
        if (r == 0)
            r = artifact_api_create(&u->api, &u->url, &doubtful, err);
        if (r == 1)
            return fail_taken(u, err);
    }
    u->created = u->created || r == 0;
    return r;
}

/* ---- bytes ---- */

static void tell_progress(struct upload *u, int64_t sent)
{
    size_t quarters = (size_t)(sent * 4 / u->zip.size);
    int64_t now = clock_mono_ms();

    if (u->blocks < 2 || (quarters <= u->quarters && now - u->told_ms < TOLD_EVERY_MS))
        return;
    u->quarters = quarters;
    u->told_ms = now;
    artifact_note(&u->line, "sent %" PRId64 " of %" PRId64 " MB (%" PRId64 " %%)", sent / 1000000,
                  u->zip.size / 1000000, sent * 100 / u->zip.size);
}

/* 0; 1: the upload is to begin anew; -kind. */
static int send_blocks(struct upload *u, struct err *err)
{
    struct artifact_store store = { .line = &u->line, .url = buf_str(&u->url), .blocks = u->blocks };

    store.replaces = artifact_store_replaces(store.url);
    u->quarters = 0;
    u->told_ms = clock_mono_ms();
    for (size_t i = 0; i < u->blocks; i++) {
        int64_t at = (int64_t)i * ARTIFACT_BLOCK_BYTES, left = u->zip.size - at;
        size_t len = left < ARTIFACT_BLOCK_BYTES ? (size_t)left : ARTIFACT_BLOCK_BYTES;
        int r = zip_read(&u->zip, at, u->block, len, err);
        if (r == 0)
            r = artifact_store_put(&store, i, (struct span){ u->block, len }, err);
        if (r != 0)
            return r;
        tell_progress(u, at + (int64_t)len);
    }
    return artifact_store_commit(&store, err);
}

/* Create and send until the bytes are there. */
static int send_all(struct upload *u, struct err *err)
{
    for (unsigned made = 1;; made++) {
        int r = create(u, err);
        if (r < 0)
            return r;
        r = send_blocks(u, err);
        if (r <= 0)
            return r;
        if (made >= RESTARTS_MAX)
            return err_wrap(err, "given up after %u attempts", made);
        artifact_note(&u->line, "this service could keep a part twice: the upload begins anew, attempt %u of %u",
                      made + 1, RESTARTS_MAX);
        err_clear(err);
        r = artifact_pause(&u->line, made, 0, err);
        if (r < 0)
            return r;
    }
}

/* ---- the whole ---- */

static int read_zip(void *ctx, int64_t at, void *out, size_t len, struct err *err)
{
    return zip_read(ctx, at, out, len, err);
}

static int prepare(struct upload *u, int fd, const char *path, struct err *err)
{
    int64_t max = u->o->time_max_ms > 0 ? u->o->time_max_ms : ARTIFACT_TIME_MAX_MS;
    int r = 0;

    u->line.o = u->o;
    u->line.deadline_ms = clock_mono_ms() + max;
    if ((r = artifact_api_init(&u->api, &u->line, err)) < 0 || (r = zip_init(&u->zip, fd, base_name(path), err)) < 0 ||
        (r = crypto_sha256_read(u->zip.size, read_zip, &u->zip, u->hex, err)) < 0 ||
        (r = http_new(&u->line.http, u->o->cancel, err)) < 0)
        return r;
    u->blocks = (size_t)((u->zip.size + ARTIFACT_BLOCK_BYTES - 1) / ARTIFACT_BLOCK_BYTES);
    u->block = malloc(ARTIFACT_BLOCK_BYTES);
    return u->block ? 0 : err_set(err, ERR_NOMEM, 0, "out of memory for a block of the artifact");
}

static void take_result(const struct upload *u, struct artifact *ret)
{
    const struct artifact_service *s = &u->o->service;
    const char *server = is_set(s->server_url) ? s->server_url : "https://github.com";

    (void)snprintf(ret->digest, sizeof(ret->digest), "sha256:%s", u->hex);
    ret->bytes = u->zip.size;
    ret->url[0] = '\0';
    if (is_set(s->repository) && is_set(s->run_id))
        (void)snprintf(ret->url, sizeof(ret->url), "%s/%s/actions/runs/%s/artifacts/%s", server, s->repository,
                       s->run_id, ret->id);
}

static int run(struct upload *u, const char *path, struct artifact *ret, struct err *err)
{
    _cleanup_(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct artifact done = { 0 };

    if (fd < 0)
        return err_set(err, ERR_IO, errno, "open '%s': %s", path, strerror(errno));
    int r = prepare(u, fd, path, err);
    if (r == 0)
        r = send_all(u, err);
    if (r == 0)
        r = artifact_api_finalize(&u->api, u->zip.size, u->hex, done.id, err);
    if (r < 0)
        return r;
    take_result(u, &done);
    *ret = done;
    return 0;
}

int artifact_upload(const struct artifact_options *o, const char *path, struct artifact *ret, struct err *err)
{
    struct upload *u = calloc(1, sizeof(*u));
    char text[ERR_TEXT_MAX];

    if (!u)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    u->o = o;
    buf_init(&u->url, ARTIFACT_URL_MAX);
    int r = run(u, path, ret, err);
    http_free(u->line.http);
    buf_wipe_done(&u->url);
    free(u->block);
    free(u);
    if (r == 0 || r == -ERR_CANCEL || r == -ERR_IO || r == -ERR_ARTIFACT)
        return r;
    return err_set(err, ERR_ARTIFACT, err->code, "%s", err_text(err, text, sizeof(text)));
}
