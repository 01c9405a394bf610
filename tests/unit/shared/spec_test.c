#include "shared/spec.h"

#include "shared/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MINIMAL "{\"app\":\"shop\",\"image\":\"registry.example:5000/shop:1\"}"
#define CANARY "canary-4711"

static void add(struct strlist *l, const char *text)
{
    assert_int_equal(strlist_add(l, span_of(text), NULL), 0);
}

static void set(char **field, const char *text)
{
    assert_int_equal(spec_set_str(field, text, NULL), 0);
}

static void fill(struct spec *s)
{
    spec_init(s);
    set(&s->app, "shop");
    set(&s->image, "registry.example:5000/shop:1@sha256:0123");
    set(&s->registry_username, "robot");
    set(&s->registry_password, CANARY);
    s->port = 80;
    s->spare_port = 81;
    add(&s->env, "A=1");
    add(&s->env, "B=two words = fine");
    add(&s->secret_env, "TOKEN=" CANARY);
    add(&s->secret_env, "OTHER=x" CANARY "y");
    add(&s->volumes, "/data:/var/lib/data:ro");
    add(&s->volumes, "cache:/cache");
    add(&s->networks, "backend");
    add(&s->networks, "metrics");
    add(&s->labels, "team=a");
    add(&s->labels, "tier=b");
    add(&s->args, "--one");
    add(&s->args, "--two");
    s->memory_bytes = 512LL * 1024 * 1024;
    s->read_only = true;
    s->kpi.limits[KPI_CUTOVER].target = 0.5;
    set(&s->run_link, "https://example.org/runs/1");
}

static void assert_refused(const char *text, const char *words)
{
    _cleanup_(json_free_p) struct json *j = NULL;
    struct spec s;
    struct err e = { 0 };
    char shown[1000];
    assert_int_equal(json_parse(span_of(text), &j, NULL), 0);
    int r = spec_from_json(j, &s, &e);
    if (r != -ERR_INPUT || !strstr(err_text(&e, shown, sizeof(shown)), words))
        fail_msg("'%s' gave %d '%s', wanted '%s'", text, r, err_text(&e, shown, sizeof(shown)), words);
    spec_done(&s); /* harmless after a failure */
}

/* The minimal spec with one further member. */
static void assert_member_refused(const char *member, const char *words)
{
    char text[2000];
    (void)snprintf(text, sizeof(text), "{\"app\":\"shop\",\"image\":\"shop:1\",%s}", member);
    assert_refused(text, words);
}

static void assert_member_accepted(const char *member)
{
    char text[2000];
    struct spec s;
    struct err e = { 0 };
    _cleanup_(json_free_p) struct json *j = NULL;
    (void)snprintf(text, sizeof(text), "{\"app\":\"shop\",\"image\":\"shop:1\",%s}", member);
    assert_int_equal(json_parse(span_of(text), &j, NULL), 0);
    if (spec_from_json(j, &s, &e) < 0)
        fail_msg("'%s' gave '%s'", member, e.frame[0].text);
    spec_done(&s);
}

static void defaults_are_those_of_the_contract(void **state)
{
    (void)state;
    _cleanup_(spec_done_p) struct spec s;
    spec_init(&s);
    assert_string_equal(s.strategy, "handover");
    assert_string_equal(s.restart_policy, "unless-stopped");
    assert_string_equal(s.health_path, "/health");
    assert_string_equal(s.health_status, "200");
    assert_string_equal(s.user, "");
    assert_int_equal(s.port, 8080);
    assert_int_equal(s.container_port, 8080);
    assert_int_equal(s.spare_port, 0);
    assert_int_equal(s.stop_timeout_s, 10);
    assert_int_equal(s.health_retries, 30);
    assert_int_equal(s.health_interval_ms, 2000);
    assert_int_equal(s.health_timeout_ms, 5000);
    assert_int_equal(s.warm_up_ms, 2000);
    assert_int_equal(s.lock_timeout_ms, 600000);
    assert_int_equal(s.keep_hours, 24);
    assert_int_equal(s.log_retention_days, 7);
    assert_int_equal(s.env.len, 0);
    assert_false(s.read_only);
    assert_true(s.kpi.limits[KPI_TOTAL].critical == 1200);
}

static void a_spec_may_be_ended_twice(void **state)
{
    (void)state;
    struct spec s;
    fill(&s);
    spec_done(&s);
    spec_done(&s);
    assert_null(s.app);
    assert_int_equal(s.env.len, 0);
}

static void json_round_trips_every_field(void **state)
{
    (void)state;
    _cleanup_(spec_done_p) struct spec s, again;
    _cleanup_(buf_done_p) struct buf one = BUF_INIT(10000), two = BUF_INIT(10000);
    fill(&s);
    _cleanup_(json_free_p) struct json *j = spec_to_json(&s, SPEC_WITH_SECRETS);
    assert_int_equal(json_print(j, &one, NULL), 0);
    assert_int_equal(spec_from_json(j, &again, NULL), 0);
    _cleanup_(json_free_p) struct json *k = spec_to_json(&again, SPEC_WITH_SECRETS);
    assert_int_equal(json_print(k, &two, NULL), 0);
    assert_string_equal(buf_str(&one), buf_str(&two));
    assert_string_equal(again.registry_password, CANARY);
    assert_string_equal(again.secret_env.items[0], "TOKEN=" CANARY);
    assert_true(again.read_only);
    assert_true(again.kpi.limits[KPI_CUTOVER].target == 0.5);
    buf_done(&two);
}

static void the_copy_without_secrets_has_none(void **state)
{
    (void)state;
    _cleanup_(spec_done_p) struct spec s;
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(10000);
    fill(&s);
    _cleanup_(json_free_p) struct json *j = spec_to_json(&s, SPEC_WITHOUT_SECRETS);
    assert_int_equal(json_print(j, &out, NULL), 0);
    assert_null(strstr(buf_str(&out), CANARY));
    assert_null(json_get(j, "registry_password"));
    assert_string_equal(json_value_str(json_first(json_get(j, "secret_env")), ""), "TOKEN");
    assert_string_equal(json_value_str(json_first(json_get(j, "env")), ""), "A=1");
}

static void app_and_image_are_enough(void **state)
{
    (void)state;
    _cleanup_(spec_done_p) struct spec s;
    _cleanup_(json_free_p) struct json *j = NULL;
    assert_int_equal(json_parse(SPAN_LIT(MINIMAL), &j, NULL), 0);
    assert_int_equal(spec_from_json(j, &s, NULL), 0);
    assert_string_equal(s.app, "shop");
    assert_int_equal(s.port, 8080);
}

static void app_and_image_must_be_there(void **state)
{
    (void)state;
    assert_refused("{}", "app: is missing");
    assert_refused("{\"app\":\"shop\"}", "image: is missing");
    assert_refused("{\"image\":\"shop:1\"}", "app: is missing");
    assert_refused("[]", "wants an object");
    assert_refused("{\"app\":\"\",\"image\":\"shop:1\"}", "app: got ''");
    assert_refused("{\"app\":\"shop\",\"image\":\"\"}", "image: got ''");
}

static void unknown_and_repeated_members_are_refused(void **state)
{
    (void)state;
    assert_member_refused("\"colour\":1", "'colour': no such setting");
    assert_member_refused("\"Port\":1", "'Port': no such setting");
    assert_member_refused("\"app\":\"shop\"", "app: is given twice");
}

static void wrong_types_are_refused(void **state)
{
    (void)state;
    assert_member_refused("\"port\":\"80\"", "port: wants a whole number");
    assert_member_refused("\"port\":true", "port: wants a whole number");
    assert_member_refused("\"user\":7", "user: wants a text");
    assert_member_refused("\"user\":null", "user: wants a text");
    assert_member_refused("\"read_only\":\"true\"", "read_only: wants true or false");
    assert_member_refused("\"env\":\"A=1\"", "env: wants a list");
    assert_member_refused("\"env\":{\"A\":\"1\"}", "env: wants a list");
    assert_member_refused("\"env\":[\"A=1\",7]", "env, line 2: wants a text");
    assert_member_refused("\"kpi\":[]", "kpi: KPI table");
}

static void numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    assert_member_refused("\"port\":0", "from 1 to 65535");
    assert_member_refused("\"port\":65536", "from 1 to 65535");
    assert_member_refused("\"port\":80.5", "from 1 to 65535");
    assert_member_refused("\"port\":-1", "from 1 to 65535");
    assert_member_refused("\"port\":1e300", "from 1 to 65535");
    assert_member_refused("\"port\":1e999", "from 1 to 65535");
    assert_member_refused("\"health_retries\":0", "health_retries");
    assert_member_refused("\"health_interval_ms\":0", "health_interval_ms");
    assert_member_refused("\"memory_bytes\":-1", "memory_bytes");
    assert_member_refused("\"keep_hours\":-1", "keep_hours");
    assert_member_accepted("\"port\":1");
    assert_member_accepted("\"port\":65534,\"spare_port\":65535");
    assert_member_accepted("\"warm_up_ms\":0");
}

static void ports_must_fit_together(void **state)
{
    (void)state;
    assert_member_refused("\"port\":8080,\"spare_port\":8080", "spare_port: got 8080");
    assert_member_refused("\"port\":8080,\"spare_port\":8082", "a neighbour of port 8080");
    assert_member_accepted("\"port\":8080,\"spare_port\":8079");
    assert_member_accepted("\"port\":65535");
    assert_member_accepted("\"port\":8080,\"spare_port\":8081");
}

static void wrong_texts_are_refused_with_what_is_wanted(void **state)
{
    (void)state;
    assert_member_refused("\"strategy\":\"canary\"", "got 'canary', wants handover or recreate");
    assert_member_refused("\"restart_policy\":\"never\"", "wants no, always");
    assert_member_refused("\"health_status\":\"ok\"", "wants status codes");
    assert_member_refused("\"health_path\":\"health\"", "begins with /");
    assert_member_refused("\"health_path\":\"/a b\"", "begins with /");
    assert_member_refused("\"user\":\"a b\"", "without blanks");
    assert_member_refused("\"networks\":[\"-x\"]", "networks, line 1");
    assert_member_refused("\"labels\":[\"a\"]", "labels, line 1");
    assert_member_refused("\"labels\":[\"io.bluegreen.role=blue\"]", "labels, line 1");
    assert_member_refused("\"volumes\":[\"/a:/b\",\"/a\"]", "volumes, line 2");
    assert_member_refused("\"ecr_auth\":\"host\"", "wants auto, host-role, runner");
    assert_member_refused("\"fail_on_severity\":\"HIGH\"", "wants off, low, medium, high or critical");
    assert_member_refused("\"fail_on_severity\":\"\"", "wants off, low, medium, high or critical");
    assert_member_refused("\"image_size_bytes\":-1", "image_size_bytes");
    assert_member_accepted("\"ecr_auth\":\"\",\"fail_on_severity\":\"critical\",\"image_size_bytes\":5000000000");
    assert_member_accepted("\"ecr_auth\":\"host-role\",\"fail_on_severity\":\"off\"");
    assert_member_accepted("\"health_path\":\"\"");
    assert_member_accepted("\"user\":\"1000:1000\"");
    assert_member_accepted("\"args\":[\"\",\"anything at all\"]");
}

static void a_refused_secret_is_not_repeated(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *j = NULL;
    struct spec s;
    struct err e = { 0 };
    char shown[1000];
    assert_int_equal(json_parse(SPAN_LIT("{\"secret_env\":[\"9=" CANARY "\"]}"), &j, NULL), 0);
    assert_int_equal(spec_from_json(j, &s, &e), -ERR_INPUT);
    assert_null(strstr(err_text(&e, shown, sizeof(shown)), CANARY));
    assert_non_null(strstr(shown, "secret_env, line 1: wants KEY=VALUE"));
}

static void too_long_texts_are_refused(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *j = NULL;
    _cleanup_(buf_done_p) struct buf b = BUF_INIT(300000);
    struct spec s;
    struct err e = { 0 };
    assert_int_equal(json_parse(SPAN_LIT(MINIMAL), &j, NULL), 0);
    for (int i = 0; i < 300; i++)
        buf_addc(&b, 'x');
    json_set_str(j, "run_link", buf_str(&b));
    assert_int_equal(spec_from_json(j, &s, &e), -ERR_INPUT);
    assert_non_null(strstr(e.frame[0].text, "run_link: 300 bytes, at most 299"));
}

static void too_many_items_are_refused(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *j = NULL;
    struct spec s;
    struct err e = { 0 };
    assert_int_equal(json_parse(SPAN_LIT(MINIMAL), &j, NULL), 0);
    struct json *arr = json_array();
    for (int i = 0; i < 1025; i++)
        json_push_str(arr, "A=1");
    json_set(j, "env", arr);
    assert_int_equal(spec_from_json(j, &s, &e), -ERR_INPUT);
    assert_non_null(strstr(e.frame[0].text, "at most 1024"));
}

static void app_names_are_checked(void **state)
{
    (void)state;
    assert_true(spec_is_app_name("a"));
    assert_true(spec_is_app_name("mexc-sniper_2.x"));
    assert_true(spec_is_app_name("0123456789012345678901234567890123456789abcdefgh"));
    static const char *const bad[] = {
        "",    "-a",  ".a", "_a",          "A",   "a b",
        "a/b", "a\n", "..", "caf\xc3\xa9", "a;b", "0123456789012345678901234567890123456789abcdefghi"
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(spec_is_app_name(bad[i]));
}

static void images_are_checked_for_characters(void **state)
{
    (void)state;
    assert_true(spec_is_image("nginx"));
    assert_true(spec_is_image("localhost:5000/a/b_c:1.0@sha256:abc"));
    assert_true(spec_is_image("[::1]:5000/a"));
    assert_false(spec_is_image(""));
    assert_false(spec_is_image("-a"));
    assert_false(spec_is_image("a b"));
    assert_false(spec_is_image("a?b"));
    assert_false(spec_is_image("a\nb"));
}

static void env_lines_are_checked(void **state)
{
    (void)state;
    assert_true(spec_is_env_line("A="));
    assert_true(spec_is_env_line("_a9=x=y\nz"));
    assert_false(spec_is_env_line(""));
    assert_false(spec_is_env_line("A"));
    assert_false(spec_is_env_line("=x"));
    assert_false(spec_is_env_line("9A=x"));
    assert_false(spec_is_env_line("A B=x"));
    assert_false(spec_is_env_line("A-B=x"));
    assert_false(spec_is_env_line("A=\xff"));
}

static void volumes_are_checked(void **state)
{
    (void)state;
    static const char *const good[] = { "/a:/b",      "/a:/b:ro",     "/a:/b:rw",  "vol:/b",
                                        "v_1.x-y:/b", "/a..b:/c/..d", "/:/host:ro" };
    static const char *const bad[] = { "",           "/a",       "/a:",     ":/b",        "/a:b",
                                       "a/b:/c",     "/a:/b:z",  "/a:/b:",  "/a:/b:ro:x", "/a:/b:ro:",
                                       "/a/../b:/c", "/a:/b/..", "/a:/",    ".:/b",       "./a:/b",
                                       "../a:/b",    "-v:/b",    "/a:/b\n", "/a:/b:RO",   "/a::/b" };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!spec_is_volume(good[i]))
            fail_msg("'%s' was refused", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (spec_is_volume(bad[i]))
            fail_msg("'%s' was accepted", bad[i]);
}

static void restart_policies_are_checked(void **state)
{
    (void)state;
    static const char *const good[] = { "no", "always", "unless-stopped", "on-failure", "on-failure:3" };
    static const char *const bad[] = { "",   "never",   "on-failure:", "on-failure:x", "on-failure3", "on-failure:-1",
                                       "No", "always:3" };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(spec_is_restart_policy(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(spec_is_restart_policy(bad[i]));
}

static void status_lists_are_checked(void **state)
{
    (void)state;
    static const char *const good[] = { "200", "200,204", "200-299", "200, 301-302", "100-599" };
    static const char *const bad[] = { "",         "ok",      "99",   "600",     "200,",        ",200",
                                       "200,,204", "200-",    "-200", "299-200", "200-300-400", "2xx",
                                       "200;204",  "200-600", "+200", " " };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!spec_is_status_list(good[i]))
            fail_msg("'%s' was refused", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (spec_is_status_list(bad[i]))
            fail_msg("'%s' was accepted", bad[i]);
}

static void statuses_match_their_list(void **state)
{
    (void)state;
    assert_true(spec_status_matches("200", 200));
    assert_false(spec_status_matches("200", 201));
    assert_true(spec_status_matches("200,204", 204));
    assert_true(spec_status_matches("200-299, 404", 299));
    assert_true(spec_status_matches("200-299, 404", 404));
    assert_false(spec_status_matches("200-299, 404", 300));
    assert_false(spec_status_matches("200", 0));
    assert_false(spec_status_matches("200,nonsense", 200));
}

static void ranges_of_integers_can_be_asked(void **state)
{
    (void)state;
    int64_t min = 0, max = 0;
    assert_true(spec_int_range("port", &min, &max));
    assert_int_equal(min, 1);
    assert_int_equal(max, 65535);
    assert_false(spec_int_range("app", &min, &max));
    assert_false(spec_int_range("nothing", &min, &max));
    assert_false(spec_int_range(NULL, &min, &max));
}

static void fingerprint_of(const struct spec *s, char out[65])
{
    assert_int_equal(spec_fingerprint(s, out, NULL), 0);
    assert_int_equal(strspn(out, "0123456789abcdef"), 64);
}

static void swap_first_two(struct strlist *l)
{
    char *first = l->items[0];
    l->items[0] = l->items[1];
    l->items[1] = first;
}

static void the_fingerprint_ignores_the_order_of_sets_but_not_of_args(void **state)
{
    (void)state;
    _cleanup_(spec_done_p) struct spec s;
    char one[65], two[65];
    fill(&s);
    fingerprint_of(&s, one);
    swap_first_two(&s.env);
    swap_first_two(&s.secret_env);
    swap_first_two(&s.labels);
    swap_first_two(&s.volumes);
    swap_first_two(&s.networks);
    fingerprint_of(&s, two);
    assert_string_equal(one, two);
    swap_first_two(&s.args);
    fingerprint_of(&s, two);
    assert_string_not_equal(one, two);
}

static void the_fingerprint_changes_with_each_setting_of_the_container(void **state)
{
    (void)state;
    enum { CHANGES = 16 };
    char seen[CHANGES + 1][65];
    for (int i = 0; i <= CHANGES; i++) {
        _cleanup_(spec_done_p) struct spec s;
        fill(&s);
        switch (i) {
        case 0:
            break;
        case 1:
            set(&s.strategy, "recreate");
            break;
        case 2:
            s.port++;
            break;
        case 3:
            s.container_port++;
            break;
        case 4:
            s.spare_port = 79;
            break;
        case 5:
            add(&s.env, "C=3");
            break;
        case 6:
            set(&s.secret_env.items[0], "TOKEN=other");
            break;
        case 7:
            add(&s.volumes, "/x:/y");
            break;
        case 8:
            add(&s.networks, "z");
            break;
        case 9:
            add(&s.labels, "c=d");
            break;
        case 10:
            add(&s.args, "--three");
            break;
        case 11:
            set(&s.user, "1000");
            break;
        case 12:
            s.memory_bytes++;
            break;
        case 13:
            s.nano_cpus = 5;
            break;
        case 14:
            s.read_only = false;
            break;
        case 15:
            set(&s.restart_policy, "always");
            break;
        case 16:
            set(&s.env.items[0], "A=11");
            break;
        default:
            fail();
        }
        fingerprint_of(&s, seen[i]);
        for (int k = 0; k < i; k++)
            if (strcmp(seen[i], seen[k]) == 0)
                fail_msg("changes %d and %d look the same", i, k);
    }
}

static void the_fingerprint_ignores_what_does_not_shape_the_container(void **state)
{
    (void)state;
    _cleanup_(spec_done_p) struct spec s;
    char one[65], two[65];
    fill(&s);
    fingerprint_of(&s, one);
    set(&s.image, "shop:2");
    set(&s.registry_password, "rotated");
    set(&s.run_link, "https://example.org/runs/2");
    set(&s.ecr_auth, "runner");
    set(&s.fail_on_severity, "critical");
    s.image_size_bytes = 17;
    s.health_timeout_ms++;
    s.lock_timeout_ms++;
    s.keep_hours++;
    s.kpi.limits[KPI_TOTAL].target = 1;
    fingerprint_of(&s, two);
    assert_string_equal(one, two);
}

static void items_that_run_together_have_different_fingerprints(void **state)
{
    (void)state;
    _cleanup_(spec_done_p) struct spec a, b;
    char one[65], two[65];
    spec_init(&a);
    spec_init(&b);
    add(&a.args, "ab");
    add(&a.args, "c");
    add(&b.args, "a");
    add(&b.args, "bc");
    fingerprint_of(&a, one);
    fingerprint_of(&b, two);
    assert_string_not_equal(one, two);
}

static void every_secret_value_reaches_the_redactor(void **state)
{
    (void)state;
    _cleanup_(spec_done_p) struct spec s;
    _cleanup_(redactor_free_p) struct redactor *r = NULL;
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(1000);
    spec_init(&s);
    set(&s.registry_password, "hunter22");
    add(&s.secret_env, "TOKEN=tok=en1");
    add(&s.env, "PLAIN=visible");
    assert_int_equal(redactor_new(&r, NULL), 0);
    assert_int_equal(spec_register_secrets(&s, r, NULL), 0);
    redactor_apply(r, SPAN_LIT("hunter22 tok=en1 TOKEN visible"), &out);
    assert_string_equal(buf_str(&out), "*** *** TOKEN visible");
}

static void a_secret_that_cannot_be_hidden_is_told(void **state)
{
    (void)state;
    _cleanup_(spec_done_p) struct spec s;
    _cleanup_(redactor_free_p) struct redactor *r = NULL;
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(REDACT_BYTES_MAX);
    struct err e = { 0 };
    buf_adds(&text, "KEY=");
    for (int i = 0; i < 60000; i++)
        buf_addf(&text, "%d", i);
    spec_init(&s);
    add(&s.secret_env, buf_str(&text));
    assert_int_equal(redactor_new(&r, NULL), 0);
    assert_int_equal(spec_register_secrets(&s, r, &e), -ERR_NOMEM);
    assert_string_equal(e.frame[e.depth - 1].text, "register the secrets of secret_env");
}

static void texts_that_are_not_utf8_are_refused(void **state)
{
    (void)state;
    assert_member_refused("\"registry_password\":\"caf\xe9\"", "registry_password: wants text in UTF-8");
    assert_member_refused("\"args\":[\"a\",\"\xff\"]", "args, line 2: wants text in UTF-8");
}

static void a_spec_made_by_hand_is_checked_like_one_that_was_read(void **state)
{
    (void)state;
    enum { WRONGS = 6 };
    static const char *const words[WRONGS + 1] = {
        "", "image", "env, line 3", "port: wants", "spare_port", "registry_password", "volumes"
    };
    for (int i = 0; i <= WRONGS; i++) {
        _cleanup_(spec_done_p) struct spec s;
        struct err e = { 0 };
        fill(&s);
        if (i == 1)
            set(&s.image, "");
        else if (i == 2)
            add(&s.env, "no equals sign");
        else if (i == 3)
            s.port = 0;
        else if (i == 4)
            s.spare_port = s.port;
        else if (i == 5)
            set(&s.registry_password, "\xff" CANARY);
        else if (i == 6)
            add(&s.volumes, "/a");
        assert_int_equal(spec_check(&s, &e), i ? -ERR_INPUT : 0);
        if (i)
            assert_non_null(strstr(e.frame[0].text, words[i]));
        assert_null(strstr(e.frame[0].text, CANARY));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_contract),
        cmocka_unit_test(a_spec_may_be_ended_twice),
        cmocka_unit_test(json_round_trips_every_field),
        cmocka_unit_test(the_copy_without_secrets_has_none),
        cmocka_unit_test(app_and_image_are_enough),
        cmocka_unit_test(app_and_image_must_be_there),
        cmocka_unit_test(unknown_and_repeated_members_are_refused),
        cmocka_unit_test(wrong_types_are_refused),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(ports_must_fit_together),
        cmocka_unit_test(wrong_texts_are_refused_with_what_is_wanted),
        cmocka_unit_test(a_refused_secret_is_not_repeated),
        cmocka_unit_test(too_long_texts_are_refused),
        cmocka_unit_test(too_many_items_are_refused),
        cmocka_unit_test(app_names_are_checked),
        cmocka_unit_test(images_are_checked_for_characters),
        cmocka_unit_test(env_lines_are_checked),
        cmocka_unit_test(volumes_are_checked),
        cmocka_unit_test(restart_policies_are_checked),
        cmocka_unit_test(status_lists_are_checked),
        cmocka_unit_test(statuses_match_their_list),
        cmocka_unit_test(ranges_of_integers_can_be_asked),
        cmocka_unit_test(the_fingerprint_ignores_the_order_of_sets_but_not_of_args),
        cmocka_unit_test(the_fingerprint_changes_with_each_setting_of_the_container),
        cmocka_unit_test(the_fingerprint_ignores_what_does_not_shape_the_container),
        cmocka_unit_test(items_that_run_together_have_different_fingerprints),
        cmocka_unit_test(every_secret_value_reaches_the_redactor),
        cmocka_unit_test(a_secret_that_cannot_be_hidden_is_told),
        cmocka_unit_test(texts_that_are_not_utf8_are_refused),
        cmocka_unit_test(a_spec_made_by_hand_is_checked_like_one_that_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
