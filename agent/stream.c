#include "agent/stream.h"

#include "agent/answers/reply.h"
#include "agent/state/eventlog.h"

#include <fcntl.h>
#include <sys/inotify.h>

#define CHUNK (64 * 1024)

int stream_open(struct stream *s, int deployment_fd, uint64_t from, struct err *err)
{
    char path[64];
    *s = (struct stream){ .fd = -1, .inotify_fd = -1, .from = from, .pending = BUF_INIT(2 * EVENT_LINE_MAX + CHUNK) };
    s->fd = openat(deployment_fd, EVENTLOG_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    s->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", s->fd); /* the very file that is open */
    if (s->fd < 0 || s->inotify_fd < 0 || inotify_add_watch(s->inotify_fd, path, IN_MODIFY) < 0) {
        int e = errno;
        stream_close(s);
        return err_set(err, ERR_IO, e, "follow the event log: %s", strerror(e));
    }
    return 0;
}

void stream_close(struct stream *s)
{
    close_p(&s->fd);
    close_p(&s->inotify_fd);
    buf_done(&s->pending);
}

static void drain_inotify(struct stream *s)
{
    char ignored[4096];
    while (read(s->inotify_fd, ignored, sizeof(ignored)) > 0)
        ;
}

/* Hand over the whole lines in pending that are wanted. */
static int pass_lines(struct stream *s, int out_fd, struct err *err)
{
    struct span all = buf_span(&s->pending);
    size_t used = 0;
    const char *lf;
    while (!s->ended && used < all.len && (lf = memchr(all.ptr + used, '\n', all.len - used))) {
        struct span line = { all.ptr + used, (size_t)(lf - all.ptr) - used };
        struct event ev;
        if (event_decode(line, &ev, err) < 0)
            return err_wrap(err, "the event log");
        bool wanted = ev.seq >= s->from;
        s->ended = ev.kind == EVENT_END;
        event_done(&ev);
        if (wanted && reply_bytes(out_fd, (struct span){ line.ptr, line.len + 1 }, err) < 0)
            return -(int)err->kind;
        used += line.len + 1;
    }
    buf_consume(&s->pending, used);
    return 0;
}

int stream_pump(struct stream *s, int out_fd, struct err *err)
{
    char chunk[CHUNK];
    ssize_t n;
    drain_inotify(s); /* before reading: what comes later makes it readable again */
    while (!s->ended && (n = read(s->fd, chunk, sizeof(chunk))) > 0) {
        buf_add(&s->pending, chunk, (size_t)n);
        if (buf_check(&s->pending, err) < 0)
            return err_wrap(err, "the event log");
        if (pass_lines(s, out_fd, err) < 0)
            return -(int)err->kind;
    }
    return 0;
}
