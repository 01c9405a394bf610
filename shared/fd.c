#include "shared/fd.h"

#include "shared/clock.h"

#include <sys/file.h>

#define CHUNK (16 * 1024)
#define LOCK_TRIES 6
#define LOCK_PAUSE_MS 10

int fd_write(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes.ptr += n;
        bytes.len -= (size_t)n;
    }
    return 0;
}

static int read_all(int fd, char *chunk, struct buf *out)
{
    for (;;) {
        ssize_t n = read(fd, chunk, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return (int)n;
        buf_add(out, chunk, (size_t)n);
        if (out->failed) {
            errno = EFBIG;
            return -1;
        }
    }
}

int fd_read(int fd, struct buf *out)
{
    char chunk[CHUNK];
    int r = read_all(fd, chunk, out);

    explicit_bzero(chunk, sizeof(chunk)); /* keys come through here; leaves errno alone */
    return r;
}

int fd_lock(int fd)
{
    for (int i = 1; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
        if (errno != EINTR && (errno != EWOULDBLOCK || i >= LOCK_TRIES))
            return -1;
        clock_sleep_ms(LOCK_PAUSE_MS); /* flock has no deadline of its own */
    }
    return 0;
}
