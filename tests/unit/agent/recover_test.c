#include "agent/recover.h"

#include "agent/state/eventlog.h"
#include "shared/fd.h"
#include "tests/unit/agent/host.h"

#include <dirent.h>
#include <fcntl.h>

#define OTHER_ID "20260128-000000-ffffff"
#define REQUEST "{\"op\":\"deploy\",\"spec\":{\"app\":\"shop\",\"image\":\"reg/shop:3\"}}"

static int make_other(struct host *h)
{
    int fd = -1;
    host_assert_result(h, store_create_deployment(h->run.app_fd, OTHER_ID, &fd, &h->err), 0);
    return fd;
}

/* Their number, and whether a deployment-*.log is one of them. */
static size_t files_in(int dir_fd, bool *has_log)
{
    size_t count = 0;
    DIR *dir = fdopendir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    assert_non_null(dir);
    *has_log = false;
    for (const struct dirent *d; (d = readdir(dir));) {
        count += d->d_name[0] != '.' ? 1 : 0;
        *has_log = *has_log || strncmp(d->d_name, "deployment-", 11) == 0;
    }
    closedir(dir);
    return count;
}

static void recover_all(struct host *h)
{
    recover_app(HOST_APP, h->run.app_fd, HOST_ID, &h->run);
}

static void a_run_that_waits_for_the_lock_is_passed_over_in_silence(void **state)
{
    struct host *h = *state;
    bool has_log;
    int fd = make_other(h);
    host_write(fd, "request.json", REQUEST);
    int events_fd = openat(fd, EVENTLOG_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(fd_lock(events_fd), 0); /* its worker */
    recover_all(h);
    assert_null(host_event(h->run.dir_fd, EVENT_LOG));
    assert_int_equal(files_in(fd, &has_log), 2);
    assert_false(has_log);
    close_p(&events_fd);
    close_p(&fd);
}

static void what_a_removal_left_is_not_brought_to_an_end(void **state)
{
    static const char *const left[][3] = { { "events", "journal", NULL },
                                           { "outcome.json", "events", "journal" },
                                           { "outcome.json", NULL, NULL } };
    struct host *h = *state;
    bool has_log;
    int fd = make_other(h);
    for (size_t i = 0; i < 3; i++) {
        size_t count = 0;
        (void)unlinkat(fd, "events", 0), (void)unlinkat(fd, "journal", 0), (void)unlinkat(fd, "outcome.json", 0);
        for (size_t k = 0; k < 3 && left[i][k]; k++, count++)
            host_write(fd, left[i][k], strcmp(left[i][k], "outcome.json") == 0 ? "{\"outcome\":\"deployed\"}" : "");
        assert_false(recover_is_due(h->run.app_fd));
        recover_all(h);
        host_assert_result(h, recover_one(HOST_APP, OTHER_ID, &h->err), 0);
        assert_int_equal(files_in(fd, &has_log), count);
        assert_null(host_event(h->run.dir_fd, EVENT_LOG));
    }
    close_p(&fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_CASE(a_run_that_waits_for_the_lock_is_passed_over_in_silence),
        RUN_CASE(what_a_removal_left_is_not_brought_to_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
