#include "agent/state/selflink.h"

#include "tests/unit/agent/host.h"

#include <fcntl.h>
#include <sys/stat.h>

#define AGENT "bluegreen-agent-x86_64-0123456789abcdef"
#define OTHER "bluegreen-agent-x86_64-fedcba9876543210"

static int open_root(const struct host *h)
{
    int fd = open(h->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void point(const struct host *h, int fd, const char *name)
{
    char exe[200];
    (void)snprintf(exe, sizeof(exe), "%s/%s", h->root, name);
    selflink_point(fd, h->root, exe);
}

static void assert_link(int fd, const char *to)
{
    char there[200] = "";
    ssize_t n = readlinkat(fd, SELFLINK_NAME, there, sizeof(there) - 1);
    assert_int_equal(n < 0 ? 0 : n, strlen(to));
    assert_string_equal(there, to);
    assert_int_equal(faccessat(fd, ".bluegreen-agent.link", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

static void the_link_names_the_agent_that_serves(void **state)
{
    const struct host *h = *state;
    _cleanup_(close_p) int fd = open_root(h);
    point(h, fd, AGENT);
    assert_link(fd, AGENT);
    point(h, fd, OTHER);
    assert_link(fd, OTHER);
}

static void a_right_link_is_left_alone(void **state)
{
    const struct host *h = *state;
    struct stat before, after;
    _cleanup_(close_p) int fd = open_root(h);
    point(h, fd, AGENT);
    assert_int_equal(fstatat(fd, SELFLINK_NAME, &before, AT_SYMLINK_NOFOLLOW), 0);
    point(h, fd, AGENT);
    assert_int_equal(fstatat(fd, SELFLINK_NAME, &after, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(before.st_ino, after.st_ino);
}

static void what_an_agent_left_that_died_is_no_hindrance(void **state)
{
    const struct host *h = *state;
    _cleanup_(close_p) int fd = open_root(h);
    assert_int_equal(symlinkat("nowhere", fd, ".bluegreen-agent.link"), 0);
    point(h, fd, AGENT);
    assert_link(fd, AGENT);
}

static void a_program_from_elsewhere_makes_no_link(void **state)
{
    const struct host *h = *state;
    _cleanup_(close_p) int fd = open_root(h);
    char beside[200];
    selflink_point(fd, h->root, "/usr/bin/bluegreen-agent");
    (void)snprintf(beside, sizeof(beside), "%s-2/" AGENT, h->root);
    selflink_point(fd, h->root, beside);
    point(h, fd, "deeper/" AGENT);
    point(h, fd, "a-test");
    assert_link(fd, "");
}

static void a_file_of_that_name_stays(void **state)
{
    const struct host *h = *state;
    _cleanup_(close_p) int fd = open_root(h);
    struct stat st;
    host_write(fd, SELFLINK_NAME, "mine");
    point(h, fd, AGENT);
    assert_int_equal(fstatat(fd, SELFLINK_NAME, &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISREG(st.st_mode));
}

static void a_folder_that_others_may_write_gets_none(void **state)
{
    const struct host *h = *state;
    _cleanup_(close_p) int fd = open_root(h);
    assert_int_equal(chmod(h->root, 0770), 0);
    point(h, fd, AGENT);
    assert_link(fd, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOT_CASE(the_link_names_the_agent_that_serves),
        ROOT_CASE(a_right_link_is_left_alone),
        ROOT_CASE(what_an_agent_left_that_died_is_no_hindrance),
        ROOT_CASE(a_program_from_elsewhere_makes_no_link),
        ROOT_CASE(a_file_of_that_name_stays),
        ROOT_CASE(a_folder_that_others_may_write_gets_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
