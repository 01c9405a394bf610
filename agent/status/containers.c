/* The containers of an app, as they are now. */
#include "agent/request.h"
#include "agent/status/look.h"
#include "agent/traffic/strategy.h"
#include "agent/watch/evidence.h"
#include "agent/watch/tlscheck.h"
#include "shared/clock.h"
#include "shared/http.h"
#include "shared/reference.h"

#define STATS_APART_MS 100 /* shortest span between two samples that gives a CPU figure worth printing */
#define HEALTH_MAX_MS 5000 /* who asks for a status does not wait for an app as long as a deployment may */
#define TLS_MS 500         /* a server that speaks TLS answers within milliseconds */
#define CERTIFICATE_MS 1000
#define CERTIFICATE_KEPT_MS (60 * 1000)

/* ---- CPU, memory, network ---- */

static const struct engine_stats *remembered(const struct look_memory *memory, enum look_role role,
                                             const struct look_version *lv)
{
    if (!memory || strcmp(memory->samples[role].id, lv->v.c.id) != 0)
        return NULL;
    return &memory->samples[role].stats;
}

static bool is_usable(const struct engine_stats *earlier, const struct engine_stats *now)
{
    return earlier && now->at_ms - earlier->at_ms >= STATS_APART_MS && now->cpu_total_ns >= earlier->cpu_total_ns;
}

static void set_cpu(struct look_version *lv, const struct engine_stats *earlier)
{
    double cpu =
        (double)(lv->stats.cpu_total_ns - earlier->cpu_total_ns) / 1e4 / (double)(lv->stats.at_ms - earlier->at_ms);
    lv->cpu_percent = (double)(int64_t)(cpu * 10 + 0.5) / 10;
}

static void sample(struct look *l, struct look_version *lv)
{
    struct err ignored = { 0 };
    lv->sampled = engine_container_stats(l->run.engine, lv->v.c.id, &lv->stats, &ignored) == 0;
}

/* The first samples. True when one of them needs a second: no question before has left an earlier one. */
static bool begin_samples(struct look *l, const struct look_memory *memory)
{
    bool needs = false;
    for (int role = 0; role < LOOK_ROLES; role++) {
        struct look_version *lv = &l->at[role];
        lv->cpu_percent = -1;
        if (!lv->v.exists || !lv->v.c.running)
            continue;
        sample(l, lv);
        needs = needs || (lv->sampled && !is_usable(remembered(memory, (enum look_role)role, lv), &lv->stats));
    }
    return needs;
}

/* One pause for all of them. */
static void end_samples(struct look *l, const struct look_memory *memory, bool pause)
{
    struct engine_stats first[LOOK_ROLES] = { 0 };
    int64_t newest = 0;
    for (int role = 0; role < LOOK_ROLES; role++) {
        first[role] = l->at[role].stats;
        if (first[role].at_ms > newest)
            newest = first[role].at_ms;
    }
    if (pause)
        clock_sleep_ms(newest + STATS_APART_MS - clock_mono_ms()); /* the sampling period */
    for (int role = 0; role < LOOK_ROLES; role++) {
        struct look_version *lv = &l->at[role];
        if (pause && lv->sampled)
            sample(l, lv);
        const struct engine_stats *earlier = pause ? &first[role] : remembered(memory, (enum look_role)role, lv);
        if (lv->sampled && is_usable(earlier, &lv->stats))
            set_cpu(lv, earlier);
    }
}

static void remember(const struct look *l, struct look_memory *memory)
{
    for (int role = 0; memory && role < LOOK_ROLES; role++) {
        const struct look_version *lv = &l->at[role];
        (void)snprintf(memory->samples[role].id, ENGINE_ID_MAX, "%s", lv->sampled ? lv->v.c.id : "");
        memory->samples[role].stats = lv->stats;
        memory->samples[role].certificate_end_ms = lv->certificate_end_ms;
        memory->samples[role].certificate_at_ms = lv->certificate_at_ms;
    }
}

/* ---- health ---- */

/* Its error may hold words of the settings, which may hold a secret. Without these known, it is not told. */
static void redact_answer(struct look *l, struct look_version *lv)
{
    _cleanup_(buf_done_p) struct buf clean = BUF_INIT(64 * 1024);
    struct err ignored = { 0 };
    if (!lv->answer.error[0])
        return;
    if (evidence_learn_secrets(&l->run, &lv->v.c, &ignored) == 0)
        redactor_apply_cut(l->run.redactor, span_of(lv->answer.error), &clean);
    else
        buf_adds(&clean, "it does not answer as its settings want");
    (void)snprintf(lv->answer.error, sizeof(lv->answer.error), "%s", buf_str(&clean));
}

static void ask_health(struct look *l, struct look_version *lv, struct history *history)
{
    const char *id = engine_container_label(&lv->v.c, CONTAINER_LABEL_DEPLOYMENT);
    struct err ignored = { 0 };
    int first, last;
    if (!id[0] || l->run.app_fd < 0)
        return;
    spec_init(&lv->spec);
    lv->has_spec = true;
    if (request_load_spec(l->run.app_fd, id, &lv->spec, &ignored) != 0) {
        spec_done(&lv->spec);
        lv->has_spec = false;
        return;
    }
    lv->v.host_port = traffic_wanted_ports(&lv->v.c, (int)lv->spec.port, &first, &last)
                          ? traffic_bound_port(&lv->v.c, first, last)
                          : 0;
    if (!lv->v.c.running)
        return;
    struct spec own = l->run.spec;
    l->run.spec = lv->spec; /* borrowed: health checks go by the settings of their run */
    if (l->run.spec.health_timeout_ms > HEALTH_MAX_MS)
        l->run.spec.health_timeout_ms = HEALTH_MAX_MS;
    lv->healthy = health_look(&l->run, &lv->v, history, &lv->answer);
    l->run.spec = own;
    lv->asked = true;
    redact_answer(l, lv);
}

static void ask_all(struct look *l)
{
    struct history other;
    history_init(&other);
    for (int role = 0; role < LOOK_ROLES; role++)
        if (l->at[role].v.exists)
            ask_health(l, &l->at[role], role == LOOK_BLUE ? &l->blue_history : &other);
    history_done(&other);
}

/* ---- certificates ---- */

/* By what the health check saw. What answers plain HTTP on the published port is not bothered with a handshake. */
static bool may_speak_tls(const struct look_version *lv)
{
    const struct spec *s = &lv->spec;
    if (!lv->asked || lv->v.host_port == 0)
        return false;
    if (!s->health_path[0])
        return lv->healthy;
    if (s->health_port && s->health_port != s->container_port)
        return true; /* it was asked elsewhere */
    /* Some servers answer plain HTTP on their TLS port with 400, others just hang up. */
    return lv->answer.status == 0 || lv->answer.status == 400;
}

static void look_at_certificate(struct look_version *lv)
{
    struct err ignored = { 0 };
    lv->certificate_at_ms = clock_mono_ms();
    if (tlscheck_speaks_tls("127.0.0.1", lv->v.host_port, TLS_MS))
        (void)http_certificate_end("127.0.0.1", lv->v.host_port, CERTIFICATE_MS, &lv->certificate_end_ms, &ignored);
}

/* True when the question before has left it, of the same container and a short while ago. */
static bool recall_certificate(struct look_version *lv, enum look_role role, const struct look_memory *memory)
{
    if (!memory || strcmp(memory->samples[role].id, lv->v.c.id) != 0)
        return false;
    int64_t at_ms = memory->samples[role].certificate_at_ms;
    if (at_ms == 0 || clock_mono_ms() - at_ms >= CERTIFICATE_KEPT_MS)
        return false;
    lv->certificate_end_ms = memory->samples[role].certificate_end_ms;
    lv->certificate_at_ms = at_ms;
    return true;
}

static void look_at_certificates(struct look *l, const struct look_memory *memory)
{
    for (int role = 0; role < LOOK_ROLES; role++) {
        struct look_version *lv = &l->at[role];
        if (lv->v.exists && may_speak_tls(lv) && !recall_certificate(lv, (enum look_role)role, memory))
            look_at_certificate(lv);
    }
}

/* ---- images ---- */

/* What does the tag, with which it was deployed, name on this host now? */
static void look_at_tag(struct look *l, struct look_version *lv)
{
    const char *image = engine_container_label(&lv->v.c, CONTAINER_LABEL_IMAGE);
    const char *digest = engine_container_label(&lv->v.c, CONTAINER_LABEL_DIGEST);
    struct reference ref;
    struct engine_image found;
    struct err ignored = { 0 };
    if (!digest[0] || reference_parse(image, &ref, &ignored) < 0 || ref.digest[0] ||
        engine_image_inspect(l->run.engine, image, ref.repo, &found, &ignored) != 0)
        return;
    if (found.digest[0] && strcmp(found.digest, digest) != 0)
        (void)snprintf(lv->drift, sizeof(lv->drift), "%s", found.digest);
    engine_image_done(&found);
}

static void look_at_image(struct look *l, struct look_version *lv)
{
    struct engine_image found;
    struct err ignored = { 0 };
    int r = engine_image_inspect(l->run.engine, lv->v.c.image_id, NULL, &found, &ignored);
    lv->image_missing = r == 1;
    if (r == 0)
        engine_image_done(&found);
}

/* ---- all of them ---- */

/* Containers with the app's label that have none of its names. */
static int find_others(struct look *l, struct err *err)
{
    _cleanup_(json_free_p) struct json *all = NULL;
    const struct run_names *n = &l->run.names;
    char label[SPEC_APP_MAX + 64];
    int r = 0;
    (void)snprintf(label, sizeof(label), "%s=%s", CONTAINER_LABEL_APP, l->run.app);
    if (engine_container_list(l->run.engine, label, &all, err) < 0)
        return -(int)err->kind;
    strlist_done(&l->others);
    for (const struct json *c = json_first(all); c && r == 0; c = json_next(c)) {
        const char *name = json_value_str(json_first(json_get(c, "Names")), "");
        name += name[0] == '/';
        if (strcmp(name, n->blue) != 0 && strcmp(name, n->green) != 0 && strcmp(name, n->next) != 0 &&
            strcmp(name, n->keeper) != 0)
            r = strlist_add(&l->others, span_of(name), err);
    }
    return r;
}

static int find_all(struct look *l, struct err *err)
{
    const struct run_names *n = &l->run.names;
    const char *const names[LOOK_ROLES] = { n->blue, n->green, n->next };
    for (int role = 0; role < LOOK_ROLES; role++)
        if (run_find(&l->run, names[role], &l->at[role].v, err) < 0)
            return err_wrap(err, "look for '%s'", names[role]);
    if (run_find(&l->run, n->keeper, &l->keeper, err) < 0)
        return err_wrap(err, "look for '%s'", n->keeper);
    return find_others(l, err);
}

int look_at_versions(struct look *l, struct look_memory *memory, struct err *err)
{
    if (find_all(l, err) < 0)
        return -(int)err->kind;
    bool pause = begin_samples(l, memory);
    ask_all(l); /* while the sampling period passes */
    look_at_certificates(l, memory);
    if (l->at[LOOK_BLUE].v.exists)
        look_at_tag(l, &l->at[LOOK_BLUE]);
    if (l->at[LOOK_GREEN].v.exists)
        look_at_image(l, &l->at[LOOK_GREEN]);
    end_samples(l, memory, pause);
    remember(l, memory);
    return 0;
}
