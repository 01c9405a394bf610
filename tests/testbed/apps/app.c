/*
 * The sample application of the test bed: one static program, its behaviour chosen by its environment.
 *
 *   APP_VERSION=v1     text of every answer ("v1")
 *   PORT=8080          where it listens
 *   BOOT_MS=0          time before it listens
 *   HEALTH_STATUS=200  status of /health
 *   EXIT_CODE=         leave at once with this code and a word about a missing variable
 *   IGNORE_TERM=1      SIGTERM has no effect
 *   DIE_AFTER_MS=      leave with code 4 that long after it began to listen
 *   LOG_MB=            print so many megabytes while serving
 *   PRINT_FILE=        print this file before anything else is decided
 *   PRINT_CHUNK=4096   bytes of it in one write
 *   DB=a.b.c.d:port    hold a TCP connection open; /health says whether the first one is still alive
 *
 * How it may fail before it listens, each with the kernel's or the resolver's own words:
 *   EXIT_SAY=text      what it says before it leaves with EXIT_CODE, in place of the missing variable
 *   NEED=name:port     connect there first; leave with code 1 when that fails, or when the greeting begins with FATAL
 *   NEED_FOREVER=1     try that again and again instead of leaving
 *   ALLOC_MB=          use so much memory; LIMIT_MB=: may not have more than that, and ends when it gets none
 *   WRITE=path         write WRITE_KB=1 kilobytes to a file; READ=path: read one
 *   RAISE=signal       a child dies of that signal, and it leaves with 128 + signal, as a shell does
 *   CRASH=segv|ill     do what the processor forbids
 * How it may answer wrongly:
 *   LISTEN=127.0.0.1   where it listens; LISTEN_TWICE=1: two sockets on one port
 *   ANSWER_MS=         time that it takes for /health
 *   SAY=text           a line of log before it listens
 *   SICK_AFTER=        status 503 for /health after so many good answers
 *   GARBAGE=1          answer with what is not HTTP
 *   TERM_CODE=0        exit code after SIGTERM
 * Called as `app fail` it returns 1: a HEALTHCHECK that fails.
 *
 * Answers: "/" -> "VERSION\n", "/health" -> "ok VERSION\n" (with DB: "ok VERSION db=up connects=1\n").
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 200
#define REQUEST_MAX 4096

struct client {
    int fd;
    size_t len;
    char in[REQUEST_MAX];
};

static struct client clients[CLIENTS_MAX];
static size_t client_count;
static const char *version;
static int health_status;
static long good_answers_left; /* of /health, until it gets sick; 0: no limit */
static int term_code;

static int db_fd = -1;
static bool db_wanted;
static struct sockaddr_in db_addr;
static unsigned db_connects;
static int64_t db_next_ms;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static long env_long(const char *name, long dflt)
{
    const char *v = getenv(name);
    return v && *v ? strtol(v, NULL, 10) : dflt;
}

static void on_term(int sig)
{
    (void)sig;
    _exit(term_code);
}

/* The log of the log-heavy variant comes from a child, so that serving is not held up by a slow log driver. */
static void print_much(long megabytes)
{
    if (fork() != 0)
        return;
    static char line[1024];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    for (long i = 0; i < megabytes * 1024; i++) {
        int n = snprintf(line, sizeof line, "line %ld ", i);
        line[n] = 'x';
        size_t done = 0;
        while (done < sizeof line) {
            ssize_t w = write(STDOUT_FILENO, line + done, sizeof line - done);
            if (w <= 0)
                _exit(1);
            done += (size_t)w;
        }
    }
    _exit(0);
}

/* In many small writes, so that no reader gets it as it was meant to be together. */
static void print_file(const char *path, long chunk)
{
    static char bytes[65536];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;
    fflush(stdout);
    while ((n = read(fd, bytes, sizeof bytes)) > 0)
        for (ssize_t done = 0; done < n;) {
            ssize_t w = write(STDOUT_FILENO, bytes + done, (size_t)(n - done < chunk ? n - done : chunk));
            if (w <= 0)
                break;
            done += w;
        }
    close(fd);
}

static void db_read_env(void)
{
    const char *v = getenv("DB");
    if (!v || !*v)
        return;
    char host[64];
    int port = 0;
    if (sscanf(v, "%63[0-9.]:%d", host, &port) != 2 || inet_pton(AF_INET, host, &db_addr.sin_addr) != 1) {
        fprintf(stderr, "DB is not an address and a port: %s\n", v);
        exit(2);
    }
    db_addr.sin_family = AF_INET;
    db_addr.sin_port = htons((uint16_t)port);
    db_wanted = true;
}

static void db_connect(void)
{
    db_next_ms = now_ms() + 200;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval limit = { .tv_sec = 1 };
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&db_addr, sizeof db_addr) < 0) {
        printf("database: connect: %s\n", strerror(errno));
        close(fd);
        return;
    }
    int timeout_ms = 3000; /* an unacknowledged query this old ends the connection */
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    db_fd = fd;
    db_connects++;
    printf("database: connected (%u)\n", db_connects);
}

/* One byte as a query every turn, read and dropped answers: enough to notice a dead connection. */
static void db_step(void)
{
    if (!db_wanted || now_ms() < db_next_ms)
        return;
    if (db_fd < 0) {
        db_connect();
        return;
    }
    db_next_ms = now_ms() + 100;
    char sink[256];
    ssize_t r = recv(db_fd, sink, sizeof sink, MSG_DONTWAIT);
    bool lost = r == 0 || (r < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
    if (!lost && send(db_fd, "q", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        lost = errno != EAGAIN && errno != EWOULDBLOCK;
    if (lost) {
        printf("database: connection lost\n");
        close(db_fd);
        db_fd = -1;
    }
}

static bool answer(struct client *c)
{
    bool health = strncmp(c->in, "GET /health", 11) == 0;
    if (env_long("GARBAGE", 0)) {
        (void)!write(c->fd, "220 mail ready\r\n", 16);
        return false;
    }
    if (health && good_answers_left && good_answers_left-- == 1)
        health_status = 503;
    if (health && env_long("ANSWER_MS", 0) > 0)
        poll(NULL, 0, (int)env_long("ANSWER_MS", 0));
    bool keep = strstr(c->in, "onnection: close") == NULL && strstr(c->in, "HTTP/1.1\r\n") != NULL;
    int status = health ? health_status : 200;
    char body[256], out[768];
    if (health && db_wanted) {
        status = db_fd >= 0 ? status : 503;
        snprintf(body, sizeof body, "%s %s db=%s connects=%u\n", status == 200 ? "ok" : "bad", version,
                 db_fd >= 0 ? "up" : "down", db_connects);
    } else if (health) {
        snprintf(body, sizeof body, "%s %s\n", status == 200 ? "ok" : "bad", version);
    } else {
        snprintf(body, sizeof body, "%s\n", version);
    }
    int n = snprintf(out, sizeof out,
                     "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nX-Version: %s\r\n%s"
                     "Connection: %s\r\n\r\n%s",
                     status, status == 200 ? "OK" : "No", strlen(body), version,
                     status / 100 == 3 ? "Location: /login\r\n" : "", keep ? "keep-alive" : "close", body);
    return send(c->fd, out, (size_t)n, MSG_NOSIGNAL) == n && keep;
}

/* False: the client is to be closed. */
static bool serve(struct client *c)
{
    ssize_t r = recv(c->fd, c->in + c->len, sizeof c->in - 1 - c->len, 0);
    if (r <= 0)
        return r < 0 && errno == EAGAIN;
    c->len += (size_t)r;
    c->in[c->len] = '\0';
    if (!strstr(c->in, "\r\n\r\n"))
        return c->len < sizeof c->in - 1;
    bool keep = answer(c);
    c->len = 0;
    return keep;
}

static void accept_one(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (client_count == CLIENTS_MAX) {
        close(fd);
        return;
    }
    clients[client_count++] = (struct client){ .fd = fd };
}

static void loop(int listener, int64_t die_at_ms)
{
    struct pollfd p[CLIENTS_MAX + 1];
    for (;;) {
        size_t n = client_count;
        p[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
        for (size_t i = 0; i < n; i++)
            p[i + 1] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
        poll(p, (nfds_t)n + 1, db_wanted || die_at_ms ? 50 : 1000);
        if (die_at_ms && now_ms() >= die_at_ms) {
            printf("fatal: out of luck\n");
            fflush(stdout);
            _exit(4);
        }
        db_step();
        for (size_t i = n; i-- > 0;) {
            if (!p[i + 1].revents || serve(&clients[i]))
                continue;
            close(clients[i].fd);
            clients[i] = clients[--client_count];
        }
        if (p[0].revents)
            accept_one(listener);
    }
}

static int listen_at(const char *address, int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (inet_pton(AF_INET, address, &at.sin_addr) != 1 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 ||
        listen(fd, 512) < 0) {
        perror("listen");
        exit(2);
    }
    return fd;
}

static int listen_on(int port)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1, zero = 0;
    struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
        if (bind(fd, (struct sockaddr *)&any6, sizeof any6) == 0 && listen(fd, 512) == 0)
            return fd;
        close(fd);
    }
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&any4, sizeof any4) < 0 || listen(fd, 512) < 0) {
        perror("listen");
        exit(2);
    }
    return fd;
}

static void fail(const char *what, const char *why)
{
    printf("fatal: %s: %s\n", what, why);
    exit(1);
}

/* NULL when it answered as it should; else why not. */
static const char *connect_to(const char *name, const char *port)
{
    static char greeting[200];
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found;
    int r = getaddrinfo(name, port, &hints, &found);
    if (r != 0)
        return gai_strerror(r);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int timeout_ms = 500;
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
    if (connect(fd, found->ai_addr, found->ai_addrlen) < 0)
        return strerror(errno);
    struct pollfd p = { .fd = fd, .events = POLLIN };
    ssize_t n = poll(&p, 1, 200) == 1 ? read(fd, greeting, sizeof greeting - 1) : 0;
    greeting[n > 0 ? n : 0] = '\0';
    return strncmp(greeting, "FATAL", 5) == 0 ? greeting : NULL;
}

static void need(const char *what)
{
    char name[200], port[16];
    const char *why;
    if (sscanf(what, "%199[^:]:%15s", name, port) != 2)
        fail("NEED", "is not a name and a port");
    while ((why = connect_to(name, port)) && env_long("NEED_FOREVER", 0)) {
        printf("waiting for %s: %s\n", what, why);
        poll(NULL, 0, 200);
    }
    if (why)
        fail(what, why);
}

static void write_file(const char *path, long kilobytes)
{
    static char block[1024];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        fail(path, strerror(errno));
    for (long i = 0; i < kilobytes; i++)
        if (write(fd, block, sizeof block) != (ssize_t)sizeof block)
            fail(path, strerror(errno));
    close(fd);
}

static void use_memory(long megabytes)
{
    for (long i = 0; i < megabytes; i++) {
        volatile char *p = malloc(1 << 20);
        if (!p)
            fail("malloc", strerror(errno));
        for (size_t at = 0; at < 1 << 20; at += 4096)
            p[at] = 1;
    }
}

static void die_of(int sig)
{
    signal(SIGCHLD, SIG_DFL);
    pid_t child = fork();
    if (child == 0) {
        raise(sig);
        _exit(99);
    }
    int status = 0;
    waitpid(child, &status, 0);
    exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : 99);
}

/* What it was told to do wrong before it serves. */
static void misbehave(void)
{
    const char *crash = getenv("CRASH");
    if (getenv("SAY"))
        printf("%s\n", getenv("SAY"));
    if (getenv("NEED"))
        need(getenv("NEED"));
    if (getenv("READ") && open(getenv("READ"), O_RDONLY | O_CLOEXEC) < 0)
        fail(getenv("READ"), strerror(errno));
    if (getenv("WRITE"))
        write_file(getenv("WRITE"), env_long("WRITE_KB", 1));
    if (env_long("LIMIT_MB", 0))
        setrlimit(RLIMIT_AS,
                  &(struct rlimit){ (rlim_t)env_long("LIMIT_MB", 0) << 20, (rlim_t)env_long("LIMIT_MB", 0) << 20 });
    use_memory(env_long("ALLOC_MB", 0));
    if (env_long("RAISE", 0))
        die_of((int)env_long("RAISE", 0));
    if (crash && strcmp(crash, "ill") == 0)
        __builtin_trap();
    if (crash)
        *(volatile int *)(intptr_t)env_long("CRASH_AT", 0) = 1;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "fail") == 0)
        return 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    version = getenv("APP_VERSION");
    if (!version || !*version)
        version = "unknown";
    health_status = (int)env_long("HEALTH_STATUS", 200);
    good_answers_left = env_long("SICK_AFTER", 0) ? env_long("SICK_AFTER", 0) + 1 : 0;
    term_code = (int)env_long("TERM_CODE", 0);
    signal(SIGTERM, env_long("IGNORE_TERM", 0) ? SIG_IGN : on_term);
    signal(SIGINT, on_term);
    signal(SIGCHLD, SIG_IGN);
    printf("app %s starting\n", version);
    const char *file = getenv("PRINT_FILE");
    if (file && *file)
        print_file(file, env_long("PRINT_CHUNK", 4096));
    long code = env_long("EXIT_CODE", -1);
    if (code >= 0) {
        printf("%s\n", getenv("EXIT_SAY") ? getenv("EXIT_SAY") : "missing environment variable DATABASE_URL");
        return (int)code;
    }
    misbehave();
    db_read_env();
    long boot_ms = env_long("BOOT_MS", 0);
    if (boot_ms > 0)
        poll(NULL, 0, (int)boot_ms);
    int port = (int)env_long("PORT", 8080);
    int listener = getenv("LISTEN") ? listen_at(getenv("LISTEN"), port) : listen_on(port);
    if (env_long("LISTEN_TWICE", 0))
        listen_at("0.0.0.0", port);
    printf("app %s listening\n", version);
    long megabytes = env_long("LOG_MB", 0);
    if (megabytes > 0)
        print_much(megabytes);
    long die_ms = env_long("DIE_AFTER_MS", 0);
    loop(listener, die_ms > 0 ? now_ms() + die_ms : 0);
}
