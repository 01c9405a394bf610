#include "cmd/inputs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <ctype.h>
#include <sys/stat.h>

/* Made for these tests; no account knows them. */
#define KEY_BEGIN "-----BEGIN OPENSSH PRIVATE" " KEY-----\n"
#define KEY_END "-----END OPENSSH PRIVATE" " KEY-----\n"
#define KEY_LINE2 "QyNTUxOQAAACCJEVVxFz8DMcYyP5HPmfPnmhVJZnqIEMglpdi7fMal9AAAAIjJRi5wyUYu"
#define KEY                                                                     \
    KEY_BEGIN                                                                   \
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n" \
    KEY_LINE2 "\n"                                                              \
    "cAAAAAtzc2gtZWQyNTUxOQAAACCJEVVxFz8DMcYyP5HPmfPnmhVJZnqIEMglpdi7fMal9A\n" \
    "AAAEB8ng5/I4msKfG4/DjOsKwnoF2NyVS9MwhJAW4l2G63wIkRVXEXPwMxxjI/kc+Z8+ea\n" \
    "FUlmeogQyCWl2Lt8xqX0AAAAAAECAwQF\n" KEY_END
#define ENCRYPTED_KEY                                                           \
    KEY_BEGIN                                                                   \
    "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABCMlHE7Yo\n" \
    "6ob/5Ph69VWdOnAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIEFxLUZ+68aLRbH4\n" \
    "n/KQAIfUGlXGWNOqABBvvoybopbaAAAAkCUHMXEhnk6E4yjJFIJn9+fIPRwVftvJp1nyLT\n" \
    "2OQDGp6hsm4GO38o+fey7MIJXfpVpccIHQ5BIoeNTkrOcqT957IT/WxLKnp+6scitPW8P/\n" \
    "jwrj7/1Le2neOwdJbPXzQkmbkF92eulyWFkvNBAzR+dGffCVpZ+KL+9FAV70ED1SvyMIrN\n" \
    "5OcLC2vFJfIqCqXg==\n" KEY_END
#define PIN "SHA256:Ts49K+09m+HjWS/H2UbGLaFHx7jQ5sqogtbD5bcgGnE"
#define HOST_KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIkRVXEXPwMxxjI/kc+Z8+eaFUlmeogQyCWl2Lt8xqX0"

#define VARS_MAX 24

/* One call of inputs_read() with an environment of its own. */
struct run {
    const char *names[VARS_MAX];
    const char *values[VARS_MAX];
    size_t count;
    struct inputs in;
    struct redactor *redactor;
    struct buf problems;
    struct err err;
    int result;
};

static const char *run_env(void *ctx, const char *name)
{
    const struct run *run = ctx;
    for (size_t i = 0; i < run->count; i++)
        if (strcmp(run->names[i], name) == 0)
            return run->values[i];
    return NULL;
}

/* Set, or change, a variable. */
static void set(struct run *run, const char *name, const char *value)
{
    size_t i = 0;
    while (i < run->count && strcmp(run->names[i], name) != 0)
        i++;
    assert_true(i < VARS_MAX);
    run->names[i] = name;
    run->values[i] = value;
    if (i == run->count)
        run->count++;
}

/* The least that a deploy needs. */
static void begin(struct run *run)
{
    *run = (struct run){ .problems = BUF_INIT(65536) };
    set(run, "INPUT_HOST", "web1.example.com");
    set(run, "INPUT_SSH-KEY", KEY);
    set(run, "INPUT_HOST-FINGERPRINT", PIN);
    set(run, "INPUT_APP", "shop");
    set(run, "INPUT_IMAGE", "registry.example.com/shop:1");
}

static void read_all(struct run *run)
{
    assert_int_equal(redactor_new(&run->redactor, NULL), 0);
    run->result = inputs_read(run_env, run, &run->in, run->redactor, &run->problems, &run->err);
}

static void end(struct run *run)
{
    inputs_done(&run->in);
    redactor_free(run->redactor);
    buf_done(&run->problems);
}

static void read_good(struct run *run)
{
    read_all(run);
    if (run->result != 0 || run->problems.len > 0)
        fail_msg("refused (%d): %s", run->result, buf_str(&run->problems));
}

/* One input is set on top of the least, and this one line of problems is told. */
static void assert_problem(const char *name, const char *value, const char *want)
{
    struct run run;
    begin(&run);
    set(&run, name, value);
    read_all(&run);
    assert_int_equal(run.result, -ERR_INPUT);
    assert_string_equal(buf_str(&run.problems), want);
    char text[512];
    assert_int_equal(strncmp(err_text(&run.err, text, sizeof(text)), want, strcspn(want, "\n") < 300 ? strcspn(want, "\n") : 300), 0);
    end(&run);
}

/* Likewise, but only part of the line matters. */
static void assert_problem_has(const char *name, const char *value, const char *part)
{
    struct run run;
    begin(&run);
    set(&run, name, value);
    read_all(&run);
    assert_true(run.result < 0);
    if (!strstr(buf_str(&run.problems), part))
        fail_msg("'%s' is not in: %s", part, buf_str(&run.problems));
    const char *lf = strchr(buf_str(&run.problems), '\n');
    assert_non_null(lf);
    assert_string_equal(lf, "\n"); /* one problem */
    end(&run);
}

static void assert_good(const char *name, const char *value)
{
    struct run run;
    begin(&run);
    set(&run, name, value);
    read_good(&run);
    end(&run);
}

/* ---- defaults ---- */

static void the_least_inputs_give_the_documented_defaults(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    read_good(&run);
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
    end(&run);
}

static void empty_values_mean_the_default(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_SSH-PORT", "");
    set(&run, "INPUT_COMMAND", "  \n");
    set(&run, "INPUT_HEALTH-RETRIES", "");
    set(&run, "INPUT_STRATEGY", "\t");
    read_good(&run);
    assert_int_equal(run.in.target.port, 22);
    assert_int_equal(run.in.spec.health_retries, 30);
    assert_string_equal(run.in.spec.strategy, "handover");
    end(&run);
}

static void every_field_is_set_by_its_input(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_SSH-PORT", "2222");
    set(&run, "INPUT_USER", "deploy");
    set(&run, "INPUT_CONTAINER-USER", "1000:1000");
    set(&run, "INPUT_MEMORY", "512m");
    set(&run, "INPUT_CPUS", "1.5");
    set(&run, "INPUT_READ-ONLY", "true");
    set(&run, "INPUT_STOP-TIMEOUT", "1m");
    set(&run, "INPUT_HEALTH-PORT", "9090");
    set(&run, "INPUT_ARGS", "--verbose\n--name\nx y");
    set(&run, "INPUT_VOLUMES", "/srv/data:/data:ro\ncache:/cache");
    set(&run, "INPUT_NETWORKS", "backend");
    set(&run, "INPUT_LABELS", "team=shop");
    set(&run, "INPUT_KPI", "cutover: 1/2/3");
    set(&run, "INPUT_ROLLBACK-ON", "never");
    set(&run, "INPUT_VERIFY-MAX-TIME", "750ms");
    set(&run, "INPUT_JOB-STATUS", "cancelled");
    set(&run, "INPUT_SPARE-PORT", "8090");
    read_good(&run);
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
    assert_int_equal(s->spare_port, 8090);
    end(&run);
}

static void values_are_trimmed(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_HOST", "  web1.example.com\n");
    set(&run, "INPUT_PORT", " 80 ");
    read_good(&run);
    assert_string_equal(run.in.target.host, "web1.example.com");
    assert_int_equal(run.in.spec.port, 80);
    end(&run);
}

static void brackets_of_an_ipv6_host_are_dropped(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_HOST", "[2001:db8::7]");
    read_good(&run);
    assert_string_equal(run.in.target.host, "2001:db8::7");
    end(&run);
}

static void an_expression_that_nobody_evaluated_is_no_job_status(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_JOB-STATUS", "${{ job.status }}");
    read_good(&run);
    assert_string_equal(run.in.job_status, "");
    end(&run);
}

static void the_word_tcp_asks_for_a_connection_only(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_HEALTH-PATH", "tcp");
    read_good(&run);
    assert_string_equal(run.in.spec.health_path, "");
    end(&run);
}

/* ---- wrong values: one test a kind ---- */

static void a_wrong_port_names_input_value_and_range(void **state)
{
    (void)state;
    assert_problem("INPUT_PORT", "eighty", "input 'port': got 'eighty', wants a whole number from 1 to 65535\n");
    assert_problem("INPUT_SSH-PORT", "65536", "input 'ssh-port': got '65536', wants a whole number from 1 to 65535\n");
}

static void a_wrong_duration_names_its_range(void **state)
{
    (void)state;
    assert_problem("INPUT_HEALTH-INTERVAL", "2 seconds",
                   "input 'health-interval': got '2 seconds', wants a duration such as 500ms, 2s or 1m30s, from 100ms to 5m\n");
}

static void a_stop_timeout_has_whole_seconds(void **state)
{
    (void)state;
    assert_problem("INPUT_STOP-TIMEOUT", "1500ms",
                   "input 'stop-timeout': got '1500ms', wants a duration of whole seconds such as 10s or 1m30s, from 0s to 10m\n");
}

static void wrong_sizes_and_cpus_name_their_range(void **state)
{
    (void)state;
    assert_problem("INPUT_MEMORY", "1m", "input 'memory': got '1m', wants a size such as 512m or 1g, from 6m to 16t\n");
    assert_problem("INPUT_CPUS", "many", "input 'cpus': got 'many', wants a number of CPUs such as 0.5 or 2, from 0.01 to 1024\n");
}

static void a_wrong_word_names_the_words(void **state)
{
    (void)state;
    assert_problem("INPUT_COMMAND", "destroy", "input 'command': got 'destroy', wants deploy, rollback or status\n");
    assert_problem("INPUT_STRATEGY", "canary", "input 'strategy': got 'canary', wants handover or recreate\n");
    assert_problem("INPUT_READ-ONLY", "yes", "input 'read-only': got 'yes', wants true or false\n");
    assert_problem("INPUT_ROLLBACK-ON", "always", "input 'rollback-on': got 'always', wants job-failure, deploy-failure or never\n");
    assert_problem("INPUT_JOB-STATUS", "neutral", "input 'job-status': got 'neutral', wants success, failure or cancelled\n");
}

static void a_host_with_other_parts_is_told_where_they_belong(void **state)
{
    (void)state;
    assert_problem_has("INPUT_HOST", "ssh://web1", "without a scheme");
    assert_problem_has("INPUT_HOST", "root@web1", "the user has an input of its own");
    assert_problem_has("INPUT_HOST", "web1:2222", "the port has an input of its own");
    assert_problem_has("INPUT_HOST", "web 1", "got 'web 1', wants a host name");
}

static void wrong_texts_of_every_kind_are_refused(void **state)
{
    (void)state;
    assert_problem_has("INPUT_APP", "Shop", "input 'app': got 'Shop', wants a name of at most 48");
    assert_problem_has("INPUT_IMAGE", "Shop:1", "input 'image': got 'Shop:1', wants an image reference");
    assert_problem_has("INPUT_USER", "ec2 user", "input 'user': got 'ec2 user', wants a login name");
    assert_problem_has("INPUT_HEALTH-PATH", "health", "input 'health-path': got 'health', wants a path that begins with '/'");
    assert_problem_has("INPUT_HEALTH-STATUS", "2xx", "input 'health-status': got '2xx', wants HTTP statuses");
    assert_problem_has("INPUT_VERIFY-URL", "example.com", "input 'verify-url': got 'example.com', wants an http:// or https://");
    assert_problem_has("INPUT_RESTART-POLICY", "sometimes", "input 'restart-policy': got 'sometimes', wants no, always");
    assert_problem_has("INPUT_CONTAINER-USER", "a b", "input 'container-user': got 'a b', wants a user name or number");
}

static void a_wrong_kpi_line_says_how_one_looks(void **state)
{
    (void)state;
    assert_problem_has("INPUT_KPI", "speed: 1/2/3", "'total: 600/900/1200'");
}

static void wrong_list_items_are_named_by_line(void **state)
{
    (void)state;
    assert_problem_has("INPUT_VOLUMES", "data:/data\n\n./x:/y", "input 'volumes' line 3: got './x:/y', wants SOURCE:TARGET");
    assert_problem_has("INPUT_NETWORKS", "backend\nhost", "input 'networks' line 2: got 'host', wants the name");
    assert_problem_has("INPUT_LABELS", "# x\nteam", "input 'labels' line 2: got 'team', wants KEY=VALUE");
    assert_problem_has("INPUT_ENV", "A=1\nB", "input 'env' line 2: is not of the form KEY=VALUE");
    assert_problem_has("INPUT_ENV", "A=1\nA=2", "input 'env' line 2: sets A a second time");
}

static void labels_of_the_action_itself_are_refused(void **state)
{
    (void)state;
    assert_problem_has("INPUT_LABELS", "io.bluegreen.app=x", "labels below io.bluegreen are set by the action");
    assert_problem_has("INPUT_LABELS", "a=1\na=2", "sets a a second time");
}

static void a_wrong_value_is_shown_short_and_on_one_line(void **state)
{
    (void)state;
    char value[200];
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    memcpy(value, "a\nb\x1b", 4);
    struct run run;
    begin(&run);
    set(&run, "INPUT_PORT", value);
    read_all(&run);
    assert_non_null(strstr(buf_str(&run.problems), "got 'a\\nb?xxx"));
    assert_non_null(strstr(buf_str(&run.problems), "…', wants"));
    assert_true(run.problems.len < 160);
    end(&run);
}

static void a_value_that_is_not_utf8_is_refused(void **state)
{
    (void)state;
    assert_problem("INPUT_ENV", "A=\xff\xfe", "input 'env': got bytes that are not UTF-8 text\n");
}

static void an_overlong_value_is_refused(void **state)
{
    (void)state;
    size_t len = 128 * 1024 + 1;
    char *value = malloc(len + 1);
    assert_non_null(value);
    memset(value, 'x', len);
    value[len] = '\0';
    assert_problem("INPUT_ARGS", value, "input 'args': got 131073 bytes, wants at most 131072\n");
    free(value);
}

static void all_problems_are_told_at_once_and_the_first_is_the_error(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_SSH-PORT", "x");
    set(&run, "INPUT_CPUS", "x");
    set(&run, "INPUT_APP", "");
    read_all(&run);
    assert_int_equal(run.result, -ERR_INPUT);
    char text[512];
    assert_non_null(strstr(err_text(&run.err, text, sizeof(text)), "'ssh-port'"));
    assert_non_null(strstr(buf_str(&run.problems), "'ssh-port'"));
    assert_non_null(strstr(buf_str(&run.problems), "'cpus'"));
    assert_non_null(strstr(buf_str(&run.problems), "input 'app': got nothing, wants"));
    end(&run);
}

static void missing_required_inputs_are_named(void **state)
{
    (void)state;
    assert_problem_has("INPUT_HOST", "", "input 'host': got nothing, wants");
    assert_problem_has("INPUT_SSH-KEY", "", "input 'ssh-key': got nothing, wants");
    assert_problem_has("INPUT_APP", "", "input 'app': got nothing, wants");
    assert_problem_has("INPUT_IMAGE", "", "input 'image': got nothing, wants");
}

static void rollback_and_status_need_no_image(void **state)
{
    (void)state;
    const char *commands[] = { "rollback", "status" };
    for (size_t i = 0; i < 2; i++) {
        struct run run;
        begin(&run);
        set(&run, "INPUT_COMMAND", commands[i]);
        set(&run, "INPUT_IMAGE", "");
        set(&run, "INPUT_ENV-FILE", "not-checked-out.env");
        read_good(&run);
        assert_int_equal(run.in.command, i == 0 ? COMMAND_ROLLBACK : COMMAND_STATUS);
        end(&run);
    }
}

/* ---- ports, registry ---- */

static void ports_follow_the_port(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_PORT", "443");
    read_good(&run);
    assert_int_equal(run.in.spec.container_port, 443);
    assert_int_equal(run.in.spec.spare_port, 444);
    end(&run);
}

static void a_spare_port_must_be_close_after_the_port(void **state)
{
    (void)state;
    assert_problem("INPUT_SPARE-PORT", "8080",
                   "input 'spare-port': got '8080', wants a port from 8081 to 8180 (after port, at most 100 away)\n");
    assert_problem_has("INPUT_SPARE-PORT", "8181", "from 8081 to 8180");
    assert_good("INPUT_SPARE-PORT", "8180");
}

static void the_last_port_has_no_spare_one(void **state)
{
    (void)state;
    assert_problem_has("INPUT_PORT", "65535", "input 'port': got '65535', but strategy handover needs a port after it");
    struct run run;
    begin(&run);
    set(&run, "INPUT_PORT", "65535");
    set(&run, "INPUT_STRATEGY", "recreate");
    read_good(&run);
    end(&run);
}

static void registry_credentials_come_in_pairs(void **state)
{
    (void)state;
    assert_problem_has("INPUT_REGISTRY-USERNAME", "bob", "input 'registry-password': got nothing, wants");
    assert_problem_has("INPUT_REGISTRY-PASSWORD", "hunter22", "input 'registry-username': got nothing, wants");
}

/* ---- pins, keys, jump host ---- */

static void without_any_pin_the_error_says_how_to_get_one(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_HOST-FINGERPRINT", "");
    read_all(&run);
    assert_int_equal(run.result, -ERR_NO_PIN);
    assert_non_null(strstr(buf_str(&run.problems), "input 'host-fingerprint': got nothing, and known-hosts is empty too"));
    const char *hint = err_hint_text(&run.err);
    assert_non_null(strstr(hint, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"));
    assert_non_null(strstr(hint, "ssh-keyscan -p 22 web1.example.com"));
    assert_non_null(strstr(hint, "console"));
    end(&run);
}

static void known_hosts_alone_are_a_pin(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_HOST-FINGERPRINT", "");
    set(&run, "INPUT_KNOWN-HOSTS", "web1.example.com " HOST_KEY);
    read_good(&run);
    end(&run);
}

static void known_hosts_of_other_hosts_are_no_pin(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_HOST-FINGERPRINT", "");
    set(&run, "INPUT_KNOWN-HOSTS", "web2.example.com " HOST_KEY);
    read_all(&run);
    assert_int_equal(run.result, -ERR_NO_PIN);
    assert_non_null(strstr(buf_str(&run.problems), "input 'known-hosts': holds no key of web1.example.com port 22"));
    end(&run);
}

static void wrong_pins_name_the_input_and_the_line(void **state)
{
    (void)state;
    assert_problem_has("INPUT_HOST-FINGERPRINT", PIN "\nSHA256:short", "input 'host-fingerprint' line 2: 'SHA256:short'");
    assert_problem_has("INPUT_HOST-FINGERPRINT", "MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48", "MD5");
    assert_problem_has("INPUT_KNOWN-HOSTS", "# x\nnonsense", "input 'known-hosts' line 2: ");
}

static void a_key_that_cannot_be_used_is_an_error_of_its_own(void **state)
{
    (void)state;
    const char *wrong[] = { "/home/me/.ssh/id_ed25519", HOST_KEY, KEY_BEGIN "b3Blbn" };
    for (size_t i = 0; i < 3; i++) {
        struct run run;
        begin(&run);
        set(&run, "INPUT_SSH-KEY", wrong[i]);
        read_all(&run);
        assert_int_equal(run.result, -ERR_KEY);
        assert_int_equal(strncmp(buf_str(&run.problems), "input 'ssh-key': ", 17), 0);
        assert_null(strstr(buf_str(&run.problems), wrong[i]));
        end(&run);
    }
}

static void an_encrypted_key_needs_a_passphrase(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_SSH-KEY", ENCRYPTED_KEY);
    read_all(&run);
    assert_int_equal(run.result, -ERR_KEY);
    end(&run);
    begin(&run);
    set(&run, "INPUT_SSH-KEY", ENCRYPTED_KEY);
    set(&run, "INPUT_SSH-KEY-PASSPHRASE", "correct horse");
    read_good(&run);
    end(&run);
}

static void a_jump_host_takes_user_key_and_known_hosts_of_the_host(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_JUMP-HOST", "bastion");
    set(&run, "INPUT_USER", "deploy");
    set(&run, "INPUT_SSH-KEY", ENCRYPTED_KEY);
    set(&run, "INPUT_SSH-KEY-PASSPHRASE", "correct horse");
    set(&run, "INPUT_KNOWN-HOSTS", "bastion " HOST_KEY);
    read_good(&run);
    const struct ssh_target *jump = &run.in.jump;
    assert_int_equal(jump->port, 22);
    assert_string_equal(jump->user, "deploy");
    assert_string_equal(jump->key, run.in.target.key);
    assert_string_equal(jump->passphrase, "correct horse");
    assert_string_equal(jump->known_hosts, run.in.target.known_hosts);
    assert_string_equal(jump->fingerprints, "");
    end(&run);
}

static void a_jump_host_with_its_own_key_does_not_take_the_passphrase(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_SSH-KEY", ENCRYPTED_KEY);
    set(&run, "INPUT_SSH-KEY-PASSPHRASE", "correct horse");
    set(&run, "INPUT_JUMP-HOST", "bastion");
    set(&run, "INPUT_JUMP-KEY", KEY);
    set(&run, "INPUT_JUMP-FINGERPRINT", PIN);
    read_good(&run);
    assert_string_equal(run.in.jump.passphrase, "");
    end(&run);
}

static void a_jump_host_without_pin_is_refused(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_JUMP-HOST", "bastion");
    read_all(&run);
    assert_int_equal(run.result, -ERR_NO_PIN);
    assert_non_null(strstr(buf_str(&run.problems), "input 'jump-fingerprint': got nothing"));
    assert_non_null(strstr(err_hint_text(&run.err), "bastion"));
    end(&run);
}

static void wrong_pins_and_keys_of_the_jump_host_name_its_inputs(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_JUMP-HOST", "bastion");
    set(&run, "INPUT_JUMP-FINGERPRINT", "SHA256:short");
    set(&run, "INPUT_JUMP-KEY", "nonsense");
    read_all(&run);
    assert_non_null(strstr(buf_str(&run.problems), "input 'jump-fingerprint' line 1: "));
    assert_non_null(strstr(buf_str(&run.problems), "input 'jump-key': "));
    end(&run);
}

/* ---- env ---- */

static void a_variable_in_env_and_secret_env_is_refused(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_ENV", "A=1\nTOKEN=x");
    set(&run, "INPUT_SECRET-ENV", "TOKEN=y");
    read_all(&run);
    assert_int_equal(run.result, -ERR_INPUT);
    assert_string_equal(buf_str(&run.problems), "input 'secret-env': sets TOKEN, which env sets too; keep it in one of them\n");
    end(&run);
}

static char workspace[] = "/tmp/inputs_test.XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", workspace, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void make_workspace(void)
{
    memcpy(workspace + strlen(workspace) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(workspace));
}

static void remove_file(const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", workspace, name);
    assert_int_equal(unlink(path), 0);
}

static void env_and_secret_env_win_over_the_env_file(void **state)
{
    (void)state;
    make_workspace();
    write_file("app.env", "A=file\nexport B=\"file b\"\nTOKEN=dev\n");
    struct run run;
    begin(&run);
    set(&run, "GITHUB_WORKSPACE", workspace);
    set(&run, "INPUT_ENV-FILE", "app.env");
    set(&run, "INPUT_ENV", "A=input\nC=3");
    set(&run, "INPUT_SECRET-ENV", "TOKEN=s3cret-token");
    read_good(&run);
    const struct strlist *env = &run.in.spec.env;
    assert_int_equal(env->len, 3);
    assert_true(strlist_has(env, "A=input"));
    assert_true(strlist_has(env, "B=file b"));
    assert_true(strlist_has(env, "C=3"));
    end(&run);
    remove_file("app.env");
    assert_int_equal(rmdir(workspace), 0);
}

static void mistakes_in_the_env_file_name_its_line(void **state)
{
    (void)state;
    make_workspace();
    write_file("app.env", "A=1\nnonsense\nA=2\n");
    struct run run;
    begin(&run);
    set(&run, "GITHUB_WORKSPACE", workspace);
    set(&run, "INPUT_ENV-FILE", "app.env");
    read_all(&run);
    assert_string_equal(buf_str(&run.problems), "input 'env-file' line 2: is not of the form KEY=VALUE\n"
                                                "input 'env-file' line 3: sets A a second time\n");
    end(&run);
    remove_file("app.env");
    assert_int_equal(rmdir(workspace), 0);
}

static void an_env_file_outside_the_workspace_is_refused(void **state)
{
    (void)state;
    make_workspace();
    char link[128];
    (void)snprintf(link, sizeof(link), "%s/link.env", workspace);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    const char *outside[] = { "link.env", "../../etc/passwd", "/etc/passwd", "." };
    for (size_t i = 0; i < 4; i++) {
        struct run run;
        begin(&run);
        set(&run, "GITHUB_WORKSPACE", workspace);
        set(&run, "INPUT_ENV-FILE", outside[i]);
        read_all(&run);
        assert_int_equal(run.result, -ERR_INPUT);
        assert_non_null(strstr(buf_str(&run.problems), "which leads out of the workspace"));
        end(&run);
    }
    remove_file("link.env");
    assert_int_equal(rmdir(workspace), 0);
}

static void a_missing_env_file_asks_for_the_checkout(void **state)
{
    (void)state;
    make_workspace();
    struct run run;
    begin(&run);
    set(&run, "GITHUB_WORKSPACE", workspace);
    set(&run, "INPUT_ENV-FILE", "app.env");
    read_all(&run);
    assert_non_null(strstr(buf_str(&run.problems), "No such file or directory"));
    assert_non_null(strstr(buf_str(&run.problems), "checkout"));
    end(&run);
    assert_int_equal(rmdir(workspace), 0);
}

static void a_folder_is_no_env_file(void **state)
{
    (void)state;
    make_workspace();
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/folder", workspace);
    assert_int_equal(mkdir(path, 0700), 0);
    struct run run;
    begin(&run);
    set(&run, "GITHUB_WORKSPACE", workspace);
    set(&run, "INPUT_ENV-FILE", "folder");
    read_all(&run);
    assert_non_null(strstr(buf_str(&run.problems), "wants a regular file"));
    end(&run);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(workspace), 0);
}

/* ---- secrets ---- */

static void assert_redacted(const struct run *run, const char *text, const char *want)
{
    _cleanup_(buf_done) struct buf out = BUF_INIT(65536);
    redactor_apply(run->redactor, span_of(text), &out);
    assert_string_equal(buf_str(&out), want);
}

static void secrets_are_registered_whole_and_by_value(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_SSH-KEY-PASSPHRASE", " correct horse ");
    set(&run, "INPUT_REGISTRY-USERNAME", "bob");
    set(&run, "INPUT_REGISTRY-PASSWORD", "hunter22");
    set(&run, "INPUT_SECRET-ENV", "TOKEN=tok-4711\nCERT<<X\nfirst-line\nsecond-line\nX\n");
    read_good(&run);
    assert_int_equal(run.in.spec.secret_env.len, 2);
    assert_string_equal(run.in.spec.secret_env.items[1], "CERT=first-line\nsecond-line");
    assert_redacted(&run, "a correct horse b", "a *** b");
    assert_redacted(&run, "a hunter22 b", "a *** b");
    assert_redacted(&run, "a tok-4711 b", "a *** b");
    assert_redacted(&run, "a second-line b", "a *** b");
    assert_redacted(&run, "key " KEY_LINE2 " x", "key *** x");
    end(&run);
}

static void secrets_are_registered_also_when_inputs_are_wrong(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_HOST", "ssh://nonsense");
    set(&run, "INPUT_SECRET-ENV", "BAD-KEY=tok-4711\nnot-a-pair-at-all");
    read_all(&run);
    assert_int_equal(run.result, -ERR_INPUT);
    assert_redacted(&run, "a tok-4711 b", "a *** b");
    assert_redacted(&run, "a not-a-pair-at-all b", "a *** b");
    end(&run);
}

static void no_secret_value_is_ever_part_of_a_problem(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_SSH-KEY", "canary-in-key");
    set(&run, "INPUT_SSH-KEY-PASSPHRASE", "canary-in\npassphrase");
    set(&run, "INPUT_JUMP-HOST", "bastion");
    set(&run, "INPUT_JUMP-KEY", "canary-in-jump-key");
    set(&run, "INPUT_REGISTRY-PASSWORD", "canary-in-password");
    set(&run, "INPUT_SECRET-ENV", "canary-in-line\nBAD-KEY=canary-in-value\nX<<END\ncanary-in-heredoc");
    read_all(&run);
    assert_true(run.result < 0);
    assert_null(strstr(buf_str(&run.problems), "canary"));
    assert_non_null(strstr(buf_str(&run.problems), "input 'ssh-key-passphrase': got (secret value of 20 characters)"));
    assert_non_null(strstr(buf_str(&run.problems), "input 'secret-env' line 1: "));
    char text[1024];
    assert_null(strstr(err_text(&run.err, text, sizeof(text)), "canary"));
    end(&run);
}

static void collect_secret(void *ctx, const char *value)
{
    struct buf *seen = ctx;
    buf_addf(seen, "<%s>", value);
}

static void each_secret_is_visited_raw_and_by_value(void **state)
{
    (void)state;
    struct run run = { .count = 0 };
    set(&run, "INPUT_HOST", "plain-host");
    set(&run, "INPUT_REGISTRY-PASSWORD", " hunter22 ");
    set(&run, "INPUT_SECRET-ENV", "TOKEN=tok-4711\nON=1");
    _cleanup_(buf_done) struct buf seen = BUF_INIT(4096);
    inputs_each_secret(run_env, &run, collect_secret, &seen);
    assert_string_equal(buf_str(&seen), "< hunter22 ><hunter22><TOKEN=tok-4711\nON=1><tok-4711>");
}

static void secrets_are_wiped_from_the_environment(void **state)
{
    (void)state;
    assert_int_equal(setenv("INPUT_SSH-KEY", "canary-in-environment", 1), 0);
    assert_int_equal(setenv("INPUT_SECRET-ENV", "A=canary-in-environment", 1), 0);
    assert_int_equal(setenv("INPUT_HOST", "web1", 1), 0);
    inputs_wipe_env();
    assert_null(getenv("INPUT_SSH-KEY"));
    assert_null(getenv("INPUT_SECRET-ENV"));
    assert_string_equal(getenv("INPUT_HOST"), "web1");
}

/* ---- table, origin ---- */

static void the_table_marks_exactly_the_secret_inputs(void **state)
{
    (void)state;
    const char *want[] = { "ssh-key", "ssh-key-passphrase", "jump-key", "jump-key-passphrase", "registry-password", "secret-env" };
    const char *id, *dflt;
    bool secret;
    size_t found = 0, i = 0;
    for (; inputs_table(i, &id, &dflt, &secret); i++) {
        if (!secret)
            continue;
        assert_true(found < 6);
        assert_string_equal(id, want[found++]);
        assert_string_equal(dflt, "");
    }
    assert_int_equal(found, 6);
    assert_int_equal(i, 57);
}

static void ids_of_the_table_are_lower_case_and_unique(void **state)
{
    (void)state;
    const char *id, *other, *dflt;
    bool secret;
    for (size_t i = 0; inputs_table(i, &id, &dflt, &secret); i++) {
        for (const char *p = id; *p; p++)
            assert_true(islower((unsigned char)*p) || *p == '-');
        for (size_t j = 0; j < i && inputs_table(j, &other, &dflt, &secret); j++)
            assert_string_not_equal(id, other);
    }
}

static void the_run_link_comes_from_the_runner(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "GITHUB_SERVER_URL", "https://github.com");
    set(&run, "GITHUB_REPOSITORY", "org/repo");
    set(&run, "GITHUB_RUN_ID", "42");
    set(&run, "GITHUB_ACTOR", "octocat");
    read_good(&run);
    assert_string_equal(run.in.run_link, "https://github.com/org/repo/actions/runs/42");
    assert_string_equal(run.in.spec.run_link, run.in.run_link);
    assert_string_equal(run.in.actor, "octocat");
    end(&run);
}

static void elsewhere_the_run_link_names_user_and_machine(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "USER", "me");
    read_good(&run);
    assert_int_equal(strncmp(run.in.run_link, "me@", 3), 0);
    assert_true(strlen(run.in.run_link) > 3);
    end(&run);
}

static void what_is_read_fits_the_agents_own_check(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    set(&run, "INPUT_ENV", "A=1\nB<<X\none\ntwo\nX");
    set(&run, "INPUT_LABELS", "com.example/team=shop");
    set(&run, "INPUT_IMAGE", "[::1]:5000/shop:1");
    set(&run, "INPUT_STOP-TIMEOUT", "10m");
    set(&run, "INPUT_HEALTH-RETRIES", "1000");
    set(&run, "INPUT_MEMORY", "16t");
    set(&run, "INPUT_CPUS", "1024");
    set(&run, "INPUT_KEEP-HOURS", "8760");
    set(&run, "INPUT_LOG-RETENTION-DAYS", "3650");
    set(&run, "INPUT_LOCK-TIMEOUT", "24h");
    read_good(&run);
    struct json *j = spec_to_json(&run.in.spec, SPEC_WITH_SECRETS);
    struct spec back;
    struct err err = { 0 };
    char text[512];
    if (spec_from_json(j, &back, &err) < 0)
        fail_msg("%s", err_text(&err, text, sizeof(text)));
    spec_done(&back);
    json_free(j);
    end(&run);
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
        cmocka_unit_test(missing_required_inputs_are_named),
        cmocka_unit_test(rollback_and_status_need_no_image),
        cmocka_unit_test(ports_follow_the_port),
        cmocka_unit_test(a_spare_port_must_be_close_after_the_port),
        cmocka_unit_test(the_last_port_has_no_spare_one),
        cmocka_unit_test(registry_credentials_come_in_pairs),
        cmocka_unit_test(without_any_pin_the_error_says_how_to_get_one),
        cmocka_unit_test(known_hosts_alone_are_a_pin),
        cmocka_unit_test(known_hosts_of_other_hosts_are_no_pin),
        cmocka_unit_test(wrong_pins_name_the_input_and_the_line),
        cmocka_unit_test(a_key_that_cannot_be_used_is_an_error_of_its_own),
        cmocka_unit_test(an_encrypted_key_needs_a_passphrase),
        cmocka_unit_test(a_jump_host_takes_user_key_and_known_hosts_of_the_host),
        cmocka_unit_test(a_jump_host_with_its_own_key_does_not_take_the_passphrase),
        cmocka_unit_test(a_jump_host_without_pin_is_refused),
        cmocka_unit_test(wrong_pins_and_keys_of_the_jump_host_name_its_inputs),
        cmocka_unit_test(a_variable_in_env_and_secret_env_is_refused),
        cmocka_unit_test(env_and_secret_env_win_over_the_env_file),
        cmocka_unit_test(mistakes_in_the_env_file_name_its_line),
        cmocka_unit_test(an_env_file_outside_the_workspace_is_refused),
        cmocka_unit_test(a_missing_env_file_asks_for_the_checkout),
        cmocka_unit_test(a_folder_is_no_env_file),
        cmocka_unit_test(secrets_are_registered_whole_and_by_value),
        cmocka_unit_test(secrets_are_registered_also_when_inputs_are_wrong),
        cmocka_unit_test(no_secret_value_is_ever_part_of_a_problem),
        cmocka_unit_test(each_secret_is_visited_raw_and_by_value),
        cmocka_unit_test(secrets_are_wiped_from_the_environment),
        cmocka_unit_test(the_table_marks_exactly_the_secret_inputs),
        cmocka_unit_test(ids_of_the_table_are_lower_case_and_unique),
        cmocka_unit_test(the_run_link_comes_from_the_runner),
        cmocka_unit_test(elsewhere_the_run_link_names_user_and_machine),
        cmocka_unit_test(what_is_read_fits_the_agents_own_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
