#include "agent/state/lock.h"

#include "shared/clock.h"
#include "tests/unit/agent/host.h"

#include <fcntl.h>
#include <sys/wait.h>

#define WAIT_MS 20000 /* far more than is needed */

#define TRIES_MS 250 /* long enough for several tries */

/* Another process that holds the lock until it is told to let go, or killed. */
struct holder {
    pid_t pid;
    int tell; /* closing it lets go */
};

static struct lock_owner owner_of(const char *link)
{
    struct lock_owner o = { .pid = getpid() };
    (void)snprintf(o.deployment, sizeof(o.deployment), "%s", HOST_ID);
    (void)snprintf(o.run_link, sizeof(o.run_link), "%s", link);
    return o;
}

static struct holder hold(struct host *h, const char *link)
{
    struct holder holder = { 0 };
    int ready[2], tell[2], lock = -1;
    char byte = 'x';
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
    holder.pid = fork();
    if (holder.pid == 0) {
        struct lock_owner me = owner_of(link);
        close_p(&tell[1]);
        if (lock_take(h->run.app_fd, &me, 0, NULL, NULL, NULL, &lock, NULL) < 0)
            _exit(1);
        (void)!write(ready[1], &byte, 1);
        (void)!read(tell[0], &byte, 1);
        _exit(0); /* the lock goes with the process */
    }
    assert_true(holder.pid > 0);
    close_p(&ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close_p(&ready[0]);
    close_p(&tell[0]);
    holder.tell = tell[1];
    return holder;
}

static void let_go(struct holder *holder)
{
    int status;
    close_p(&holder->tell);
    assert_int_equal(waitpid(holder->pid, &status, 0), holder->pid);
    assert_int_equal(status, 0);
}

struct told {
    int times;
    struct lock_owner owner;
    struct holder *release; /* let it go when told; NULL: do not */
    volatile sig_atomic_t *cancel;
};

static void busy(void *ctx, const struct lock_owner *owner)
{
    struct told *told = ctx;
    told->times++;
    told->owner = *owner;
    if (told->release)
        close_p(&told->release->tell);
    if (told->cancel)
        *told->cancel = 1;
}

static int take(struct host *h, int64_t timeout_ms, const volatile sig_atomic_t *cancel, struct told *told, int *fd)
{
    struct lock_owner me = owner_of("mine");
    *fd = -1;
    return lock_take(h->run.app_fd, &me, timeout_ms, cancel, busy, told, fd, &h->err);
}

static void a_free_lock_is_taken_and_held_until_closed(void **state)
{
    struct host *h = *state;
    struct told told = { 0 };
    struct lock_owner owner;
    int fd;
    assert_false(lock_is_held(h->run.app_fd, &owner));
    assert_int_equal(faccessat(h->run.app_fd, "lock", F_OK, 0), -1); /* a look creates nothing */
    host_assert_result(h, take(h, 0, NULL, &told, &fd), 0);
    assert_int_equal(told.times, 0);
    assert_true(lock_is_held(h->run.app_fd, &owner));
    assert_string_equal(owner.deployment, HOST_ID);
    assert_string_equal(owner.run_link, "mine");
    assert_int_equal(owner.pid, getpid());
    close_p(&fd);
    assert_false(lock_is_held(h->run.app_fd, &owner));
    assert_string_equal(owner.run_link, "");
}

static void a_lock_that_another_process_has_names_that_one(void **state)
{
    struct host *h = *state;
    struct told told = { 0 };
    int fd;
    struct holder holder = hold(h, "https://example.org/run/7");
    host_assert_err(h, take(h, TRIES_MS, NULL, &told, &fd), ERR_LOCKED,
                    "deployment " HOST_ID ", https://example.org/run/7");
    assert_int_equal(fd, -1);
    assert_int_equal(told.times, 1); /* however often it was tried */
    assert_int_equal(told.owner.pid, holder.pid);
    let_go(&holder);
}

static void a_lock_that_becomes_free_is_taken_within_the_time(void **state)
{
    struct host *h = *state;
    int fd;
    struct holder holder = hold(h, "first");
    struct told told = { .release = &holder };
    host_assert_result(h, take(h, WAIT_MS, NULL, &told, &fd), 0);
    assert_int_equal(told.times, 1);
    struct lock_owner owner;
    assert_true(lock_is_held(h->run.app_fd, &owner));
    assert_string_equal(owner.run_link, "mine");
    close_p(&fd);
    let_go(&holder);
}

static void the_lock_of_a_killed_process_is_free(void **state)
{
    struct host *h = *state;
    struct told told = { 0 };
    int fd;
    struct holder holder = hold(h, "killed");
    assert_int_equal(kill(holder.pid, SIGKILL), 0);
    assert_int_equal(waitpid(holder.pid, NULL, 0), holder.pid);
    close_p(&holder.tell);
    host_assert_result(h, take(h, 0, NULL, &told, &fd), 0);
    assert_int_equal(told.times, 0);
    close_p(&fd);
}

static void a_wait_is_cancelled(void **state)
{
    struct host *h = *state;
    volatile sig_atomic_t cancel = 0;
    int fd;
    struct holder holder = hold(h, "first");
    struct told told = { .cancel = &cancel };
    int64_t start = clock_mono_ms();
    host_assert_err(h, take(h, WAIT_MS, &cancel, &told, &fd), ERR_CANCEL, "waiting for the lock");
    assert_true(clock_mono_ms() - start < WAIT_MS / 2);
    let_go(&holder);
}

static void an_owner_that_died_while_it_wrote_is_unknown(void **state)
{
    struct host *h = *state;
    struct told told = { 0 };
    int fd, file;
    struct holder holder = hold(h, "first");
    file = openat(h->run.app_fd, "lock", O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(file, "{\"depl", 6), 6);
    close_p(&file);
    host_assert_err(h, take(h, 0, NULL, &told, &fd), ERR_LOCKED, "deployment unknown, no run link");
    assert_string_equal(told.owner.deployment, "");
    let_go(&holder);
}

static void the_longest_run_link_fits_however_it_is_escaped(void **state)
{
    struct host *h = *state;
    struct lock_owner me = { .pid = 1 }, owner;
    int fd = -1;
    memset(me.run_link, '\x01', sizeof(me.run_link) - 1);
    host_assert_result(h, lock_take(h->run.app_fd, &me, 0, NULL, NULL, NULL, &fd, &h->err), 0);
    close_p(&fd);
    memset(me.run_link, '"', sizeof(me.run_link) - 1);
    host_assert_result(h, lock_take(h->run.app_fd, &me, 0, NULL, NULL, NULL, &fd, &h->err), 0);
    assert_true(lock_is_held(h->run.app_fd, &owner));
    assert_string_equal(owner.run_link, me.run_link);
    close_p(&fd);
}

static void a_shorter_owner_leaves_nothing_of_a_longer_one(void **state)
{
    struct host *h = *state;
    struct lock_owner me = owner_of("a link that is much longer than the next one"), owner;
    int fd = -1;
    host_assert_result(h, lock_take(h->run.app_fd, &me, 0, NULL, NULL, NULL, &fd, &h->err), 0);
    close_p(&fd);
    me = owner_of("short");
    host_assert_result(h, lock_take(h->run.app_fd, &me, 0, NULL, NULL, NULL, &fd, &h->err), 0);
    assert_true(lock_is_held(h->run.app_fd, &owner));
    assert_string_equal(owner.run_link, "short");
    close_p(&fd);
}

static void a_lock_that_is_a_link_is_not_followed(void **state)
{
    struct host *h = *state;
    struct told told = { 0 };
    int fd;
    assert_int_equal(symlinkat("/dev/null", h->run.app_fd, "lock"), 0);
    host_assert_err(h, take(h, 0, NULL, &told, &fd), ERR_IO, "lock file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_CASE(a_free_lock_is_taken_and_held_until_closed),
        RUN_CASE(a_lock_that_another_process_has_names_that_one),
        RUN_CASE(a_lock_that_becomes_free_is_taken_within_the_time),
        RUN_CASE(the_lock_of_a_killed_process_is_free),
        RUN_CASE(a_wait_is_cancelled),
        RUN_CASE(an_owner_that_died_while_it_wrote_is_unknown),
        RUN_CASE(the_longest_run_link_fits_however_it_is_escaped),
        RUN_CASE(a_shorter_owner_leaves_nothing_of_a_longer_one),
        RUN_CASE(a_lock_that_is_a_link_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
