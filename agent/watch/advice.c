#include "agent/watch/advice.h"

#include "shared/clock.h"

#include <inttypes.h>
#include <math.h>

#define SHOWN_ERROR 160

struct row {
    const char *code, *level, *subject;
    bool (*holds)(const struct advice_facts *f);
    const char *text, *command; /* {app} {image} … are filled in */
};

static bool has(const char *text)
{
    return text && text[0];
}

/* ---- what serves. While a deployment is at work, it is the deployment that mends it, or puts it back. ---- */

static bool is_unknown(const struct advice_facts *f)
{
    return !f->is_known && !f->blue.exists && !f->green.exists && !f->next.exists && !f->running;
}

static bool is_missing(const struct advice_facts *f)
{
    return !is_unknown(f) && !f->blue.exists && !f->running && !has(f->unfinished);
}

static bool is_missing_with_green(const struct advice_facts *f)
{
    return is_missing(f) && f->green.exists;
}

static bool is_missing_with_record(const struct advice_facts *f)
{
    return is_missing(f) && !f->green.exists && has(f->last_good);
}

static bool is_missing_for_good(const struct advice_facts *f)
{
    return is_missing(f) && !f->green.exists && !has(f->last_good);
}

static bool is_down(const struct advice_facts *f)
{
    return f->blue.exists && !f->blue.running && !f->blue.restarting && !f->running;
}

static bool is_stopped(const struct advice_facts *f)
{
    return is_down(f) && f->blue.comes_back;
}

static bool has_ended_with_green(const struct advice_facts *f)
{
    return is_down(f) && !f->blue.comes_back && f->green.exists;
}

static bool has_ended(const struct advice_facts *f)
{
    return is_down(f) && !f->blue.comes_back && !f->green.exists;
}

static bool is_looping(const struct advice_facts *f)
{
    return f->blue.exists && (f->blue.restarting || (f->blue.running && f->blue.restarts >= ADVICE_RESTARTS &&
                                                     f->blue.up_ms < ADVICE_RESTARTS_UP_MS));
}

static bool is_looping_with_green(const struct advice_facts *f)
{
    return is_looping(f) && f->green.exists;
}

static bool is_looping_alone(const struct advice_facts *f)
{
    return is_looping(f) && !f->green.exists;
}

static bool is_unhealthy(const struct advice_facts *f)
{
    return f->blue.running && f->blue.health == ADVICE_UNHEALTHY && !f->running;
}

static bool is_unhealthy_with_green(const struct advice_facts *f)
{
    return is_unhealthy(f) && f->green.exists;
}

static bool is_unhealthy_alone(const struct advice_facts *f)
{
    return is_unhealthy(f) && !f->green.exists;
}

static bool has_lost_its_port(const struct advice_facts *f)
{
    return f->blue.running && f->blue.port_lost && !f->running;
}

static bool has_lost_its_port_with_keeper(const struct advice_facts *f)
{
    return has_lost_its_port(f) && f->keeper_exists;
}

static bool has_lost_its_port_alone(const struct advice_facts *f)
{
    return has_lost_its_port(f) && !f->keeper_exists;
}

static bool was_oom_killed(const struct advice_facts *f)
{
    return f->blue.exists && f->blue.oom_killed;
}

static bool has_expired(const struct advice_facts *f)
{
    return f->blue.certificate_end_ms > 0 && f->now_ms >= f->blue.certificate_end_ms;
}

static bool is_expiring(const struct advice_facts *f)
{
    return f->blue.certificate_end_ms > f->now_ms && f->blue.certificate_end_ms - f->now_ms <= ADVICE_CERTIFICATE_MS;
}

static bool is_unchecked(const struct advice_facts *f)
{
    return f->blue.running && f->blue.health == ADVICE_HEALTH_UNKNOWN;
}

/* ---- the previous version ---- */

static bool green_runs(const struct advice_facts *f)
{
    return f->green.running && !f->running && !has(f->unfinished);
}

static bool green_is_old(const struct advice_facts *f)
{
    return f->green.exists && !f->green.running && f->green.keep_until_ms >= 0 && f->now_ms > f->green.keep_until_ms;
}

static bool green_lacks_its_image(const struct advice_facts *f)
{
    return f->green.exists && f->green.image_missing && has(f->green.image);
}

/* ---- images, deployments ---- */

static bool has_drifted(const struct advice_facts *f)
{
    return has(f->blue.drift) && has(f->blue.image);
}

static bool is_cut_off_with_keeper(const struct advice_facts *f)
{
    return has(f->unfinished) && !f->running && f->keeper_exists;
}

static bool is_cut_off(const struct advice_facts *f)
{
    return has(f->unfinished) && !f->running && !f->keeper_exists;
}

static bool candidate_is_left(const struct advice_facts *f)
{
    return f->next.exists && f->next.ours && !f->running && !has(f->unfinished);
}

static bool runs_long(const struct advice_facts *f)
{
    return f->running && f->running_limit_ms > 0 && f->running_ms > f->running_limit_ms;
}

static bool is_locked_otherwise(const struct advice_facts *f)
{
    return f->lock_held && !f->running;
}

static bool was_slow(const struct advice_facts *f)
{
    return f->kpi.verdict == KPI_WARNING;
}

static bool was_very_slow(const struct advice_facts *f)
{
    return f->kpi.verdict == KPI_CRITICAL;
}

static bool audit_is_broken(const struct advice_facts *f)
{
    return f->audit_broken;
}

/* ---- the host ---- */

static bool disk_is_full(const struct advice_facts *f)
{
    return f->disk_free_bytes >= 0 && f->disk_free_bytes < ADVICE_DISK_FULL;
}

static bool disk_is_nearly_full(const struct advice_facts *f)
{
    int64_t free_bytes = f->disk_free_bytes;
    bool little = free_bytes < ADVICE_DISK_MUCH && free_bytes < f->disk_total_bytes / ADVICE_DISK_PART;
    return free_bytes >= 0 && !disk_is_full(f) && (free_bytes < ADVICE_DISK_LOW || little);
}

static bool clock_is_off(const struct advice_facts *f)
{
    return fabs(f->skew_seconds) > ADVICE_SKEW_SECONDS;
}

static bool keeper_is_missing(const struct advice_facts *f)
{
    return f->blue.ours && !f->keeper_exists && !f->running && !has(f->unfinished);
}

static bool keeper_is_stopped(const struct advice_facts *f)
{
    return f->blue.ours && f->keeper_exists && !f->keeper_runs && !f->running;
}

static bool engine_is_old(const struct advice_facts *f)
{
    struct span rest = span_of(f->engine_api), major;
    int64_t minor;
    return span_split(&rest, '.', &major) && span_eq(major, "1") && span_to_int(rest, 0, 9999, &minor) &&
           minor < ADVICE_OLD_API;
}

/* ---- the table: what stops the service first ---- */

#define ROLLBACK "bluegreen-agent rollback --app {app}"
#define LOGS "bluegreen-agent logs blue --app {app}"
#define ENDDATE "echo | openssl s_client -connect 127.0.0.1:{tls_port} 2>/dev/null | openssl x509 -noout -enddate"

static const struct row rows[] = {
    { "blue_missing", "error", "blue", is_missing_with_green,
      "nothing serves: there is no container {app}-blue, but the previous version is kept", ROLLBACK },
    { "blue_missing", "error", "blue", is_missing_with_record,
      "nothing serves: there is no container {app}-blue, and no previous version is kept; an earlier good one can be "
      "brought back",
      ROLLBACK " --to {last_good}" },
    { "blue_missing", "error", "blue", is_missing_for_good,
      "nothing serves: there is no container {app}-blue, nor a version to go back to; deploy one",
      "bluegreen-agent history --app {app}" },
    { "blue_stopped", "error", "blue", is_stopped,
      "{app}-blue is stopped: somebody stopped it, since its restart policy would have brought it back",
      "docker start {app}-blue" },
    { "blue_ended", "error", "blue", has_ended_with_green,
      "{app}-blue has ended with exit code {exit} and is not started again; the previous version is kept", ROLLBACK },
    { "blue_ended", "error", "blue", has_ended, "{app}-blue has ended with exit code {exit} and is not started again",
      "docker start {app}-blue" },
    { "restart_loop", "error", "blue", is_looping_with_green,
      "{app}-blue ends and is started again, over and over ({restarts} times); the previous version is kept",
      ROLLBACK },
    { "restart_loop", "error", "blue", is_looping_alone,
      "{app}-blue ends and is started again, over and over ({restarts} times)", LOGS },
    { "blue_unhealthy", "error", "blue", is_unhealthy_with_green,
      "{app}-blue runs, but does not answer as it should ({health_error}); the previous version is kept", ROLLBACK },
    { "blue_unhealthy", "error", "blue", is_unhealthy_alone,
      "{app}-blue runs, but does not answer as it should ({health_error})", "bluegreen-agent diagnose --app {app}" },
    { "port_lost", "error", "blue", has_lost_its_port_with_keeper,
      "{app}-blue runs, but does not hold its port {port}: a restart gave it the spare one, and the keeper has not put "
      "it back",
      "docker restart {app}-keeper" },
    { "port_lost", "error", "blue", has_lost_its_port_alone,
      "{app}-blue runs, but does not hold its port {port}: a restart gave it the spare one",
      "docker restart {app}-blue" },
    { "certificate_expired", "error", "blue", has_expired,
      "the certificate that {app}-blue serves on port {tls_port} expired {certificate_time} ago, on {certificate_end}: "
      "clients refuse it. To renew it is the app's own matter; the command shows whether it has been",
      ENDDATE },
    { "disk_full", "error", "host", disk_is_full, "Docker's disk is full: {free} free; no deployment can begin",
      "bluegreen-agent prune --app {app}" },
    { "audit_broken", "error", "deployment", audit_is_broken, "the audit log was changed or cut",
      "bluegreen-agent history verify --app {app}" },
    { "oom_killed", "warning", "blue", was_oom_killed,
      "{app}-blue used more memory than it may and was killed for it: raise 'memory', or look for a leak", LOGS },
    { "certificate_expiring", "warning", "blue", is_expiring,
      "the certificate that {app}-blue serves on port {tls_port} expires in {certificate_time}, on {certificate_end}. "
      "To renew it is the app's own matter; the command shows whether it has been",
      ENDDATE },
    { "deployment_cut_off", "warning", "deployment", is_cut_off_with_keeper,
      "deployment {unfinished} was cut off and nobody is at it: the keeper brings it to its end",
      "docker restart {app}-keeper" },
    { "deployment_cut_off", "warning", "deployment", is_cut_off,
      "deployment {unfinished} was cut off and nobody is at it: the next run that takes the lock brings it to its end",
      "bluegreen-agent prune --app {app}" },
    { "deployment_long", "warning", "deployment", runs_long, "deployment {running} has been running for {running_time}",
      "bluegreen-agent logs {running} --app {app}" },
    { "candidate_left", "warning", "deployment", candidate_is_left, "{app}-next is left of a deployment that is over",
      "docker rm -f {app}-next" },
    { "green_running", "warning", "green", green_runs,
      "the previous version still runs beside the one that serves: it takes memory, and does no other harm",
      "docker stop {app}-green" },
    { "green_image_missing", "warning", "green", green_lacks_its_image,
      "the image of the previous version is gone from the host: its container still starts, but cannot be made anew",
      "docker pull {green_image}" },
    { "keeper_stopped", "warning", "host", keeper_is_stopped,
      "{app}-keeper does not run: after a restart the app may stay on its spare port, and nobody brings a cut-off "
      "deployment to its end",
      "docker start {app}-keeper" },
    { "keeper_missing", "warning", "host", keeper_is_missing,
      "there is no {app}-keeper: after a restart the app may stay on its spare port. The next deployment makes it "
      "again, also one that ends unchanged",
      "" },
    { "disk_low", "warning", "host", disk_is_nearly_full, "Docker's disk is nearly full: {free} of {total} free",
      "bluegreen-agent prune --app {app}" },
    { "clock_skew", "warning", "host", clock_is_off,
      "the host's clock is {skew}: logins to AWS fail, and times in the history are wrong",
      "sudo timedatectl set-ntp true" },
    { "kpi_critical", "warning", "deployment", was_very_slow, "the last deployment was very slow: {kpi}",
      "bluegreen-agent logs {kpi_deployment} --app {app}" },
    { "kpi_warning", "info", "deployment", was_slow, "the last deployment was slow: {kpi}",
      "bluegreen-agent logs {kpi_deployment} --app {app}" },
    { "lock_held", "info", "deployment", is_locked_otherwise, "another run holds the lock: {lock}",
      "bluegreen-agent status --app {app}" },
    { "green_old", "info", "green", green_is_old, "the previous version has been kept as long as it had to be",
      "bluegreen-agent prune --app {app}" },
    { "image_drift", "info", "image", has_drifted,
      "the tag of {image} names another image on this host now ({drift}) than the one that runs",
      "bluegreen-agent plan --app {app} --image {image}" },
    { "health_unknown", "info", "blue", is_unchecked,
      "nobody knows whether {app}-blue is healthy: the settings that it was started with are not on this host; a "
      "deployment puts that right",
      LOGS },
    { "engine_old", "info", "engine", engine_is_old,
      "the Docker Engine {engine} is old: update it with the packages of the system", "docker version" },
    { "app_unknown", "info", "host", is_unknown, "nothing on this host belongs to an app of the name {app}",
      "docker ps -a --filter label=io.bluegreen.app" },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

const char *advice_code(size_t row)
{
    return row < ROWS ? rows[row].code : NULL;
}

/* ---- filling in ---- */

static void add_bytes(struct buf *out, int64_t bytes)
{
    if (bytes >= 1000000000)
        buf_addf(out, "%.1f GB", (double)bytes / 1e9);
    else
        buf_addf(out, "%.0f MB", (double)bytes / 1e6);
}

static void add_span_of_time(struct buf *out, int64_t ms)
{
    int64_t minutes = ms / 60000;
    if (minutes >= 48 * 60)
        buf_addf(out, "%" PRId64 " days", minutes / (24 * 60));
    else if (minutes >= 120)
        buf_addf(out, "%" PRId64 " hours", minutes / 60);
    else
        buf_addf(out, "%" PRId64 " minutes", minutes);
}

static void add_time(struct buf *out, int64_t wall_ms)
{
    char iso[CLOCK_ISO_SIZE];
    (void)clock_format_iso(wall_ms, iso);
    buf_addf(out, "%.10s %.5s UTC", iso, iso + 11);
}

/* A reference that a pull takes: the digest, not the tag, which may name something else by now. */
static void add_pullable(struct buf *out, const struct advice_version *v)
{
    const char *image = v->image ? v->image : "";
    const char *slash = strrchr(image, '/'), *colon = strrchr(slash ? slash : image, ':');
    size_t name = strcspn(image, "@");
    if (!has(v->digest)) {
        buf_adds(out, image);
        return;
    }
    if (colon && (size_t)(colon - image) < name)
        name = (size_t)(colon - image);
    buf_addf(out, "%.*s@%s", (int)name, image, v->digest);
}

static void add_kpi(struct buf *out, const struct advice_facts *f)
{
    buf_addf(out, "%s %.1f s, %s above %.0f s", f->kpi.title, f->kpi.seconds,
             f->kpi.verdict == KPI_CRITICAL ? "critical" : "warning", f->kpi.limit);
}

static void add_value(const struct advice_facts *f, struct span name, struct buf *out)
{
    if (span_eq(name, "app"))
        buf_adds(out, f->app);
    else if (span_eq(name, "image"))
        buf_adds(out, f->blue.image);
    else if (span_eq(name, "drift"))
        buf_addf(out, "%.19s", f->blue.drift); /* "sha256:" and twelve digits, as docker shows it */
    else if (span_eq(name, "green_image"))
        add_pullable(out, &f->green);
    else if (span_eq(name, "last_good"))
        buf_adds(out, f->last_good);
    else if (span_eq(name, "port"))
        buf_addf(out, "%d", f->blue.port);
    else if (span_eq(name, "tls_port"))
        buf_addf(out, "%d", f->blue.certificate_port);
    else if (span_eq(name, "certificate_time"))
        add_span_of_time(out, llabs(f->blue.certificate_end_ms - f->now_ms));
    else if (span_eq(name, "certificate_end"))
        add_time(out, f->blue.certificate_end_ms);
    else if (span_eq(name, "exit"))
        buf_addf(out, "%" PRId64, f->blue.exit_code);
    else if (span_eq(name, "restarts"))
        buf_addf(out, "%" PRId64, f->blue.restarts);
    else if (span_eq(name, "health_error"))
        buf_addf(out, "%.*s", SHOWN_ERROR, f->blue.health_error);
    else if (span_eq(name, "free"))
        add_bytes(out, f->disk_free_bytes);
    else if (span_eq(name, "total"))
        add_bytes(out, f->disk_total_bytes);
    else if (span_eq(name, "unfinished"))
        buf_adds(out, f->unfinished);
    else if (span_eq(name, "running"))
        buf_adds(out, f->running_deployment);
    else if (span_eq(name, "running_time"))
        add_span_of_time(out, f->running_ms);
    else if (span_eq(name, "lock"))
        buf_adds(out, has(f->lock_deployment) ? f->lock_deployment : "nobody knows which");
    else if (span_eq(name, "skew"))
        buf_addf(out, "%.0f s %s", fabs(f->skew_seconds), f->skew_seconds > 0 ? "fast" : "slow");
    else if (span_eq(name, "kpi"))
        add_kpi(out, f);
    else if (span_eq(name, "kpi_deployment"))
        buf_adds(out, f->kpi.deployment);
    else if (span_eq(name, "engine"))
        buf_adds(out, f->engine_version);
}

static void fill_in(const struct advice_facts *f, const char *template, char *out, size_t size)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(4096);
    struct span rest = span_of(template), part;
    while (span_split(&rest, '{', &part)) {
        buf_add_span(&text, part);
        if (rest.len && span_split(&rest, '}', &part))
            add_value(f, part, &text);
    }
    (void)snprintf(out, size, "%s", buf_str(&text));
}

bool advice_next(const struct advice_facts *f, size_t *row, struct advice *ret)
{
    while (*row < ROWS) {
        const struct row *r = &rows[(*row)++];
        if (!r->holds(f))
            continue;
        ret->code = r->code;
        ret->level = r->level;
        ret->subject = r->subject;
        fill_in(f, r->text, ret->text, sizeof(ret->text));
        fill_in(f, r->command, ret->command, sizeof(ret->command));
        return true;
    }
    return false;
}
