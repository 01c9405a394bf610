#include "agent/answers/logs.h"

#include "agent/answers/reply.h"
#include "agent/run.h"
#include "agent/state/store.h"
#include "agent/watch/evidence.h"
#include "shared/clock.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define BYTES_MAX (64LL * 1024 * 1024) /* of an answer that has an end */
#define CHUNK (32 * 1024)
#define LOOK_MS 500    /* a worker that was killed gives no event */
#define TEXT_BRIEF 200 /* of an error that is too long for the pipe */
#define END_MS 3000    /* what an asked child may take */
#define END_LOOK_MS 20 /* waitpid() has no deadline of its own */

/* ---- in the child ---- */

static volatile sig_atomic_t asked_to_end;

static void on_term(int signal_number)
{
    (void)signal_number;
    asked_to_end = 1;
}

struct output {
    int fd;
    int64_t left; /* bytes; a log that is followed has no such end */
    struct err *err;
};

static int write_out(void *ctx, struct span data)
{
    struct output *out = ctx;
    if ((out->left -= (int64_t)data.len) < 0) {
        err_hint(out->err, "Ask for fewer lines.");
        return err_set(out->err, ERR_NOMEM, 0, "these lines are longer than %lld MiB together", BYTES_MAX >> 20);
    }
    return reply_data(out->fd, "logs", data, out->err);
}

static int64_t bytes_max(const struct wire_request *request)
{
    return request->follow ? INT64_MAX : BYTES_MAX;
}

/* ---- of a container ---- */

static int find_container(struct run *run, const char *role, struct run_version *ret, struct err *err)
{
    char name[SPEC_APP_MAX + WIRE_ID_MAX + 2];
    (void)snprintf(name, sizeof(name), "%s-%s", run->app, role);
    int r = run_find(run, name, ret, err);
    if (r != 1)
        return r;
    err_hint(err, "'status' tells which containers the app has.");
    return err_set(err, ERR_NOT_FOUND, 0, "there is no container '%s' on the host", name);
}

static int container_logs(struct run *run, const struct wire_request *request, int out_fd, struct err *err)
{
    struct run_version v = { 0 };
    struct err sink_err = { 0 };
    struct output out = { .fd = out_fd, .left = bytes_max(request), .err = &sink_err };
    const struct engine_log_options o = { .lines = request->lines,
                                          .since_ms = request->since_ms,
                                          .follow = request->follow };
    if (engine_open(&run->engine, NULL, &asked_to_end, err) < 0 || redactor_new(&run->redactor, err) < 0)
        return -(int)err->kind;
    int r = find_container(run, request->target[0] ? request->target : "blue", &v, err);
    if (r == 0 && (r = evidence_learn_secrets(run, &v.c, err)) < 0)
        r = err_wrap(err, "the log is not shown, as secrets in it could not be hidden");
    if (r == 0)
        r = engine_container_read_logs(run->engine, &v.c, &o, run->redactor, write_out, &out, err);
    if (r < 0 && sink_err.kind != ERR_OK)
        *err = sink_err;
    else if (r == -ERR_NET && !asked_to_end)
        err->kind = ERR_DOCKER; /* the engine was lost, not the client: that one is told */
    run_version_done(&v);
    return r < 0 ? -(int)err->kind : 0;
}

/* ---- of a deployment: the log that its worker writes ---- */

static int open_log(int dir_fd, struct err *err)
{
    char name[EVENTLOG_NAME_MAX];
    int r = eventlog_find(dir_fd, name, err);
    if (r < 0)
        return r;
    int fd = r == 0 ? openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    return fd >= 0 ? fd : err_set(err, ERR_IO, 0, "the log of that deployment is not there");
}

/* Where the last `lines` lines begin. */
static off_t begin_of_lines(int fd, int64_t lines)
{
    char chunk[4096];
    off_t at = lseek(fd, 0, SEEK_END);
    int64_t ends = -1; /* the last line's own LF does not begin another one */
    while (at > 0) {
        size_t n = at < (off_t)sizeof(chunk) ? (size_t)at : sizeof(chunk);
        if (pread(fd, chunk, n, at - (off_t)n) != (ssize_t)n)
            return 0;
        for (size_t i = n; i-- > 0;)
            if (chunk[i] == '\n' && ++ends >= lines)
                return at - (off_t)n + (off_t)i + 1;
        at -= (off_t)n;
    }
    return 0;
}

/* Where, from `at` on, the first line stands that is not older: each begins with its time, in order. */
static off_t begin_since(int fd, off_t at, int64_t since_ms)
{
    _cleanup_(free_p) char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int own_fd = since_ms > 0 ? dup(fd) : -1;
    _cleanup_(fclose_p) FILE *f = own_fd >= 0 ? fdopen(own_fd, "r") : NULL;
    if (!f || fseeko(f, at, SEEK_SET) < 0) {
        if (!f)
            close_p(&own_fd);
        return at;
    }
    while ((n = getline(&line, &cap, f)) > 0) {
        char time[CLOCK_ISO_SIZE];
        (void)snprintf(time, sizeof(time), "%.24s", line); /* "2026-01-29T03:10:02.113Z" */
        if (clock_parse_iso(time) >= since_ms)
            return at;
        at += n;
    }
    return at;
}

static int copy_rest(int fd, struct output *out)
{
    char chunk[CHUNK];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof(chunk))) > 0)
        if (write_out(out, (struct span){ chunk, (size_t)n }) < 0)
            return -(int)out->err->kind;
    return 0;
}

/* On as long as somebody writes it. */
static int follow_file(int fd, int events_fd, struct output *out)
{
    char path[64], ignored[4096];
    _cleanup_(close_p) int inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (inotify_fd < 0 || inotify_add_watch(inotify_fd, path, IN_MODIFY) < 0)
        return err_set(out->err, ERR_IO, errno, "follow the log: %s", strerror(errno));
    for (;;) {
        bool written = eventlog_is_written(events_fd); /* asked first: its last words are read after that */
        if (copy_rest(fd, out) < 0)
            return -(int)out->err->kind;
        if (!written || asked_to_end)
            return 0;
        struct pollfd p = { .fd = inotify_fd, .events = POLLIN };
        (void)poll(&p, 1, LOOK_MS);
        while (read(inotify_fd, ignored, sizeof(ignored)) > 0)
            ;
    }
}

static int deployment_logs(struct run *run, const struct wire_request *request, int out_fd, struct err *err)
{
    _cleanup_(close_p) int fd = -1;
    _cleanup_(close_p) int events_fd = -1;
    struct output out = { .fd = out_fd, .left = bytes_max(request), .err = err };
    int r = run->app_fd >= 0 ? store_open_deployment(run->app_fd, request->target, &run->dir_fd, err) : 1;
    if (r == 1) {
        err_hint(err, "Wanted is blue, green, next, or the id of a deployment; 'history' lists those.");
        return err_set(err, ERR_NOT_FOUND, 0, "'%s' is neither a version nor a deployment known on this host",
                       request->target);
    }
    if (r < 0 || (fd = open_log(run->dir_fd, err)) < 0)
        return -(int)err->kind;
    off_t at = begin_since(fd, begin_of_lines(fd, request->lines), request->since_ms);
    if (lseek(fd, at, SEEK_SET) < 0 || copy_rest(fd, &out) < 0)
        return err->kind ? -(int)err->kind : err_set(err, ERR_IO, errno, "read the log: %s", strerror(errno));
    events_fd = openat(run->dir_fd, EVENTLOG_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return request->follow && events_fd >= 0 ? follow_file(fd, events_fd, &out) : 0;
}

/* ---- the child as a whole ---- */

static bool is_role(const char *target)
{
    return !target[0] || strcmp(target, "blue") == 0 || strcmp(target, "green") == 0 || strcmp(target, "next") == 0;
}

static int read_logs(const struct wire_request *request, int out_fd, struct err *err)
{
    struct run run;
    run_init(&run);
    (void)snprintf(run.app, sizeof(run.app), "%s", request->app);
    run_set_names(&run.names, request->app);
    int r = store_find_app(request->app, &run.app_fd, err);
    if (r >= 0)
        r = is_role(request->target) ? container_logs(&run, request, out_fd, err)
                                     : deployment_logs(&run, request, out_fd, err);
    run_done(&run);
    return r;
}

static int print_error(const struct err *e, struct buf *out)
{
    _cleanup_(json_free_p) struct json *j = event_error_to_json(e);
    struct err ignored = { 0 };
    buf_reset(out);
    return json_print(j, out, &ignored);
}

void logs_print_error(const struct err *e, struct buf *out)
{
    struct err brief = { 0 };
    char words[TEXT_BRIEF];
    if (print_error(e, out) == 0)
        return;
    (void)err_set(&brief, e->kind, 0, "%s", err_text(e, words, sizeof(words)));
    (void)print_error(&brief, out); /* fits, whatever is escaped in it */
}

/* Its end is the pipe's: empty when it went well, else the error as the protocol writes it. */
static void run_child(const struct wire_request *request, int out_fd, int pipe_fd)
{
    struct sigaction term = { .sa_handler = on_term };
    struct err err = { 0 };
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)sigaction(SIGTERM, &term, NULL);
    int r = read_logs(request, out_fd, &err);
    if (r < 0 && !(asked_to_end && (r == -ERR_CANCEL || r == -ERR_NET))) {
        _cleanup_(buf_done_p) struct buf text = BUF_INIT(PIPE_BUF); /* a write of that size comes in one piece */
        logs_print_error(&err, &text);
        (void)!write(pipe_fd, text.ptr, text.len);
    }
    _exit(r < 0 ? 1 : 0); /* the parent's streams are not ours to flush */
}

int logs_start(const struct wire_request *request, int out_fd, struct logs_child *ret, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, ERR_IO, errno, "pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        run_child(request, out_fd, ends[1]);
    }
    int e = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return err_set(err, ERR_NOMEM, e, "read the log: %s", strerror(e));
    }
    *ret = (struct logs_child){ .pid = pid, .fd = ends[0] };
    return 0;
}

/* One that hangs in a write to a client that does not read is not waited for. Returns its wait status; -1: it is not there. */
static int reap(pid_t pid)
{
    int64_t deadline = clock_mono_ms() + END_MS;
    int status = 0;
    pid_t r;
    (void)kill(pid, SIGTERM);
    while ((r = waitpid(pid, &status, WNOHANG)) == 0) {
        if (clock_mono_ms() >= deadline)
            (void)kill(pid, SIGKILL);
        clock_sleep_ms(END_LOOK_MS);
    }
    return r == pid ? status : -1;
}

/* The child's own word for why it failed. */
static int read_error(int fd, struct err *err)
{
    char text[PIPE_BUF];
    _cleanup_(json_free_p) struct json *j = NULL;
    ssize_t n = read(fd, text, sizeof(text));
    if (n <= 0)
        return 0;
    if (json_parse((struct span){ text, (size_t)n }, &j, err) < 0)
        return err_wrap(err, "read the log");
    event_error_from_json(j, err);
    return -(int)err->kind;
}

int logs_end(struct logs_child *child, struct err *err)
{
    struct pollfd p = { .fd = child->fd, .events = POLLIN };
    bool by_itself = poll(&p, 1, 0) > 0;
    int status = reap(child->pid);
    int r = read_error(child->fd, err);
    close_p(&child->fd);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)
        return 0; /* asked before it could listen, and so before it wrote anything */
    if (WIFSIGNALED(status)) {
        err_clear(err);
        return err_set(err, ERR_NET, 0, "the process that showed the log was killed (signal %d): its answer has no end",
                       WTERMSIG(status));
    }
    if (r == 0 && by_itself && status != 0)
        r = err_set(err, ERR_IO, 0, "the process that showed the log failed and did not say why");
    return r;
}
