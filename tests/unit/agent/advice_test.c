#include "agent/watch/advice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW INT64_C(1800000000000)
#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "sha256:fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

/* A host on which all is well. */
static struct advice_facts well(void)
{
    return (struct advice_facts){
        .app = "shop",
        .now_ms = NOW,
        .is_known = true,
        .blue = { .exists = true,
                  .ours = true,
                  .running = true,
                  .comes_back = true,
                  .up_ms = HOUR,
                  .health = ADVICE_HEALTHY,
                  .image = "registry.example:5000/team/shop:v2",
                  .digest = DIGEST,
                  .keep_until_ms = -1 },
        .green = { .exists = true,
                   .ours = true,
                   .image = "registry.example:5000/team/shop:v1",
                   .digest = OTHER,
                   .keep_until_ms = NOW + HOUR },
        .keeper_exists = true,
        .keeper_runs = true,
        .last_good = "20260101-000000-aaaaaa",
        .disk_free_bytes = 50LL << 30,
        .disk_total_bytes = 100LL << 30,
        .engine_version = "26.1.5",
        .engine_api = "1.45",
        .kpi = { .deployment = "20260102-000000-bbbbbb" },
    };
}

/* "code code" of all that is recommended. */
static const char *codes(const struct advice_facts *f)
{
    static char out[512];
    struct advice a;
    size_t row = 0, len = 0;
    out[0] = '\0';
    while (advice_next(f, &row, &a))
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s", len ? " " : "", a.code);
    return out;
}

static struct advice one(const struct advice_facts *f)
{
    struct advice a = { 0 }, further;
    size_t row = 0;
    assert_true(advice_next(f, &row, &a));
    if (advice_next(f, &row, &further))
        fail_msg("%s, and %s, too", a.code, further.code);
    return a;
}

static void assert_advice(const struct advice_facts *f, const char *code, const char *level, const char *word,
                          const char *command)
{
    struct advice a = one(f);
    assert_string_equal(a.code, code);
    assert_string_equal(a.level, level);
    assert_string_equal(a.command, command);
    if (!strstr(a.text, word))
        fail_msg("'%s' does not say '%s'", a.text, word);
}

static void nothing_is_recommended_where_all_is_well(void **state)
{
    (void)state;
    struct advice_facts f = well();
    assert_string_equal(codes(&f), "");
    f.green = (struct advice_version){ 0 };
    assert_string_equal(codes(&f), "");
}

static void an_app_that_nobody_knows_is_told_as_such_only(void **state)
{
    (void)state;
    struct advice_facts f = {
        .app = "shop", .now_ms = NOW, .disk_free_bytes = -1, .disk_total_bytes = -1, .engine_api = "1.45"
    };
    assert_advice(&f, "app_unknown", "info", "shop", "docker ps -a --filter label=io.bluegreen.app");
    f.running = true;
    assert_string_equal(codes(&f), "");
}

static void without_blue_something_to_go_back_to_is_offered(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.blue = (struct advice_version){ 0 };
    assert_advice(&f, "blue_missing", "error", "previous version is kept", "bluegreen-agent rollback --app shop");
    f.green = (struct advice_version){ 0 };
    assert_advice(&f, "blue_missing", "error", "earlier good one",
                  "bluegreen-agent rollback --app shop --to 20260101-000000-aaaaaa");
    f.last_good = "";
    assert_advice(&f, "blue_missing", "error", "deploy one", "bluegreen-agent history --app shop");
    f.running = true;
    assert_string_equal(codes(&f), "");
}

static void a_blue_that_somebody_stopped_is_to_be_started(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.blue.running = false;
    f.blue.health = ADVICE_HEALTH_UNKNOWN;
    assert_advice(&f, "blue_stopped", "error", "shop-blue is stopped", "docker start shop-blue");
    f.blue.restarting = true;
    assert_string_equal(codes(&f), "restart_loop");
    f.blue.restarting = false;
    f.running = true;
    assert_string_equal(codes(&f), "");
}

static void a_blue_that_ended_by_itself_is_a_reason_to_go_back(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.blue.running = f.blue.comes_back = false;
    f.blue.health = ADVICE_HEALTH_UNKNOWN;
    f.blue.exit_code = 137;
    assert_advice(&f, "blue_ended", "error", "exit code 137", "bluegreen-agent rollback --app shop");
    f.green = (struct advice_version){ 0 };
    assert_advice(&f, "blue_ended", "error", "exit code 137", "docker start shop-blue");
}

static void a_restart_loop_is_several_restarts_a_short_while_ago(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.blue.restarts = ADVICE_RESTARTS;
    f.blue.up_ms = ADVICE_RESTARTS_UP_MS - 1;
    assert_advice(&f, "restart_loop", "error", "3 times", "bluegreen-agent rollback --app shop");
    f.blue.up_ms = ADVICE_RESTARTS_UP_MS;
    assert_string_equal(codes(&f), "");
    f.blue.up_ms = 0;
    f.blue.restarts = ADVICE_RESTARTS - 1;
    assert_string_equal(codes(&f), "");
    f.blue.restarting = true;
    f.green = (struct advice_version){ 0 };
    assert_advice(&f, "restart_loop", "error", "2 times", "bluegreen-agent logs blue --app shop");
}

static void an_unhealthy_blue_is_a_reason_to_go_back(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.blue.health = ADVICE_UNHEALTHY;
    f.blue.health_error = "HTTP status 500, wanted 200-299";
    assert_advice(&f, "blue_unhealthy", "error", "HTTP status 500", "bluegreen-agent rollback --app shop");
    f.green = (struct advice_version){ 0 };
    assert_advice(&f, "blue_unhealthy", "error", "HTTP status 500", "bluegreen-agent diagnose --app shop");
    f.running = true; /* its cutover may be the reason */
    assert_string_equal(codes(&f), "");
}

static void a_blue_on_the_spare_port_is_put_back(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.blue.port_lost = true;
    f.blue.port = 8080;
    assert_advice(&f, "port_lost", "error", "port 8080", "docker restart shop-keeper");
    f.running = true;
    assert_string_equal(codes(&f), "");
    f.running = f.keeper_exists = f.keeper_runs = f.blue.ours = false;
    assert_advice(&f, "port_lost", "error", "port 8080", "docker restart shop-blue");
}

static void an_app_killed_for_its_memory_is_told(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.blue.oom_killed = true;
    assert_advice(&f, "oom_killed", "warning", "memory", "bluegreen-agent logs blue --app shop");
}

static void health_that_was_never_checked_is_told(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.blue.health = ADVICE_HEALTH_UNKNOWN;
    assert_advice(&f, "health_unknown", "info", "shop-blue", "bluegreen-agent logs blue --app shop");
}

#define ENDDATE "echo | openssl s_client -connect 127.0.0.1:8443 2>/dev/null | openssl x509 -noout -enddate"

static void a_certificate_that_ends_within_three_weeks_is_told(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.blue.certificate_port = 8443;
    f.blue.certificate_end_ms = NOW + ADVICE_CERTIFICATE_MS + 1;
    assert_string_equal(codes(&f), "");
    f.blue.certificate_end_ms--;
    assert_advice(&f, "certificate_expiring", "warning", "on port 8443 expires in 21 days, on 2027-02-05 08:00 UTC",
                  ENDDATE);
    f.blue.certificate_end_ms = NOW + 47 * HOUR;
    assert_advice(&f, "certificate_expiring", "warning", "expires in 47 hours, on 2027-01-17 07:00 UTC", ENDDATE);
    f.blue.certificate_end_ms = NOW + 1;
    assert_advice(&f, "certificate_expiring", "warning", "expires in 0 minutes", ENDDATE);
    if (!strstr(one(&f).text, "the app's own matter"))
        fail_msg("who renews it? %s", one(&f).text);
}

static void a_certificate_that_has_ended_is_told(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.blue.certificate_port = 8443;
    f.blue.certificate_end_ms = NOW;
    assert_advice(&f, "certificate_expired", "error", "on port 8443 expired 0 minutes ago", ENDDATE);
    f.blue.certificate_end_ms = NOW - 40 * 24 * HOUR;
    assert_advice(&f, "certificate_expired", "error", "expired 40 days ago, on 2026-12-06 08:00 UTC", ENDDATE);
    if (!strstr(one(&f).text, "the app's own matter"))
        fail_msg("who renews it? %s", one(&f).text);
    f.blue.certificate_end_ms = 0; /* it serves none */
    assert_string_equal(codes(&f), "");
}

static void a_green_that_runs_is_to_be_stopped(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.green.running = true;
    f.green.keep_until_ms = -1;
    assert_advice(&f, "green_running", "warning", "still runs", "docker stop shop-green");
    f.running = true; /* a deployment stops it when it is done */
    assert_string_equal(codes(&f), "");
}

static void a_green_beyond_its_keep_time_may_go(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.green.keep_until_ms = NOW;
    assert_string_equal(codes(&f), "");
    f.green.keep_until_ms = NOW - 1;
    assert_advice(&f, "green_old", "info", "previous version", "bluegreen-agent prune --app shop");
    f.green.keep_until_ms = -1;
    assert_string_equal(codes(&f), "");
}

static void a_green_without_its_image_is_told_how_to_get_it_back(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.green.image_missing = true;
    assert_advice(&f, "green_image_missing", "warning", "image", "docker pull registry.example:5000/team/shop@" OTHER);
    f.green.image = "registry.example:5000/team/shop";
    assert_advice(&f, "green_image_missing", "warning", "image", "docker pull registry.example:5000/team/shop@" OTHER);
    f.green.image = "shop@" DIGEST;
    f.green.digest = DIGEST;
    assert_advice(&f, "green_image_missing", "warning", "image", "docker pull shop@" DIGEST);
    f.green.image = "shop:v1";
    f.green.digest = "";
    assert_advice(&f, "green_image_missing", "warning", "image", "docker pull shop:v1");
    f.green.image = "";
    assert_string_equal(codes(&f), "");
}

static void a_tag_that_names_another_image_is_told(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.blue.drift = OTHER;
    assert_advice(&f, "image_drift", "info", "(sha256:fedcba987654)",
                  "bluegreen-agent plan --app shop --image registry.example:5000/team/shop:v2");
}

static void a_deployment_that_nobody_is_at_is_told(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.unfinished = "20260103-000000-cccccc";
    assert_advice(&f, "deployment_cut_off", "warning", "20260103-000000-cccccc", "docker restart shop-keeper");
    f.keeper_exists = f.keeper_runs = false;
    assert_advice(&f, "deployment_cut_off", "warning", "20260103-000000-cccccc", "bluegreen-agent prune --app shop");
    f.running = true; /* the run that is under way brings it to its end first */
    assert_string_equal(codes(&f), "");
}

static void a_deployment_that_takes_longer_than_is_critical_is_told(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.running = true;
    f.running_deployment = "20260104-000000-dddddd";
    f.running_limit_ms = f.running_ms = 20 * MINUTE;
    assert_string_equal(codes(&f), "");
    f.running_ms++;
    assert_advice(&f, "deployment_long", "warning", "20 minutes",
                  "bluegreen-agent logs 20260104-000000-dddddd --app shop");
    f.running_ms = 5 * HOUR;
    assert_advice(&f, "deployment_long", "warning", "5 hours",
                  "bluegreen-agent logs 20260104-000000-dddddd --app shop");
}

static void a_candidate_without_a_deployment_is_to_be_removed(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.next = (struct advice_version){ .exists = true, .ours = true };
    assert_advice(&f, "candidate_left", "warning", "shop-next", "docker rm -f shop-next");
    f.next.ours = false;
    assert_string_equal(codes(&f), "");
    f.next.ours = f.running = true;
    assert_string_equal(codes(&f), "");
}

static void a_lock_without_a_deployment_is_told(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.lock_held = true;
    f.lock_deployment = "20260105-000000-eeeeee";
    assert_advice(&f, "lock_held", "info", "20260105-000000-eeeeee", "bluegreen-agent status --app shop");
    f.running = true;
    assert_string_equal(codes(&f), "");
}

static void a_slow_deployment_is_told(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.kpi.verdict = KPI_ABOVE_TARGET;
    assert_string_equal(codes(&f), "");
    f.kpi.verdict = KPI_WARNING;
    f.kpi.title = "Image pull time";
    f.kpi.seconds = 95.25;
    f.kpi.limit = 90;
    assert_advice(&f, "kpi_warning", "info", "Image pull time 95.2 s, warning above 90 s",
                  "bluegreen-agent logs 20260102-000000-bbbbbb --app shop");
    f.kpi.verdict = KPI_CRITICAL;
    assert_advice(&f, "kpi_critical", "warning", "critical above 90 s",
                  "bluegreen-agent logs 20260102-000000-bbbbbb --app shop");
}

static void an_audit_log_that_is_not_whole_is_told(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.audit_broken = true;
    assert_advice(&f, "audit_broken", "error", "audit log", "bluegreen-agent history verify --app shop");
}

static void little_room_on_the_disk_is_told(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.disk_total_bytes = 8LL << 30;
    f.disk_free_bytes = ADVICE_DISK_LOW;
    assert_string_equal(codes(&f), "");
    f.disk_free_bytes--;
    assert_advice(&f, "disk_low", "warning", "1.1 GB of 8.6 GB", "bluegreen-agent prune --app shop");

    f.disk_total_bytes = 30LL << 30; /* a tenth of it counts, up to what is enough for anybody */
    f.disk_free_bytes = 3LL << 30;
    assert_string_equal(codes(&f), "");
    f.disk_free_bytes--;
    assert_string_equal(codes(&f), "disk_low");
    f.disk_total_bytes = 1000LL << 30;
    f.disk_free_bytes = ADVICE_DISK_MUCH;
    assert_string_equal(codes(&f), "");
    f.disk_free_bytes--;
    assert_string_equal(codes(&f), "disk_low");

    f.disk_free_bytes = ADVICE_DISK_FULL;
    assert_string_equal(codes(&f), "disk_low");
    f.disk_free_bytes--;
    assert_advice(&f, "disk_full", "error", "268 MB free", "bluegreen-agent prune --app shop");
    f.disk_free_bytes = 0;
    assert_string_equal(codes(&f), "disk_full");
    f.disk_free_bytes = -1;
    assert_string_equal(codes(&f), "");
}

static void a_clock_that_is_off_is_told(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.skew_seconds = ADVICE_SKEW_SECONDS;
    assert_string_equal(codes(&f), "");
    f.skew_seconds = -ADVICE_SKEW_SECONDS;
    assert_string_equal(codes(&f), "");
    f.skew_seconds = 5.5;
    assert_advice(&f, "clock_skew", "warning", "6 s fast", "sudo timedatectl set-ntp true");
    f.skew_seconds = -90;
    assert_advice(&f, "clock_skew", "warning", "90 s slow", "sudo timedatectl set-ntp true");
}

static void a_keeper_that_does_not_run_is_to_be_started(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.keeper_runs = false;
    assert_advice(&f, "keeper_stopped", "warning", "shop-keeper", "docker start shop-keeper");
    f.keeper_exists = false;
    assert_advice(&f, "keeper_missing", "warning", "shop-keeper", "");
    f.blue.ours = false; /* a container that was started by hand has none */
    assert_string_equal(codes(&f), "");
}

static void an_engine_that_nobody_mends_any_more_is_told(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.engine_api = "1.41";
    assert_string_equal(codes(&f), "");
    f.engine_api = "1.40";
    f.engine_version = "19.03.15";
    assert_advice(&f, "engine_old", "info", "19.03.15", "docker version");
    f.engine_api = "";
    assert_string_equal(codes(&f), "");
}

static void what_stops_the_service_is_told_first(void **state)
{
    (void)state;
    struct advice_facts f = well();
    f.blue.health = ADVICE_UNHEALTHY;
    f.green.running = true;
    f.disk_free_bytes = 0;
    f.engine_api = "1.40";
    f.kpi.verdict = KPI_WARNING;
    assert_string_equal(codes(&f), "blue_unhealthy disk_full green_running kpi_warning engine_old");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_recommended_where_all_is_well),
        cmocka_unit_test(an_app_that_nobody_knows_is_told_as_such_only),
        cmocka_unit_test(without_blue_something_to_go_back_to_is_offered),
        cmocka_unit_test(a_blue_that_somebody_stopped_is_to_be_started),
        cmocka_unit_test(a_blue_that_ended_by_itself_is_a_reason_to_go_back),
        cmocka_unit_test(a_restart_loop_is_several_restarts_a_short_while_ago),
        cmocka_unit_test(an_unhealthy_blue_is_a_reason_to_go_back),
        cmocka_unit_test(a_blue_on_the_spare_port_is_put_back),
        cmocka_unit_test(an_app_killed_for_its_memory_is_told),
        cmocka_unit_test(health_that_was_never_checked_is_told),
        cmocka_unit_test(a_certificate_that_ends_within_three_weeks_is_told),
        cmocka_unit_test(a_certificate_that_has_ended_is_told),
        cmocka_unit_test(a_green_that_runs_is_to_be_stopped),
        cmocka_unit_test(a_green_beyond_its_keep_time_may_go),
        cmocka_unit_test(a_green_without_its_image_is_told_how_to_get_it_back),
        cmocka_unit_test(a_tag_that_names_another_image_is_told),
        cmocka_unit_test(a_deployment_that_nobody_is_at_is_told),
        cmocka_unit_test(a_deployment_that_takes_longer_than_is_critical_is_told),
        cmocka_unit_test(a_candidate_without_a_deployment_is_to_be_removed),
        cmocka_unit_test(a_lock_without_a_deployment_is_told),
        cmocka_unit_test(a_slow_deployment_is_told),
        cmocka_unit_test(an_audit_log_that_is_not_whole_is_told),
        cmocka_unit_test(little_room_on_the_disk_is_told),
        cmocka_unit_test(a_clock_that_is_off_is_told),
        cmocka_unit_test(a_keeper_that_does_not_run_is_to_be_started),
        cmocka_unit_test(an_engine_that_nobody_mends_any_more_is_told),
        cmocka_unit_test(what_stops_the_service_is_told_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
