#include "agent/request.h"

#include "agent/state/store.h"

#define REQUEST_FILE "request.json"

int request_store(struct run *run, struct err *err)
{
    _cleanup_(json_free_p) struct json *j = json_object();
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(STORE_FILE_MAX);
    json_set_str(j, "op", run->op == WIRE_ROLLBACK ? "rollback" : "deploy");
    json_set_str(j, "only_if_current", run->only_if_current);
    json_set_str(j, "to", run->to);
    json_set_bool(j, "redeploys", run->redeploys);
    json_set_str(j, "reason", run->reason);
    json_set_str(j, "run_link", run->run_link);
    if (run->spec.image[0]) /* a rollback learns its settings later */
        json_set(j, "spec", spec_to_json(&run->spec, SPEC_WITHOUT_SECRETS));
    if (json_print_pretty(j, &text, err) < 0)
        return err_wrap(err, "store the request");
    return store_write(run->dir_fd, REQUEST_FILE, buf_span(&text), err);
}

static int read_request(int dir_fd, struct json **ret, struct err *err)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(STORE_FILE_MAX);
    int r = store_read(dir_fd, REQUEST_FILE, &text, err);
    if (r != 0)
        return r;
    if (json_parse(buf_span(&text), ret, err) < 0)
        return err_wrap(err, "read the stored request");
    return 0;
}

/* Keys of secret_env stand there without values; they are not settings that a rollback could use. */
static int decode_spec(const struct json *request, struct spec *spec, struct err *err)
{
    struct spec loaded;
    _cleanup_(json_free_p) struct json *j = json_copy(json_get(request, "spec"));
    json_del(j, "secret_env");
    if (spec_from_json(j, &loaded, err) < 0)
        return err_wrap(err, "the stored settings");
    spec_done(spec);
    *spec = loaded;
    return 0;
}

int request_load_spec(int app_fd, const char *id, struct spec *spec, struct err *err)
{
    _cleanup_(close_p) int dir_fd = -1;
    _cleanup_(json_free_p) struct json *request = NULL;
    int r = store_open_deployment(app_fd, id, &dir_fd, err);
    if (r == 0)
        r = read_request(dir_fd, &request, err);
    if (r == 0 && !json_get(request, "spec"))
        r = 1;
    return r != 0 ? r : decode_spec(request, spec, err);
}

int request_load_secret_keys(int app_fd, const char *id, struct strlist *keys, struct err *err)
{
    _cleanup_(close_p) int dir_fd = -1;
    _cleanup_(json_free_p) struct json *request = NULL;
    int r = store_open_deployment(app_fd, id, &dir_fd, err);
    if (r == 0)
        r = read_request(dir_fd, &request, err);
    const struct json *all = json_get(json_get(request, "spec"), "secret_env");
    for (const struct json *k = json_first(all); r == 0 && k; k = json_next(k))
        r = strlist_add(keys, span_of(json_value_str(k, "")), err);
    return r;
}

int request_load(struct run *run, struct err *err)
{
    _cleanup_(json_free_p) struct json *request = NULL;
    int r = read_request(run->dir_fd, &request, err);
    if (r != 0)
        return r;
    run->op = strcmp(json_str(request, "op", ""), "rollback") == 0 ? WIRE_ROLLBACK : WIRE_DEPLOY;
    (void)snprintf(run->only_if_current, sizeof(run->only_if_current), "%s", json_str(request, "only_if_current", ""));
    (void)snprintf(run->to, sizeof(run->to), "%s", json_str(request, "to", ""));
    run->redeploys = json_bool(request, "redeploys", false);
    (void)snprintf(run->reason, sizeof(run->reason), "%s", json_str(request, "reason", ""));
    (void)snprintf(run->run_link, sizeof(run->run_link), "%s", json_str(request, "run_link", ""));
    return json_get(request, "spec") ? decode_spec(request, &run->spec, err) : 0;
}
