#include "agent/state/selflink.h"

#include "agent/state/store.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#define TEMP_NAME ".bluegreen-agent.link"

/* Ours, and nobody else may write into it. */
static bool is_private(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 022) == 0;
}

void selflink_point(int bin_fd, const char *bin, const char *exe)
{
    char there[PATH_MAX];
    size_t len = strlen(bin);
    const char *name = strncmp(exe, bin, len) == 0 && exe[len] == '/' ? exe + len + 1 : "";
    if (strchr(name, '/') || strncmp(name, SELFLINK_NAME "-", sizeof(SELFLINK_NAME)) != 0 || !is_private(bin_fd))
        return;
    ssize_t n = readlinkat(bin_fd, SELFLINK_NAME, there, sizeof(there) - 1);
    if (n >= 0) {
        there[n] = '\0';
        if (strcmp(there, name) == 0)
            return;
    } else if (errno != ENOENT) {
        return; /* somebody's own file */
    }
    (void)unlinkat(bin_fd, TEMP_NAME, 0); /* of an agent that died here */
    if (symlinkat(name, bin_fd, TEMP_NAME) < 0)
        return;
    if (renameat(bin_fd, TEMP_NAME, bin_fd, SELFLINK_NAME) < 0)
        (void)unlinkat(bin_fd, TEMP_NAME, 0);
}

void selflink_update(void)
{
    struct err ignored = { 0 };
    char exe[PATH_MAX], real[PATH_MAX];
    _cleanup_(buf_done_p) struct buf bin = BUF_INIT(PATH_MAX);
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (n < 0 || store_root_path(&bin, &ignored) < 0)
        return;
    exe[n] = '\0';
    buf_adds(&bin, "/bin");
    if (!realpath(buf_str(&bin), real)) /* as the kernel names the program: without links on the way */
        return;
    _cleanup_(close_p) int bin_fd = open(real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (bin_fd >= 0)
        selflink_point(bin_fd, real, exe);
}
