#include "agent/traffic/ports.h"

#include "agent/watch/sockets.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* The inode of the socket that listens on the port, from /proc/net/tcp or tcp6; 0: none. */
static uint64_t listening_inode(const char *path, int port)
{
    _cleanup_(fclose_p) FILE *f = fopen(path, "re");
    struct socket_listener l;
    while (f && sockets_next(f, &l))
        if (l.port == port)
            return l.inode ? l.inode : 1;
    return 0;
}

static bool has_socket(const char *pid, uint64_t inode)
{
    char path[300], link[64], wanted[64];
    (void)snprintf(path, sizeof(path), "/proc/%s/fd", pid);
    (void)snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", inode);
    DIR *dir = opendir(path);
    if (!dir)
        return false; /* another user's process: not for us to see */
    bool found = false;
    for (const struct dirent *d; !found && (d = readdir(dir));) {
        ssize_t n = readlinkat(dirfd(dir), d->d_name, link, sizeof(link) - 1);
        if (n > 0) {
            link[n] = '\0';
            found = strcmp(link, wanted) == 0;
        }
    }
    closedir(dir);
    return found;
}

static bool name_owner(uint64_t inode, struct buf *owner)
{
    DIR *proc = opendir("/proc");
    bool found = false;
    for (const struct dirent *d; proc && !found && (d = readdir(proc));) {
        char path[300], name[64] = "";
        if (!isdigit((unsigned char)d->d_name[0]) || !has_socket(d->d_name, inode))
            continue;
        (void)snprintf(path, sizeof(path), "/proc/%s/comm", d->d_name);
        _cleanup_(fclose_p) FILE *f = fopen(path, "re");
        if (f && fgets(name, sizeof(name), f))
            name[strcspn(name, "\n")] = '\0';
        buf_addf(owner, "process '%s' (pid %s)", name, d->d_name);
        found = true;
    }
    if (proc)
        closedir(proc);
    return found;
}

bool ports_listener(int port, struct buf *owner)
{
    uint64_t inode = listening_inode("/proc/net/tcp", port);
    if (!inode)
        inode = listening_inode("/proc/net/tcp6", port);
    if (!inode)
        return false;
    if (!name_owner(inode, owner))
        buf_adds(owner, "a process that this user may not look at (on the host, 'sudo ss -ltnp' shows it)");
    return true;
}

/* The running container that publishes the port; NULL: none. */
static const struct json *publisher(const struct json *containers, int port)
{
    for (const struct json *c = json_first(containers); c; c = json_next(c))
        for (const struct json *p = json_first(json_get(c, "Ports")); p; p = json_next(p))
            if (json_int(p, "PublicPort", 0) == port && strcmp(json_str(p, "Type", "tcp"), "tcp") == 0)
                return c;
    return NULL;
}

static bool is_blue(const struct run *run, const struct json *container)
{
    return run->old.exists && strcmp(json_str(container, "Id", ""), run->old.c.id) == 0;
}

/* True when the port is free; else the owner in words. Blue counts as owner too: *blue tells. */
static bool is_free(const struct run *run, const struct json *containers, int port, bool *blue, struct buf *owner)
{
    const struct json *c = publisher(containers, port);
    *blue = c && is_blue(run, c);
    if (c) {
        const char *name = json_value_str(json_first(json_get(c, "Names")), "");
        buf_addf(owner, "container '%s' (image %s)", name[0] == '/' ? name + 1 : name, json_str(c, "Image", ""));
        return false;
    }
    return !ports_listener(port, owner);
}

static int hold(int family, const struct sockaddr *address, socklen_t size)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), both = 0;
    if (fd < 0)
        return -1;
    if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &both, sizeof(both));
    if (bind(fd, address, size) == 0)
        return fd;
    close(fd);
    return -1;
}

int ports_hold(int port)
{
    const struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    const struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    /* libc's own way to pass addresses */
    int fd = hold(AF_INET6, (const struct sockaddr *)&any6, sizeof(any6));
    return fd >= 0 ? fd : hold(AF_INET, (const struct sockaddr *)&any4, sizeof(any4));
}

bool ports_owner(struct run *run, int port, struct buf *owner)
{
    _cleanup_(json_free_p) struct json *containers = NULL;
    struct err ignored = { 0 };
    bool blue;
    if (!run->engine || engine_container_list(run->engine, NULL, &containers, &ignored) < 0)
        return ports_listener(port, owner);
    return !is_free(run, containers, port, &blue, owner);
}

int ports_check(struct run *run, int first, int last, struct err *err)
{
    _cleanup_(json_free_p) struct json *containers = NULL;
    int production = (int)run->spec.port;
    if (engine_container_list(run->engine, NULL, &containers, err) < 0)
        return err_wrap(err, "look for the owner of port %d", production);
    for (int port = first; port <= last; port++) {
        _cleanup_(buf_done_p) struct buf owner = BUF_INIT(1024);
        bool blue = false;
        if (is_free(run, containers, port, &blue, &owner) || blue)
            continue;
        if (port == production) {
            err_hint(err, "Stop it, or give the app another port with the input 'port'.");
            return err_set(err, ERR_PORT_TAKEN, port, "port %d of the host belongs to %s", port, buf_str(&owner));
        }
        err_hint(err, "Set the input 'spare-port' to a free port next to 'port', or use 'strategy: recreate'.");
        return err_set(err, ERR_PORT_TAKEN, port, "handover needs the spare port %d; it belongs to %s", port,
                       buf_str(&owner));
    }
    return 0;
}
