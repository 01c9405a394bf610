#include "agent/watch/sockets.h"

#include <arpa/inet.h>
#include <inttypes.h>

#define TCP_LISTEN 0x0A /* include/net/tcp_states.h */
#define ENGINE_DNS "127.0.0.11"

/* Groups of four bytes, each printed as a number in the machine's own byte order (net/ipv4/tcp_ipv4.c). */
static size_t read_address(const char *hex, uint8_t out[16])
{
    size_t digits = strlen(hex), n = 0;
    if (digits != 8 && digits != 32)
        return 0;
    for (; n < digits / 2; n += 4) {
        char word[9];
        uint32_t value;
        memcpy(word, hex + n * 2, 8);
        word[8] = '\0';
        if (sscanf(word, "%" SCNx32, &value) != 1)
            return 0;
        memcpy(out + n, &value, 4);
    }
    return n;
}

static bool take_address(const char *hex, struct socket_listener *l)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    static const uint8_t loopback6[16] = { [15] = 1 };
    uint8_t bytes[16];
    size_t n = read_address(hex, bytes);
    if (n == 0)
        return false;
    bool is_mapped = n == 16 && memcmp(bytes, mapped, sizeof(mapped)) == 0;
    const uint8_t *v4 = n == 4 ? bytes : is_mapped ? bytes + 12 : NULL;
    l->loopback = v4 ? v4[0] == 127 : memcmp(bytes, loopback6, sizeof(loopback6)) == 0;
    return inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? v4 : bytes, l->address, sizeof(l->address)) != NULL;
}

bool sockets_next(FILE *f, struct socket_listener *ret)
{
    char line[512], address[40];
    while (fgets(line, sizeof(line), f)) {
        unsigned port, state;
        uint64_t inode;
        /* sl local:port remote:port state tx:rx tr:when retrnsmt uid timeout inode */
        if (sscanf(line, " %*d: %39[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*s %*s %" SCNu64, address, &port,
                   &state, &inode) != 4 ||
            state != TCP_LISTEN || port > 65535)
            continue;
        memset(ret, 0, sizeof(*ret));
        ret->port = (int)port;
        ret->inode = inode;
        if (take_address(address, ret))
            return true;
    }
    return false;
}

static bool is_there(const struct sockets *s, const struct socket_listener *l)
{
    for (size_t i = 0; i < s->len; i++)
        if (s->at[i].port == l->port && strcmp(s->at[i].address, l->address) == 0)
            return true;
    return false;
}

void sockets_read(const char *net_dir, struct sockets *ret)
{
    static const char *const names[] = { "tcp", "tcp6" };
    memset(ret, 0, sizeof(*ret));
    for (size_t i = 0; i < 2; i++) {
        char path[300];
        struct socket_listener l;
        (void)snprintf(path, sizeof(path), "%s/%s", net_dir, names[i]);
        _cleanup_(fclose_p) FILE *f = fopen(path, "re");
        ret->known = ret->known || f;
        while (f && ret->len < SOCKETS_MAX && sockets_next(f, &l))
            if (strcmp(l.address, ENGINE_DNS) != 0 && !is_there(ret, &l))
                ret->at[ret->len++] = l;
    }
}

static const struct socket_listener *pick(const struct sockets *s, int port, bool same)
{
    const struct socket_listener *found = NULL;
    for (size_t i = 0; i < s->len; i++)
        if ((s->at[i].port == port) == same && (!found || (found->loopback && !s->at[i].loopback)))
            found = &s->at[i];
    return found;
}

const struct socket_listener *sockets_on(const struct sockets *s, int port)
{
    return pick(s, port, true);
}

const struct socket_listener *sockets_elsewhere(const struct sockets *s, int port)
{
    return pick(s, port, false);
}

void sockets_text(const struct sockets *s, struct buf *out)
{
    if (s->len == 0)
        buf_adds(out, "no TCP port");
    for (size_t i = 0; i < s->len; i++) {
        bool v6 = strchr(s->at[i].address, ':') != NULL;
        buf_addf(out, "%s%s%s%s:%d", i ? ", " : "", v6 ? "[" : "", s->at[i].address, v6 ? "]" : "", s->at[i].port);
    }
}
