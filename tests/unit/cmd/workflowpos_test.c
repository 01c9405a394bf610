#include "cmd/log/workflowpos.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

/* Lines are counted by the tests: the first is 1. */
static const char workflow[] = "name: deploy\n"                               /* 1 */
                               "on:\n"                                        /* 2 */
                               "  push:\n"                                    /* 3 */
                               "    branches:\n"                              /* 4 */
                               "    - main\n"                                 /* 5 */
                               "jobs:\n"                                      /* 6 */
                               "  build:\n"                                   /* 7 */
                               "    steps:\n"                                 /* 8 */
                               "      - uses: actions/checkout@v5\n"          /* 9 */
                               "      - run: |\n"                             /* 10 */
                               "          - uses: octo/bluegreen@v1\n"        /* 11 */
                               "          echo\n"                             /* 12 */
                               "  # the real thing\n"                         /* 13 */
                               "  deploy:\n"                                  /* 14 */
                               "    runs-on: ubuntu-latest\n"                 /* 15 */
                               "    steps:\n"                                 /* 16 */
                               "      - name: Deploy\n"                       /* 17 */
                               "        id: first\n"                          /* 18 */
                               "        # uses: octo/bluegreen@v0\n"          /* 19 */
                               "        uses: 'octo/bluegreen@v1' # pinned\n" /* 20 */
                               "        with:\n"                              /* 21 */
                               "          host: web1\n"                       /* 22 */
                               "          env: |\n"                           /* 23 */
                               "            port: 1\n"                        /* 24 */
                               "          Port: 8080\n"                       /* 25 */
                               "      - run: echo\n"                          /* 26 */
                               "        with:\n"                              /* 27 */
                               "          app: no\n";                         /* 28 */

static struct workflowpos_env env_of(const char *repository, const char *action, const char *job)
{
    return (struct workflowpos_env){ .action_repository = repository, .action = action, .job = job };
}

static void the_step_that_uses_the_action_is_found(void **state)
{
    struct workflowpos_env env = env_of("Octo/Bluegreen", "__octo_bluegreen", "deploy");

    (void)state;
    assert_int_equal(workflowpos_step(span_of(workflow), &env), 20);
}

static void a_path_within_the_repository_is_the_action_too_and_a_longer_name_is_not(void **state)
{
    struct workflowpos_env env = env_of("octo/blue", "", "");

    (void)state;
    assert_int_equal(workflowpos_step(span_of(workflow), &env), -1);
    assert_int_equal(workflowpos_step(SPAN_LIT("jobs:\n  a:\n    steps:\n    - uses: octo/blue/deploy@v1\n"), &env), 4);
    assert_int_equal(workflowpos_step(SPAN_LIT("jobs:\n  a:\n    steps:\n    - uses: octo/blue\n"), &env), -1);
}

static void a_local_action_is_any_path_of_the_workspace(void **state)
{
    struct workflowpos_env env = env_of("", "__self", "a");

    (void)state;
    assert_int_equal(
        workflowpos_step(SPAN_LIT("jobs:\n  a:\n    steps:\n      - uses: a/b@v1\n      - uses: ./\n"), &env), 5);
    assert_int_equal(workflowpos_step(SPAN_LIT("jobs:\n  a:\n    uses: ./.github/workflows/x.yml\n"), &env), -1);
}

static const char two_steps[] = "jobs:\n  a:\n    steps:\n      - uses: o/r@v1\n        id: x\n"
                                "      - id: y\n        uses: o/r@v1\n  b:\n    steps:\n      - uses: o/r@v1\n";

static void of_several_steps_the_id_decides(void **state)
{
    struct workflowpos_env env = env_of("o/r", "y", "a");

    (void)state;
    assert_int_equal(workflowpos_step(span_of(two_steps), &env), 7);
    env.action = "x";
    assert_int_equal(workflowpos_step(span_of(two_steps), &env), 4);
}

static void without_an_id_the_only_one_of_the_job_is_taken_and_otherwise_none(void **state)
{
    struct workflowpos_env env = env_of("o/r", "__o_r", "b");

    (void)state;
    assert_int_equal(workflowpos_step(span_of(two_steps), &env), 10);
    env.job = "a";
    assert_int_equal(workflowpos_step(span_of(two_steps), &env), 0);
}

static void an_input_is_found_below_with_and_nowhere_else(void **state)
{
    (void)state;
    assert_int_equal(workflowpos_key(span_of(workflow), 20, "host"), 22);
    assert_int_equal(workflowpos_key(span_of(workflow), 20, "port"), 25);
    assert_int_equal(workflowpos_key(span_of(workflow), 20, "id"), 0);
    assert_int_equal(workflowpos_key(span_of(workflow), 20, "app"), 0);
    assert_int_equal(workflowpos_key(span_of(workflow), 19, "host"), 0);
    assert_int_equal(workflowpos_key(span_of(workflow), 999, "host"), 0);
}

static void with_may_stand_before_uses(void **state)
{
    (void)state;
    assert_int_equal(workflowpos_key(SPAN_LIT("- with:\n    app: a\n  uses: o/r@v1\n"), 3, "app"), 2);
}

static void the_path_is_that_of_the_own_repository_only(void **state)
{
    char path[WORKFLOWPOS_PATH_MAX];

    (void)state;
    assert_true(workflowpos_path("Octo/shop/.github/workflows/d.yml@refs/heads/a@b", "octo/shop", path));
    assert_string_equal(path, ".github/workflows/d.yml");
    assert_false(workflowpos_path("octo/shops/.github/workflows/d.yml@refs/heads/main", "octo/shop", path));
    assert_false(workflowpos_path("octo/shop/.github/workflows/d.yml", "octo/shop", path));
    assert_false(workflowpos_path("octo/shop/../../etc/passwd@x", "octo/shop", path));
    assert_false(workflowpos_path("octo/shop//etc/passwd@x", "octo/shop", path));
    assert_false(workflowpos_path("octo/shop/a::b.yml@x", "octo/shop", path));
    assert_false(workflowpos_path("octo/shop/##[b.yml@x", "octo/shop", path));
    assert_false(workflowpos_path("octo/shop/@x", "octo/shop", path));
    assert_false(workflowpos_path(NULL, "octo/shop", path));
    assert_false(workflowpos_path("octo/shop/x@y", NULL, path));
    assert_false(workflowpos_path("/x@y", "", path));
}

static void any_cut_of_a_file_is_read_within_its_bounds(void **state)
{
    struct workflowpos_env env = env_of("octo/bluegreen", "first", "deploy");

    (void)state;
    for (size_t len = 0; len < sizeof(workflow); len++) {
        char *cut = malloc(len + 1); /* so that a sanitizer sees a step beyond */
        assert_non_null(cut);
        memcpy(cut, workflow, len);
        struct span text = { cut, len };
        int line = workflowpos_step(text, &env);
        assert_true(line == -1 || line == 20);
        (void)workflowpos_key(text, 20, "port");
        free(cut);
    }
}

/* ---- files ---- */

struct place {
    char folder[64], file[128];
    struct workflowpos_env env;
};

static int make_place(void **state)
{
    static struct place p;
    char path[128];

    (void)snprintf(p.folder, sizeof(p.folder), "/tmp/workflowpos-XXXXXX");
    assert_non_null(mkdtemp(p.folder));
    (void)snprintf(path, sizeof(path), "%s/.github", p.folder);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(p.file, sizeof(p.file), "%s/.github/d.yml", p.folder);
    p.env = (struct workflowpos_env){ .workflow_ref = "octo/shop/.github/d.yml@refs/heads/main",
                                      .repository = "octo/shop",
                                      .workspace = p.folder,
                                      .action_repository = "octo/bluegreen",
                                      .job = "deploy" };
    *state = &p;
    return 0;
}

static int remove_place(void **state)
{
    struct place *p = *state;
    char path[128];

    (void)unlink(p->file);
    (void)snprintf(path, sizeof(path), "%s/.github", p->folder);
    (void)rmdir(path);
    return rmdir(p->folder);
}

static void write_file(const char *path, const char *text, size_t times)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    while (times-- > 0)
        assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void assert_place(const struct place *p, const char *file, int line, int port_line)
{
    struct workflowpos pos;

    workflowpos_find(&p->env, &pos);
    assert_string_equal(pos.file, file);
    assert_int_equal(pos.line, line);
    assert_int_equal(workflowpos_input(&pos, "port"), port_line);
    workflowpos_done(&pos);
}

static void the_workflow_file_of_the_workspace_gives_the_position(void **state)
{
    struct place *p = *state;

    write_file(p->file, workflow, 1);
    assert_place(p, ".github/d.yml", 20, 25);
    write_file(p->file, two_steps, 1);
    p->env.action_repository = "o/r";
    p->env.job = "a";
    assert_place(p, ".github/d.yml", 0, 0);
}

static void no_file_no_position(void **state)
{
    struct place *p = *state;

    assert_place(p, "", 0, 0);
    write_file(p->file, workflow, 1);
    p->env.workspace = NULL;
    assert_place(p, "", 0, 0);
    p->env.workspace = p->folder;
    p->env.repository = "octo/other";
    assert_place(p, "", 0, 0);
}

static void a_file_without_the_action_gives_no_position(void **state)
{
    struct place *p = *state;

    write_file(p->file, "jobs:\n  a:\n    uses: ./.github/workflows/reusable.yml\n", 1);
    assert_place(p, "", 0, 0);
}

static void a_huge_file_or_one_that_is_no_file_is_not_read(void **state)
{
    struct place *p = *state;

    write_file(p->file, workflow, WORKFLOWPOS_FILE_MAX / (sizeof(workflow) - 1) + 1);
    assert_place(p, "", 0, 0);
    assert_int_equal(unlink(p->file), 0);
    assert_int_equal(mkfifo(p->file, 0600), 0); /* reading it would never end */
    assert_place(p, "", 0, 0);
    assert_int_equal(unlink(p->file), 0);
    assert_int_equal(symlink("/etc/passwd", p->file), 0);
    assert_place(p, "", 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_step_that_uses_the_action_is_found),
        cmocka_unit_test(a_path_within_the_repository_is_the_action_too_and_a_longer_name_is_not),
        cmocka_unit_test(a_local_action_is_any_path_of_the_workspace),
        cmocka_unit_test(of_several_steps_the_id_decides),
        cmocka_unit_test(without_an_id_the_only_one_of_the_job_is_taken_and_otherwise_none),
        cmocka_unit_test(an_input_is_found_below_with_and_nowhere_else),
        cmocka_unit_test(with_may_stand_before_uses),
        cmocka_unit_test(the_path_is_that_of_the_own_repository_only),
        cmocka_unit_test(any_cut_of_a_file_is_read_within_its_bounds),
        cmocka_unit_test_setup_teardown(the_workflow_file_of_the_workspace_gives_the_position, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(no_file_no_position, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_file_without_the_action_gives_no_position, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_huge_file_or_one_that_is_no_file_is_not_read, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
