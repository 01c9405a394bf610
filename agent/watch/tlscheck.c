#include "agent/watch/tlscheck.h"

#include "shared/buf.h"
#include "shared/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#define TLS_ALERT 0x15 /* content types of RFC 8446, 5.1 */
#define TLS_HANDSHAKE 0x16

/* A ClientHello of TLS 1.2 with three cipher suites and no extensions (RFC 5246, 7.4.1.2). */
static const uint8_t client_hello[] = {
    TLS_HANDSHAKE,
    3,
    1,
    0,
    49, /* record: handshake, 49 bytes */
    1,
    0,
    0,
    45,
    3,
    3, /* client_hello, 45 bytes, TLS 1.2 */
    'b',
    'l',
    'u',
    'e',
    'g',
    'r',
    'e',
    'e',
    'n',
    ' ',
    'a',
    's',
    'k',
    's',
    ' ',
    'w', /* 32 random bytes */
    'h',
    'o',
    ' ',
    'i',
    's',
    ' ',
    't',
    'h',
    'e',
    'r',
    'e',
    '.',
    '.',
    '.',
    '.',
    '.',
    0, /* no session */
    0,
    6,
    0xc0,
    0x2f,
    0xc0,
    0x2b,
    0,
    0x2f,
    1,
    0, /* no compression */
};

static bool ready(int fd, short events, int64_t deadline)
{
    struct pollfd p = { .fd = fd, .events = events };
    return poll(&p, 1, clock_left_ms(deadline)) == 1;
}

static bool connected(int fd, const struct sockaddr_in *to, int64_t deadline)
{
    int error = 0;
    socklen_t len = sizeof(error);
    if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0)
        return true;
    return errno == EINPROGRESS && ready(fd, POLLOUT, deadline) &&
           getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0;
}

bool tlscheck_speaks_tls(const char *address, int port, int64_t timeout_ms)
{
    int64_t deadline = clock_mono_ms() + timeout_ms;
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    uint8_t answer[3];
    size_t got = 0;
    _cleanup_(close_p) int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 || !connected(fd, &to, deadline) ||
        send(fd, client_hello, sizeof(client_hello), MSG_NOSIGNAL) != (ssize_t)sizeof(client_hello))
        return false;
    while (got < sizeof(answer) && ready(fd, POLLIN, deadline)) {
        ssize_t n = recv(fd, answer + got, sizeof(answer) - got, 0);
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return got == sizeof(answer) && (answer[0] == TLS_ALERT || answer[0] == TLS_HANDSHAKE) && answer[1] == 3;
}
