#include "agent/diagnose/diagnose.h"

#include "agent/answers/reply.h"
#include "agent/diagnose/diagnose_internal.h"
#include "agent/status/status.h"
#include "agent/watch/advice.h"
#include "shared/clock.h"

#include <inttypes.h>
#include <math.h>

/* ---- what is told ---- */

void diagnose_check(struct diagnosing *d, const char *name, bool ok, const char *fmt, ...)
{
    struct json *check = json_object();
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    json_set_str(check, "name", name);
    json_set_bool(check, "ok", ok);
    json_set_str(check, "text", text);
    json_push(d->checks, check);
}

void diagnose_add(struct diagnosing *d, const char *code, const char *level, const char *subject, const char *cause,
                  const char *next, const char *command, struct json *evidence)
{
    struct json *f = json_object();
    json_set_str(f, "code", code);
    json_set_str(f, "level", level);
    json_set_str(f, "subject", subject);
    json_set_str(f, "cause", cause);
    json_set_str(f, "next", next);
    json_set_str(f, "command", command);
    json_set(f, "evidence", evidence ? evidence : json_array());
    json_push(d->findings, f);
}

#define REGISTRY_LOOK "curl -sv https://{registry}/v2/"
#define REGISTRY_LOGIN "docker login {registry}"
#define PRUNE "bluegreen-agent prune --app {app}"

/* What to type for a row of the diagnosis table. Others: by what it is about. */
static const char *command_of(const struct diagnosing *d, const char *code, const char *subject)
{
    static const char *const table[][2] = {
        { "docker_denied", "sudo usermod -aG docker $USER" },
        { "docker_missing", "sudo systemctl enable --now docker" },
        { "engine_too_old", "docker version" },
        { "disk_full", PRUNE },
        { "image_no_space", PRUNE },
        { "host_clock", "sudo timedatectl set-ntp true" },
        { "port_taken_by_container", "docker ps" },
        { "port_taken_by_process", "sudo ss -ltnp" },
        { "port_taken", "sudo ss -ltnp" },
        { "registry_name", "getent hosts {registry}" },
        { "registry_untrusted", REGISTRY_LOOK },
        { "registry_refused", REGISTRY_LOOK },
        { "registry_timeout", REGISTRY_LOOK },
        { "registry_failed", REGISTRY_LOOK },
        { "registry_plain_http", REGISTRY_LOOK },
        { "login_missing", REGISTRY_LOGIN },
        { "login_refused", REGISTRY_LOGIN },
        { "token_expired", REGISTRY_LOGIN },
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(table[i][0], code) == 0)
            return table[i][1];
    if (strcmp(subject, "blue") != 0)
        return "";
    return d->l.at[LOOK_GREEN].v.exists ? "bluegreen-agent rollback --app {app}"
                                        : "bluegreen-agent logs blue --app {app}";
}

static void fill_in(const struct diagnosing *d, const char *template, struct buf *out)
{
    struct span rest = span_of(template), part;
    while (span_split(&rest, '{', &part)) {
        buf_add_span(out, part);
        if (!rest.len || !span_split(&rest, '}', &part))
            continue;
        buf_adds(out, span_eq(part, "app") ? d->l.run.app : d->l.run.ref.registry);
    }
}

static struct json *words_of(const struct diagnosing *d, struct err *cause)
{
    char words[240];
    struct json *lines = json_array();
    redactor_clean_err(d->l.run.redactor, cause);
    json_push_str(lines, err_text(cause, words, sizeof(words)));
    return lines;
}

bool diagnose_tell(struct diagnosing *d, const char *level, const char *subject, struct err *cause,
                   const struct evidence *evidence)
{
    _cleanup_(buf_done_p) struct buf command = BUF_INIT(1024);
    const struct diagnosis_facts bare = { .cause = cause, .step = d->l.run.step_name };
    struct diagnosis found;
    if (!diagnose(evidence ? &evidence->facts : &bare, &found))
        return false;
    fill_in(d, command_of(d, found.code, subject), &command);
    diagnose_add(d, found.code, level, subject, found.cause, found.next, buf_str(&command),
                 evidence ? evidence_lines(&d->l.run, evidence, found.line) : words_of(d, cause));
    return true;
}

/* ---- the engine and the host ---- */

static bool check_engine(struct diagnosing *d)
{
    struct look *l = &d->l;
    char words[400];
    if (l->engine_error.kind == ERR_OK) {
        diagnose_check(d, "engine", true, "Docker %s, API %s, %s", l->run.engine_info.version, l->run.engine_info.api,
                       l->run.engine_info.arch);
        return true;
    }
    diagnose_check(d, "engine", false, "%s", err_text(&l->engine_error, words, sizeof(words)));
    if (!diagnose_tell(d, "error", "engine", &l->engine_error, NULL))
        diagnose_add(d, "engine_failed", "error", "engine", "the Docker Engine answers, but not as it should",
                     "Look at its log with 'sudo journalctl -u docker -n 50'.", "sudo journalctl -u docker -n 50",
                     words_of(d, &l->engine_error));
    return false;
}

static void check_host(struct diagnosing *d)
{
    const struct look *l = &d->l;
    if (l->engine_error.kind == ERR_OK)
        diagnose_check(d, "disk", l->disk_free_bytes < 0 || l->disk_free_bytes >= ADVICE_DISK_LOW,
                       "Docker's disk has %.1f GB free of %.1f GB", (double)l->disk_free_bytes / 1e9,
                       (double)l->disk_total_bytes / 1e9);
    if (l->has_skew)
        diagnose_check(d, "clock", fabs(l->skew_seconds) <= ADVICE_SKEW_SECONDS,
                       "the host's clock is %.1f s %s of yours", fabs(l->skew_seconds),
                       l->skew_seconds < 0 ? "behind" : "ahead");
    diagnose_check(d, "audit", !l->audit_bad[0], "%s", l->audit_bad[0] ? l->audit_bad : "the audit log is whole");
    if (l->running.is)
        diagnose_check(d, "deployment", true, "%s runs now, in step %s", l->running.deployment,
                       l->running.step[0] ? l->running.step : "0: it waits for the lock");
    else
        diagnose_check(d, "deployment", !l->unfinished[0], "%s%s",
                       l->unfinished[0] ? l->unfinished : "none is left without an end",
                       l->unfinished[0] ? " was cut off and nobody is at it" : "");
}

static void check_beside(struct diagnosing *d)
{
    const struct look *l = &d->l;
    const struct run_version *green = &l->at[LOOK_GREEN].v;
    if (green->exists)
        diagnose_check(d, "green", !green->c.running || l->running.is, "%s is kept, %s", green->c.name,
                       green->c.status);
    else
        diagnose_check(d, "green", true, "no previous version is kept");
    if (l->at[LOOK_BLUE].v.exists)
        diagnose_check(d, "keeper", l->keeper.exists && l->keeper.c.running, "%s %s", l->run.names.keeper,
                       l->keeper.exists ? l->keeper.c.status : "is not there");
}

/* ---- the last deployment, when it failed ---- */

static void tell_failed_deployment(struct diagnosing *d)
{
    const struct json *last = json_first(d->l.entries);
    char command[200];
    while (last && !wire_is_id(json_str(last, "deployment", "")))
        last = json_next(last);
    const char *id = json_str(last, "deployment", "");
    if (!last || !json_str(last, "error", "")[0])
        return;
    _cleanup_(json_free_p) struct json *told = look_diagnosis_of(&d->l, id);
    if (!told)
        return;
    (void)snprintf(command, sizeof(command), "bluegreen-agent logs %s --app %s", id, d->l.run.app);
    diagnose_add(d, json_str(told, "code", ""), "warning", "deployment", json_str(told, "cause", ""),
                 json_str(told, "next", ""), command,
                 json_is_array(json_get(told, "evidence")) ? json_copy(json_get(told, "evidence")) : NULL);
}

/* ---- what the recommendations know ---- */

/* The same told twice: the diagnosis table has said why. */
static bool is_explained(const struct diagnosing *d, const char *code)
{
    static const char *const codes[] = { "blue_ended", "blue_unhealthy", "restart_loop" };
    for (const struct json *f = json_first(d->findings); f; f = json_next(f))
        if (strcmp(json_str(f, "code", ""), code) == 0)
            return true;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strcmp(codes[i], code) == 0)
            return d->blue_explained;
    return false;
}

static void tell_recommendations(struct diagnosing *d)
{
    struct advice_facts facts;
    struct advice a;
    status_facts(&d->l, &facts);
    for (size_t row = 0; advice_next(&facts, &row, &a);) {
        char next[400] = "";
        if (is_explained(d, a.code))
            continue;
        if (a.command[0])
            (void)snprintf(next, sizeof(next), "On the host run '%s'.", a.command);
        diagnose_add(d, a.code, a.level, a.subject, a.text, next, a.command, NULL);
    }
}

/* Errors first, then warnings. */
static struct json *by_level(const struct json *findings)
{
    static const char *const levels[] = { "error", "warning", "info" };
    struct json *sorted = json_array();
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        for (const struct json *f = json_first(findings); f; f = json_next(f))
            if (strcmp(json_str(f, "level", ""), levels[i]) == 0)
                json_push(sorted, json_copy(f));
    return sorted;
}

/* ---- the report ---- */

static int prepare(struct diagnosing *d, struct err *err)
{
    struct run *run = &d->l.run;
    if (look_take(&d->l, d->request->app, d->request->time_ms, NULL, err) < 0 ||
        spec_register_secrets(&d->request->spec, run->redactor, err) < 0)
        return -(int)err->kind;
    return 0;
}

int diagnose_report(const struct wire_request *request, struct json **ret, struct err *err)
{
    struct diagnosing d = { .request = request };
    char iso[CLOCK_ISO_SIZE];
    d.checks = json_array();
    d.findings = json_array();
    int r = prepare(&d, err);
    if (r == 0 && check_engine(&d)) {
        diagnose_blue(&d);
        check_beside(&d);
        diagnose_registry(&d);
    }
    if (r == 0) {
        check_host(&d);
        tell_failed_deployment(&d);
        if (d.l.engine_error.kind == ERR_OK)
            tell_recommendations(&d);
        *ret = json_object();
        json_set_str(*ret, "app", request->app);
        json_set_str(*ret, "time", clock_format_iso(d.l.now_ms, iso));
        json_set(*ret, "findings", by_level(d.findings));
        json_set(*ret, "checks", TAKE_PTR(d.checks));
    }
    json_free(d.checks);
    json_free(d.findings);
    look_done(&d.l);
    return r;
}

int diagnose_reply(const struct wire_request *request, int out_fd, struct err *err)
{
    _cleanup_(event_done_p) struct event ev;
    struct json *report = NULL;
    int r = diagnose_report(request, &report, err);
    if (r < 0)
        return r;
    event_init(&ev, EVENT_REPORT, "");
    json_set_str(ev.body, "name", "diagnose");
    json_set(ev.body, "report", report);
    return reply_event(out_fd, &ev, err);
}
