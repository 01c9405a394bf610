#include "cmd/ssh/ssh_internal.h"

#include "shared/clock.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#define KEEPALIVE_IDLE_S 10
#define KEEPALIVE_EVERY_S 5
#define KEEPALIVE_PROBES 2

static void free_addresses_p(struct addrinfo **list)
{
    if (*list)
        freeaddrinfo(*list);
    *list = NULL;
}

static int resolve(const char *host, int port, struct addrinfo **ret, struct err *err)
{
    char service[12];
    (void)snprintf(service, sizeof(service), "%d", port);
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
    if (getaddrinfo(host, service, &hints, ret) == 0) /* an address needs no resolver, which may be slow */
        return 0;
    hints.ai_flags = 0;
    int rc = getaddrinfo(host, service, &hints, ret);
    if (rc == 0)
        return 0;
    int r = err_set(err, ERR_UNREACHABLE, rc, "the name '%s' does not resolve: %s", host,
                    rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
    err_hint(err, "Check the spelling of the host. A private name (*.internal, VPC DNS) resolves only "
                  "inside its network: use the public name, a jump host or a runner in the VPC.");
    return r;
}

/* 0, -ERR_CANCEL, or 1 with *error set. */
static int connect_one(const struct addrinfo *a, int64_t deadline_ms, int cancel_fd, int *ret_fd, int *error,
                       struct err *err)
{
    _cleanup_(close_p) int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
    if (fd < 0 || (connect(fd, a->ai_addr, a->ai_addrlen) < 0 && errno != EINPROGRESS)) {
        *error = errno;
        return 1;
    }
    for (;;) {
        struct pollfd p[2] = { { .fd = fd, .events = POLLOUT }, { .fd = cancel_fd, .events = POLLIN } };
        int n = poll(p, 2, clock_left_ms(deadline_ms));
        if (n < 0 && errno != EINTR)
            return err_set(err, ERR_BUG, errno, "poll: %s", strerror(errno));
        if (n > 0 && p[1].revents)
            return err_set(err, ERR_CANCEL, 0, "cancelled");
        if (n > 0 && p[0].revents)
            break;
        if (clock_left_ms(deadline_ms) == 0) {
            *error = ETIMEDOUT;
            return 1;
        }
    }
    socklen_t len = sizeof(*error);
    *error = 0;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, error, &len) < 0)
        *error = errno;
    if (*error)
        return 1;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static void set_option(int fd, int level, int name, int value)
{
    /* A kernel that lacks one of these loses speed or an earlier notice, nothing else. */
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

static void tune(int fd)
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, SSH_DEAD_AFTER_MS);
}

static int explain(const char *host, int port, int error, struct err *err)
{
    if (error == ETIMEDOUT) {
        int r = err_set(err, ERR_UNREACHABLE, error, "no answer from %s port %d", host, port);
        err_hint(err, "Does the security group or firewall let this runner in on that port? Is the "
                      "address still the host's? A host in a private subnet needs a jump host.");
        return r;
    }
    int r = err_set(err, ERR_UNREACHABLE, error, "connect to %s port %d: %s", host, port, strerror(error));
    if (error == ECONNREFUSED)
        err_hint(err, "The host is there but nothing listens on that port: is sshd running, and is "
                      "ssh-port right?");
    return r;
}

int ssh_tcp_connect(const char *host, int port, int64_t deadline_ms, int cancel_fd, int *ret_fd, struct err *err)
{
    _cleanup_(free_addresses_p) struct addrinfo *list = NULL;
    int r = resolve(host, port, &list, err);
    if (r < 0)
        return r;
    int waiting = 0, error = EHOSTUNREACH;
    for (const struct addrinfo *a = list; a; a = a->ai_next)
        waiting++;
    for (const struct addrinfo *a = list; a; a = a->ai_next, waiting--) {
        /* a fair share each, so that one dead address does not eat the time of the next */
        int64_t until = clock_mono_ms() + clock_left_ms(deadline_ms) / waiting;
        int this_error = 0;
        r = connect_one(a, until, cancel_fd, ret_fd, &this_error, err);
        if (r == 0)
            tune(*ret_fd);
        if (r <= 0)
            return r;
        /* "no IPv6 here" of a later address says less than the failure of one that could be tried */
        if (a == list || (this_error != ENETUNREACH && this_error != EAFNOSUPPORT))
            error = this_error;
    }
    return explain(host, port, error, err);
}
