#include "cmd/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

static char folder[64];
static struct redactor *redactor;
static struct github *g;

static const char *const cleared[] = { "ACT",           "GITEA_ACTIONS", "FORGEJO_ACTIONS", "STATE_deployment-id",
                                       "STATE_outcome", "STATE_kept" };

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/state_test.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    for (size_t i = 0; i < sizeof(cleared) / sizeof(cleared[0]); i++)
        unsetenv(cleared[i]);
    setenv("ACT", "true", 1);
    setenv("GITHUB_WORKSPACE", folder, 1);
    setenv("GITHUB_STATE", "/dev/null", 1);
    setenv("GITHUB_REPOSITORY", "octo/shop", 1);
    setenv("GITHUB_RUN_ID", "7", 1);
    setenv("GITHUB_RUN_ATTEMPT", "1", 1);
    setenv("GITHUB_JOB", "deploy", 1);
    setenv("GITHUB_ACTION", "step", 1);
    setenv("INPUT_HOST", "web1", 1);
    setenv("INPUT_APP", "shop", 1);
    if (redactor_new(&redactor, NULL) < 0 ||
        github_new(&g, open("/dev/null", O_WRONLY | O_CLOEXEC), true, redactor, NULL) < 0)
        return -1;
    state_forget();
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    github_free(g);
    redactor_free(redactor);
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Path of the n-th file in the workspace, or NULL. */
static const char *file(size_t n)
{
    static char path[400];
    DIR *d = opendir(folder);
    const char *found = NULL;

    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e && !found; e = readdir(d)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || n-- > 0)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        found = path;
    }
    closedir(d);
    return found;
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void main_tells(const char *id)
{
    struct err err = { 0 };

    assert_int_equal(state_set(g, STATE_ID, id, &err), 0);
    assert_int_equal(state_set(g, STATE_OUTCOME, "deployed", &err), 0);
}

/*
 * The post stage is a process of its own, with nothing but the file: this drops what this one knows and keeps the file.
 */
static void post_begins(void)
{
    char moved[500], path[400];

    if (!file(0)) {
        state_forget();
        return;
    }
    (void)snprintf(path, sizeof(path), "%s", file(0));
    (void)snprintf(moved, sizeof(moved), "%s.kept", path);
    assert_int_equal(rename(path, moved), 0);
    state_forget();
    assert_int_equal(rename(moved, path), 0);
}

static void post_finds_what_main_told(void **state)
{
    (void)state;
    main_tells("20260129-031000-abcdef");
    post_begins();
    assert_string_equal(state_get(STATE_ID), "20260129-031000-abcdef");
    assert_string_equal(state_get(STATE_OUTCOME), "deployed");
    assert_string_equal(state_get(STATE_KEPT), "");
    assert_null(file(1));
    state_forget();
    assert_null(file(0));
    assert_string_equal(state_get(STATE_ID), "");
}

static void the_file_is_for_nobody_else(void **state)
{
    struct stat st;

    (void)state;
    main_tells("a");
    assert_int_equal(stat(file(0), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_non_null(strstr(file(0), "/.bluegreen-state-"));
}

static void the_file_belongs_to_whom_the_workspace_belongs(void **state)
{
    struct stat st;

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(folder, 1234, 1235), 0);
    main_tells("a");
    assert_int_equal(stat(file(0), &st), 0);
    assert_int_equal(st.st_uid, 1234);
    assert_int_equal(st.st_gid, 1235);
}

static void each_runner_that_loses_state_gets_a_file(void **state)
{
    static const char *const marks[] = { "ACT", "GITEA_ACTIONS", "FORGEJO_ACTIONS" };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        unsetenv("ACT");
        setenv(marks[i], "true", 1);
        main_tells(marks[i]);
        post_begins();
        assert_string_equal(state_get(STATE_ID), marks[i]);
        state_forget();
        unsetenv(marks[i]);
    }
}

static void githubs_runner_gets_no_file_and_none_is_believed(void **state)
{
    (void)state;
    main_tells("planted");
    post_begins();
    unsetenv("ACT");
    assert_string_equal(state_get(STATE_ID), "");
    state_forget();
    assert_non_null(file(0));
    assert_int_equal(unlink(file(0)), 0);
    main_tells("b");
    assert_null(file(0));
    setenv("STATE_deployment-id", "b", 1);
    assert_string_equal(state_get(STATE_ID), "b");
}

static void the_runners_own_word_wins(void **state)
{
    (void)state;
    main_tells("from-the-file");
    post_begins();
    setenv("STATE_deployment-id", "from-the-runner", 1);
    assert_string_equal(state_get(STATE_ID), "from-the-runner");
}

static void a_file_of_another_run_job_step_host_or_app_is_not_believed(void **state)
{
    static const char *const names[] = { "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB",
                                         "GITHUB_ACTION",     "INPUT_HOST",    "INPUT_APP" };
    char ours[400], theirs[400];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        _cleanup_(free_p) char *before = strdup(getenv(names[i]));
        main_tells("x");
        (void)snprintf(ours, sizeof(ours), "%s", file(0));
        post_begins();
        setenv(names[i], "other", 1);
        assert_string_equal(state_get(STATE_ID), "");
        /* and not when it is put under the name that this step looks for */
        main_tells("y");
        (void)snprintf(theirs, sizeof(theirs), "%s", strcmp(file(0), ours) == 0 ? file(1) : file(0));
        assert_int_equal(rename(ours, theirs), 0);
        post_begins();
        assert_string_equal(state_get(STATE_ID), "");
        state_forget();
        assert_null(file(0));
        setenv(names[i], before, 1);
    }
}

static void a_planted_file_is_not_believed(void **state)
{
    static const char *const texts[] = { "",
                                         "{}",
                                         "[]",
                                         "{\"state\":{\"deployment-id\":\"x\"}}",
                                         "{\"step\":\"\",\"state\":{\"deployment-id\":\"x\"}}",
                                         "nonsense" };
    char path[400];

    (void)state;
    main_tells("x");
    (void)snprintf(path, sizeof(path), "%s", file(0));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        put(path, texts[i]);
        post_begins();
        assert_string_equal(state_get(STATE_ID), "");
    }
}

static void an_endless_file_is_not_read(void **state)
{
    (void)state;
    main_tells("x");
    assert_int_equal(truncate(file(0), 1 << 20), 0);
    post_begins();
    assert_string_equal(state_get(STATE_ID), "");
}

static void a_link_is_neither_followed_nor_written_through(void **state)
{
    char path[400], target[80], moved[500];
    struct stat st;

    (void)state;
    main_tells("x");
    (void)snprintf(path, sizeof(path), "%s", file(0));
    (void)snprintf(target, sizeof(target), "%s/target", folder);
    (void)snprintf(moved, sizeof(moved), "%s", target);
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(symlink(target, path), 0);
    state_forget(); /* takes the link away */
    assert_int_equal(lstat(path, &st), -1);
    assert_int_equal(symlink(target, path), 0);
    assert_string_equal(state_get(STATE_ID), "");
    state_forget();
    put(target, "precious");
    assert_int_equal(symlink(target, path), 0);
    main_tells("y");
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(stat(target, &st), 0);
    assert_int_equal(st.st_size, strlen("precious"));
}

static void a_second_name_of_a_file_is_not_believed(void **state)
{
    char other[80];

    (void)state;
    main_tells("x");
    (void)snprintf(other, sizeof(other), "%s.other", folder);
    assert_int_equal(link(file(0), other), 0);
    post_begins();
    assert_string_equal(state_get(STATE_ID), "");
    assert_int_equal(unlink(other), 0);
}

static void without_a_workspace_only_the_runners_own_file_counts(void **state)
{
    struct err err = { 0 };

    (void)state;
    setenv("GITHUB_WORKSPACE", "/nowhere/at/all", 1);
    assert_int_equal(state_set(g, STATE_ID, "x", &err), 0);
    unsetenv("GITHUB_STATE");
    assert_int_equal(state_set(g, STATE_ID, "x", &err), -ERR_IO);
    unsetenv("GITHUB_WORKSPACE");
    assert_int_equal(state_set(g, STATE_ID, "x", &err), -ERR_IO);
    state_forget();
    assert_string_equal(state_get(STATE_ID), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(post_finds_what_main_told, setup, teardown),
        cmocka_unit_test_setup_teardown(the_file_is_for_nobody_else, setup, teardown),
        cmocka_unit_test_setup_teardown(the_file_belongs_to_whom_the_workspace_belongs, setup, teardown),
        cmocka_unit_test_setup_teardown(each_runner_that_loses_state_gets_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(githubs_runner_gets_no_file_and_none_is_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(the_runners_own_word_wins, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_of_another_run_job_step_host_or_app_is_not_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_planted_file_is_not_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(an_endless_file_is_not_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_is_neither_followed_nor_written_through, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_name_of_a_file_is_not_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_workspace_only_the_runners_own_file_counts, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
