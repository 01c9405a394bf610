#include "agent/engine/engine_internal.h"

#include "shared/clock.h"

#define STOP_EXTRA_MS 10000 /* kill and network teardown after the grace time */

void engine_container_done(struct engine_container *c)
{
    json_free_p(&c->raw);
    c->endpoint_count = 0;
}

/* Borrowed from raw, which the container owns and nobody else sees: the cast only drops the getter's const. */
static struct json *borrow(const struct json *j)
{
    union {
        const struct json *in;
        struct json *out;
    } u = { .in = j };
    return u.out;
}

static void read_endpoint(const struct json *j, struct engine_endpoint *ret)
{
    const struct json *aliases = json_get(j, "Aliases");
    *ret = (struct engine_endpoint){ 0 };
    engine_copy(ret->network, sizeof(ret->network), json_key(j));
    engine_copy(ret->network_id, sizeof(ret->network_id), json_str(j, "NetworkID", ""));
    engine_copy(ret->ip, sizeof(ret->ip), json_str(j, "IPAddress", ""));
    engine_copy(ret->static_ip, sizeof(ret->static_ip), json_str(json_get(j, "IPAMConfig"), "IPv4Address", ""));
    ret->aliases = json_is_array(aliases) ? borrow(aliases) : NULL;
}

static void read_policy(const struct json *host_config, char *out, size_t size)
{
    const struct json *policy = json_get(host_config, "RestartPolicy");
    const char *name = json_str(policy, "Name", "");
    int64_t tries = json_int(policy, "MaximumRetryCount", 0);
    if (strcmp(name, "on-failure") == 0 && tries > 0)
        (void)snprintf(out, size, "%s:%lld", name, (long long)tries); /* fits 32 bytes */
    else
        engine_copy(out, size, *name ? name : "no");
}

static void read_state(const struct json *state, struct engine_container *c)
{
    engine_copy(c->status, sizeof(c->status), json_str(state, "Status", ""));
    c->running = json_bool(state, "Running", false);
    c->restarting = json_bool(state, "Restarting", false);
    c->oom_killed = json_bool(state, "OOMKilled", false);
    c->exit_code = json_int(state, "ExitCode", 0);
    engine_copy(c->error, sizeof(c->error), json_str(state, "Error", ""));
    engine_copy(c->started_at, sizeof(c->started_at), json_str(state, "StartedAt", ""));
    engine_copy(c->finished_at, sizeof(c->finished_at), json_str(state, "FinishedAt", ""));
    const char *health = json_str(json_get(state, "Health"), "Status", "");
    engine_copy(c->health, sizeof(c->health), strcmp(health, "none") == 0 ? "" : health);
}

static void read_container(struct engine_container *c)
{
    const struct json *j = c->raw;
    const struct json *config = json_get(j, "Config"), *host_config = json_get(j, "HostConfig");
    const char *name = json_str(j, "Name", "");

    engine_copy(c->id, sizeof(c->id), json_str(j, "Id", ""));
    engine_copy(c->name, sizeof(c->name), *name == '/' ? name + 1 : name);
    engine_copy(c->image, sizeof(c->image), json_str(config, "Image", ""));
    engine_copy(c->image_id, sizeof(c->image_id), json_str(j, "Image", ""));
    engine_copy(c->created, sizeof(c->created), json_str(j, "Created", ""));
    c->restart_count = json_int(j, "RestartCount", 0);
    c->tty = json_bool(config, "Tty", false);
    engine_copy(c->network_mode, sizeof(c->network_mode), json_str(host_config, "NetworkMode", ""));
    read_policy(host_config, c->restart_policy, sizeof(c->restart_policy));
    read_state(json_get(j, "State"), c);

    const struct json *networks = json_path(j, "NetworkSettings", "Networks", NULL);
    for (const struct json *n = json_first(networks); n && c->endpoint_count < ENGINE_ENDPOINTS_MAX; n = json_next(n))
        if (json_key(n))
            read_endpoint(n, &c->endpoints[c->endpoint_count++]);
}

int engine_container_inspect(struct engine *e, const char *name_or_id, struct engine_container *ret, struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    struct engine_answer answer;

    memset(ret, 0, sizeof(*ret));
    int r = engine_path(&path, "/containers/", name_or_id, "/json", err);
    if (r < 0)
        return r;
    const struct engine_request request = { .method = "GET", .path = buf_str(&path), .accept = { 404 } };
    r = engine_call(e, &request, &answer, err);
    if (r < 0)
        return r;
    if (answer.status == 404)
        return 1;
    if (!json_is_object(answer.json)) {
        engine_answer_done(&answer);
        return err_set(err, ERR_PROTO, 0, "the Docker Engine's answer about container '%.80s' is not an object",
                       name_or_id);
    }
    ret->raw = TAKE_PTR(answer.json);
    read_container(ret);
    return 0;
}

int64_t engine_time_ms(const char *text)
{
    char iso[CLOCK_ISO_SIZE];
    struct span rest = span_of(text), seconds, fraction = { 0 };
    int64_t part = 0;
    if (rest.len < 2 || rest.ptr[rest.len - 1] != 'Z' || span_starts(rest, "0001-"))
        return -1;
    rest.len--;
    if (!span_split(&rest, '.', &seconds))
        return -1;
    fraction = rest;
    for (size_t i = 0; i < 3; i++)
        part = part * 10 +
               (i < fraction.len && fraction.ptr[i] >= '0' && fraction.ptr[i] <= '9' ? fraction.ptr[i] - '0' : 0);
    (void)snprintf(iso, sizeof(iso), "%.*s.%03dZ", (int)(seconds.len < 20 ? seconds.len : 20), seconds.ptr, (int)part);
    return clock_parse_iso(iso);
}

int engine_container_size(struct engine *e, const char *id, int64_t *ret_bytes, struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    struct engine_answer answer;
    int r = engine_path(&path, "/containers/", id, "/json?size=1", err);
    if (r < 0)
        return r;
    const struct engine_request request = { .method = "GET", .path = buf_str(&path), .accept = { 404 } };
    r = engine_call(e, &request, &answer, err);
    if (r < 0)
        return r;
    *ret_bytes = json_int(answer.json, "SizeRw", 0);
    engine_answer_done(&answer);
    return 0;
}

const char *engine_container_label(const struct engine_container *c, const char *label)
{
    return json_str(json_path(c->raw, "Config", "Labels", NULL), label, "");
}

int engine_container_list(struct engine *e, const char *label, struct json **ret, struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    struct engine_answer answer;

    buf_adds(&path, "/containers/json?all=1");
    if (label) {
        _cleanup_(json_free_p) struct json *filters = json_object();
        _cleanup_(buf_done) struct buf text = BUF_INIT(ENGINE_PATH_MAX);
        struct json *list = json_array();
        json_push_str(list, label);
        json_set(filters, "label", list);
        int r = json_print(filters, &text, err);
        if (r < 0)
            return r;
        buf_adds(&path, "&filters=");
        http_escape(buf_span(&text), &path);
    }
    int r = buf_check(&path, err);
    if (r < 0)
        return r;
    const struct engine_request request = { .method = "GET", .path = buf_str(&path), .max_body = ENGINE_LIST_MAX };
    r = engine_call(e, &request, &answer, err);
    if (r < 0)
        return r;
    if (!json_is_array(answer.json)) {
        engine_answer_done(&answer);
        return err_set(err, ERR_PROTO, 0, "the Docker Engine's list of containers is not an array");
    }
    *ret = answer.json;
    return 0;
}

int engine_container_create(struct engine *e, const char *name, const struct json *body, char id[ENGINE_ID_MAX],
                            struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    struct engine_answer answer;

    buf_adds(&path, "/containers/create?name=");
    http_escape(span_of(name), &path);
    int r = buf_check(&path, err);
    if (r < 0)
        return r;
    struct engine_request request = { .method = "POST",
                                      .path = buf_str(&path),
                                      .timeout_ms = ENGINE_CHANGE_TIMEOUT_MS };
    r = engine_call_json(e, &request, body, &answer, err);
    if (r < 0)
        return r;
    const char *new_id = json_str(answer.json, "Id", "");
    if (*new_id)
        engine_copy(id, ENGINE_ID_MAX, new_id);
    else
        r = err_set(err, ERR_PROTO, 0, "the Docker Engine made container '%.80s' but did not tell its id", name);
    engine_answer_done(&answer);
    return r;
}

/* POST /containers/ID/VERB. */
static int post(struct engine *e, const char *id, const char *verb, struct engine_request *request,
                struct engine_answer *answer, struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    int r = engine_path(&path, "/containers/", id, verb, err);
    if (r < 0)
        return r;
    request->method = "POST";
    request->path = buf_str(&path);
    r = engine_call(e, request, answer, err);
    if (r == 0)
        engine_answer_done(answer); /* status and words stay readable */
    request->path = NULL;
    return r;
}

int engine_container_start(struct engine *e, const char *id, struct err *err)
{
    struct engine_request request = { .timeout_ms = ENGINE_CHANGE_TIMEOUT_MS, .kind_of = engine_words_start };
    struct engine_answer answer;
    return post(e, id, "/start", &request, &answer, err);
}

int engine_container_stop(struct engine *e, const char *id, int64_t grace_s, struct err *err)
{
    struct engine_answer answer;
    char verb[40];
    if (grace_s < 0)
        grace_s = 0; /* -1 would wait for ever */
    if (grace_s > 86400)
        grace_s = 86400;
    struct engine_request request = { .timeout_ms = grace_s * 1000 + STOP_EXTRA_MS, .accept = { 404 } };
    (void)snprintf(verb, sizeof(verb), "/stop?t=%lld", (long long)grace_s); /* fits */
    return post(e, id, verb, &request, &answer, err);
}

int engine_container_rename(struct engine *e, const char *id, const char *name, struct err *err)
{
    _cleanup_(buf_done) struct buf verb = BUF_INIT(ENGINE_PATH_MAX);
    struct engine_request request = { .accept = { 400 } };
    struct engine_answer answer = { 0 };

    buf_adds(&verb, "/rename?name=");
    http_escape(span_of(name), &verb);
    int r = buf_check(&verb, err);
    if (r == 0)
        r = post(e, id, buf_str(&verb), &request, &answer, err);
    if (r < 0 || answer.status < 400 || engine_words_have(answer.words, "same name"))
        return r;
    return engine_refused(&answer, NULL, "rename container to", name, err);
}

/* Somebody else's removal is under way: wait for its end. */
static int wait_removed(struct engine *e, const char *id, struct err *err)
{
    struct engine_request request = { .timeout_ms = ENGINE_CHANGE_TIMEOUT_MS, .accept = { 404 } };
    struct engine_answer answer;
    return post(e, id, "/wait?condition=removed", &request, &answer, err);
}

static int remove_how(struct engine *e, const char *id, const char *how, struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    struct engine_answer answer;

    int r = engine_path(&path, "/containers/", id, how, err);
    if (r < 0)
        return r;
    const struct engine_request request = {
        .method = "DELETE", .path = buf_str(&path), .timeout_ms = ENGINE_CHANGE_TIMEOUT_MS, .accept = { 404, 409 }
    };
    r = engine_call(e, &request, &answer, err);
    if (r < 0)
        return r;
    engine_answer_done(&answer);
    if (answer.status != 409)
        return 0;
    if (engine_words_have(answer.words, "already in progress"))
        return wait_removed(e, id, err);
    return engine_refused(&answer, NULL, "remove container", id, err);
}

int engine_container_remove(struct engine *e, const char *id, struct err *err)
{
    return remove_how(e, id, "?v=1&force=1", err);
}

int engine_container_remove_stopped(struct engine *e, const char *id, struct err *err)
{
    return remove_how(e, id, "?v=1", err);
}

struct json *engine_restart_policy(const char *policy)
{
    struct json *j = json_object();
    struct span rest = span_of(policy), name = { .ptr = "", .len = 0 };
    int64_t tries = 0;
    char text[32];

    (void)span_split(&rest, ':', &name); /* empty: the name stays "" */
    engine_copy(text, sizeof(text), "");
    if (name.len < sizeof(text)) {
        memcpy(text, name.ptr, name.len);
        text[name.len] = '\0';
    }
    json_set_str(j, "Name", *text ? text : "no");
    if (rest.len && span_to_int(rest, 0, INT32_MAX, &tries))
        json_set_int(j, "MaximumRetryCount", tries);
    return j;
}

int engine_container_set_restart_policy(struct engine *e, const char *id, const char *policy, struct err *err)
{
    _cleanup_(json_free_p) struct json *body = json_object();
    _cleanup_(buf_done) struct buf text = BUF_INIT(ENGINE_PATH_MAX);
    struct engine_request request = { 0 };
    struct engine_answer answer;

    json_set(body, "RestartPolicy", engine_restart_policy(policy));
    int r = json_print(body, &text, err);
    if (r < 0)
        return r;
    request.body = buf_span(&text);
    return post(e, id, "/update", &request, &answer, err);
}
