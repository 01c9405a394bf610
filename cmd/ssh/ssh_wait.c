#include "cmd/ssh/ssh_internal.h"

#include "shared/clock.h"

#include <poll.h>
#include <sys/socket.h>

#define POLL_MAX_MS 1000  /* never trust one reason to wake up alone */
#define WATCH_GAP_MS 3000 /* nobody looked for this long: silence in between proves nothing */
#define KEEPALIVE_S 5
#define BULK 1024     /* a send this large that went out is a sign of life; a keepalive is not */
#define VIA_ROOM 4096 /* window of the outer channel below which no keepalive is squeezed in */

static ssize_t on_recv(libssh2_socket_t fd, void *bytes, size_t len, int flags, void **abstract)
{
    struct ssh *s = *abstract;
    ssize_t n;
    (void)fd; /* of an inner session it is only a stand-in */
    if (s->closing)
        return 0;
    if (s->via) {
        n = ssh_jump_recv(s, bytes, len);
    } else {
        n = recv(s->fd, bytes, len, flags);
        if (n < 0) {
            if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)
                return -EAGAIN;
            s->sock_errno = errno;
            n = -errno;
        }
    }
    if (n == 0)
        s->peer_ended = true;
    if (n <= 0)
        return n;
    s->alive_ms = clock_mono_ms();
    if (s->first_len < sizeof(s->first)) {
        size_t room = sizeof(s->first) - s->first_len;
        size_t take = (size_t)n < room ? (size_t)n : room;
        memcpy(s->first + s->first_len, bytes, take);
        s->first_len += take;
    }
    return n;
}

static ssize_t on_send(libssh2_socket_t fd, const void *bytes, size_t len, int flags, void **abstract)
{
    struct ssh *s = *abstract;
    ssize_t n;
    (void)fd;
    if (s->closing)
        return -EPIPE;
    if (s->via) {
        n = ssh_jump_send(s, bytes, len);
    } else {
        n = send(s->fd, bytes, len, flags | MSG_NOSIGNAL);
        if (n < 0) {
            n = errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
            if (n != -EAGAIN)
                s->sock_errno = (int)-n;
        }
    }
    s->half_sent = n == -EAGAIN || (n >= 0 && (size_t)n < len);
    if (n >= BULK)
        s->alive_ms = clock_mono_ms();
    return n;
}

#if LIBSSH2_VERSION_NUM >= 0x010b01
static void set_callback(LIBSSH2_SESSION *session, int which, void (*callback)(void))
{
    (void)libssh2_session_callback_set2(session, which, callback);
}
#else /* development machines with an older library */
static void set_callback(LIBSSH2_SESSION *session, int which, void (*callback)(void))
{
    void *plain;
    memcpy(&plain, &callback, sizeof(plain)); /* POSIX lets a function pointer fit */
    (void)libssh2_session_callback_set(session, which, plain);
}
#endif

int ssh_session_new(struct ssh *s, struct err *err)
{
    s->session = libssh2_session_init_ex(NULL, NULL, NULL, s);
    if (!s->session)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    libssh2_session_set_blocking(s->session, 0);
    set_callback(s->session, LIBSSH2_CALLBACK_RECV, (void (*)(void))on_recv);
    set_callback(s->session, LIBSSH2_CALLBACK_SEND, (void (*)(void))on_send);
    libssh2_keepalive_config(s->session, 1, KEEPALIVE_S);
    s->alive_ms = clock_mono_ms();
    return 0;
}

static bool is_writable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

/*
 * Only when the packet is sure to go out whole: a keepalive that is half sent would have to be repeated before any other
 * send, and libssh2 keeps no copy of it.
 */
static void send_keepalive(struct ssh *s)
{
    const struct ssh *base = s->outer ? s->outer : s;
    int next;
    if (!s->ready || s->half_sent || base->half_sent || !is_writable(base->fd))
        return;
    if (s->via && libssh2_channel_window_write_ex(s->via, NULL) < VIA_ROOM)
        return;
    (void)libssh2_keepalive_send(s->session, &next); /* a broken connection shows in the next read */
}

static int check_alive(struct ssh *s, int64_t now, struct err *err)
{
    if (now - s->watched_ms > WATCH_GAP_MS)
        s->alive_ms = now;
    s->watched_ms = now;
    if (!s->ready || now - s->alive_ms < SSH_DEAD_AFTER_MS)
        return 0;
    int r = err_set(err, ERR_NET, ETIMEDOUT, "no sign of life from %s for %d s", s->where, SSH_DEAD_AFTER_MS / 1000);
    err_hint(err, "The network path or the host is down.");
    return r;
}

bool ssh_is_cancelled(const struct ssh *s)
{
    struct pollfd p = { .fd = s->cancel_fd, .events = POLLIN }; /* -1 is passed over by poll */
    return poll(&p, 1, 0) == 1;
}

int ssh_wait(struct ssh *s, int64_t deadline_ms, struct err *err)
{
    struct ssh *base = s->outer ? s->outer : s;
    int64_t now = clock_mono_ms();
    int r;
    if (s->limit_ms && s->limit_ms < deadline_ms)
        deadline_ms = s->limit_ms;
    if ((r = check_alive(base, now, err)) < 0 || (s != base && (r = check_alive(s, now, err)) < 0))
        return r;
    send_keepalive(base);
    if (s != base)
        send_keepalive(s);

    int left = clock_left_ms(deadline_ms);
    struct pollfd p[2] = {
        { .fd = base->fd, .events = base->half_sent ? POLLOUT : POLLIN },
        { .fd = s->cancel_fd, .events = POLLIN }, /* -1 is passed over by poll */
    };
    if (poll(p, 2, left < POLL_MAX_MS ? left : POLL_MAX_MS) < 0 && errno != EINTR)
        return err_set(err, ERR_BUG, errno, "poll: %s", strerror(errno));
    if (p[1].revents)
        return err_set(err, ERR_CANCEL, 0, "cancelled");
    if (left == 0 && !p[0].revents)
        return err_set(err, ERR_TIMEOUT, 0, "no answer from %s in time", s->where);
    return 0;
}

const char *ssh_strange_words(const struct ssh *s, char out[SSH_FIRST_MAX])
{
    size_t n = 0;
    out[0] = '\0';
    if (s->first_len == 0 || (s->first_len >= 4 && memcmp(s->first, "SSH-", 4) == 0))
        return out;
    for (; n < s->first_len && n + 1 < SSH_FIRST_MAX; n++) {
        unsigned char c = (unsigned char)s->first[n];
        if (c == '\r' || c == '\n')
            break;
        out[n] = c >= 0x20 && c < 0x7f ? (char)c : '?';
    }
    out[n] = '\0';
    return out;
}

int ssh_fail(struct ssh *s, enum err_kind kind, int rc, const char *what, struct err *err)
{
    char *text = NULL;
    (void)libssh2_session_last_error(s->session, &text, NULL, 0);
    char reason[160]; /* copied: the next call may replace it */
    (void)snprintf(reason, sizeof(reason), "%s", text && *text ? text : "unknown failure");
    if (rc == LIBSSH2_ERROR_ALLOC)
        return err_set(err, ERR_NOMEM, rc, "%s: out of memory", what);
    if (s->sock_errno)
        return err_set(err, ERR_NET, s->sock_errno, "%s: the connection to %s failed: %s", what, s->where,
                       strerror(s->sock_errno));
    if (s->peer_ended || rc == LIBSSH2_ERROR_SOCKET_DISCONNECT)
        return err_set(err, ERR_NET, rc, "%s: %s closed the connection (%s)", what, s->where, reason);
    if (rc == LIBSSH2_ERROR_SOCKET_RECV || rc == LIBSSH2_ERROR_SOCKET_SEND)
        return err_set(err, ERR_NET, rc, "%s: the connection to %s failed: %s", what, s->where, reason);
    return err_set(err, kind, rc, "%s: %s (libssh2 %d)", what, reason, rc);
}
