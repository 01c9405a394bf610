#include "shared/settings/settings_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static settings_table table = {
    &settings_asked, &settings_container, &settings_health, &settings_traffic, &settings_keeping, &settings_ecr, NULL
};

static struct settings_json *parsed(const char *text, enum settings_json_kind kind)
{
    struct settings_json *j = NULL;
    struct err err = { 0 };
    char why[400];
    if (settings_json_parse(span_of(text), "bluegreen.json", table, kind, &j, &err) < 0)
        fail_msg("%s: %s", text, err_text(&err, why, sizeof(why)));
    return j;
}

static void assert_value(const char *text, enum settings_json_kind kind, const char *id, const char *want)
{
    struct settings_json *j = parsed(text, kind);
    const char *got = settings_json_get(j, id);
    assert_non_null(got);
    assert_string_equal(got, want);
    settings_json_free(j);
}

static void assert_refused(const char *text, enum settings_json_kind kind, const char *want)
{
    struct settings_json *j = NULL;
    struct err err = { 0 };
    char why[400];
    assert_int_equal(settings_json_parse(span_of(text), "bluegreen.json", table, kind, &j, &err), -ERR_INPUT);
    assert_null(j);
    err_text(&err, why, sizeof(why));
    if (!strstr(why, want))
        fail_msg("'%s' is not in: %s", want, why);
}

static void values_are_what_an_input_would_hold(void **state)
{
    (void)state;
    assert_value("{\"app\":\"shop\"}", SETTINGS_JSON_PLAIN, "app", "shop");
    assert_value("{\"port\":9000}", SETTINGS_JSON_PLAIN, "port", "9000");
    assert_value("{\"cpus\":0.5}", SETTINGS_JSON_PLAIN, "cpus", "0.5");
    assert_value("{\"read-only\":true}", SETTINGS_JSON_PLAIN, "read-only", "true");
    assert_value("{\"volumes\":[\"a:/a\",\"b:/b:ro\"]}", SETTINGS_JSON_PLAIN, "volumes", "a:/a\nb:/b:ro");
    assert_value("{\"env\":{\"A\":\"1\",\"B\":2}}", SETTINGS_JSON_PLAIN, "env", "A=1\nB=2");
    assert_value("{\"env\":[\"A=1\",\"B=x y\"]}", SETTINGS_JSON_PLAIN, "env", "A=1\nB=x y");
    assert_value("{\"labels\":{\"team\":\"web\"}}", SETTINGS_JSON_PLAIN, "labels", "team=web");
    assert_value("{\"kpi\":{\"total\":\"600/900/1200\"}}", SETTINGS_JSON_PLAIN, "kpi", "total: 600/900/1200");
    assert_value("{\"secret-env\":{\"A\":\"1\"}}", SETTINGS_JSON_SECRET, "secret-env", "A=1");
    assert_value("{\"$schema\":\"x\",\"app\":\"shop\"}", SETTINGS_JSON_PLAIN, "app", "shop");
}

static void a_value_of_several_lines_stays_whole(void **state)
{
    (void)state;
    struct settings_json *j =
        parsed("{\"secret-env\":{\"PEM\":\"-----\\nEND_0\\n-----\\n\",\"B\":\"2\"}}", SETTINGS_JSON_SECRET);
    struct spec spec;
    struct settings_ask ask;
    struct buf problems = BUF_INIT(1024);
    struct err err = { 0 };
    assert_int_equal(settings_init(&spec, &ask, NULL), 0);
    struct settings_reading rd = { .table = table, .problems = &problems, .err = &err, .base = &spec };
    assert_int_equal(
        settings_read_env(&rd, settings_table_find(table, "secret-env"), settings_json_get(j, "secret-env")), 0);
    assert_int_equal(spec.secret_env.len, 2);
    assert_string_equal(spec.secret_env.items[0], "PEM=-----\nEND_0\n-----\n");
    assert_string_equal(spec.secret_env.items[1], "B=2");
    spec_done(&spec);
    settings_ask_done(&ask);
    buf_done(&problems);
    settings_json_free(j);
}

static void unknown_names_are_refused_by_name(void **state)
{
    (void)state;
    assert_refused("{\"prot\":8080}", SETTINGS_JSON_PLAIN, "bluegreen.json: \"prot\" is not the name of a setting");
    assert_refused("{\"dry-run\":true}", SETTINGS_JSON_PLAIN, "\"dry-run\" is not the name of a setting");
}

static void what_has_not_the_form_of_a_name_is_not_repeated(void **state)
{
    (void)state;
    assert_refused("{\"Tr0ub4dor&3 is secret\":1}", SETTINGS_JSON_PLAIN, "bluegreen.json: a key is not the name");
}

static void secrets_and_other_settings_do_not_mix(void **state)
{
    (void)state;
    assert_refused("{\"registry-password\":\"hunter2\"}", SETTINGS_JSON_PLAIN,
                   "bluegreen.json: \"registry-password\" is a secret");
    assert_refused("{\"app\":\"shop\"}", SETTINGS_JSON_SECRET, "\"app\" is no secret");
}

static void values_of_the_wrong_type_are_refused_without_the_value(void **state)
{
    (void)state;
    assert_refused("{\"port\":[1]}", SETTINGS_JSON_PLAIN, "\"port\" wants one value, not an array");
    assert_refused("{\"port\":{}}", SETTINGS_JSON_PLAIN, "\"port\" wants one value, not an object");
    assert_refused("{\"port\":null}", SETTINGS_JSON_PLAIN, "\"port\" wants a string, a number or a boolean");
    assert_refused("{\"volumes\":{\"a\":\"b\"}}", SETTINGS_JSON_PLAIN, "\"volumes\" wants an array");
    assert_refused("{\"volumes\":[[\"a\"]]}", SETTINGS_JSON_PLAIN, "\"volumes\" wants a string");
    assert_refused("{\"args\":[\"#no\"]}", SETTINGS_JSON_PLAIN, "\"args\" has an entry that is empty or begins with #");
    assert_refused("{\"args\":[\"a\\nb\"]}", SETTINGS_JSON_PLAIN, "\"args\" has an entry of several lines");
    assert_refused("{\"env\":{\"A=B\":\"1\"}}", SETTINGS_JSON_PLAIN, "\"env\" has a member whose name is none");
    assert_refused("{\"app\":\"a\",\"app\":\"b\"}", SETTINGS_JSON_PLAIN, "\"app\" is there twice");
}

static void what_is_no_object_is_refused(void **state)
{
    (void)state;
    assert_refused("[]", SETTINGS_JSON_PLAIN, "bluegreen.json: wants one JSON object");
    assert_refused("{\"app\":", SETTINGS_JSON_PLAIN, "bluegreen.json: ");
    assert_refused("", SETTINGS_JSON_PLAIN, "bluegreen.json: ");
}

static void a_descriptor_is_read_to_its_end(void **state)
{
    (void)state;
    static const char text[] = "{\"registry-password\":\"hunter2\"}";
    int ends[2];
    struct settings_json *j = NULL;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, sizeof(text) - 1), sizeof(text) - 1);
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(settings_json_read(ends[0], "standard input", table, SETTINGS_JSON_SECRET, &j, NULL), 0);
    assert_string_equal(settings_json_get(j, "registry-password"), "hunter2");
    assert_null(settings_json_get(j, "secret-env"));
    settings_json_free(j);
    assert_int_equal(close(ends[0]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_what_an_input_would_hold),
        cmocka_unit_test(a_value_of_several_lines_stays_whole),
        cmocka_unit_test(unknown_names_are_refused_by_name),
        cmocka_unit_test(what_has_not_the_form_of_a_name_is_not_repeated),
        cmocka_unit_test(secrets_and_other_settings_do_not_mix),
        cmocka_unit_test(values_of_the_wrong_type_are_refused_without_the_value),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(a_descriptor_is_read_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
