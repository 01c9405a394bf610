#include "agent/state/store.h"

#include "shared/fd.h"
#include "shared/wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define REQUEST_FILE "request.json"
#define OUTCOME_FILE "outcome.json"

int store_root_path(struct buf *out, struct err *err)
{
    const char *home = getenv("BLUEGREEN_HOME");
    if (home && home[0]) {
        if (home[0] != '/')
            return err_set(err, ERR_INSTALL, 0, "BLUEGREEN_HOME is '%s', wants an absolute path", home);
        buf_adds(out, home);
        return buf_check(out, err);
    }
    home = getenv("HOME");
    if (!home || home[0] != '/') {
        const struct passwd *pw = getpwuid(getuid());
        home = pw ? pw->pw_dir : NULL;
    }
    if (!home || home[0] != '/')
        return err_set(err, ERR_INSTALL, 0, "the user has no home directory for the state root");
    buf_addf(out, "%s/.bluegreen", home);
    return buf_check(out, err);
}

/* Our kinds for what the file system says. */
static int io_fail(struct err *err, const char *doing, const char *name)
{
    int e = errno;
    enum err_kind kind = e == ENOSPC || e == EDQUOT ? ERR_DISK_FULL : ERR_IO;
    return err_set(err, kind, e, "%s '%s' in the state root: %s", doing, name, strerror(e));
}

static int check_ours(int fd, const char *name, struct stat *st, struct err *err)
{
    if (fstat(fd, st) < 0)
        return io_fail(err, "stat", name);
    if (st->st_uid == geteuid())
        return 0;
    err_hint(err, "Remove it or give it back to the user that deploys.");
    return err_set(err, ERR_IO, 0, "'%s' in the state root belongs to user %u, not to us (%u)", name,
                   (unsigned)st->st_uid, (unsigned)geteuid());
}

static int check_private(int fd, const char *name, struct err *err)
{
    struct stat st;
    int r = check_ours(fd, name, &st, err);
    if (r < 0)
        return r;
    if ((st.st_mode & 077) != 0 && fchmod(fd, 0700) < 0)
        return io_fail(err, "make private", name);
    return 0;
}

/* Open a directory below dir_fd, made when missing; never through a symlink. */
static int open_dir(int dir_fd, const char *name, int *ret_fd, struct err *err)
{
    if (mkdirat(dir_fd, name, 0700) < 0 && errno != EEXIST)
        return io_fail(err, "create directory", name);
    _cleanup_(close_p) int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return io_fail(err, "open directory", name);
    if (check_private(fd, name, err) < 0)
        return -(int)err->kind;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int store_open_app(const char *app, int *ret_fd, struct err *err)
{
    _cleanup_(buf_done_p) struct buf root = BUF_INIT(4096);
    if (store_root_path(&root, err) < 0)
        return -(int)err->kind;
    _cleanup_(close_p) int root_fd = -1, apps_fd = -1, app_fd = -1, deployments_fd = -1;
    int r = open_dir(AT_FDCWD, buf_str(&root), &root_fd, err);
    if (r == 0)
        r = open_dir(root_fd, "apps", &apps_fd, err);
    if (r == 0)
        r = open_dir(apps_fd, app, &app_fd, err);
    if (r == 0)
        r = open_dir(app_fd, "deployments", &deployments_fd, err);
    if (r < 0)
        return r;
    *ret_fd = TAKE_FD(app_fd);
    return 0;
}

/* As it is: nothing is made or changed. 1: there is none. */
static int find_dir(int dir_fd, const char *name, int *ret_fd, struct err *err)
{
    struct stat st;
    _cleanup_(close_p) int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 1 : io_fail(err, "open directory", name);
    if (check_ours(fd, name, &st, err) < 0)
        return -(int)err->kind;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int store_find_app(const char *app, int *ret_fd, struct err *err)
{
    _cleanup_(buf_done_p) struct buf root = BUF_INIT(4096);
    if (store_root_path(&root, err) < 0)
        return -(int)err->kind;
    _cleanup_(close_p) int root_fd = -1, apps_fd = -1, app_fd = -1, deployments_fd = -1;
    int r = find_dir(AT_FDCWD, buf_str(&root), &root_fd, err);
    if (r == 0)
        r = find_dir(root_fd, "apps", &apps_fd, err);
    if (r == 0)
        r = find_dir(apps_fd, app, &app_fd, err);
    if (r == 0)
        r = find_dir(app_fd, "deployments", &deployments_fd, err);
    if (r == 0)
        *ret_fd = TAKE_FD(app_fd);
    return r;
}

static int deployments_dir(int app_fd, struct err *err)
{
    int fd = openat(app_fd, "deployments", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 ? fd : io_fail(err, "open directory", "deployments");
}

int store_open_deployment(int app_fd, const char *id, int *ret_fd, struct err *err)
{
    if (!wire_is_id(id))
        return err_set(err, ERR_PROTO, 0, "'%s' is not a deployment id", id);
    _cleanup_(close_p) int all = deployments_dir(app_fd, err);
    if (all < 0)
        return all;
    int fd = openat(all, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 1 : io_fail(err, "open deployment", id);
    *ret_fd = fd;
    return 0;
}

int store_create_deployment(int app_fd, const char *id, int *ret_fd, struct err *err)
{
    if (!wire_is_id(id))
        return err_set(err, ERR_PROTO, 0, "'%s' is not a deployment id", id);
    _cleanup_(close_p) int all = deployments_dir(app_fd, err);
    if (all < 0)
        return all;
    if (mkdirat(all, id, 0700) < 0)
        return errno == EEXIST ? 1 : io_fail(err, "create deployment", id);
    if (fsync(all) < 0)
        return io_fail(err, "sync", "deployments");
    return store_open_deployment(app_fd, id, ret_fd, err);
}

static int newest_first(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*y, *x);
}

int store_list_deployments(int app_fd, struct strlist *ret, struct err *err)
{
    int all = deployments_dir(app_fd, err);
    if (all < 0)
        return all;
    DIR *dir = fdopendir(all);
    if (!dir) {
        close(all);
        return io_fail(err, "list", "deployments");
    }
    int r = 0;
    for (const struct dirent *d; r == 0 && (d = readdir(dir));)
        if (wire_is_id(d->d_name))
            r = strlist_add(ret, span_of(d->d_name), err);
    closedir(dir);
    if (r == 0 && ret->len > 1)
        qsort(ret->items, ret->len, sizeof(ret->items[0]), newest_first);
    return r;
}

static int by_name(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

int store_list_apps(struct strlist *ret, struct err *err)
{
    _cleanup_(buf_done_p) struct buf root = BUF_INIT(4096);
    if (store_root_path(&root, err) < 0)
        return -(int)err->kind;
    buf_adds(&root, "/apps");
    DIR *dir = opendir(buf_str(&root));
    if (!dir)
        return errno == ENOENT ? 0 : io_fail(err, "list", "apps");
    int r = 0;
    for (const struct dirent *d; r == 0 && (d = readdir(dir));)
        if (spec_is_app_name(d->d_name))
            r = strlist_add(ret, span_of(d->d_name), err);
    closedir(dir);
    if (r == 0 && ret->len > 1)
        qsort(ret->items, ret->len, sizeof(ret->items[0]), by_name);
    return r;
}

int64_t store_folder_bytes(int dir_fd)
{
    int list_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = list_fd >= 0 ? fdopendir(list_fd) : NULL;
    int64_t bytes = 0;
    struct stat st;
    if (!dir) {
        close_p(&list_fd);
        return 0;
    }
    for (const struct dirent *d; (d = readdir(dir));)
        if (fstatat(dir_fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            bytes += (int64_t)st.st_size;
    closedir(dir);
    return bytes;
}

bool store_has_request(int dir_fd)
{
    return faccessat(dir_fd, REQUEST_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Cut off at any point it looks like a run that has ended, never like one that was cut off: see agent/recover.c. */
int store_remove_deployment(int app_fd, const char *id, struct err *err)
{
    _cleanup_(close_p) int fd = -1;
    int r = store_open_deployment(app_fd, id, &fd, err);
    if (r != 0)
        return r < 0 ? r : 0;
    int list_fd = dup(fd);
    DIR *dir = list_fd >= 0 ? fdopendir(list_fd) : NULL;
    if (!dir) {
        close_p(&list_fd);
        return io_fail(err, "list", id);
    }
    (void)unlinkat(fd, REQUEST_FILE, 0);
    (void)fsync(fd);
    for (const struct dirent *d; (d = readdir(dir));)
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 && strcmp(d->d_name, OUTCOME_FILE) != 0)
            (void)unlinkat(fd, d->d_name, 0); /* what stays makes the rmdir below fail, with a reason */
    closedir(dir);
    (void)fsync(fd);
    (void)unlinkat(fd, OUTCOME_FILE, 0);
    _cleanup_(close_p) int all = deployments_dir(app_fd, err);
    if (all < 0)
        return all;
    if (unlinkat(all, id, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return io_fail(err, "remove", id);
    return 0;
}

int store_write(int dir_fd, const char *name, struct span data, struct err *err)
{
    char temp[160];
    if ((size_t)snprintf(temp, sizeof(temp), ".%s.new", name) >= sizeof(temp))
        return err_set(err, ERR_BUG, 0, "file name '%s' is too long", name);
    (void)unlinkat(dir_fd, temp, 0); /* of a run that died here */
    _cleanup_(close_p) int fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return io_fail(err, "create", name);
    if (fd_write(fd, data) < 0 || fsync(fd) < 0 || renameat(dir_fd, temp, dir_fd, name) < 0 || fsync(dir_fd) < 0) {
        int r = io_fail(err, "write", name);
        (void)unlinkat(dir_fd, temp, 0);
        return r;
    }
    return 0;
}

int store_read(int dir_fd, const char *name, struct buf *out, struct err *err)
{
    _cleanup_(close_p) int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 1 : io_fail(err, "open", name);
    int r = fd_read(fd, out);
    if (buf_check(out, err) < 0)
        return err_wrap(err, "read '%s'", name);
    return r < 0 ? io_fail(err, "read", name) : 0;
}

void store_disk(const char *path, int64_t *free_bytes, int64_t *total_bytes)
{
    struct statvfs fs;
    *free_bytes = *total_bytes = -1;
    if (statvfs(path, &fs) < 0)
        return;
    *free_bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    *total_bytes = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize;
}
