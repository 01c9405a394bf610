#include "agent/cli/bundlefile.h"

#include "shared/fd.h"

#include <fcntl.h>

static int fail(const struct bundlefile *f, const char *doing, struct err *err)
{
    int e = errno;
    enum err_kind kind = e == ENOSPC || e == EDQUOT ? ERR_DISK_FULL : ERR_IO;
    return err_set(err, kind, e, "%s '%s': %s", doing, f->name[0] ? f->name : "standard output", strerror(e));
}

int bundlefile_open(struct bundlefile *f, const char *name, struct err *err)
{
    f->fd = -1;
    f->name[0] = f->temp[0] = '\0';
    if (strcmp(name, "-") == 0 && isatty(STDOUT_FILENO)) {
        err_hint(err, "Send it to a file or through a pipe, or give --output a name.");
        return err_set(err, ERR_INPUT, 0, "a bundle is no text, and standard output is a terminal");
    }
    if (strcmp(name, "-") == 0) {
        f->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        return f->fd < 0 ? fail(f, "write to", err) : 0;
    }
    if ((size_t)snprintf(f->name, sizeof(f->name), "%s", name) >= sizeof(f->name))
        return err_set(err, ERR_INPUT, 0, "the name of the bundle is too long");
    (void)snprintf(f->temp, sizeof(f->temp), "%s.XXXXXX", f->name);
    f->fd = mkostemp(f->temp, O_CLOEXEC); /* exclusive, for nobody else */
    if (f->fd < 0) {
        f->temp[0] = '\0';
        return fail(f, "create", err);
    }
    return 0;
}

int bundlefile_add(struct bundlefile *f, struct span bytes, struct err *err)
{
    return fd_write(f->fd, bytes) < 0 ? fail(f, "write", err) : 0;
}

int bundlefile_finish(struct bundlefile *f, struct err *err)
{
    if (f->temp[0] && rename(f->temp, f->name) < 0)
        return fail(f, "write", err);
    f->temp[0] = '\0';
    int fd = TAKE_FD(f->fd);
    return close(fd) < 0 ? fail(f, "write", err) : 0; /* a network file system may tell only now that it is full */
}

void bundlefile_done(struct bundlefile *f)
{
    close_p(&f->fd);
    if (f->temp[0])
        (void)unlink(f->temp);
    f->temp[0] = '\0';
}
