#include "cmd/cli/handkey.h"

#include "cmd/ssh/sshagent.h"
#include "cmd/ssh/sshkey.h"
#include "shared/clock.h"
#include "shared/fd.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <termios.h>

#define PASSPHRASE_MAX 1024
#define AGENT_MS 5000

/* ---- the passphrase ---- */

/* One line; echo is off. 0, or -kind. */
static int read_line(int tty, int cancel_fd, struct buf *out, struct err *err)
{
    for (;;) {
        struct pollfd p[2] = { { .fd = tty, .events = POLLIN }, { .fd = cancel_fd, .events = POLLIN } };
        char c = '\0';
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return err_set(err, ERR_KEY, errno, "read the passphrase: %s", strerror(errno));
        if (p[1].revents)
            return err_set(err, ERR_CANCEL, 0, "cancelled");
        if (!p[0].revents)
            continue;
        ssize_t n = read(tty, &c, 1);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0 || c == '\n' || c == '\r')
            return n < 0 ? err_set(err, ERR_KEY, errno, "read the passphrase: %s", strerror(errno)) : 0;
        buf_addc(out, c);
    }
}

/* The terminal without echo between the two calls; nothing may end or stop us there. */
static int read_quietly(int tty, const struct termios *before, const char *prompt, int cancel_fd, struct handkey *k,
                        struct err *err)
{
    struct termios quiet = *before;
    sigset_t held, mask;
    int r = 0;
    (void)sigemptyset(&held); /* cannot fail, nor can adding known numbers */
    (void)sigaddset(&held, SIGQUIT);
    (void)sigaddset(&held, SIGHUP);
    (void)sigaddset(&held, SIGTSTP);
    if (pthread_sigmask(SIG_BLOCK, &held, &mask) != 0)
        return err_set(err, ERR_BUG, 0, "block signals");
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(tty, TCSAFLUSH, &quiet) < 0 || fd_write(tty, span_of(prompt)) < 0)
        r = err_set(err, ERR_KEY, errno, "ask for the passphrase: %s", strerror(errno));
    else
        r = read_line(tty, cancel_fd, &k->passphrase, err);
    (void)tcsetattr(tty, TCSAFLUSH, before);         /* the terminal as it was, whatever came */
    (void)fd_write(tty, SPAN_LIT("\n"));             /* an ornament */
    (void)pthread_sigmask(SIG_SETMASK, &mask, NULL); /* a set that was valid */
    return r;
}

static int ask_passphrase(struct handkey *k, int cancel_fd, struct err *err)
{
    struct termios before;
    char prompt[1100];
    _cleanup_(close_p) int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0 || tcgetattr(tty, &before) < 0) {
        int r = err_set(err, ERR_KEY, 0, "the key '%.200s' has a passphrase, and there is no terminal to ask for it",
                        k->path);
        err_hint(err, "Hand the key to ssh-agent (ssh-add), or both over on standard input: --secrets-stdin with "
                      "{\"ssh-key\": ..., \"ssh-key-passphrase\": ...}.");
        return r;
    }
    (void)snprintf(prompt, sizeof(prompt), "Passphrase of %s: ", k->path);
    int r = read_quietly(tty, &before, prompt, cancel_fd, k, err);
    return r == 0 && k->passphrase.failed ? err_set(err, ERR_KEY, 0, "the passphrase is too long") : r;
}

/* ---- the file ---- */

/* 1: there is no such file. */
static int read_file(const char *path, struct handkey *k, struct err *err)
{
    struct stat st;
    _cleanup_(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT)
        return 1;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(err, ERR_KEY, errno, "the key '%.200s' cannot be read: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_KEY, 0, "the key '%.200s' is no file", path);
    if (st.st_uid == getuid() && (st.st_mode & 077)) { /* ssh's own rule */
        int r = err_set(err, ERR_KEY, 0, "others may read the key '%.200s' (mode %04o)", path,
                        (unsigned)(st.st_mode & 07777));
        err_hint(err, "It is to be readable by you alone: chmod 600 %.200s", path);
        return r;
    }
    if (fd_read(fd, &k->text) < 0)
        return err_set(err, ERR_KEY, errno, "the key '%.200s' cannot be read: %s", path,
                       k->text.failed ? "it is too long to be one" : strerror(errno));
    (void)snprintf(k->path, sizeof(k->path), "%s", path);
    return 0;
}

static bool is_encrypted(const struct handkey *k)
{
    struct sshkey key;
    bool encrypted = sshkey_parse(buf_span(&k->text), true, &key, NULL) == 0 && key.encrypted;
    sshkey_done(&key);
    return encrypted;
}

static int use_file(const char *path, int cancel_fd, struct handkey *k, struct err *err)
{
    int r = read_file(path, k, err);
    return r == 0 && is_encrypted(k) ? ask_passphrase(k, cancel_fd, err) : r;
}

/* ---- which one ---- */

/* An agent that is gone, or empty, is none. */
static bool agent_has_keys(const char *socket, int cancel_fd)
{
    struct sshagent agent;
    bool has = sshagent_open(socket, clock_mono_ms() + AGENT_MS, cancel_fd, &agent, NULL) == 0;
    sshagent_done(&agent);
    return has;
}

int handkey_find(const char *identity, int cancel_fd, struct handkey *ret, struct err *err)
{
    static const char *const names[] = { "id_ed25519", "id_ecdsa", "id_rsa" };
    const char *socket = getenv("SSH_AUTH_SOCK"), *home = getenv("HOME");
    char path[1024];
    *ret = (struct handkey){ .text = BUF_INIT(SSHKEY_TEXT_MAX), .passphrase = BUF_INIT(PASSPHRASE_MAX) };
    if (identity) {
        int r = use_file(identity, cancel_fd, ret, err);
        return r == 1 ? err_set(err, ERR_KEY, ENOENT, "there is no key '%.200s'", identity) : r;
    }
    if (socket && *socket && agent_has_keys(socket, cancel_fd)) {
        ret->agent = socket;
        return 0;
    }
    int r = 1;
    for (size_t i = 0; r == 1 && home && *home && i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%.900s/.ssh/%s", home, names[i]);
        r = use_file(path, cancel_fd, ret, err);
    }
    return r == 1 ? 0 : r;
}

void handkey_done(struct handkey *k)
{
    buf_wipe_done(&k->text);
    buf_wipe_done(&k->passphrase);
}
