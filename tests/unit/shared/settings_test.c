#include "shared/settings/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

/* A program with options, and no setting of its own. */
static settings_table table = {
    &settings_asked, &settings_container, &settings_health, &settings_traffic, &settings_keeping, &settings_ecr, NULL
};

#define GIVEN_MAX 8

struct given {
    const char *id, *value;
};

struct run {
    struct given given[GIVEN_MAX];
    size_t count;
    struct spec spec;
    struct settings_ask ask;
    struct buf problems;
    struct err err;
    int result;
};

static const char *value_of(void *ctx, const char *id)
{
    const struct run *run = ctx;
    for (size_t i = 0; i < run->count; i++)
        if (strcmp(run->given[i].id, id) == 0)
            return run->given[i].value;
    return NULL;
}

static void option_name(void *ctx, const char *id, char out[SETTINGS_NAME_MAX])
{
    (void)ctx;
    (void)snprintf(out, SETTINGS_NAME_MAX, "option '--%s'", id);
}

static void give(struct run *run, const char *id, const char *value)
{
    assert_true(run->count < GIVEN_MAX);
    run->given[run->count++] = (struct given){ id, value };
}

static void read_all(struct run *run, enum wire_op op, const char *workspace)
{
    const struct settings_source source = { run, value_of, option_name };
    struct settings_reading rd = {
        .table = table, .source = &source, .workspace = workspace, .problems = &run->problems, .err = &run->err
    };
    buf_init(&run->problems, 65536);
    assert_int_equal(settings_init(&run->spec, &run->ask, NULL), 0);
    rd.into[SETTINGS_OF_SPEC] = &run->spec;
    rd.into[SETTINGS_OF_ASK] = &run->ask;
    assert_int_equal(settings_read(&rd), 0);
    assert_int_equal(settings_finish(&rd, op), 0);
    run->result = rd.result;
    settings_reading_done(&rd);
}

static void end(struct run *run)
{
    spec_done(&run->spec);
    settings_ask_done(&run->ask);
    buf_done(&run->problems);
}

static void settings_fill_spec_and_question(void **state)
{
    (void)state;
    struct run run = { 0 };
    give(&run, "app", "shop");
    give(&run, "image", "registry.example.com/shop:1");
    give(&run, "port", "9000");
    give(&run, "env", "A=1\nB=2");
    give(&run, "to", "1.4.1");
    give(&run, "lines", "7");
    read_all(&run, WIRE_DEPLOY, NULL);
    assert_string_equal(buf_str(&run.problems), "");
    assert_string_equal(run.spec.app, "shop");
    assert_int_equal(run.spec.container_port, 9000);
    assert_int_equal(run.spec.spare_port, 9001);
    assert_int_equal(run.spec.env.len, 2);
    assert_string_equal(run.spec.health_path, "/health");
    assert_string_equal(run.ask.to, "1.4.1");
    assert_int_equal(run.ask.lines, 7);
    end(&run);
}

static void a_refusal_calls_the_setting_as_the_program_does(void **state)
{
    (void)state;
    struct run run = { 0 };
    give(&run, "port", "none");
    read_all(&run, WIRE_STATUS, NULL);
    assert_int_equal(run.result, -ERR_INPUT);
    assert_string_equal(buf_str(&run.problems),
                        "option '--port': got 'none', wants a whole number from 1 to 65535\n"
                        "option '--app': got nothing, wants the name of the application, such as shop-api\n");
    end(&run);
}

static void an_operation_asks_only_for_what_it_needs(void **state)
{
    (void)state;
    struct run status = { 0 }, plan = { 0 }, bundle = { 0 };
    give(&status, "app", "shop");
    read_all(&status, WIRE_STATUS, NULL);
    assert_int_equal(status.result, 0);
    end(&status);
    give(&plan, "app", "shop");
    read_all(&plan, WIRE_PLAN, NULL);
    assert_non_null(strstr(buf_str(&plan.problems), "option '--image': got nothing"));
    end(&plan);
    give(&bundle, "app", "shop");
    read_all(&bundle, WIRE_BUNDLE, NULL);
    assert_non_null(strstr(buf_str(&bundle.problems), "option '--of': got nothing"));
    end(&bundle);
}

static void half_a_registry_login_is_told_where_it_is_needed(void **state)
{
    (void)state;
    struct run plan = { 0 }, status = { 0 };
    give(&plan, "app", "shop");
    give(&plan, "image", "shop:1");
    give(&plan, "registry-username", "bob");
    read_all(&plan, WIRE_PLAN, NULL);
    assert_string_equal(buf_str(&plan.problems),
                        "option '--registry-password': got nothing, wants the password or token "
                        "that belongs to registry-username\n");
    end(&plan);
    give(&status, "app", "shop");
    give(&status, "registry-username", "bob");
    read_all(&status, WIRE_STATUS, NULL);
    assert_int_equal(status.result, 0);
    assert_string_equal(status.spec.registry_username, "");
    end(&status);
}

static void an_env_file_may_be_anywhere_unless_there_is_a_workspace(void **state)
{
    (void)state;
    char folder[] = "/tmp/settings-test-XXXXXX", file[64], workspace[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(file, sizeof(file), "%s/prod.env", folder);
    (void)snprintf(workspace, sizeof(workspace), "%s/work", folder);
    assert_int_equal(mkdir(workspace, 0700), 0);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    assert_true(fputs("A=\"from the file\"\nB=2\n", f) >= 0);
    assert_int_equal(fclose(f), 0);

    struct run run = { 0 };
    give(&run, "app", "shop");
    give(&run, "image", "shop:1");
    give(&run, "env-file", file);
    give(&run, "env", "B=3");
    read_all(&run, WIRE_DEPLOY, NULL);
    assert_string_equal(buf_str(&run.problems), "");
    assert_int_equal(run.spec.env.len, 2);
    assert_string_equal(run.spec.env.items[0], "A=from the file");
    assert_string_equal(run.spec.env.items[1], "B=3");
    end(&run);

    read_all(&run, WIRE_DEPLOY, workspace);
    assert_non_null(strstr(buf_str(&run.problems), "leads out of the workspace"));
    end(&run);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(workspace), 0);
    assert_int_equal(rmdir(folder), 0);
}

static int collect(void *ctx, struct span text)
{
    struct buf *out = ctx;
    buf_add_span(out, text);
    buf_addc(out, '|');
    return 0;
}

static void secrets_are_visited_whole_and_by_value(void **state)
{
    (void)state;
    struct run run = { 0 };
    struct buf seen = BUF_INIT(4096);
    const struct settings_source source = { &run, value_of, option_name };
    give(&run, "env", "OPEN=not-a-secret");
    give(&run, "registry-password", " hunter2-hunter2 ");
    give(&run, "secret-env", "TOKEN=0123456789abcdef");
    assert_int_equal(settings_each_secret(table, &source, collect, &seen), 0);
    assert_string_equal(buf_str(&seen), " hunter2-hunter2 |hunter2-hunter2|TOKEN=0123456789abcdef|0123456789abcdef|");
    buf_done(&seen);
}

static void every_setting_is_in_one_section_only(void **state)
{
    (void)state;
    const struct settings_row *row = NULL;
    size_t i = 0;
    for (; (row = settings_table_row(table, i, NULL)); i++)
        assert_ptr_equal(settings_table_find(table, row->id), row);
    assert_true(i > 35 && i < SETTINGS_ROWS_MAX);
    assert_null(settings_table_find(table, "ssh-key"));
}

static void rows_are_options_of_a_command_line(void **state)
{
    (void)state;
    struct cli_setting s;
    bool env = false, read_only = false, password = false, lines = false;
    for (size_t i = 0; settings_table_option(table, i, &s); i++) {
        assert_true(s.commands == 0 || s.help[0]);
        env |= strcmp(s.name, "env") == 0 && s.is_list && !s.is_switch && (s.commands & CLI_BIT(CLI_PLAN));
        read_only |= strcmp(s.name, "read-only") == 0 && s.is_switch && !s.is_list;
        password |= strcmp(s.name, "registry-password") == 0 && s.secret;
        lines |= strcmp(s.name, "lines") == 0 && s.commands == 0; /* an option of the grammar's own */
    }
    assert_true(env && read_only && password && lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_fill_spec_and_question),
        cmocka_unit_test(a_refusal_calls_the_setting_as_the_program_does),
        cmocka_unit_test(an_operation_asks_only_for_what_it_needs),
        cmocka_unit_test(half_a_registry_login_is_told_where_it_is_needed),
        cmocka_unit_test(an_env_file_may_be_anywhere_unless_there_is_a_workspace),
        cmocka_unit_test(secrets_are_visited_whole_and_by_value),
        cmocka_unit_test(every_setting_is_in_one_section_only),
        cmocka_unit_test(rows_are_options_of_a_command_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
