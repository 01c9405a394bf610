#include "cmd/artifact/collect.h"

#include "shared/bundle.h"
#include "shared/clock.h"
#include "shared/fd.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

struct part {
    int fd;
    char prefix[32];
    int64_t bytes;
};

struct collect {
    struct collect_paths paths;
    char partial[COLLECT_PATH_MAX + 16]; /* name of the bundle while it is written */
    struct part parts[COLLECT_PARTS_MAX];
    size_t part_count;
    int out;
};

/* ---- paths ---- */

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

static const char *separator(const char *dir)
{
    return ends_with(dir, "/") ? "" : "/";
}

/* Length of the folder part of a path; 0 when it has none. */
static size_t folder_len(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? (size_t)(slash - path) : 0;
}

int collect_resolve(const char *bundle_path, const char *workspace, const char *app, const char *deployment,
                    struct collect_paths *ret, struct err *err)
{
    const char *root = workspace && *workspace ? workspace : ".";
    _cleanup_(buf_done_p) struct buf base = BUF_INIT(COLLECT_PATH_MAX - 1), bundle = BUF_INIT(COLLECT_PATH_MAX - 1);
    _cleanup_(buf_done_p) struct buf summary = BUF_INIT(COLLECT_PATH_MAX - 1);

    if (!bundle_path || !*bundle_path)
        buf_adds(&base, root);
    else if (bundle_path[0] == '/' || strcmp(root, ".") == 0)
        buf_adds(&base, bundle_path);
    else
        buf_addf(&base, "%s%s%s", root, separator(root), bundle_path);
    if (bundle_path && ends_with(bundle_path, ".tar.gz")) {
        size_t folder = folder_len(buf_str(&base));
        buf_add_span(&bundle, buf_span(&base));
        if (folder || base.ptr[0] == '/')
            buf_addf(&summary, "%.*s/", (int)folder, buf_str(&base));
    } else {
        buf_addf(&bundle, "%s%sbluegreen-%s-%s.tar.gz", buf_str(&base), separator(buf_str(&base)), app, deployment);
        buf_addf(&summary, "%s%s", buf_str(&base), separator(buf_str(&base)));
    }
    buf_addf(&summary, "bluegreen-%s-%s-summary.md", app, deployment);
    if (base.failed || bundle.failed || summary.failed)
        return err_set(err, ERR_INPUT, 0, "bundle-path: too long, at most %d bytes", COLLECT_PATH_MAX - 100);
    size_t n = strlen(root);
    while (n > 1 && root[n - 1] == '/')
        n--;
    bool below = strcmp(root, ".") == 0 ? !bundle_path || bundle_path[0] != '/'
                                        : bundle.len > n && memcmp(bundle.ptr, root, n) == 0 && bundle.ptr[n] == '/';
    (void)snprintf(ret->root, sizeof(ret->root), "%.*s", below ? (int)n : 0, root);
    memcpy(ret->bundle, buf_str(&bundle), bundle.len + 1);
    memcpy(ret->summary, buf_str(&summary), summary.len + 1);
    return 0;
}

const char *collect_public_path(const char *path, const char *workspace)
{
    size_t n = workspace ? strlen(workspace) : 0;

    while (n > 1 && workspace[n - 1] == '/')
        n--;
    if (n > 0 && strncmp(path, workspace, n) == 0 && path[n] == '/')
        return path + n + 1;
    return strncmp(path, "./", 2) == 0 ? path + 2 : path;
}

/* A folder that was there already: is it really below root? */
static int check_folder(const char *path, const char *root, struct err *err)
{
    _cleanup_(free_p) char *real = realpath(path, NULL);
    _cleanup_(free_p) char *real_root = realpath(root, NULL);
    size_t n = real_root ? strlen(real_root) : 0;

    if (!real || !real_root)
        return err_set(err, ERR_IO, errno, "folder '%s': %s", path, strerror(errno));
    if (strncmp(real, real_root, n) == 0 && (real[n] == '/' || real[n] == '\0' || strcmp(real_root, "/") == 0))
        return 0;
    return err_set(err, ERR_INPUT, 0, "bundle-path: '%s' leads out of the workspace, to '%s'", path, real);
}

static int make_folders(const char *file, const char *root, struct err *err)
{
    char path[COLLECT_PATH_MAX];
    size_t from = strcmp(root, ".") == 0 ? 0 : strlen(root); /* what is above root is not looked at */

    for (size_t i = 1; file[i]; i++) {
        if (file[i] != '/')
            continue;
        (void)snprintf(path, sizeof(path), "%.*s", (int)i, file);
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            return err_set(err, ERR_IO, errno, "make folder '%s': %s", path, strerror(errno));
        if (root[0] && i >= from && check_folder(path, root, err) < 0)
            return -(int)err->kind;
    }
    return 0;
}

/* ---- parts ---- */

int collect_new(struct collect **ret, const struct collect_paths *paths, struct err *err)
{
    struct collect *c = NULL;

    if (make_folders(paths->bundle, paths->root, err) < 0) {
        err_hint(err,
                 "Give bundle-path a folder of the workspace that the action may write to, without links on its way "
                 "out.");
        return err_wrap(err, "place of the bundle");
    }
    c = calloc(1, sizeof(*c));
    if (!c)
        return err_set(err, ERR_NOMEM, 0, "no memory for the bundle");
    c->paths = *paths;
    c->out = -1;
    (void)snprintf(c->partial, sizeof(c->partial), "%s.part", paths->bundle);
    *ret = c;
    return 0;
}

void collect_free(struct collect *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->part_count; i++)
        close_p(&c->parts[i].fd);
    if (c->out >= 0)
        (void)unlink(c->partial); /* best effort: nothing depends on it */
    close_p(&c->out);
    free(c);
}

void collect_free_p(struct collect **c)
{
    collect_free(*c);
    *c = NULL;
}

/* A file without a name in the bundle's folder; on file systems that have no such thing, one whose name is removed. */
static int nameless_file(const struct collect *c, struct err *err)
{
    size_t folder = folder_len(c->paths.bundle);
    char path[COLLECT_PATH_MAX + 32];
    int fd = -1;

    (void)snprintf(path, sizeof(path), "%.*s", folder ? (int)folder : 1, folder ? c->paths.bundle : ".");
    fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    (void)snprintf(path, sizeof(path), "%s.host-%zu", c->paths.bundle, c->part_count);
    (void)unlink(path); /* left by a run that was killed */
    fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(err, ERR_IO, errno, "create '%s': %s", path, strerror(errno));
    (void)unlink(path); /* it lives on until it is closed */
    return fd;
}

int collect_begin_part(struct collect *c, const char *prefix, struct err *err)
{
    int fd = -1;

    if (c->part_count == COLLECT_PARTS_MAX)
        return err_set(err, ERR_BUG, 0, "more than %d parts in a bundle", COLLECT_PARTS_MAX);
    fd = nameless_file(c, err);
    if (fd < 0)
        return err_wrap(err, "place for the host's part of the bundle");
    struct part *p = &c->parts[c->part_count++];
    *p = (struct part){ .fd = fd };
    (void)snprintf(p->prefix, sizeof(p->prefix), "%s", prefix);
    return 0;
}

static int write_all(int fd, struct span data, struct err *err)
{
    return fd_write(fd, data) < 0 ? err_set(err, ERR_IO, errno, "write the bundle: %s", strerror(errno)) : 0;
}

int collect_data(struct collect *c, struct span data, struct err *err)
{
    struct part *p = NULL;

    if (!c->part_count)
        return err_set(err, ERR_BUG, 0, "bundle bytes before a part was begun");
    p = &c->parts[c->part_count - 1];
    if (p->bytes + (int64_t)data.len > COLLECT_BYTES_MAX)
        return err_set(err, ERR_NOMEM, 0, "the host's part of the bundle is larger than %lld bytes", COLLECT_BYTES_MAX);
    p->bytes += (int64_t)data.len;
    return write_all(p->fd, data, err);
}

void collect_drop_part(struct collect *c)
{
    if (c->part_count)
        close_p(&c->parts[--c->part_count].fd);
}

/* ---- the bundle ---- */

struct sink {
    int fd;
    int error; /* errno of a failed write */
};

static int sink_write(void *ctx, struct span data)
{
    struct sink *s = ctx;

    if (write_all(s->fd, data, NULL) == 0)
        return 0;
    s->error = errno;
    return -ERR_IO;
}

static int copy_parts(struct collect *c, struct bundle_writer *w, struct err *err)
{
    for (size_t i = 0; i < c->part_count; i++) {
        if (!c->parts[i].bytes)
            continue;
        if (lseek(c->parts[i].fd, 0, SEEK_SET) < 0)
            return err_set(err, ERR_IO, errno, "rewind the host's part: %s", strerror(errno));
        if (bundle_copy(w, c->parts[i].fd, c->parts[i].prefix, err) < 0)
            return err_wrap(err, "the host's part of the bundle");
    }
    return 0;
}

/* The whole archive from its start into c->out. */
static int write_bundle(struct collect *c, bool with_parts, struct span log, struct span summary, struct err *err)
{
    _cleanup_(bundle_writer_free_p) struct bundle_writer *w = NULL;
    struct sink sink = { .fd = c->out };
    int64_t now = clock_wall_ms();

    if (ftruncate(c->out, 0) < 0 || lseek(c->out, 0, SEEK_SET) < 0)
        return err_set(err, ERR_IO, errno, "begin the bundle: %s", strerror(errno));
    if (bundle_writer_new(&w, sink_write, &sink, err) < 0 || (with_parts && copy_parts(c, w, err) < 0) ||
        bundle_add(w, "action.log", log, now, err) < 0 || bundle_add(w, "summary.md", summary, now, err) < 0 ||
        bundle_finish(w, err) < 0)
        return sink.error ? err_set(err, ERR_IO, sink.error, "write '%s': %s", c->paths.bundle, strerror(sink.error))
                          : err_wrap(err, "write '%s'", c->paths.bundle);
    return 0;
}

static int write_summary(const struct collect *c, struct span summary, struct err *err)
{
    _cleanup_(close_p) int fd = -1;

    (void)unlink(c->paths.summary); /* never through a link that lies there */
    fd = open(c->paths.summary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_set(err, ERR_IO, errno, "create '%s': %s", c->paths.summary, strerror(errno));
    return write_all(fd, summary, err);
}

int collect_finish(struct collect *c, struct span log, struct span summary, struct err *err)
{
    struct err why = { 0 };
    int left_out = 0;

    if (write_summary(c, summary, err) < 0)
        return -(int)err->kind;
    (void)unlink(c->partial); /* left by a run that was killed */
    c->out = open(c->partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (c->out < 0)
        return err_set(err, ERR_IO, errno, "create '%s': %s", c->partial, strerror(errno));
    if (write_bundle(c, true, log, summary, &why) < 0) {
        left_out = 1;
        if (write_bundle(c, false, log, summary, err) < 0)
            return -(int)err->kind;
        *err = why;
    }
    if (rename(c->partial, c->paths.bundle) < 0)
        return err_set(err, ERR_IO, errno, "rename to '%s': %s", c->paths.bundle, strerror(errno));
    close_p(&c->out);
    return left_out;
}
