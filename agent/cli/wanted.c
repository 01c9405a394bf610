#include "agent/cli/wanted.h"

#include "agent/cli/apps.h"
#include "agent/container.h"
#include "agent/request.h"
#include "agent/state/store.h"
#include "shared/aws/ecr.h"
#include "shared/clock.h"
#include "shared/reference.h"
#include "shared/secret.h"
#include "shared/settings/settings_json.h"
#include "shared/settings/settings_parse.h"

#include <pwd.h>

#define TEXTS_MAX (64 * 1024)
#define HISTORY_LINES 20

static settings_table table = { &settings_container, &settings_health, &settings_traffic,
                                &settings_keeping,   &settings_ecr,    NULL };

/* What was given: the rows of it, and the values in the same order. */
struct given {
    struct settings_row rows[SETTINGS_ROWS_MAX];
    char *values[SETTINGS_ROWS_MAX]; /* owned, may be secret */
    size_t len;
};

bool wanted_option(size_t i, struct cli_setting *ret)
{
    return settings_table_option(table, i, ret);
}

void wanted_init(struct wanted *w)
{
    *w = (struct wanted){ .problems = BUF_INIT(TEXTS_MAX), .notes = BUF_INIT(TEXTS_MAX) };
    wire_request_init(&w->request);
}

void wanted_done(struct wanted *w)
{
    wire_request_done(&w->request);
    buf_done(&w->problems);
    buf_done(&w->notes);
}

/* ---- what was given ---- */

static void given_free_p(struct given **g)
{
    for (size_t i = 0; *g && i < (*g)->len; i++)
        secret_free_p(&(*g)->values[i]);
    free_p(g);
}

static bool is_given(const struct given *g, const char *id)
{
    for (size_t i = 0; i < g->len; i++)
        if (strcmp(g->rows[i].id, id) == 0)
            return true;
    return false;
}

static const char *given_value(void *ctx, const char *id)
{
    const struct given *g = ctx;
    for (size_t i = 0; i < g->len; i++)
        if (strcmp(g->rows[i].id, id) == 0)
            return g->values[i];
    return NULL;
}

static void given_name(void *ctx, const char *id, char out[SETTINGS_NAME_MAX])
{
    const struct settings_row *row = settings_table_find(table, id);
    (void)ctx;
    (void)snprintf(out, SETTINGS_NAME_MAX, row && row->secret ? "%s (by --secrets-stdin)" : "option '--%s'", id);
}

/* Each row without its default: what is not given stays. */
static int collect(struct given *g, const struct cli_call *call, const struct settings_json *secrets, struct err *err)
{
    const struct settings_row *row;
    for (size_t i = 0; (row = settings_table_row(table, i, NULL)); i++) {
        _cleanup_(buf_done_p) struct buf text = BUF_INIT(SETTINGS_VALUE_MAX);
        const char *value = settings_json_get(secrets, row->id);
        if (!value && cli_call_setting(call, row->id, &text))
            value = buf_str(&text);
        if (buf_check(&text, err) < 0)
            return err_wrap(err, "option '--%s'", row->id);
        if (!value)
            continue;
        g->values[g->len] = strdup(value);
        if (!g->values[g->len])
            return err_set(err, ERR_NOMEM, 0, "copy a setting: out of memory");
        g->rows[g->len] = *row;
        g->rows[g->len++].dflt = "";
    }
    return 0;
}

/* A list that is given is the whole list. */
static void empty_given_lists(const struct given *g, struct spec *spec)
{
    for (size_t i = 0; i < g->len; i++)
        if (settings_is_list(&g->rows[i]) && g->rows[i].read != settings_read_kpi)
            strlist_wipe_done((struct strlist *)((char *)spec + g->rows[i].at));
}

/* ---- the version that serves ---- */

/* The value that the container was made with; NULL: it has no such variable. */
static const char *container_env(const struct engine_container *c, const char *key)
{
    size_t len = strlen(key);
    const struct json *env = json_path(c->raw, "Config", "Env", NULL);
    for (const struct json *e = json_first(env); e; e = json_next(e)) {
        const char *line = json_value_str(e, "");
        if (strncmp(line, key, len) == 0 && line[len] == '=')
            return line;
    }
    return NULL;
}

static int take_secrets(struct wanted *w, const struct engine_container *c, const struct strlist *keys, struct err *err)
{
    for (size_t i = 0; i < keys->len; i++) {
        const char *line = container_env(c, keys->items[i]);
        if (!line) {
            err_hint(err, "Give the secret settings anew, with --secrets-stdin.");
            return err_set(err, ERR_INPUT, 0, "the value of %s is not known any more: '%s' has none", keys->items[i],
                           c->name);
        }
        if (strlist_add(&w->request.spec.secret_env, span_of(line), err) < 0)
            return -(int)err->kind;
    }
    if (keys->len > 0)
        buf_addf(&w->notes, "the values of %zu secret variable%s are those of the container '%s'\n", keys->len,
                 keys->len == 1 ? "" : "s", c->name);
    return 0;
}

/* 1: its settings are not known, or nothing of ours serves. */
static int take_settings(struct wanted *w, const struct given *g, const struct engine_container *c, int app_fd,
                         struct err *err)
{
    struct strlist keys = { 0 };
    const char *id = engine_container_label(c, CONTAINER_LABEL_DEPLOYMENT);
    int r = id[0] ? request_load_spec(app_fd, id, &w->request.spec, err) : 1;
    if (r != 0)
        return r;
    buf_addf(&w->notes, "what is not given stays as deployment %s, which serves, has it\n", id);
    if (!is_given(g, "secret-env"))
        r = request_load_secret_keys(app_fd, id, &keys, err);
    if (r == 0)
        r = take_secrets(w, c, &keys, err);
    strlist_done(&keys);
    return r < 0 ? r : 0;
}

static int ask_engine(const char *name, struct engine_container *c, struct err *err)
{
    struct engine *engine = NULL;
    int r = engine_open(&engine, NULL, NULL, err);
    if (r == 0)
        r = engine_container_inspect(engine, name, c, err);
    engine_free(engine);
    return r;
}

/* Settings to begin with: those of what serves, else the defaults. */
static int begin_with(struct wanted *w, const struct given *g, struct err *err)
{
    struct spec *spec = &w->request.spec;
    struct settings_ask ask = { 0 };
    struct engine_container c;
    struct run_names names;
    _cleanup_(close_p) int app_fd = -1;
    run_set_names(&names, w->request.app);
    int r = store_find_app(w->request.app, &app_fd, err);
    if (r == 0 && (r = ask_engine(names.blue, &c, err)) == 0) {
        r = take_settings(w, g, &c, app_fd, err);
        engine_container_done(&c);
    }
    if (r < 0)
        return r;
    if (r == 1) {
        spec_done(spec);
        r = settings_init(spec, &ask, err);
        settings_ask_done(&ask);
    } else if (is_given(g, "port") && !is_given(g, "spare-port")) {
        spec->spare_port = 0; /* the neighbour of the new one */
    }
    spec->image_size_bytes = 0; /* of the image of that time */
    return r < 0 ? r : spec_set_str(&spec->app, w->request.app, err);
}

/* Of an image in ECR the host logs in by itself; the token of an earlier run has expired. */
static int choose_login(struct wanted *w, const struct given *g, struct err *err)
{
    struct spec *spec = &w->request.spec;
    struct reference ref;
    struct ecr_registry registry;
    struct err ignored = { 0 };
    bool in_ecr = spec->image[0] && reference_parse(spec->image, &ref, &ignored) == 0 &&
                  ecr_registry_parse(ref.registry, &registry);
    bool anew = is_given(g, "registry-username");
    if (in_ecr && !anew && spec_set_str(&spec->registry_username, "", err) < 0)
        return -(int)err->kind;
    if (!in_ecr || anew)
        return spec_set_str(&spec->ecr_auth, "", err);
    return spec->ecr_auth[0] ? 0 : spec_set_str(&spec->ecr_auth, "auto", err);
}

static int read_given(struct wanted *w, const struct given *g, struct err *err)
{
    const struct settings_section section = { SETTINGS_OF_SPEC, g->rows, g->len };
    settings_table rows = { &section, NULL };
    struct settings_source source = { (void *)(uintptr_t)g, given_value, given_name }; /* it is only read */
    struct settings_ask ask = { 0 };
    struct settings_reading rd = { .table = rows,
                                   .source = &source,
                                   .into = { [SETTINGS_OF_SPEC] = &w->request.spec, [SETTINGS_OF_ASK] = &ask },
                                   .problems = &w->problems,
                                   .err = err };
    bool has_spec = settings_op_has_spec(w->request.op);
    empty_given_lists(g, &w->request.spec);
    int r = settings_read(&rd);
    if (r == 0 && has_spec)
        r = choose_login(w, g, err);
    if (r == 0 && has_spec)
        r = settings_finish(&rd, w->request.op);
    settings_reading_done(&rd);
    return r < 0 ? r : rd.result;
}

/* ---- the request ---- */

static void name_caller(char *out, size_t size)
{
    char machine[128] = "";
    const struct passwd *pw = getpwuid(geteuid());
    (void)gethostname(machine, sizeof(machine) - 1);
    (void)snprintf(out, size, "%.100s@%s", pw ? pw->pw_name : "?", machine[0] ? machine : "?");
}

static int read_since(const char *text, int64_t *ret, struct err *err)
{
    int64_t ms;
    if (settings_parse_duration(span_of(text), &ms))
        *ret = clock_wall_ms() - ms;
    else if ((ms = settings_parse_time(text)) > 0)
        *ret = ms;
    else
        return err_set(
            err, ERR_INPUT, 0,
            "--since is '%.60s', wants how long ago, such as 10m or 2h30m, or a time such as 2026-01-29T03:10:00Z",
            text);
    return 0;
}

static enum wire_op op_of(enum cli_command command)
{
    static const enum wire_op ops[CLI_COMMANDS] = {
        [CLI_DEPLOY] = WIRE_DEPLOY,   [CLI_ROLLBACK] = WIRE_ROLLBACK, [CLI_STATUS] = WIRE_STATUS,
        [CLI_HISTORY] = WIRE_HISTORY, [CLI_LOGS] = WIRE_LOGS,         [CLI_BUNDLE] = WIRE_BUNDLE,
        [CLI_PLAN] = WIRE_PLAN,       [CLI_DIAGNOSE] = WIRE_DIAGNOSE, [CLI_PRUNE] = WIRE_PRUNE,
    };
    return ops[command];
}

/* What belongs to the question itself. */
static int fill(struct wire_request *r, const struct cli_call *call, struct err *err)
{
    r->op = op_of(call->command);
    r->verify = r->op == WIRE_HISTORY;
    r->follow = call->follow;
    r->dry_run = call->dry_run;
    r->lines = call->lines ? call->lines : r->op == WIRE_HISTORY ? HISTORY_LINES : WIRE_LINES_DEFAULT;
    r->time_ms = clock_wall_ms();
    name_caller(r->run_link, sizeof(r->run_link));
    (void)snprintf(r->to, sizeof(r->to), "%s", call->to ? call->to : "");
    if (r->op == WIRE_ROLLBACK)
        (void)snprintf(r->reason, sizeof(r->reason), "asked for by hand");
    if (r->op == WIRE_BUNDLE)
        (void)snprintf(r->deployment, sizeof(r->deployment), "%s", call->argument);
    if (r->op == WIRE_LOGS)
        (void)snprintf(r->target, sizeof(r->target), "%s", call->argument ? call->argument : "");
    if ((r->op == WIRE_DEPLOY || r->op == WIRE_ROLLBACK) && wire_new_id(r->deployment, err) < 0)
        return -(int)err->kind;
    if (call->to && strlen(call->to) > WIRE_TO_MAX)
        return err_set(err, ERR_INPUT, 0, "--to is longer than %d characters", WIRE_TO_MAX);
    return call->since ? read_since(call->since, &r->since_ms, err) : 0;
}

/* Limits travel beside the settings, where there are none. */
static void copy_limits(struct wire_request *r, const struct given *g)
{
    r->lock_timeout_ms = r->spec.lock_timeout_ms;
    if (is_given(g, "keep-hours"))
        r->keep_hours = r->spec.keep_hours;
    if (is_given(g, "keep-versions"))
        r->keep_versions = r->spec.keep_versions;
    if (is_given(g, "log-retention-days"))
        r->log_retention_days = r->spec.log_retention_days;
}

int wanted_read(struct wanted *w, const struct cli_call *call, int in_fd, struct err *err)
{
    struct wire_request *r = &w->request;
    _cleanup_(settings_json_free_p) struct settings_json *secrets = NULL;
    _cleanup_(given_free_p) struct given *g = calloc(1, sizeof(*g));
    if (!g)
        return err_set(err, ERR_NOMEM, 0, "read the options: out of memory");
    wire_request_defaults(r);
    if (fill(r, call, err) < 0 || apps_choose(call->app, r->app, err) < 0)
        return -(int)err->kind;
    if (call->secrets_stdin &&
        settings_json_read(in_fd, "standard input", table, SETTINGS_JSON_SECRET, &secrets, err) < 0)
        return -(int)err->kind;
    bool has_spec = settings_op_has_spec(r->op);
    if (collect(g, call, secrets, err) < 0 || spec_set_str(&r->spec.app, r->app, err) < 0 ||
        (has_spec && begin_with(w, g, err) < 0) || read_given(w, g, err) < 0 ||
        spec_set_str(&r->spec.run_link, r->run_link, err) < 0)
        return -(int)err->kind;
    copy_limits(r, g);
    return 0;
}
