#include "cmd/inputs/inputs.h"

#include "tests/unit/cmd/inputs_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <ctype.h>

/* ---- defaults ---- */

static void the_least_inputs_give_the_documented_defaults(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_read_good(&run);
    const struct inputs *in = &run.in;
    assert_int_equal(in->command, COMMAND_DEPLOY);
    assert_int_equal(in->target.port, 22);
    assert_string_equal(in->target.user, "ec2-user");
    assert_string_equal(in->jump.host, "");
    assert_int_equal(in->connect_timeout_ms, 30000);
    assert_int_equal(in->spec.port, 8080);
    assert_int_equal(in->spec.container_port, 8080);
    assert_int_equal(in->spec.spare_port, 8081);
    assert_string_equal(in->spec.strategy, "handover");
    assert_string_equal(in->spec.restart_policy, "unless-stopped");
    assert_int_equal(in->spec.stop_timeout_s, 10);
    assert_string_equal(in->spec.health_path, "/health");
    assert_int_equal(in->spec.health_port, 0);
    assert_string_equal(in->spec.health_status, "200");
    assert_int_equal(in->spec.health_retries, 30);
    assert_int_equal(in->spec.health_interval_ms, 2000);
    assert_int_equal(in->spec.health_timeout_ms, 5000);
    assert_int_equal(in->spec.warm_up_ms, 2000);
    assert_int_equal(in->spec.lock_timeout_ms, 600000);
    assert_int_equal(in->spec.keep_hours, 24);
    assert_int_equal(in->spec.log_retention_days, 7);
    assert_int_equal(in->spec.memory_bytes, 0);
    assert_int_equal(in->spec.nano_cpus, 0);
    assert_false(in->spec.read_only);
    assert_int_equal(in->rollback_on, ROLLBACK_ON_JOB_FAILURE);
    assert_string_equal(in->verify_url, "");
    assert_string_equal(in->verify_status, "200");
    assert_int_equal(in->verify_max_ms, 0);
    assert_false(in->fail_on_kpi);
    assert_true(in->spec.kpi.limits[KPI_TOTAL].critical == 1200);
    assert_string_equal(in->job_status, "");
    inputs_run_end(&run);
}

static void empty_values_mean_the_default(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_SSH-PORT", "");
    inputs_run_set(&run, "INPUT_COMMAND", "  \n");
    inputs_run_set(&run, "INPUT_HEALTH-RETRIES", "");
    inputs_run_set(&run, "INPUT_STRATEGY", "\t");
    inputs_run_read_good(&run);
    assert_int_equal(run.in.target.port, 22);
    assert_int_equal(run.in.spec.health_retries, 30);
    assert_string_equal(run.in.spec.strategy, "handover");
    inputs_run_end(&run);
}

static void every_field_is_set_by_its_input(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_SSH-PORT", "2222");
    inputs_run_set(&run, "INPUT_USER", "deploy");
    inputs_run_set(&run, "INPUT_CONTAINER-USER", "1000:1000");
    inputs_run_set(&run, "INPUT_MEMORY", "512m");
    inputs_run_set(&run, "INPUT_CPUS", "1.5");
    inputs_run_set(&run, "INPUT_READ-ONLY", "true");
    inputs_run_set(&run, "INPUT_STOP-TIMEOUT", "1m");
    inputs_run_set(&run, "INPUT_HEALTH-PORT", "9090");
    inputs_run_set(&run, "INPUT_ARGS", "--verbose\n--name\nx y");
    inputs_run_set(&run, "INPUT_VOLUMES", "/srv/data:/data:ro\ncache:/cache");
    inputs_run_set(&run, "INPUT_NETWORKS", "backend");
    inputs_run_set(&run, "INPUT_LABELS", "team=shop");
    inputs_run_set(&run, "INPUT_KPI", "cutover: 1/2/3");
    inputs_run_set(&run, "INPUT_ROLLBACK-ON", "never");
    inputs_run_set(&run, "INPUT_VERIFY-MAX-TIME", "750ms");
    inputs_run_set(&run, "INPUT_JOB-STATUS", "cancelled");
    inputs_run_set(&run, "INPUT_SPARE-PORT", "8079");
    inputs_run_read_good(&run);
    const struct spec *s = &run.in.spec;
    assert_int_equal(run.in.target.port, 2222);
    assert_string_equal(run.in.target.user, "deploy");
    assert_string_equal(s->user, "1000:1000");
    assert_int_equal(s->memory_bytes, 512 << 20);
    assert_int_equal(s->nano_cpus, 1500000000);
    assert_true(s->read_only);
    assert_int_equal(s->stop_timeout_s, 60);
    assert_int_equal(s->health_port, 9090);
    assert_int_equal(s->args.len, 3);
    assert_string_equal(s->args.items[2], "x y");
    assert_int_equal(s->volumes.len, 2);
    assert_string_equal(s->networks.items[0], "backend");
    assert_string_equal(s->labels.items[0], "team=shop");
    assert_true(s->kpi.limits[KPI_CUTOVER].warning == 2);
    assert_int_equal(run.in.rollback_on, ROLLBACK_NEVER);
    assert_int_equal(run.in.verify_max_ms, 750);
    assert_string_equal(run.in.job_status, "cancelled");
    assert_int_equal(s->spare_port, 8079);
    inputs_run_end(&run);
}

static void values_are_trimmed(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_HOST", "  web1.example.com\n");
    inputs_run_set(&run, "INPUT_PORT", " 80 ");
    inputs_run_read_good(&run);
    assert_string_equal(run.in.target.host, "web1.example.com");
    assert_int_equal(run.in.spec.port, 80);
    inputs_run_end(&run);
}

static void brackets_of_an_ipv6_host_are_dropped(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_HOST", "[2001:db8::7]");
    inputs_run_read_good(&run);
    assert_string_equal(run.in.target.host, "2001:db8::7");
    inputs_run_end(&run);
}

static void an_expression_that_nobody_evaluated_is_no_job_status(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_JOB-STATUS", "${{ job.status }}");
    inputs_run_read_good(&run);
    assert_string_equal(run.in.job_status, "");
    inputs_run_end(&run);
}

static void the_word_tcp_asks_for_a_connection_only(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_HEALTH-PATH", "tcp");
    inputs_run_read_good(&run);
    assert_string_equal(run.in.spec.health_path, "");
    inputs_run_end(&run);
}

/* ---- wrong values: one test a kind ---- */

static void a_wrong_port_names_input_value_and_range(void **state)
{
    (void)state;
    inputs_run_assert_problem("INPUT_PORT", "eighty",
                              "input 'port': got 'eighty', wants a whole number from 1 to 65535\n");
    inputs_run_assert_problem("INPUT_SSH-PORT", "65536",
                              "input 'ssh-port': got '65536', wants a whole number from 1 to 65535\n");
}

static void a_wrong_duration_names_its_range(void **state)
{
    (void)state;
    inputs_run_assert_problem("INPUT_HEALTH-INTERVAL", "2 seconds",
                              "input 'health-interval': got '2 seconds', wants a duration such as "
                              "500ms, 2s or 1m30s, from 100ms to 5m\n");
}

static void a_stop_timeout_has_whole_seconds(void **state)
{
    (void)state;
    inputs_run_assert_problem("INPUT_STOP-TIMEOUT", "1500ms",
                              "input 'stop-timeout': got '1500ms', wants a duration of whole "
                              "seconds such as 10s or 1m30s, from 0s to 10m\n");
}

static void wrong_sizes_and_cpus_name_their_range(void **state)
{
    (void)state;
    inputs_run_assert_problem("INPUT_MEMORY", "1m",
                              "input 'memory': got '1m', wants a size such as 512m or 1g, from 6m to 16t\n");
    inputs_run_assert_problem("INPUT_CPUS", "many",
                              "input 'cpus': got 'many', wants a number of CPUs such as 0.5 or 2, from 0.01 to 1024\n");
}

static void a_wrong_word_names_the_words(void **state)
{
    (void)state;
    inputs_run_assert_problem("INPUT_COMMAND", "destroy",
                              "input 'command': got 'destroy', wants deploy, rollback, status, history, logs, bundle, "
                              "diagnose, plan or prune\n");
    inputs_run_assert_problem("INPUT_STRATEGY", "canary",
                              "input 'strategy': got 'canary', wants handover or recreate\n");
    inputs_run_assert_problem("INPUT_READ-ONLY", "yes", "input 'read-only': got 'yes', wants true or false\n");
    inputs_run_assert_problem("INPUT_ROLLBACK-ON", "always",
                              "input 'rollback-on': got 'always', wants job-failure, deploy-failure or never\n");
    inputs_run_assert_problem("INPUT_JOB-STATUS", "neutral",
                              "input 'job-status': got 'neutral', wants success, failure or cancelled\n");
}

static void a_host_with_other_parts_is_told_where_they_belong(void **state)
{
    (void)state;
    inputs_run_assert_problem_has("INPUT_HOST", "ssh://web1", "without a scheme");
    inputs_run_assert_problem_has("INPUT_HOST", "root@web1", "the user has an input of its own");
    inputs_run_assert_problem_has("INPUT_HOST", "web1:2222", "the port has an input of its own");
    inputs_run_assert_problem_has("INPUT_HOST", "web 1", "got 'web 1', wants a host name");
}

static void wrong_texts_of_every_kind_are_refused(void **state)
{
    (void)state;
    inputs_run_assert_problem_has("INPUT_APP", "Shop", "input 'app': got 'Shop', wants a name of at most 48");
    inputs_run_assert_problem_has("INPUT_IMAGE", "Shop:1", "input 'image': got 'Shop:1', wants an image reference");
    inputs_run_assert_problem_has("INPUT_USER", "ec2 user", "input 'user': got 'ec2 user', wants a login name");
    inputs_run_assert_problem_has("INPUT_HEALTH-PATH", "health",
                                  "input 'health-path': got 'health', wants a path that begins with '/'");
    inputs_run_assert_problem_has("INPUT_HEALTH-STATUS", "2xx",
                                  "input 'health-status': got '2xx', wants HTTP statuses");
    inputs_run_assert_problem_has("INPUT_VERIFY-URL", "example.com",
                                  "input 'verify-url': got 'example.com', wants an http:// or https://");
    inputs_run_assert_problem_has("INPUT_RESTART-POLICY", "sometimes",
                                  "input 'restart-policy': got 'sometimes', wants no, always");
    inputs_run_assert_problem_has("INPUT_CONTAINER-USER", "a b",
                                  "input 'container-user': got 'a b', wants a user name or number");
}

static void a_wrong_kpi_line_says_how_one_looks(void **state)
{
    (void)state;
    inputs_run_assert_problem_has("INPUT_KPI", "speed: 1/2/3", "'total: 600/900/1200'");
}

static void wrong_list_items_are_named_by_line(void **state)
{
    (void)state;
    inputs_run_assert_problem_has("INPUT_VOLUMES", "data:/data\n\n./x:/y",
                                  "input 'volumes' line 3: got './x:/y', wants SOURCE:TARGET");
    inputs_run_assert_problem_has("INPUT_NETWORKS", "backend\nhost",
                                  "input 'networks' line 2: got 'host', wants the name");
    inputs_run_assert_problem_has("INPUT_LABELS", "# x\nteam", "input 'labels' line 2: got 'team', wants KEY=VALUE");
    inputs_run_assert_problem_has("INPUT_ENV", "A=1\nB", "input 'env' line 2: is not of the form KEY=VALUE");
    inputs_run_assert_problem_has("INPUT_ENV", "A=1\nA=2", "input 'env' line 2: sets A a second time");
}

static void labels_of_the_action_itself_are_refused(void **state)
{
    (void)state;
    inputs_run_assert_problem_has("INPUT_LABELS", "io.bluegreen.app=x",
                                  "labels below io.bluegreen are set by the action");
    inputs_run_assert_problem_has("INPUT_LABELS", "a=1\na=2", "sets a a second time");
}

static void a_wrong_value_is_shown_short_and_on_one_line(void **state)
{
    (void)state;
    char value[200];
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    memcpy(value, "a\nb\x1b", 4);
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_PORT", value);
    inputs_run_read(&run);
    assert_non_null(strstr(buf_str(&run.problems), "got 'a\\nb?xxx"));
    assert_non_null(strstr(buf_str(&run.problems), "…', wants"));
    assert_true(run.problems.len < 160);
    inputs_run_end(&run);
}

static void a_value_that_is_not_utf8_is_refused(void **state)
{
    (void)state;
    inputs_run_assert_problem("INPUT_ENV", "A=\xff\xfe", "input 'env': got bytes that are not UTF-8 text\n");
}

static void an_overlong_value_is_refused(void **state)
{
    (void)state;
    size_t len = 128 * 1024 + 1;
    char *value = malloc(len + 1);
    assert_non_null(value);
    memset(value, 'x', len);
    value[len] = '\0';
    inputs_run_assert_problem("INPUT_ARGS", value, "input 'args': got 131073 bytes, wants at most 131072\n");
    free(value);
}

static void all_problems_are_told_at_once_and_the_first_is_the_error(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_SSH-PORT", "x");
    inputs_run_set(&run, "INPUT_CPUS", "x");
    inputs_run_set(&run, "INPUT_APP", "");
    inputs_run_read(&run);
    assert_int_equal(run.result, -ERR_INPUT);
    char text[512];
    assert_non_null(strstr(err_text(&run.err, text, sizeof(text)), "'ssh-port'"));
    assert_non_null(strstr(buf_str(&run.problems), "'ssh-port'"));
    assert_non_null(strstr(buf_str(&run.problems), "'cpus'"));
    assert_non_null(strstr(buf_str(&run.problems), "input 'app': got nothing, wants"));
    inputs_run_end(&run);
}

/* ---- secrets ---- */

static void assert_redacted(const struct inputs_run *run, const char *text, const char *want)
{
    _cleanup_(buf_done) struct buf out = BUF_INIT(65536);
    redactor_apply(run->redactor, span_of(text), &out);
    assert_string_equal(buf_str(&out), want);
}

static void secrets_are_registered_whole_and_by_value(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_SSH-KEY-PASSPHRASE", " correct horse ");
    inputs_run_set(&run, "INPUT_REGISTRY-USERNAME", "bob");
    inputs_run_set(&run, "INPUT_REGISTRY-PASSWORD", "hunter22");
    inputs_run_set(&run, "INPUT_SECRET-ENV", "TOKEN=tok-4711\nCERT<<X\nfirst-line\nsecond-line\nX\n");
    inputs_run_read_good(&run);
    assert_int_equal(run.in.spec.secret_env.len, 2);
    assert_string_equal(run.in.spec.secret_env.items[1], "CERT=first-line\nsecond-line");
    assert_redacted(&run, "(correct horse)", "(***)");
    assert_redacted(&run, "a hunter22 b", "a *** b");
    assert_redacted(&run, "a tok-4711 b", "a *** b");
    assert_redacted(&run, "a second-line b", "a *** b");
    assert_redacted(&run, "key " KEY_LINE2 " x", "key *** x");
    inputs_run_end(&run);
}

static void secrets_are_registered_also_when_inputs_are_wrong(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_HOST", "ssh://nonsense");
    inputs_run_set(&run, "INPUT_SECRET-ENV", "BAD-KEY=tok-4711\nnot-a-pair-at-all");
    inputs_run_read(&run);
    assert_int_equal(run.result, -ERR_INPUT);
    assert_redacted(&run, "a tok-4711 b", "a *** b");
    assert_redacted(&run, "a not-a-pair-at-all b", "a *** b");
    inputs_run_end(&run);
}

static void no_secret_value_is_ever_part_of_a_problem(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_SSH-KEY", "canary-in-key");
    inputs_run_set(&run, "INPUT_SSH-KEY-PASSPHRASE", "canary-in\npassphrase");
    inputs_run_set(&run, "INPUT_JUMP-HOST", "bastion");
    inputs_run_set(&run, "INPUT_JUMP-KEY", "canary-in-jump-key");
    inputs_run_set(&run, "INPUT_REGISTRY-PASSWORD", "canary-in-password");
    inputs_run_set(&run, "INPUT_SECRET-ENV", "canary-in-line\nBAD-KEY=canary-in-value\nX<<END\ncanary-in-heredoc");
    inputs_run_read(&run);
    assert_true(run.result < 0);
    assert_null(strstr(buf_str(&run.problems), "canary"));
    assert_non_null(strstr(buf_str(&run.problems), "input 'ssh-key-passphrase': got (secret value of 20 characters)"));
    assert_non_null(strstr(buf_str(&run.problems), "input 'secret-env' line 1: "));
    char text[1024];
    assert_null(strstr(err_text(&run.err, text, sizeof(text)), "canary"));
    inputs_run_end(&run);
}

static void collect_secret(void *ctx, const char *value)
{
    struct buf *seen = ctx;
    buf_addf(seen, "<%s>", value);
}

static void each_secret_is_visited_raw_and_by_value(void **state)
{
    (void)state;
    struct inputs_run run = { .count = 0 };
    inputs_run_set(&run, "INPUT_HOST", "plain-host");
    inputs_run_set(&run, "INPUT_REGISTRY-PASSWORD", " hunter22 ");
    inputs_run_set(&run, "INPUT_SECRET-ENV", "TOKEN=tok-4711\nON=1");
    _cleanup_(buf_done) struct buf seen = BUF_INIT(4096);
    inputs_run_each_secret(&run, collect_secret, &seen);
    assert_string_equal(buf_str(&seen), "< hunter22 ><hunter22><TOKEN=tok-4711\nON=1><tok-4711>");
}

static void parts_of_a_secret_url_are_secrets_too(void **state)
{
    static const struct {
        const char *url, *seen;
    } cases[] = {
        { "https://hooks.example/services/T0/0123456789abcdef", "<https://hooks.example/services/T0/0123456789abcdef>"
                                                                "</services/T0/0123456789abcdef><0123456789abcdef>" },
        { "https://x.example/flows?sig=0123456789abcdef&v=1", "<https://x.example/flows?sig=0123456789abcdef&v=1>"
                                                              "</flows?sig=0123456789abcdef&v=1><0123456789abcdef>" },
        { "https://hooks.example/short", "<https://hooks.example/short>" },
        { "https://hooks.example", "<https://hooks.example>" },
        { "no-url-at-all-but-long", "<no-url-at-all-but-long>" },
        { "://", "<://>" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct inputs_run run = { .count = 0 };
        inputs_run_set(&run, "INPUT_NOTIFY-URL", cases[i].url);
        _cleanup_(buf_done) struct buf seen = BUF_INIT(4096);
        inputs_run_each_secret(&run, collect_secret, &seen);
        assert_string_equal(buf_str(&seen), cases[i].seen);
    }
}

static void secrets_are_wiped_from_the_environment(void **state)
{
    (void)state;
    assert_int_equal(setenv("INPUT_SSH-KEY", "canary-in-environment", 1), 0);
    assert_int_equal(setenv("INPUT_SECRET-ENV", "A=canary-in-environment", 1), 0);
    assert_int_equal(setenv("secret-env", "A=canary-in-environment", 1), 0);
    assert_int_equal(setenv("INPUT_HOST", "web1", 1), 0);
    inputs_wipe_env();
    assert_null(getenv("secret-env"));
    assert_null(getenv("INPUT_SSH-KEY"));
    assert_null(getenv("INPUT_SECRET-ENV"));
    assert_string_equal(getenv("INPUT_HOST"), "web1");
}

/* ---- the table ---- */

static void the_table_marks_exactly_the_secret_inputs(void **state)
{
    (void)state;
    const char *want[] = {
        "ssh-key",    "ssh-key-passphrase", "jump-key",          "jump-key-passphrase",   "registry-password",
        "secret-env", "notify-url",         "aws-access-key-id", "aws-secret-access-key", "aws-session-token"
    };
    const char *id, *dflt;
    bool secret;
    size_t found = 0, i = 0;
    for (; inputs_table(i, &id, &dflt, &secret); i++) {
        if (!secret)
            continue;
        assert_true(found < 10);
        assert_string_equal(id, want[found++]);
        assert_string_equal(dflt, "");
    }
    assert_int_equal(found, 10);
    assert_int_equal(i, 88);
}

static void ids_of_the_table_are_lower_case_and_unique(void **state)
{
    (void)state;
    const char *id, *other, *dflt;
    bool secret;
    for (size_t i = 0; inputs_table(i, &id, &dflt, &secret); i++) {
        for (const char *p = id; *p; p++)
            assert_true(islower((unsigned char)*p) || *p == '-' || (p > id && isdigit((unsigned char)*p)));
        for (size_t j = 0; j < i && inputs_table(j, &other, &dflt, &secret); j++)
            assert_string_not_equal(id, other);
    }
}

static void what_is_read_fits_the_agents_own_check(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_ENV", "A=1\nB<<X\none\ntwo\nX");
    inputs_run_set(&run, "INPUT_LABELS", "com.example/team=shop");
    inputs_run_set(&run, "INPUT_IMAGE", "[::1]:5000/shop:1");
    inputs_run_set(&run, "INPUT_STOP-TIMEOUT", "10m");
    inputs_run_set(&run, "INPUT_HEALTH-RETRIES", "1000");
    inputs_run_set(&run, "INPUT_MEMORY", "16t");
    inputs_run_set(&run, "INPUT_CPUS", "1024");
    inputs_run_set(&run, "INPUT_KEEP-HOURS", "8760");
    inputs_run_set(&run, "INPUT_LOG-RETENTION-DAYS", "3650");
    inputs_run_set(&run, "INPUT_LOCK-TIMEOUT", "24h");
    inputs_run_read_good(&run);
    struct json *j = spec_to_json(&run.in.spec, SPEC_WITH_SECRETS);
    struct spec back;
    struct err err = { 0 };
    char text[512];
    if (spec_from_json(j, &back, &err) < 0)
        fail_msg("%s", err_text(&err, text, sizeof(text)));
    spec_done(&back);
    json_free(j);
    inputs_run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_inputs_give_the_documented_defaults),
        cmocka_unit_test(empty_values_mean_the_default),
        cmocka_unit_test(every_field_is_set_by_its_input),
        cmocka_unit_test(values_are_trimmed),
        cmocka_unit_test(brackets_of_an_ipv6_host_are_dropped),
        cmocka_unit_test(an_expression_that_nobody_evaluated_is_no_job_status),
        cmocka_unit_test(the_word_tcp_asks_for_a_connection_only),
        cmocka_unit_test(a_wrong_port_names_input_value_and_range),
        cmocka_unit_test(a_wrong_duration_names_its_range),
        cmocka_unit_test(a_stop_timeout_has_whole_seconds),
        cmocka_unit_test(wrong_sizes_and_cpus_name_their_range),
        cmocka_unit_test(a_wrong_word_names_the_words),
        cmocka_unit_test(a_host_with_other_parts_is_told_where_they_belong),
        cmocka_unit_test(wrong_texts_of_every_kind_are_refused),
        cmocka_unit_test(a_wrong_kpi_line_says_how_one_looks),
        cmocka_unit_test(wrong_list_items_are_named_by_line),
        cmocka_unit_test(labels_of_the_action_itself_are_refused),
        cmocka_unit_test(a_wrong_value_is_shown_short_and_on_one_line),
        cmocka_unit_test(a_value_that_is_not_utf8_is_refused),
        cmocka_unit_test(an_overlong_value_is_refused),
        cmocka_unit_test(all_problems_are_told_at_once_and_the_first_is_the_error),
        cmocka_unit_test(secrets_are_registered_whole_and_by_value),
        cmocka_unit_test(secrets_are_registered_also_when_inputs_are_wrong),
        cmocka_unit_test(no_secret_value_is_ever_part_of_a_problem),
        cmocka_unit_test(each_secret_is_visited_raw_and_by_value),
        cmocka_unit_test(parts_of_a_secret_url_are_secrets_too),
        cmocka_unit_test(secrets_are_wiped_from_the_environment),
        cmocka_unit_test(the_table_marks_exactly_the_secret_inputs),
        cmocka_unit_test(ids_of_the_table_are_lower_case_and_unique),
        cmocka_unit_test(what_is_read_fits_the_agents_own_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
