#include "cmd/ssh/ssh_internal.h"

#include "shared/clock.h"

#define OPEN_MS 20000
#define EOF_MS 10000
#define EXIT_MS 1000 /* comes on top of what a cancelled run waits: together below the runner's 10 s */
#define CLOSE_MS 300
#define READ_CHUNK (32 * 1024)
#define WRITE_CHUNK 32700      /* what libssh2 takes at most in one call */
#define AHEAD_MAX (256 * 1024) /* output that arrives while we write */
#define STDERR_MAX (8 * 1024)

struct ssh_channel {
    struct ssh *ssh;
    LIBSSH2_CHANNEL *channel;
    struct buf ahead;  /* stdout that was read before the caller asked */
    struct buf errors; /* the end of stderr */
    bool ended;        /* both streams are at their end */
};

/* Repeat an integer call while it says EAGAIN. */
#define REPEAT(s, deadline_ms, err, r, rc, call)                                                                       \
    do {                                                                                                               \
        (r) = 0;                                                                                                       \
        while (((rc) = (call)) == LIBSSH2_ERROR_EAGAIN)                                                                \
            if (((r) = ssh_wait((s), (deadline_ms), (err))) < 0)                                                       \
                break;                                                                                                 \
    } while (0)

static int open_channel(struct ssh *s, int64_t deadline_ms, LIBSSH2_CHANNEL **ret, struct err *err)
{
    while (!(*ret = libssh2_channel_open_session(s->session))) {
        int rc = libssh2_session_last_errno(s->session), r;
        if (rc != LIBSSH2_ERROR_EAGAIN) {
            r = ssh_fail(s, ERR_NET, rc, "open a channel", err);
            err_hint(err, "The server allows no session for this user: look at MaxSessions and at "
                          "'restrict' in authorized_keys.");
            return r;
        }
        if ((r = ssh_wait(s, deadline_ms, err)) < 0)
            return err_wrap(err, "open a channel");
    }
    s->channels++;
    return 0;
}

int ssh_exec(struct ssh *s, const char *command, struct ssh_channel **ret, struct err *err)
{
    int64_t deadline = clock_mono_ms() + OPEN_MS;
    _cleanup_(ssh_channel_free_p) struct ssh_channel *c = calloc(1, sizeof(*c));
    if (!c)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    c->ssh = s;
    buf_init(&c->ahead, AHEAD_MAX);
    buf_init(&c->errors, 2 * STDERR_MAX);
    int rc, r = open_channel(s, deadline, &c->channel, err);
    if (r < 0)
        return r;
    REPEAT(s, deadline, err, r, rc,
           libssh2_channel_process_startup(c->channel, "exec", 4, command, (unsigned)strlen(command)));
    if (r < 0)
        return err_wrap(err, "start a command");
    if (rc < 0) {
        r = ssh_fail(s, ERR_NET, rc, "start a command", err);
        err_hint(err, "The server does not let this user run commands: look at ForceCommand and "
                      "authorized_keys.");
        return r;
    }
    *ret = TAKE_PTR(c);
    return 0;
}

static void keep_stderr(struct ssh_channel *c, const char *bytes, size_t len)
{
    if (len > STDERR_MAX) {
        bytes += len - STDERR_MAX;
        len = STDERR_MAX;
    }
    if (c->errors.len + len > STDERR_MAX)
        buf_consume(&c->errors, c->errors.len + len - STDERR_MAX);
    buf_add(&c->errors, bytes, len);
}

static int read_failed(struct ssh_channel *c, ssize_t n, struct err *err)
{
    return ssh_fail(c->ssh, ERR_NET, (int)n, "read", err);
}

/*
 * Take what has arrived: at most `max` bytes of stdout into out, and stderr, which would stall the session if it were
 * left. 1 got something, 0 nothing, -ERR_NET.
 */
static int pump(struct ssh_channel *c, struct buf *out, size_t max, struct err *err)
{
    char bytes[READ_CHUNK];
    bool some = false;
    if (max > sizeof(bytes))
        max = sizeof(bytes);
    if (max > 0) {
        ssize_t n = libssh2_channel_read_ex(c->channel, 0, bytes, max);
        if (n < 0 && n != LIBSSH2_ERROR_EAGAIN)
            return read_failed(c, n, err);
        if (n > 0) {
            buf_add(out, bytes, (size_t)n);
            some = true;
        }
    }
    ssize_t n = libssh2_channel_read_ex(c->channel, SSH_EXTENDED_DATA_STDERR, bytes, sizeof(bytes));
    if (n < 0 && n != LIBSSH2_ERROR_EAGAIN)
        return read_failed(c, n, err);
    if (n > 0) {
        keep_stderr(c, bytes, (size_t)n);
        some = true;
    }
    if (!some && libssh2_channel_eof(c->channel) == 1) /* only true when nothing is left unread */
        c->ended = true;
    return some;
}

int ssh_read(struct ssh_channel *c, struct buf *out, size_t max, int64_t timeout_ms, struct err *err)
{
    int64_t deadline = clock_mono_ms() + timeout_ms;
    size_t before = out->len;
    if (c->ahead.len) {
        size_t n = c->ahead.len < max ? c->ahead.len : max;
        buf_add(out, c->ahead.ptr, n);
        buf_consume(&c->ahead, n);
        return buf_check(out, err);
    }
    if (ssh_is_cancelled(c->ssh)) /* a peer that never pauses must not hide it */
        return err_set(err, ERR_CANCEL, 0, "cancelled");
    for (;;) {
        if (c->ended)
            return 1;
        int r = pump(c, out, max, err);
        if (r < 0)
            return r;
        if (out->failed)
            return buf_check(out, err);
        if (out->len > before)
            return 0;
        if (r == 0 && !c->ended && (r = ssh_wait(c->ssh, deadline, err)) < 0)
            return r;
    }
}

/*
 * Before a new write: let a read that is sending a window adjustment finish, since no other call may send before. 1 when
 * the command has ended.
 */
static int finish_sending(struct ssh_channel *c, int64_t deadline_ms, struct err *err)
{
    while (c->ssh->half_sent) {
        int r = pump(c, &c->ahead, AHEAD_MAX - c->ahead.len, err);
        if (r < 0)
            return r;
        if (c->ended)
            return 1;
        if (c->ssh->half_sent && (r = ssh_wait(c->ssh, deadline_ms, err)) < 0)
            return r;
    }
    return 0;
}

int ssh_write(struct ssh_channel *c, struct span data, int64_t timeout_ms, struct err *err)
{
    int64_t deadline = clock_mono_ms() + timeout_ms;
    int r = finish_sending(c, deadline, err);
    while (r == 0 && data.len > 0) {
        size_t chunk = data.len < WRITE_CHUNK ? data.len : WRITE_CHUNK;
        ssize_t n = libssh2_channel_write_ex(c->channel, 0, data.ptr, chunk);
        if (n > 0) {
            data = (struct span){ data.ptr + n, data.len - (size_t)n };
            continue;
        }
        if (n == LIBSSH2_ERROR_CHANNEL_CLOSED || n == LIBSSH2_ERROR_CHANNEL_EOF_SENT)
            return 1;
        if (n < 0 && n != LIBSSH2_ERROR_EAGAIN)
            return ssh_fail(c->ssh, ERR_NET, (int)n, "write", err);
        /* A packet that is half out must be finished by this very call; a closed window opens by reading. */
        if (!c->ssh->half_sent) {
            if ((r = pump(c, &c->ahead, AHEAD_MAX - c->ahead.len, err)) < 0)
                break;
            if (c->ended)
                return 1;
            if (r == 1) {
                r = finish_sending(c, deadline, err);
                continue;
            }
            if ((r = finish_sending(c, deadline, err)) != 0)
                break;
        }
        r = ssh_wait(c->ssh, deadline, err);
    }
    return r < 0 ? err_wrap(err, "send to %s", c->ssh->where) : r;
}

int ssh_send_eof(struct ssh_channel *c, struct err *err)
{
    int64_t deadline = clock_mono_ms() + EOF_MS;
    int rc, r = finish_sending(c, deadline, err);
    if (r != 0)
        return r < 0 ? r : 0;
    REPEAT(c->ssh, deadline, err, r, rc, libssh2_channel_send_eof(c->channel));
    if (r == 0 && rc < 0 && rc != LIBSSH2_ERROR_CHANNEL_CLOSED)
        return ssh_fail(c->ssh, ERR_NET, rc, "end the input", err);
    return r;
}

struct span ssh_stderr(const struct ssh_channel *c)
{
    return buf_span(&c->errors);
}

int ssh_exit_status(struct ssh_channel *c)
{
    /* The status may come a moment after the end of the streams; the close comes after it. */
    int64_t deadline = clock_mono_ms() + EXIT_MS;
    struct err ignored = { 0 };
    int rc, r;
    if (!c->ended)
        return -1;
    REPEAT(c->ssh, deadline, &ignored, r, rc, libssh2_channel_wait_closed(c->channel));
    if (r < 0 || rc < 0)
        return -1;
    char *signal_name = NULL;
    size_t len = 0;
    (void)libssh2_channel_get_exit_signal(c->channel, &signal_name, &len, NULL, NULL, NULL, NULL);
    if (signal_name) {
        libssh2_free(c->ssh->session, signal_name);
        return -1;
    }
    return libssh2_channel_get_exit_status(c->channel);
}

void ssh_channel_free(struct ssh_channel *c)
{
    if (!c)
        return;
    /*
     * Closing waits for the server, and that for the end of the remote process. So only a channel whose command is over is
     * closed; another one goes with the session.
     */
    if (c->channel && c->ended && !c->ssh->half_sent) {
        int64_t deadline = clock_mono_ms() + CLOSE_MS;
        struct err ignored = { 0 };
        int rc, r;
        REPEAT(c->ssh, deadline, &ignored, r, rc, libssh2_channel_free(c->channel));
        (void)r;
        (void)rc;
    }
    buf_done(&c->ahead);
    buf_done(&c->errors);
    free(c);
}

void ssh_channel_free_p(struct ssh_channel **c)
{
    ssh_channel_free(*c);
    *c = NULL;
}
