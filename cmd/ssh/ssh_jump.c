/*
 * The way through a jump host: a second SSH session whose bytes travel in a direct-tcpip channel of the first. The jump
 * host sees nothing but ciphertext.
 */
#include "cmd/ssh/ssh_internal.h"

#include "shared/clock.h"

#define CLOSE_MS 300

int ssh_jump_open(struct ssh *outer, const char *host, int port, int64_t deadline_ms, LIBSSH2_CHANNEL **ret,
                  struct err *err)
{
    for (;;) {
        LIBSSH2_CHANNEL *via = libssh2_channel_direct_tcpip_ex(outer->session, host, port, "127.0.0.1", 22);
        if (via) {
            *ret = via;
            return 0;
        }
        int rc = libssh2_session_last_errno(outer->session);
        int r;
        if (rc != LIBSSH2_ERROR_EAGAIN) {
            char what[200];
            (void)snprintf(what, sizeof(what), "the jump host does not connect us to %.120s port %d", host, port);
            r = ssh_fail(outer, ERR_UNREACHABLE, rc, what, err);
            err_hint(err, "On the jump host try: nc -vz HOST PORT. Check the host's security group "
                          "(it must let "
                          "the jump host in), the name as the jump host resolves it, and "
                          "AllowTcpForwarding in the jump host's sshd_config.");
            return r;
        }
        if ((r = ssh_wait(outer, deadline_ms, err)) < 0)
            return r;
    }
}

void ssh_jump_close(struct ssh *outer, LIBSSH2_CHANNEL *via)
{
    int64_t deadline = clock_mono_ms() + CLOSE_MS;
    struct err ignored = { 0 };
    while (libssh2_channel_free(via) == LIBSSH2_ERROR_EAGAIN)
        if (ssh_wait(outer, deadline, &ignored) < 0)
            return; /* freed with its session */
}

/* Read `via`, remembering whether that left a window adjustment half sent. */
static ssize_t read_via(struct ssh *s, void *bytes, size_t len)
{
    ssize_t n = libssh2_channel_read_ex(s->via, 0, bytes, len);
    s->via_reading = n == LIBSSH2_ERROR_EAGAIN && s->outer->half_sent;
    return n;
}

ssize_t ssh_jump_send(struct ssh *s, const void *bytes, size_t len)
{
    if (s->via_reading) { /* the packet that the read began comes first */
        char some[4096];
        if (s->ahead.len + sizeof(some) > s->ahead.max)
            return -EAGAIN;
        ssize_t n = read_via(s, some, sizeof(some));
        if (n > 0)
            buf_add(&s->ahead, some, (size_t)n);
        if (s->via_reading)
            return -EAGAIN;
    }
    size_t done = 0;
    while (done < len) { /* one call takes less than an inner packet */
        ssize_t n = libssh2_channel_write_ex(s->via, 0, (const char *)bytes + done, len - done);
        if (n == LIBSSH2_ERROR_EAGAIN || n == 0) /* 0: the outer window is used up */
            break;
        if (n < 0)
            return -ECONNRESET;
        done += (size_t)n;
    }
    return done ? (ssize_t)done : -EAGAIN;
}

ssize_t ssh_jump_recv(struct ssh *s, void *bytes, size_t len)
{
    if (s->ahead.len) {
        size_t n = s->ahead.len < len ? s->ahead.len : len;
        memcpy(bytes, s->ahead.ptr, n);
        buf_consume(&s->ahead, n);
        return (ssize_t)n;
    }
    if (s->outer->half_sent && !s->via_reading)
        return -EAGAIN; /* our own write is half out; a read could want to send as well */
    ssize_t n = read_via(s, bytes, len);
    if (n == LIBSSH2_ERROR_EAGAIN)
        return -EAGAIN;
    if (n == 0)
        return libssh2_channel_eof(s->via) ? 0 : -EAGAIN;
    return n < 0 ? -ECONNRESET : n;
}
