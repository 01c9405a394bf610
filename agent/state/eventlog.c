#include "agent/state/eventlog.h"

#include "shared/clock.h"
#include "shared/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>

#define REDACT_DEPTH_MAX 32

/* Members whose values are words of the protocol: a secret that happens to be such a word must not break it. */
static bool is_vocabulary(const char *key)
{
    static const char *const keys[] = { "outcome",   "kind",       "verdict", "level",  "source",
                                        "role",      "target",     "code",    "status", "strategy",
                                        "operation", "deployment", "started", "ended",  "log",
                                        "metrics",   "unit",       "app",     "hash",   "t" };
    for (size_t i = 0; key && i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

/* A copy of j in which each string went through the redactor. Whole lines of JSON cannot: a short secret may be a key. */
static struct json *redacted(const struct redactor *r, const struct json *j, int depth)
{
    if (json_is_string(j)) {
        const char *text = json_value_str(j, "");
        _cleanup_(buf_done_p) struct buf clean = BUF_INIT(EVENT_LINE_MAX);
        redactor_apply_cut(r, span_of(text), &clean); /* a fixed array may have cut it */
        struct json *holder = json_object();
        json_set_str(holder, "v", buf_str(&clean));
        struct json *v = json_copy(json_get(holder, "v"));
        json_free(holder);
        return v;
    }
    if (depth >= REDACT_DEPTH_MAX || (!json_is_object(j) && !json_is_array(j)))
        return json_copy(j);
    struct json *copy = json_is_object(j) ? json_object() : json_array();
    for (const struct json *c = json_first(j); c; c = json_next(c)) {
        bool word = json_is_string(c) && is_vocabulary(json_key(c));
        struct json *v = word ? json_copy(c) : redacted(r, c, depth + 1);
        if (json_is_object(j))
            json_set(copy, json_key(c), v);
        else
            json_push(copy, v);
    }
    return copy;
}

struct json *eventlog_redacted(const struct redactor *redactor, const struct json *j)
{
    return redacted(redactor, j, 0);
}

static bool write_line(int fd, const struct buf *line)
{
    return fd < 0 || fd_write(fd, buf_span(line)) == 0;
}

/* Where to go on: after the last whole line, with its sequence number. */
static int resume(struct eventlog *l, struct err *err)
{
    _cleanup_(buf_done_p) struct buf all = BUF_INIT(EVENTLOG_MAX_BYTES + 2 * EVENT_LINE_MAX);
    char chunk[65536];
    ssize_t n;
    while ((n = read(l->events_fd, chunk, sizeof(chunk))) > 0)
        buf_add(&all, chunk, (size_t)n);
    struct span rest = buf_span(&all), line;
    int64_t good = 0;
    while (span_next_line(&rest, &line)) {
        struct event ev;
        struct err ignored = { 0 };
        bool whole = line.ptr + line.len < all.ptr + all.len;
        if (!whole || event_decode(line, &ev, &ignored) < 0)
            break;
        l->seq = ev.seq;
        l->ended = ev.kind == EVENT_END;
        good = (line.ptr + line.len + 1) - all.ptr;
        event_done(&ev);
    }
    if (ftruncate(l->events_fd, good) < 0 || lseek(l->events_fd, good, SEEK_SET) < 0)
        return err_set(err, ERR_IO, errno, "resume the event log: %s", strerror(errno));
    l->bytes = good;
    return 0;
}

static bool is_log(const char *name)
{
    size_t len = strlen(name);
    return strncmp(name, "deployment-", 11) == 0 && len > 4 && len < EVENTLOG_NAME_MAX &&
           strcmp(name + len - 4, ".log") == 0;
}

int eventlog_find(int dir_fd, char name[EVENTLOG_NAME_MAX], struct err *err)
{
    int list_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = list_fd >= 0 ? fdopendir(list_fd) : NULL;
    if (!dir) {
        close_p(&list_fd);
        return err_set(err, ERR_IO, errno, "list the deployment: %s", strerror(errno));
    }
    char newest[EVENTLOG_NAME_MAX] = "";
    for (const struct dirent *d; (d = readdir(dir));)
        if (is_log(d->d_name) && strcmp(d->d_name, newest) > 0) /* they begin with their time */
            (void)snprintf(newest, sizeof(newest), "%.*s", EVENTLOG_NAME_MAX - 1, d->d_name);
    closedir(dir);
    if (!newest[0])
        return 1;
    memcpy(name, newest, sizeof(newest));
    return 0;
}

static int fail_open(struct eventlog *l, int e, struct err *err)
{
    eventlog_close(l);
    return err_set(err, e == ENOSPC ? ERR_DISK_FULL : ERR_IO, e, "create the event log: %s", strerror(e));
}

int eventlog_open(struct eventlog *l, int dir_fd, const char *stamp, const struct redactor *redactor, struct err *err)
{
    memset(l, 0, sizeof(*l));
    l->redactor = redactor;
    l->log_fd = -1;
    (void)snprintf(l->log_name, sizeof(l->log_name), "deployment-%s.log", stamp);
    l->events_fd = openat(dir_fd, EVENTLOG_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (l->events_fd < 0)
        return fail_open(l, errno, err);
    if (fd_lock(l->events_fd) < 0) { /* before anything else is made: it is somebody else's */
        eventlog_close(l);
        return err_set(err, ERR_LOCKED, 0, "another process works on this deployment");
    }
    if (eventlog_find(dir_fd, l->log_name, err) < 0) {
        eventlog_close(l);
        return -(int)err->kind;
    }
    l->log_fd = openat(dir_fd, l->log_name, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    return l->log_fd < 0 ? fail_open(l, errno, err) : resume(l, err);
}

bool eventlog_is_written(int events_fd)
{
    if (flock(events_fd, LOCK_SH | LOCK_NB) < 0)
        return true;
    (void)flock(events_fd, LOCK_UN);
    return false;
}

void eventlog_close(struct eventlog *l)
{
    if (l->events_fd >= 0)
        (void)fsync(l->events_fd);
    if (l->log_fd >= 0)
        (void)fsync(l->log_fd);
    close_p(&l->events_fd);
    close_p(&l->log_fd);
}

static void add_error(struct buf *out, const struct json *error)
{
    buf_addf(out, ": %s", json_str(error, "message", ""));
    const char *hint = json_str(error, "hint", "");
    if (hint[0])
        buf_addf(out, " (%s)", hint);
}

void eventlog_format(const struct event *ev, struct buf *out)
{
    const struct json *b = ev->body;
    const struct json *line;
    char iso[CLOCK_ISO_SIZE];
    size_t start = out->len;
    buf_addf(out, "%s ", clock_format_iso(ev->t_ms, iso));
    switch (ev->kind) {
    case EVENT_STEP_START:
        buf_addf(out, "[%s] start: %s", ev->step, json_str(b, "title", ""));
        break;
    case EVENT_STEP_PROGRESS:
        buf_addf(out, "[%s] %s", ev->step, json_str(b, "text", ""));
        break;
    case EVENT_STEP_DONE:
        buf_addf(out, "[%s] done in %.3f s: %s", ev->step, json_num(b, "seconds", 0), json_str(b, "text", ""));
        break;
    case EVENT_STEP_FAILED:
        buf_addf(out, "[%s] FAILED after %.3f s", ev->step, json_num(b, "seconds", 0));
        add_error(out, json_get(b, "error"));
        break;
    case EVENT_UNDO_START:
        buf_addf(out, "[%s] undo: %s", ev->step, json_str(b, "title", ""));
        break;
    case EVENT_UNDO_DONE:
        buf_addf(out, "[%s] undone in %.3f s", ev->step, json_num(b, "seconds", 0));
        break;
    case EVENT_UNDO_FAILED:
        buf_addf(out, "[%s] UNDO FAILED", ev->step);
        add_error(out, json_get(b, "error"));
        break;
    case EVENT_LOG:
        buf_addf(out, "%s %s: %s", json_str(b, "level", ""), json_str(b, "source", ""), json_str(b, "text", ""));
        break;
    case EVENT_HEALTH_SAMPLE:
        buf_addf(out, "health of %s, attempt %" PRId64 ": %s, status %" PRId64 ", %" PRId64 " ms %s",
                 json_str(b, "target", ""), json_int(b, "attempt", 0), json_bool(b, "ok", false) ? "ok" : "not ok",
                 json_int(b, "status", 0), json_int(b, "ms", 0), json_str(b, "error", ""));
        break;
    case EVENT_METRIC:
        buf_addf(out, "metric %s = %g %s", json_str(b, "name", ""), json_num(b, "value", 0), json_str(b, "unit", ""));
        break;
    case EVENT_DIAGNOSIS:
        buf_addf(out, "diagnosis %s: %s. Next: %s", json_str(b, "code", ""), json_str(b, "cause", ""),
                 json_str(b, "next", ""));
        for (line = json_first(json_get(b, "evidence")); line; line = json_next(line))
            buf_addf(out, "\n    | %s", json_value_str(line, ""));
        break;
    case EVENT_OUTCOME:
        buf_addf(out, "outcome: %s", json_str(b, "outcome", ""));
        if (json_is_object(json_get(b, "error")))
            add_error(out, json_get(b, "error"));
        if (json_is_object(json_get(b, "audit")))
            buf_addf(out, "; audit entry %" PRId64 ", hash %s", json_int(json_get(b, "audit"), "n", 0),
                     json_str(json_get(b, "audit"), "hash", ""));
        break;
    case EVENT_INVALID:
    case EVENT_HELLO:
    case EVENT_REPORT:
    case EVENT_DATA:
    case EVENT_END:
    case EVENT_KINDS:
        out->len = start;
        return;
    }
    buf_addc(out, '\n');
}

void eventlog_emit(struct eventlog *l, struct event *ev)
{
    bool small = ev->kind == EVENT_LOG || ev->kind == EVENT_STEP_PROGRESS || ev->kind == EVENT_HEALTH_SAMPLE;
    if (small && l->bytes > EVENTLOG_MAX_BYTES) {
        l->dropped++;
        return;
    }
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(EVENT_LINE_MAX + 1);
    struct err ignored = { 0 };
    struct json *plain = ev->body;
    ev->seq = l->seq + 1;
    ev->t_ms = clock_wall_ms();
    ev->body = redacted(l->redactor, plain, 0);
    json_free(plain);
    if (event_encode(ev, &line, &ignored) < 0) {
        l->dropped++; /* longer than a line may be: callers bound their texts */
        return;
    }
    buf_addc(&line, '\n');
    if (write_line(l->events_fd, &line)) {
        l->seq = ev->seq;
        l->ended = ev->kind == EVENT_END;
        l->bytes += (int64_t)line.len;
    } else { /* the disk is full: half a line would spoil the next one */
        l->dropped++;
        if (ftruncate(l->events_fd, l->bytes) == 0)
            (void)lseek(l->events_fd, l->bytes, SEEK_SET);
    }

    _cleanup_(buf_done_p) struct buf text = BUF_INIT(2 * EVENT_LINE_MAX);
    eventlog_format(ev, &text);
    if (text.len > 0)
        (void)write_line(l->log_fd, &text);
}
