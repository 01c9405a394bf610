#include "shared/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void wipe_zeroes_all_and_only_the_given_bytes(void **state)
{
    (void)state;
    char text[] = "abcdef";
    secret_wipe(text + 1, 4);
    assert_memory_equal(text, "a\0\0\0\0f", 7);
    secret_wipe(NULL, 0);
}

static void free_leaves_no_pointer(void **state)
{
    (void)state;
    char *s = strdup("hunter2hunter2");
    assert_non_null(s);
    secret_free_p(&s);
    assert_null(s);
    secret_free_p(&s);
}

static void wiped_variable_is_unset_and_its_memory_empty(void **state)
{
    (void)state;
    static char entry[] = "BG_TEST_SECRET=hunter2";
    assert_int_equal(putenv(entry), 0); /* puts this very memory into the environment */
    secret_wipe_env("BG_TEST_SECRET");
    assert_null(getenv("BG_TEST_SECRET"));
    assert_memory_equal(entry + 15, "\0\0\0\0\0\0\0", 8);
}

static void wiping_spares_names_that_only_begin_alike(void **state)
{
    (void)state;
    assert_int_equal(setenv("BG_TEST_SECRET_2", "stays", 1), 0);
    assert_int_equal(setenv("BG_TEST_SECRET", "goes", 1), 0);
    secret_wipe_env("BG_TEST_SECRET");
    secret_wipe_env("BG_TEST_");
    secret_wipe_env("");
    secret_wipe_env("BG_TEST_SECRET_2=");
    assert_null(getenv("BG_TEST_SECRET"));
    assert_string_equal(getenv("BG_TEST_SECRET_2"), "stays");
}

/* Does /proc/self/environ hold the text? It shows the memory the process was started with. */
static int environ_file_has(const char *text)
{
    static char all[256 * 1024];
    int fd = open("/proc/self/environ", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t len = 0;
    ssize_t n;
    while (len < sizeof(all) && (n = read(fd, all + len, sizeof(all) - len)) > 0)
        len += (size_t)n;
    close(fd);
    return memmem(all, len, text, strlen(text)) != NULL;
}

static void the_environ_file_of_the_process_shows_nothing_after_wiping(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char arg0[] = "secret_test";
        char arg1[] = "--wipe-inherited";
        char inherited[] = "BG_INHERITED=hunter2-inherited";
        char *const argv[] = { arg0, arg1, NULL };
        char *const envp[] = { inherited, NULL };
        execve("/proc/self/exe", argv, envp);
        _exit(99);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int wipe_inherited(void)
{
    if (environ_file_has("hunter2-inherited") != 1)
        return 1;
    secret_wipe_env("BG_INHERITED");
    return environ_file_has("hunter2-inherited") == 0 ? 0 : 2;
}

static void hardened_process_leaves_no_core_and_is_not_dumpable(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit core = { .rlim_cur = 1, .rlim_max = 1 };
        secret_harden_process();
        bool ok = getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0 &&
                  prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L) == 0;
        _exit(ok ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--wipe-inherited") == 0)
        return wipe_inherited();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wipe_zeroes_all_and_only_the_given_bytes),
        cmocka_unit_test(free_leaves_no_pointer),
        cmocka_unit_test(wiped_variable_is_unset_and_its_memory_empty),
        cmocka_unit_test(wiping_spares_names_that_only_begin_alike),
        cmocka_unit_test(the_environ_file_of_the_process_shows_nothing_after_wiping),
        cmocka_unit_test(hardened_process_leaves_no_core_and_is_not_dumpable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
