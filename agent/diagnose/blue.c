/* What serves: does it run, answer, listen where it is asked, hold its port? */
#include "agent/diagnose/diagnose_internal.h"
#include "agent/traffic/ports.h"
#include "agent/traffic/strategy.h"
#include "agent/watch/advice.h"
#include "shared/clock.h"

#include <inttypes.h>

/* It ended by itself, or ends over and over; what somebody stopped is no riddle. */
static bool has_ended(const struct engine_container *c)
{
    bool comes_back = strcmp(c->restart_policy, "always") == 0 || strcmp(c->restart_policy, "unless-stopped") == 0;
    return c->restarting || (!c->running && !comes_back && strcmp(c->status, "created") != 0) || c->error[0];
}

static void check_state(struct diagnosing *d, const struct engine_container *c)
{
    bool ok = c->running && !c->restarting && !c->oom_killed;
    if (c->running)
        diagnose_check(d, "blue", ok, "%s runs; restarts %" PRId64 "%s", c->name, c->restart_count,
                       c->oom_killed ? ", out of memory" : "");
    else
        diagnose_check(d, "blue", false, "%s: %s, exit code %" PRId64 "%s", c->name, c->status, c->exit_code,
                       c->oom_killed ? ", out of memory" : "");
}

static void check_port(struct diagnosing *d, const struct look_version *lv)
{
    struct run *run = &d->l.run;
    _cleanup_(buf_done_p) struct buf owner = BUF_INIT(1024);
    int port = (int)run->spec.port, first, last;
    struct err err = { 0 };
    if (lv->v.c.running) {
        bool wants = traffic_wanted_ports(&lv->v.c, port, &first, &last);
        bool holds = !wants || traffic_holds_port(&lv->v.c, port);
        diagnose_check(d, "port", holds, holds ? "port %d belongs to %s" : "port %d does not belong to %s, which runs",
                       port, lv->v.c.name);
        return;
    }
    bool taken = ports_owner(run, port, &owner);
    diagnose_check(d, "port", !taken, taken ? "port %d belongs to %s" : "port %d is free%s", port,
                   taken ? buf_str(&owner) : "");
    if (!taken)
        return;
    struct evidence e;
    (void)err_set(&err, ERR_PORT_TAKEN, port, "port %d of the host belongs to %s", port, buf_str(&owner));
    evidence_look(run, &err, &lv->v, &lv->v, &d->l.blue_history, (struct span){ 0 }, &e);
    (void)diagnose_tell(d, "error", "blue", &err, &e);
    evidence_done(&e);
}

static void check_inside(struct diagnosing *d, const struct evidence *e)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(2048);
    const struct socket_listener *at = sockets_on(&e->listens, e->facts.port);
    if (!e->listens.known)
        return;
    sockets_text(&e->listens, &text);
    diagnose_check(d, "listening", at && !at->loopback, "inside the container: %.200s; asked is port %d",
                   buf_str(&text), e->facts.port);
    if (e->facts.speaks_tls)
        diagnose_check(d, "tls", false, "port %d speaks TLS, the health check does not", e->facts.port);
}

static void check_health(struct diagnosing *d, const struct look_version *lv)
{
    if (!lv->asked)
        diagnose_check(d, "health", false, "nobody knows how to ask: the settings of %s are not on this host",
                       lv->v.c.name);
    else if (lv->healthy)
        diagnose_check(d, "health", true, "answers as wanted in %" PRId64 " ms", lv->answer.took_ms);
    else
        diagnose_check(d, "health", false, "%s: %s", d->l.blue_history.target, lv->answer.error);
}

static void check_certificate(struct diagnosing *d, const struct look_version *lv)
{
    char iso[CLOCK_ISO_SIZE];
    if (lv->certificate_end_ms > 0)
        diagnose_check(d, "certificate", lv->certificate_end_ms - d->l.now_ms > ADVICE_CERTIFICATE_MS,
                       "that of port %d holds until %s", lv->v.host_port,
                       clock_format_iso(lv->certificate_end_ms, iso));
}

/* Why, as the table knows it, with the end of its log. */
static void explain(struct diagnosing *d, const struct look_version *lv, struct err *cause)
{
    struct run *run = &d->l.run;
    struct run_version seen = lv->v; /* borrowed */
    struct evidence e;
    _cleanup_(buf_done_p) struct buf log = BUF_INIT(EVIDENCE_LOG_BYTES);
    seen.c.restart_count = 0; /* that it ends over and over is known: why is the question */
    (void)evidence_tail(run, &lv->v.c, &log);
    evidence_look(run, cause, &seen, &seen, &d->l.blue_history, buf_span(&log), &e);
    if (cause->kind == ERR_UNHEALTHY)
        check_inside(d, &e);
    d->blue_explained = diagnose_tell(d, "error", "blue", cause, &e);
    evidence_done(&e);
}

void diagnose_blue(struct diagnosing *d)
{
    struct look_version *lv = &d->l.at[LOOK_BLUE];
    const struct engine_container *c = &lv->v.c;
    struct run *run = &d->l.run;
    struct spec own = run->spec;
    struct err cause = { 0 };
    if (!lv->v.exists) {
        diagnose_check(d, "blue", false, "there is no container %s", run->names.blue);
        return;
    }
    if (lv->has_spec)
        run->spec = lv->spec; /* borrowed: what is looked at goes by the settings of the run */
    check_state(d, c);
    if (c->running && !c->restarting)
        check_health(d, lv);
    check_certificate(d, lv);
    if (lv->has_spec)
        check_port(d, lv);
    if (has_ended(c))
        (void)err_set(&cause, ERR_APP_EXITED, (int)c->exit_code, "the container ended with exit code %" PRId64 "%s%s",
                      c->exit_code, c->error[0] ? ": " : "", c->error);
    else if (c->running && lv->asked && !lv->healthy)
        (void)err_set(&cause, ERR_UNHEALTHY, lv->answer.status, "not healthy: %s", lv->answer.error);
    if (cause.kind != ERR_OK)
        explain(d, lv, &cause);
    run->spec = own;
}
