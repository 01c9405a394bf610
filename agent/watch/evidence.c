#include "agent/watch/evidence.h"

#include "agent/request.h"
#include "agent/state/store.h"
#include "agent/traffic/ports.h"
#include "agent/watch/health.h"
#include "agent/watch/tlscheck.h"
#include "shared/clock.h"

#define TLS_MS 1000           /* a server that speaks TLS answers within milliseconds */
#define EVIDENCE_LINE_MAX 240 /* of one line of evidence: an annotation holds 4096 bytes, the report 6000 */
#define BODY_SHOWN 160
#define OWNER_MAX 1024
#define LOG_SHOWN 8
#define OOM_END_MS 600
#define OOM_LOOK_MS 20

/* Environment lines keep their key: "KEY=***". */
static struct json *without_env_values(const struct json *inspect)
{
    struct json *copy = json_copy(inspect);
    struct json *config = json_copy(json_get(inspect, "Config"));
    struct json *env = json_array();
    for (const struct json *e = json_first(json_get(config, "Env")); e; e = json_next(e)) {
        char line[300];
        const char *text = json_value_str(e, "");
        size_t key = strcspn(text, "=");
        (void)snprintf(line, sizeof(line), "%.*s=***", (int)(key < 256 ? key : 256), text);
        json_push_str(env, line);
    }
    if (json_is_object(config)) {
        json_set(config, "Env", env);
        json_set(copy, "Config", config);
    } else {
        json_free(env);
        json_free(config);
    }
    return copy;
}

static void save(struct run *run, const char *name, struct span text)
{
    struct err ignored = { 0 };
    _cleanup_(buf_done_p) struct buf clean = BUF_INIT(STORE_FILE_MAX);
    redactor_apply(run->redactor, text, &clean);
    if (buf_check(&clean, &ignored) == 0)
        (void)store_write(run->dir_fd, name, buf_span(&clean), &ignored);
}

int evidence_learn_secrets(struct run *run, const struct engine_container *c, struct err *err)
{
    struct strlist keys = { 0 };
    const char *id = engine_container_label(c, CONTAINER_LABEL_DEPLOYMENT);
    int r = id[0] ? request_load_secret_keys(run->app_fd, id, &keys, err) : 0;
    if (r == 1)
        r = err_set(err, ERR_IO, 0, "the record of deployment %s is gone", id);
    for (const struct json *e = json_first(json_path(c->raw, "Config", "Env", NULL)); e && r == 0; e = json_next(e)) {
        struct span value = span_of(json_value_str(e, "")), key;
        bool secret = false;
        if (!span_split(&value, '=', &key))
            continue;
        for (size_t i = 0; i < keys.len && !secret; i++)
            secret = span_eq(key, keys.items[i]);
        if (secret)
            r = redactor_add(run->redactor, value, err);
    }
    strlist_done(&keys);
    return r;
}

bool evidence_tail(struct run *run, const struct engine_container *c, struct buf *log)
{
    struct err err = { 0 };
    char words[ERR_TEXT_MAX];
    if (evidence_learn_secrets(run, c, &err) < 0) {
        run_log(run, "warning", "agent",
                "log and settings of %s are not kept, as secrets in them could not be hidden: %s", c->name,
                err_text(&err, words, sizeof(words)));
        return false;
    }
    (void)engine_container_logs(run->engine, c, EVIDENCE_LOG_LINES, EVIDENCE_LOG_BYTES, false, run->redactor, log,
                                &err);
    return true;
}

static void save_with_log(struct run *run, const struct engine_container *c, const char *role, struct span log)
{
    char name[64];
    struct err ignored = { 0 };
    (void)snprintf(name, sizeof(name), "app-%s.log", role);
    save(run, name, log);
    _cleanup_(json_free_p) struct json *inspect = without_env_values(c->raw);
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(STORE_FILE_MAX);
    if (json_print_pretty(inspect, &text, &ignored) < 0)
        return;
    (void)snprintf(name, sizeof(name), "inspect-%s.json", role);
    save(run, name, buf_span(&text));
}

void evidence_save(struct run *run, const struct engine_container *c, const char *role)
{
    _cleanup_(buf_done_p) struct buf log = BUF_INIT(EVIDENCE_LOG_BYTES);
    if (evidence_tail(run, c, &log))
        save_with_log(run, c, role, buf_span(&log));
}

/* ---- what was seen, beside the log ---- */

/* What listens inside the container, from its first process; as any user may see it. */
static void look_inside(const struct run *run, const struct engine_container *c, struct evidence *s)
{
    char path[64];
    int64_t pid = json_int(json_get(c->raw, "State"), "Pid", 0);
    if (!c->running || pid <= 0 || run->by_keeper || strcmp(c->network_mode, "host") == 0)
        return; /* the keeper does not see the host's processes */
    (void)snprintf(path, sizeof(path), "/proc/%lld/net", (long long)pid);
    sockets_read(path, &s->listens);
}

void evidence_look(struct run *run, const struct err *cause, const struct run_version *asked,
                   const struct run_version *failed, const struct history *probes, struct span log, struct evidence *s)
{
    struct health_place place;
    health_place(run, asked, &place);
    memset(s, 0, sizeof(*s));
    buf_init(&s->owner, OWNER_MAX);
    s->facts = (struct diagnosis_facts){
        .cause = cause,
        .step = run->step_name,
        .container = failed->exists ? &failed->c : NULL,
        .log = log,
        .probes = probes,
        .listens = &s->listens,
        .port = place.inside,
    };
    if (failed->exists)
        look_inside(run, &failed->c, s);
    /* Some servers answer plain HTTP on their TLS port with 400, others just hang up. */
    bool no_answer = probes->last_status == 0 || probes->last_status == 400;
    if (cause->kind == ERR_UNHEALTHY && failed->exists && failed->c.running && no_answer)
        s->facts.speaks_tls = tlscheck_speaks_tls(place.address, place.port, TLS_MS);
    /* The preflight names the port as the error's code; the engine's words do not, and its code is an HTTP status. */
    int port = cause->code == (int)spec_spare_port(&run->spec) ? cause->code : (int)run->spec.port;
    if (cause->kind == ERR_PORT_TAKEN && ports_owner(run, port, &s->owner))
        s->facts.port_owner = buf_str(&s->owner);
}

void evidence_done(struct evidence *s)
{
    buf_done(&s->owner);
}

/* ---- the lines ---- */

static void add_line(const struct run *run, struct json *evidence, const char *label, struct span text)
{
    _cleanup_(buf_done_p) struct buf clean = BUF_INIT(EVIDENCE_LOG_BYTES);
    char line[EVIDENCE_LINE_MAX + 1];
    redactor_apply(run->redactor, text, &clean); /* before it is cut: half a secret would not be known */
    (void)snprintf(line, sizeof(line), "%s%s", label, buf_str(&clean));
    json_push_str(evidence, line);
}

/* The engine's words without the calls that they went through, so that what failed is not cut off. */
static const char *inner_words(const char *words)
{
    static const char outer[] = "runc create failed: ";
    const char *at = strstr(words, outer);
    return at ? at + sizeof(outer) - 1 : words;
}

static void add_container(const struct run *run, const struct engine_container *c, struct json *evidence)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(2048);
    const char *signal = diagnosis_signal(c->exit_code);
    buf_addf(&text, "%s: %s", c->name, c->status);
    if (!c->running)
        buf_addf(&text, ", exit code %lld", (long long)c->exit_code);
    if (!c->running && signal)
        buf_addf(&text, " (%s)", signal);
    if (c->oom_killed)
        buf_adds(&text, ", OOMKilled");
    if (run->spec.memory_bytes)
        buf_addf(&text, ", memory limit %.0f MiB", (double)run->spec.memory_bytes / 1048576);
    buf_addf(&text, ", restarts %lld", (long long)c->restart_count);
    if (c->error[0])
        buf_addf(&text, "; the engine says: %s", inner_words(c->error));
    add_line(run, evidence, "container ", buf_span(&text));
}

/* One line of an answer's body, or as much of it as is text. */
static void add_body(const struct run *run, const struct history *probes, struct json *evidence)
{
    _cleanup_(buf_done_p) struct buf clean = BUF_INIT(4 * HISTORY_BODY_MAX);
    char text[BODY_SHOWN + 1];
    size_t n = 0;
    redactor_apply(run->redactor, buf_span(&probes->body), &clean);
    struct span body = span_trim(buf_span(&clean));
    for (; n < body.len && n < BODY_SHOWN; n++)
        text[n] = body.ptr[n] == '\n' || body.ptr[n] == '\r' || body.ptr[n] == '\0' ? ' ' : body.ptr[n];
    text[n] = '\0';
    if (n)
        add_line(run, evidence, "its last answer: ", span_of(text));
}

static void add_probes(const struct run *run, const struct history *probes, struct json *evidence)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(2048);
    if (probes->attempts == 0)
        return;
    buf_addf(&text, "%s: ", probes->target);
    history_text(probes, &text);
    add_line(run, evidence, "health check of ", buf_span(&text));
    add_body(run, probes, evidence);
}

static void add_sockets(const struct run *run, const struct evidence *s, struct json *evidence)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(2048);
    if (!s->listens.known || s->facts.cause->kind != ERR_UNHEALTHY)
        return;
    sockets_text(&s->listens, &text);
    buf_addf(&text, "; asked is port %d", s->facts.port);
    if (s->facts.speaks_tls)
        buf_adds(&text, ", which speaks TLS");
    add_line(run, evidence, "listening inside the container: ", buf_span(&text));
}

static void add_log(const struct run *run, struct span log, struct json *evidence)
{
    struct span rest = log, line;
    size_t lines = 0;
    while (span_next_line(&rest, &line))
        lines++;
    rest = log;
    for (size_t i = 0; span_next_line(&rest, &line); i++)
        if (i + LOG_SHOWN >= lines)
            add_line(run, evidence, "log: ", line);
}

struct json *evidence_lines(const struct run *run, const struct evidence *s, struct span telling)
{
    struct json *evidence = json_array();
    if (s->facts.container)
        add_container(run, s->facts.container, evidence);
    add_probes(run, s->facts.probes, evidence);
    add_sockets(run, s, evidence);
    if (s->facts.port_owner)
        add_line(run, evidence, "the port belongs to ", span_of(s->facts.port_owner));
    if (telling.len)
        add_line(run, evidence, "what its log says: ", telling);
    add_log(run, s->facts.log, evidence);
    return evidence;
}

static void tell_diagnosis(struct run *run, const struct diagnosis *d, const struct evidence *s)
{
    _cleanup_(event_done_p) struct event ev;
    event_init(&ev, EVENT_DIAGNOSIS, run->step_name);
    json_set_str(ev.body, "code", d->code);
    json_set_str(ev.body, "cause", d->cause);
    json_set_str(ev.body, "next", d->next);
    json_set(ev.body, "evidence", evidence_lines(run, s, d->line));
    eventlog_emit(&run->log, &ev);
}

/* A container whose memory ran out is told of before it has ended: its exit code is worth a moment. */
static bool find_failed(struct run *run, struct run_version *ret)
{
    struct err ignored = { 0 };
    int64_t until = clock_mono_ms() + OOM_END_MS;
    while (run_find(run, run->cand.c.id, ret, &ignored) == 0) {
        if (!ret->c.oom_killed || !ret->c.running || clock_mono_ms() >= until)
            return true;
        clock_sleep_ms(OOM_LOOK_MS); /* `wait` would need a second connection to the engine */
    }
    return false;
}

void evidence_collect(struct run *run, const struct err *cause)
{
    struct run_version failed = { 0 };
    struct diagnosis d;
    struct evidence s;
    _cleanup_(buf_done_p) struct buf log = BUF_INIT(EVIDENCE_LOG_BYTES);
    /* After a cancel the engine refuses further calls; what follows must still be asked. */
    run_ignore_cancel(run);
    if (run->cand.exists && find_failed(run, &failed)) {
        bool may_tell = evidence_tail(run, &failed.c, &log);
        if (log.len > 0)
            run_log_lines(run, "info", "app", buf_span(&log), EVIDENCE_SHOWN_LINES);
        if (may_tell)
            save_with_log(run, &failed.c, "candidate", buf_span(&log));
    }
    evidence_look(run, cause, &run->cand, &failed, &run->history, buf_span(&log), &s);
    if (diagnose(&s.facts, &d))
        tell_diagnosis(run, &d, &s);
    evidence_done(&s);
    run_version_done(&failed);
}
