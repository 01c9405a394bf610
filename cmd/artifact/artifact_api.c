#include "cmd/artifact/artifact_api.h"

#include "shared/clock.h"
#include "shared/crypto.h"

#include <ctype.h>
#include <inttypes.h>

#define SERVICE "/twirp/github.actions.results.api.v1.ArtifactService/"
#define SCOPE "Actions.Results"
#define DAY_MS (24LL * 3600 * 1000)
#define BODY_MAX (16 * 1024)
#define FOUND_MAX 1000 /* artifacts of a listing that are looked at */

/* ---- the token ---- */

static int bad_token(struct err *err, const char *what)
{
    (void)err_set(err, ERR_ARTIFACT, 0, "ACTIONS_RUNTIME_TOKEN %s", what);
    err_hint(err, "The runner gave the action no token for artifacts. Upload the file of the output bundle-path with "
                  "actions/upload-artifact, or set upload-artifact: off.");
    return -ERR_ARTIFACT;
}

static bool take_id(struct span part, char out[ARTIFACT_ID_SIZE])
{
    if (part.len == 0 || part.len >= ARTIFACT_ID_SIZE)
        return false;
    memcpy(out, part.ptr, part.len);
    out[part.len] = '\0';
    return true;
}

/* One item of `scp`: SCOPE:run:job, of exactly three parts. */
static bool take_scope(struct span item, struct artifact_ids *ret)
{
    struct span parts[4];
    size_t n = 0;

    while (n < 4 && span_split(&item, ':', &parts[n]))
        n++;
    return n == 3 && span_eq(parts[0], SCOPE) && take_id(parts[1], ret->run) && take_id(parts[2], ret->job);
}

int artifact_ids_from_token(const char *token, struct artifact_ids *ret, struct err *err)
{
    _cleanup_(buf_wipe_done_p) struct buf claims = BUF_INIT(ARTIFACT_TOKEN_MAX);
    _cleanup_(json_free_p) struct json *j = NULL;
    struct span rest = span_of(token), header, payload, item;
    struct artifact_ids ids;

    if (rest.len > ARTIFACT_TOKEN_MAX)
        return bad_token(err, "is too long");
    if (!span_split(&rest, '.', &header) || !span_split(&rest, '.', &payload) ||
        crypto_base64_decode(payload, &claims, NULL) < 0 || json_parse(buf_span(&claims), &j, NULL) < 0)
        return bad_token(err, "is not a token of the form that GitHub gives (JWT)");
    rest = span_of(json_str(j, "scp", ""));
    while (span_split(&rest, ' ', &item))
        if (take_scope(item, &ids)) {
            *ret = ids;
            return 0;
        }
    return bad_token(err, "gives no right to upload artifacts (scope " SCOPE ")");
}

bool artifact_origin(const char *url, char *out, size_t out_size)
{
    size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
    size_t host = strcspn(url + scheme, "/?#");

    if (!scheme || !host || scheme + host >= out_size)
        return false;
    (void)snprintf(out, out_size, "%.*s", (int)(scheme + host), url);
    return true;
}

int artifact_api_init(struct artifact_api *api, struct artifact_line *line, struct err *err)
{
    const struct artifact_options *o = line->o;
    int r = artifact_ids_from_token(o->service.token, &api->ids, err);

    if (r < 0)
        return r;
    if (!artifact_origin(o->service.results_url, api->origin, sizeof(api->origin)))
        return err_set(err, ERR_ARTIFACT, 0, "ACTIONS_RESULTS_URL is not an http or https address");
    api->line = line;
    api->retention_days = artifact_retention(o->retention_days, o->service.retention_days);
    (void)snprintf(api->name, sizeof(api->name), "%s", o->name);
    return 0;
}

/* ---- answers ---- */

static const struct json *get(const struct json *j, const char *snake, const char *camel)
{
    const struct json *v = json_get(j, snake);

    return v ? v : json_get(j, camel);
}

static const char *get_str(const struct json *j, const char *snake, const char *camel)
{
    return json_value_str(get(j, snake, camel), "");
}

/* A 64-bit number as text; "" when absent or none. */
static void get_number(const struct json *j, const char *snake, const char *camel, char out[32])
{
    const struct json *v = get(j, snake, camel);
    double number = json_is_number(v) ? json_value_num(v, 0) : 0;
    const char *text = json_value_str(v, "");
    int64_t ignored = 0;

    out[0] = '\0';
    if (number >= 1 && number <= 9007199254740992.0) /* 2^53: exact */
        (void)snprintf(out, 32, "%" PRId64, (int64_t)number);
    else if (span_to_int(span_of(text), 1, INT64_MAX, &ignored))
        (void)snprintf(out, 32, "%" PRId64, ignored);
}

void artifact_api_words(const struct artifact_api *api, const struct json *answer, char out[200])
{
    const char *code = json_str(answer, "code", ""), *msg = json_str(answer, "msg", "");
    const char *token = api->line->o->service.token;

    if (strstr(msg, token) || strstr(code, token) || strcasestr(msg, "sig=") || strcasestr(code, "sig="))
        msg = code = "";
    (void)snprintf(out, 200, "%.60s%s%.130s", code, *code && *msg ? ": " : "", msg);
    for (char *c = out; *c; c++)
        if (!isprint((unsigned char)*c) || (unsigned char)*c > 126)
            *c = '?';
}

static int fail_quota(struct err *err, const char *what)
{
    (void)err_set(err, ERR_ARTIFACT, 0, "%s: the storage for artifacts is used up", what);
    err_hint(err,
             "Delete artifacts that are not needed any more, or raise the spending limit for Actions storage; GitHub "
             "counts anew every 6 to 12 hours. The bundle is in the workspace (output bundle-path).");
    return -ERR_ARTIFACT;
}

/* An answer that is no success: why. */
static int fail_answer(const struct artifact_api *api, const char *what, const struct artifact_answer *a,
                       struct err *err)
{
    char words[200];
    int status = a->http.status;

    artifact_api_words(api, a->json, words);
    if (span_contains(buf_span(&a->http.body), "insufficient usage"))
        return fail_quota(err, what);
    if (artifact_answer_is_good(a))
        return err_set(err, ERR_ARTIFACT, 0, "%s: the service did not do it (ok is not true)%s%s", what,
                       *words ? ": " : "", words);
    (void)err_set(err, ERR_ARTIFACT, status, "%s: HTTP %d%s%s", what, status, *words ? ": " : "", words);
    if (status == 401 || status == 403)
        err_hint(err,
                 "The service does not take the runner's token, which is valid for the time of the job only. Upload "
                 "the file of the output bundle-path with actions/upload-artifact.");
    return -ERR_ARTIFACT;
}

static bool is_ok(const struct artifact_answer *a)
{
    return artifact_answer_is_good(a) && json_bool(a->json, "ok", false);
}

/* ---- calls ---- */

static struct json *request_of(const struct artifact_ids *ids, const char *name)
{
    struct json *j = json_object();

    json_set_str(j, "workflow_run_backend_id", ids->run);
    json_set_str(j, "workflow_job_run_backend_id", ids->job);
    if (name)
        json_set_str(j, "name", name);
    return j;
}

static int call(const struct artifact_api *api, const char *method, const struct json *body,
                struct artifact_answer *ret, struct err *err)
{
    _cleanup_(buf_wipe_done_p) struct buf authorization = BUF_INIT(ARTIFACT_TOKEN_MAX + 64);
    _cleanup_(buf_done_p) struct buf url = BUF_INIT(1024), text = BUF_INIT(BODY_MAX);
    int r = json_print(body, &text, err);

    *ret = (struct artifact_answer){ 0 };
    buf_addf(&url, "%s" SERVICE "%s", api->origin, method);
    buf_addf(&authorization, "Authorization: Bearer %s", api->line->o->service.token);
    if (r == 0)
        r = buf_check(&url, err);
    if (r == 0)
        r = buf_check(&authorization, err);
    if (r < 0)
        return err_wrap(err, "%s", method);
    const char *const headers[] = { "Accept: application/json", buf_str(&authorization), NULL };
    const struct artifact_call c = {
        .what = method,
        .request = { .method = "POST",
                     .url = buf_str(&url),
                     .headers = headers,
                     .body = buf_span(&text),
                     .once = true },
        .attempts = ARTIFACT_ATTEMPTS,
        .json = true,
    };
    return artifact_call(api->line, &c, ret, err);
}

static void answer_done_p(struct artifact_answer *a)
{
    artifact_answer_done(a);
}

/* The signature, as it stands in the URL and decoded: a log could show either. */
static void tell_signature(const struct artifact_options *o, const char *url)
{
    _cleanup_(buf_wipe_done_p) struct buf raw = BUF_INIT(ARTIFACT_URL_MAX), plain = BUF_INIT(ARTIFACT_URL_MAX);
    const char *sig = strstr(url, "?sig=");

    sig = sig ? sig : strstr(url, "&sig=");
    if (!sig)
        return;
    sig += 5;
    buf_add(&raw, sig, strcspn(sig, "&#"));
    for (const char *c = buf_str(&raw); *c; c++) {
        unsigned byte = 0;
        if (c[0] == '%' && isxdigit((unsigned char)c[1]) && isxdigit((unsigned char)c[2]) &&
            sscanf(c + 1, "%2x", &byte) == 1 && byte) {
            buf_addc(&plain, (char)byte);
            c += 2;
        } else {
            buf_addc(&plain, *c);
        }
    }
    o->secret(o->ctx, buf_str(&raw));
    o->secret(o->ctx, buf_str(&plain));
}

static int take_url(const struct artifact_api *api, const char *url, struct buf *ret, struct err *err)
{
    const struct artifact_options *o = api->line->o;
    char origin[300];

    if (strlen(url) > ARTIFACT_URL_MAX || !artifact_origin(url, origin, sizeof(origin))) /* nor is it shown */
        return err_set(err, ERR_ARTIFACT, 0, "CreateArtifact: the service gave no address to upload to");
    if (o->secret) {
        o->secret(o->ctx, url);
        tell_signature(o, url);
    }
    if (strncmp(api->origin, "https:", 6) == 0 && strncmp(origin, "https:", 6) != 0)
        return err_set(err, ERR_ARTIFACT, 0, "CreateArtifact: the address to upload to is not encrypted (https)");
    buf_reset(ret);
    buf_adds(ret, url);
    return buf_check(ret, err);
}

int artifact_api_create(const struct artifact_api *api, struct buf *url, bool *doubtful, struct err *err)
{
    _cleanup_(json_free_p) struct json *body = request_of(&api->ids, api->name);
    _cleanup_(answer_done_p) struct artifact_answer a = { 0 };
    char until[CLOCK_ISO_SIZE];

    json_set_int(body, "version", 4);
    if (api->retention_days > 0)
        json_set_str(body, "expires_at", clock_format_iso(clock_wall_ms() + api->retention_days * DAY_MS, until));
    int r = call(api, "CreateArtifact", body, &a, err);
    if (r < 0)
        return r;
    *doubtful = a.doubtful;
    if (a.http.status == 409)
        return 1;
    if (!is_ok(&a))
        return fail_answer(api, "CreateArtifact", &a, err);
    return take_url(api, get_str(a.json, "signed_upload_url", "signedUploadUrl"), url, err);
}

static void take_found(const struct artifact_api *api, const struct json *j, struct artifact_found *ret)
{
    char size[32];
    int64_t bytes = 0;

    *ret = (struct artifact_found){ .ids = api->ids };
    (void)take_id(span_of(get_str(j, "workflow_run_backend_id", "workflowRunBackendId")), ret->ids.run);
    (void)take_id(span_of(get_str(j, "workflow_job_run_backend_id", "workflowJobRunBackendId")), ret->ids.job);
    get_number(j, "database_id", "databaseId", ret->id);
    get_number(j, "size", "size", size);
    if (span_to_int(span_of(size), 0, INT64_MAX, &bytes))
        ret->size = bytes;
}

int artifact_api_find(const struct artifact_api *api, struct artifact_found *ret, struct err *err)
{
    _cleanup_(json_free_p) struct json *body = request_of(&api->ids, NULL);
    _cleanup_(answer_done_p) struct artifact_answer a = { 0 };
    size_t seen = 0;

    json_set_str(body, "name_filter", api->name);
    int r = call(api, "ListArtifacts", body, &a, err);
    if (r < 0)
        return r;
    if (!artifact_answer_is_good(&a))
        return fail_answer(api, "ListArtifacts", &a, err);
    for (const struct json *j = json_first(json_get(a.json, "artifacts")); j && seen < FOUND_MAX;
         j = json_next(j), seen++)
        if (strcmp(json_str(j, "name", ""), api->name) == 0) { /* the filter is only a help */
            take_found(api, j, ret);
            return 1;
        }
    return 0;
}

int artifact_api_delete(const struct artifact_api *api, const struct artifact_ids *ids, struct err *err)
{
    _cleanup_(json_free_p) struct json *body = request_of(ids, api->name);
    _cleanup_(answer_done_p) struct artifact_answer a = { 0 };
    int r = call(api, "DeleteArtifact", body, &a, err);

    if (r < 0 || is_ok(&a) || a.http.status == 404)
        return r;
    return fail_answer(api, "DeleteArtifact", &a, err);
}

/* The answer to an attempt was lost, and now the service refuses: was the lost one carried out? */
static bool is_finalized(const struct artifact_api *api, int64_t bytes, char id[32])
{
    struct artifact_found found;
    struct err ignored = { 0 }; /* the refusal is what counts then */

    if (artifact_api_find(api, &found, &ignored) != 1 || found.size != bytes || !found.id[0])
        return false;
    memcpy(id, found.id, sizeof(found.id));
    return true;
}

int artifact_api_finalize(const struct artifact_api *api, int64_t bytes, const char *hex, char id[32], struct err *err)
{
    _cleanup_(json_free_p) struct json *body = request_of(&api->ids, api->name);
    _cleanup_(answer_done_p) struct artifact_answer a = { 0 };
    char text[CRYPTO_SHA256_HEX_SIZE + 16];

    (void)snprintf(text, sizeof(text), "%" PRId64, bytes);
    json_set_str(body, "size", text);
    (void)snprintf(text, sizeof(text), "sha256:%s", hex);
    json_set_str(body, "hash", text);
    int r = call(api, "FinalizeArtifact", body, &a, err);
    if (r < 0)
        return r;
    if (!is_ok(&a)) {
        if (a.doubtful && is_finalized(api, bytes, id))
            return 0;
        return fail_answer(api, "FinalizeArtifact", &a, err);
    }
    get_number(a.json, "artifact_id", "artifactId", id);
    return *id ? 0 : err_set(err, ERR_ARTIFACT, 0, "FinalizeArtifact: the service gave the artifact no id");
}
