#include "agent/state/lock.h"

#include "shared/clock.h"
#include "shared/fd.h"

#include <fcntl.h>
#include <sys/file.h>

#define LOCK_FILE "lock"
#define LOCK_RETRY_MS 100
#define LOCK_TEXT_MAX 4096 /* struct lock_owner with every byte escaped */

static int open_lock(int app_fd)
{
    return openat(app_fd, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static void read_owner(int fd, struct lock_owner *owner)
{
    char text[LOCK_TEXT_MAX];
    struct json *j = NULL;
    struct err ignored = { 0 };
    memset(owner, 0, sizeof(*owner));
    ssize_t n = pread(fd, text, sizeof(text), 0);
    if (n <= 0 || json_parse((struct span){ text, (size_t)n }, &j, &ignored) < 0)
        return; /* an owner that died while it wrote: nothing to tell */
    (void)snprintf(owner->deployment, sizeof(owner->deployment), "%s", json_str(j, "deployment", ""));
    (void)snprintf(owner->run_link, sizeof(owner->run_link), "%s", json_str(j, "run_link", ""));
    owner->pid = (pid_t)json_int(j, "pid", 0);
    json_free(j);
}

static int write_owner(int fd, const struct lock_owner *me, struct err *err)
{
    _cleanup_(json_free_p) struct json *j = json_object();
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(LOCK_TEXT_MAX);
    json_set_str(j, "deployment", me->deployment);
    json_set_str(j, "run_link", me->run_link);
    json_set_int(j, "pid", me->pid);
    if (json_print(j, &text, err) < 0)
        return -(int)err->kind;
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text.ptr, text.len, 0) != (ssize_t)text.len)
        return err_set(err, errno == ENOSPC ? ERR_DISK_FULL : ERR_IO, errno, "write the lock file: %s",
                       strerror(errno));
    return 0;
}

int lock_take(int app_fd, const struct lock_owner *me, int64_t timeout_ms, const volatile sig_atomic_t *cancel,
              void (*busy)(void *ctx, const struct lock_owner *owner), void *ctx, int *ret_fd, struct err *err)
{
    _cleanup_(close_p) int fd = open_lock(app_fd);
    if (fd < 0)
        return err_set(err, errno == ENOSPC ? ERR_DISK_FULL : ERR_IO, errno, "open the lock file: %s", strerror(errno));
    int64_t deadline = clock_mono_ms() + timeout_ms;
    bool told = false;
    while (fd_lock(fd) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_set(err, ERR_IO, errno, "lock: %s", strerror(errno));
        struct lock_owner owner;
        read_owner(fd, &owner);
        if (!told && busy)
            busy(ctx, &owner);
        told = true;
        if (cancel && *cancel)
            return err_set(err, ERR_CANCEL, 0, "cancelled while waiting for the lock");
        if (clock_mono_ms() >= deadline)
            return err_set(err, ERR_LOCKED, 0, "another run holds the lock: deployment %s, %s",
                           owner.deployment[0] ? owner.deployment : "unknown",
                           owner.run_link[0] ? owner.run_link : "no run link");
        clock_sleep_ms(LOCK_RETRY_MS); /* flock has no deadline of its own */
    }
    if (write_owner(fd, me, err) < 0)
        return -(int)err->kind;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

bool lock_is_held(int app_fd, struct lock_owner *owner)
{
    memset(owner, 0, sizeof(*owner));
    _cleanup_(close_p) int fd = openat(app_fd, LOCK_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false; /* nobody has ever had it */
    if (flock(fd, LOCK_SH | LOCK_NB) == 0)
        return false; /* released by the close */
    read_owner(fd, owner);
    return true;
}
