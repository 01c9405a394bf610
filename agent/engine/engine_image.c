#include "agent/engine/engine_internal.h"
#include "shared/crypto.h"
#include "shared/reference.h"

#define LOGIN_TIMEOUT_MS 60000 /* the engine itself gives a silent registry up to 45 s */
#define AUTH_MAX 16384

void engine_image_done(struct engine_image *i)
{
    json_free_p(&i->raw);
}

/* The digest of the first RepoDigest, or of the one of that repository. */
static void find_digest(const struct json *image, const char *repo, char digest[ENGINE_ID_MAX])
{
    const struct json *list = json_get(image, "RepoDigests");
    digest[0] = '\0';
    for (const struct json *d = json_first(list); d; d = json_next(d)) {
        struct span rest = span_of(json_value_str(d, "")), name;
        if (!span_split(&rest, '@', &name) || !reference_is_digest(rest))
            continue;
        if (repo && !reference_same_repo(name, span_of(repo)))
            continue;
        memcpy(digest, rest.ptr, rest.len); /* 71 bytes: a digest was checked above */
        digest[rest.len] = '\0';
        return;
    }
}

int engine_image_inspect(struct engine *e, const char *ref, const char *repo, struct engine_image *ret, struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    struct engine_answer answer;

    *ret = (struct engine_image){ 0 };
    int r = engine_path(&path, "/images/", ref, "/json", err);
    if (r < 0)
        return r;
    const struct engine_request request = { .method = "GET", .path = buf_str(&path), .accept = { 404 } };
    r = engine_call(e, &request, &answer, err);
    if (r < 0)
        return r;
    if (answer.status == 404)
        return 1;
    ret->raw = TAKE_PTR(answer.json);
    engine_copy(ret->id, sizeof(ret->id), json_str(ret->raw, "Id", ""));
    engine_copy(ret->arch, sizeof(ret->arch), json_str(ret->raw, "Architecture", ""));
    engine_copy(ret->os, sizeof(ret->os), json_str(ret->raw, "Os", ""));
    ret->size_bytes = json_int(ret->raw, "Size", 0);
    find_digest(ret->raw, repo, ret->digest);
    return 0;
}

int engine_image_list(struct engine *e, struct json **ret, struct err *err)
{
    struct engine_answer answer;
    const struct engine_request request = { .method = "GET", .path = "/images/json", .max_body = ENGINE_LIST_MAX };
    int r = engine_call(e, &request, &answer, err);
    if (r < 0)
        return r;
    if (!json_is_array(answer.json)) {
        engine_answer_done(&answer);
        return err_set(err, ERR_PROTO, 0, "the Docker Engine's list of images is not an array");
    }
    *ret = answer.json;
    return 0;
}

/* ---- credentials ---- */

static void add_json_string(struct buf *out, const char *s)
{
    buf_addc(out, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            buf_addc(out, '\\');
        if (c < ' ')
            buf_addf(out, "\\u%04x", c);
        else
            buf_addc(out, (char)c);
    }
    buf_addc(out, '"');
}

/* Docker Hub's credentials are filed under its old name. */
static const char *server_address(const struct engine_auth *auth)
{
    const char *server = auth->server ? auth->server : "";
    return strcmp(server, REFERENCE_DEFAULT_REGISTRY) == 0 ? "https://index.docker.io/v1/" : server;
}

int engine_auth_json(const struct engine_auth *auth, struct buf *out, struct err *err)
{
    /* Written here rather than through shared/json.h, whose tree would keep a copy that nobody wipes. */
    buf_adds(out, "{\"username\":");
    add_json_string(out, auth->username);
    buf_adds(out, ",\"password\":");
    add_json_string(out, auth->password ? auth->password : "");
    buf_adds(out, ",\"serveraddress\":");
    add_json_string(out, server_address(auth));
    buf_adds(out, "}");
    return buf_check(out, err);
}

int engine_auth_header(const struct engine_auth *auth, struct buf *out, struct err *err)
{
    _cleanup_(buf_wipe_done) struct buf text = BUF_INIT(AUTH_MAX);
    if (!auth || !auth->username || !*auth->username)
        return 0;
    int r = engine_auth_json(auth, &text, err);
    if (r < 0)
        return err_wrap(err, "registry credentials");
    buf_adds(out, "X-Registry-Auth: ");
    crypto_base64_encode(buf_span(&text), CRYPTO_BASE64URL, out);
    return buf_check(out, err);
}

int engine_registry_login(struct engine *e, const struct engine_auth *auth, struct err *err)
{
    _cleanup_(buf_wipe_done) struct buf body = BUF_INIT(AUTH_MAX);
    if (!auth || !auth->username || !*auth->username)
        return 0;
    int r = engine_auth_json(auth, &body, err);
    if (r < 0)
        return err_wrap(err, "registry credentials");
    const struct engine_request request = { .method = "POST",
                                            .path = "/auth",
                                            .body = buf_span(&body),
                                            .timeout_ms = LOGIN_TIMEOUT_MS,
                                            .kind_of = engine_words_login };
    return engine_call(e, &request, NULL, err);
}

/* ---- pull ---- */

int engine_image_pull(struct engine *e, const char *repo, const char *tag_or_digest, const struct engine_auth *auth,
                      void (*progress)(void *ctx, const struct engine_pull_progress *p), void *ctx, int64_t timeout_ms,
                      struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    _cleanup_(buf_wipe_done) struct buf header = BUF_INIT((size_t)AUTH_MAX * 2);
    struct err stream_err = { 0 };

    if (!tag_or_digest || !*tag_or_digest)
        return err_set(err, ERR_BUG, 0, "pull of '%.120s' without tag or digest would fetch all tags", repo);
    int r = engine_auth_header(auth, &header, err);
    if (r < 0)
        return r;
    buf_adds(&path, "/images/create?fromImage=");
    http_escape(span_of(repo), &path);
    buf_adds(&path, "&tag=");
    http_escape(span_of(tag_or_digest), &path);
    r = buf_check(&path, err);
    if (r < 0)
        return r;

    struct engine_pull *pull = malloc(sizeof(*pull));
    if (!pull)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    engine_pull_init(pull);
    pull->on_progress = progress;
    pull->ctx = ctx;
    pull->err = &stream_err;
    const struct engine_request request = { .method = "POST",
                                            .path = buf_str(&path),
                                            .header = header.len ? buf_str(&header) : NULL,
                                            .timeout_ms = timeout_ms,
                                            .kind_of = engine_words_pull,
                                            .on_data = engine_pull_feed,
                                            .ctx = pull };
    r = engine_call(e, &request, NULL, err);
    if (r < 0 && stream_err.kind != ERR_OK) {
        if (err)
            *err = stream_err;
        r = -(int)stream_err.kind;
    } else if (r == 0) {
        r = engine_pull_finish(pull, err);
    }
    engine_pull_done(pull);
    free(pull);
    return r;
}

/* ---- registry, list, remove ---- */

/* Engines and look-alikes that do not know /distribution. */
static bool is_unknown_call(const struct engine_answer *a)
{
    return a->status == 405 || a->status == 501 || (a->status == 404 && engine_words_have(a->words, "page not found"));
}

/* An index also lists attestations, for a platform "unknown". */
static void take_platforms(const struct json *list, struct engine_remote *ret)
{
    for (const struct json *p = json_first(list); p && ret->platform_count < ENGINE_PLATFORMS_MAX; p = json_next(p)) {
        const char *os = json_str(p, "os", ""), *arch = json_str(p, "architecture", "");
        const char *variant = json_str(p, "variant", "");
        if (!*os || !*arch || strcmp(os, "unknown") == 0)
            continue;
        (void)snprintf(ret->platforms[ret->platform_count++], sizeof(ret->platforms[0]), "%s/%s%s%s", os, arch,
                       *variant ? "/" : "", variant);
    }
}

int engine_image_remote(struct engine *e, const char *ref, const struct engine_auth *auth, struct engine_remote *ret,
                        struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    _cleanup_(buf_wipe_done) struct buf header = BUF_INIT((size_t)AUTH_MAX * 2);
    struct engine_answer answer;

    int r = engine_auth_header(auth, &header, err);
    if (r == 0)
        r = engine_path(&path, "/distribution/", ref, "/json", err);
    if (r < 0)
        return r;
    const struct engine_request request = { .method = "GET",
                                            .path = buf_str(&path),
                                            .header = header.len ? buf_str(&header) : NULL,
                                            .timeout_ms = LOGIN_TIMEOUT_MS,
                                            .accept = { 404, 405, 501 },
                                            .kind_of = engine_words_pull };
    r = engine_call(e, &request, &answer, err);
    if (r < 0)
        return r;
    if (answer.status >= 400 && !is_unknown_call(&answer))
        return engine_refused(&answer, engine_words_pull, "ask the registry for", ref, err);
    const char *found = json_str(json_get(answer.json, "Descriptor"), "digest", "");
    *ret = (struct engine_remote){ 0 };
    engine_copy(ret->digest, sizeof(ret->digest), reference_is_digest(span_of(found)) ? found : "");
    take_platforms(json_get(answer.json, "Platforms"), ret);
    engine_answer_done(&answer);
    return 0;
}

int engine_image_remove(struct engine *e, const char *ref, struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    struct engine_answer answer;

    int r = engine_path(&path, "/images/", ref, "", err);
    if (r < 0)
        return r;
    const struct engine_request request = {
        .method = "DELETE", .path = buf_str(&path), .timeout_ms = ENGINE_CHANGE_TIMEOUT_MS, .accept = { 404, 409 }
    };
    r = engine_call(e, &request, &answer, err);
    if (r < 0)
        return r;
    engine_answer_done(&answer);
    return answer.status == 404 || answer.status == 409 ? 1 : 0;
}
