#include "agent/state/audit.h"

#include "agent/state/eventlog.h"
#include "agent/state/store.h"
#include "shared/clock.h"
#include "shared/fd.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LOCK_MS 5000 /* an append takes as long as two syncs */
#define LOCK_RETRY_MS 5
#define OPEN_TRIES 8 /* the file may be rotated between open and lock */
#define READ_MAX (AUDIT_FILE_MAX + 4 * AUDITCHAIN_LINE_MAX)

static int io_fail(struct err *err, const char *doing)
{
    int e = errno;
    return err_set(err, e == ENOSPC || e == EDQUOT ? ERR_DISK_FULL : ERR_IO, e, "%s the audit log: %s", doing,
                   strerror(e));
}

/* ---- the lock ---- */

static int lock_file(int fd, int how, struct err *err)
{
    int64_t deadline = clock_mono_ms() + LOCK_MS;
    while (flock(fd, how | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return io_fail(err, "lock");
        if (clock_mono_ms() >= deadline)
            return err_set(err, ERR_LOCKED, 0, "somebody holds the audit log");
        clock_sleep_ms(LOCK_RETRY_MS); /* flock has no deadline of its own */
    }
    return 0;
}

static bool is_named(int app_fd, int fd)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && fstatat(app_fd, AUDIT_FILE, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_ino == b.st_ino &&
           a.st_dev == b.st_dev;
}

/* Open AUDIT_FILE and lock it. 0; 1: there is none (only without O_CREAT). */
static int open_locked(int app_fd, int flags, int how, int *ret_fd, struct err *err)
{
    for (int i = 0; i < OPEN_TRIES; i++) {
        _cleanup_(close_p) int fd = openat(app_fd, AUDIT_FILE, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 && errno == ENOENT)
            return 1;
        if (fd < 0)
            return io_fail(err, "open");
        if (lock_file(fd, how, err) < 0)
            return -(int)err->kind;
        if (is_named(app_fd, fd)) {
            *ret_fd = TAKE_FD(fd);
            return 0;
        }
    }
    return err_set(err, ERR_LOCKED, 0, "the audit log is being replaced all the time");
}

/* ---- reading ---- */

/* A file that is larger than it may become is read in part: then its end does not fit the head, which is told. */
static int read_some(int fd, struct buf *out, struct err *err)
{
    char chunk[65536];
    ssize_t n = 1;
    buf_done(out);
    buf_init(out, READ_MAX);
    while (out->len + sizeof(chunk) <= out->max && (n = pread(fd, chunk, sizeof(chunk), (off_t)out->len)) != 0) {
        if (n < 0 && errno != EINTR)
            return io_fail(err, "read");
        if (n > 0)
            buf_add(out, chunk, (size_t)n);
        if (buf_check(out, err) < 0)
            return -(int)err->kind;
    }
    return 0;
}

/* 0; 1: no such file. */
static int read_named(int app_fd, const char *name, struct buf *out, struct err *err)
{
    _cleanup_(close_p) int fd = openat(app_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 1 : io_fail(err, "open");
    return read_some(fd, out, err);
}

static void keep(void *ctx, const struct audit_link *link, struct span line)
{
    struct audit_log *log = ctx;
    (void)link;
    if (log->wanted == 0)
        return;
    log->newest[log->seen++ % log->wanted] = line;
    if (log->count < log->wanted)
        log->count++;
}

/* now_fd: AUDIT_FILE, locked; -1: there is none. */
static int read_locked(int app_fd, int now_fd, struct audit_log *log, struct err *err)
{
    int before = read_named(app_fd, AUDIT_FILE_BEFORE, &log->before, err);
    int head = before < 0 ? before : read_named(app_fd, AUDIT_HEAD_FILE, &log->head, err);
    if (head < 0 || (now_fd >= 0 && read_some(now_fd, &log->now, err) < 0))
        return -(int)err->kind;
    const struct audit_bytes b = {
        .before = buf_span(&log->before),
        .now = buf_span(&log->now),
        .head = buf_span(&log->head),
        .has_before = before == 0,
        .has_now = now_fd >= 0,
        .has_head = head == 0,
    };
    auditchain_verify(&b, keep, log, &log->verified);
    return 0;
}

static int read_log(int app_fd, size_t wanted, struct audit_log *log, struct err *err)
{
    if (wanted > 0 && !(log->newest = calloc(wanted, sizeof(log->newest[0]))))
        return err_set(err, ERR_NOMEM, 0, "no memory for the audit log");
    log->wanted = wanted;
    for (int i = 0; i < OPEN_TRIES; i++) {
        _cleanup_(close_p) int fd = -1;
        int r = open_locked(app_fd, O_RDONLY, LOCK_SH, &fd, err);
        if (r < 0 || read_locked(app_fd, fd, log, err) < 0)
            return -(int)err->kind;
        /* The first entry ever, or the first after a rotation, may have come in between. */
        if (r == 0 || faccessat(app_fd, AUDIT_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
            return 0;
        log->seen = log->count = 0;
    }
    return err_set(err, ERR_LOCKED, 0, "the audit log is being replaced all the time");
}

int audit_read(int app_fd, size_t wanted, struct audit_log *ret, struct err *err)
{
    struct audit_log log = { 0 };
    if (read_log(app_fd, wanted, &log, err) < 0) {
        audit_log_done(&log);
        return -(int)err->kind;
    }
    *ret = log;
    return 0;
}

void audit_log_done(struct audit_log *log)
{
    buf_done(&log->before);
    buf_done(&log->now);
    buf_done(&log->head);
    free(log->newest);
    memset(log, 0, sizeof(*log));
}

struct json *audit_entry(const struct audit_log *log, size_t i)
{
    struct json *j = NULL;
    struct err ignored = { 0 };
    if (i >= log->count)
        return NULL;
    (void)json_parse(log->newest[(log->seen - 1 - i) % log->wanted], &j, &ignored);
    return j;
}

/* ---- appending ---- */

/* The end of a file: its last line, and what follows the last LF. */
struct tail {
    struct audit_link last; /* n 0: there is no line */
    bool damaged;           /* there is one, and it is none of ours */
    struct json *entry;     /* of that line; owned; NULL none */
    int64_t end;            /* offset behind the last LF */
    size_t torn;            /* bytes behind that */
};

static int read_tail(int fd, struct tail *t, struct err *err)
{
    _cleanup_(buf_done_p) struct buf window = BUF_INIT(2 * AUDITCHAIN_LINE_MAX);
    char chunk[2 * AUDITCHAIN_LINE_MAX];
    struct stat st;
    if (fstat(fd, &st) < 0)
        return io_fail(err, "look at");
    int64_t from = st.st_size > (int64_t)sizeof(chunk) ? st.st_size - (int64_t)sizeof(chunk) : 0;
    ssize_t n = pread(fd, chunk, sizeof(chunk), from);
    if (n < 0)
        return io_fail(err, "read");
    const char *lf = n > 0 ? memrchr(chunk, '\n', (size_t)n) : NULL;
    size_t whole = lf ? (size_t)(lf - chunk) + 1 : 0;
    t->end = from + (int64_t)whole;
    t->torn = (size_t)n - whole;
    if (!lf) {
        t->damaged = t->torn >= AUDITCHAIN_LINE_MAX;
        return 0;
    }
    const char *before = whole > 1 ? memrchr(chunk, '\n', whole - 1) : NULL;
    const char *begin = before ? before + 1 : chunk;
    struct span line = { begin, (size_t)(lf - begin) };
    /* No append that was cut off is as long as that: somebody wrote there. */
    t->damaged = !auditchain_read(line, &t->last) || t->torn >= AUDITCHAIN_LINE_MAX;
    if (!t->damaged)
        (void)json_parse(line, &t->entry, NULL);
    return 0;
}

struct appending {
    int app_fd, fd; /* fd: AUDIT_FILE, locked */
    struct tail tail;
    bool empty;   /* AUDIT_FILE has no entry yet: tail is that of AUDIT_FILE_BEFORE, if there is one */
    bool rotated; /* there is an AUDIT_FILE_BEFORE behind which it begins */
    bool has_head;
    struct audit_link head;
    bool behind;      /* the head is: its entry was written, then the run was killed */
    char broken[240]; /* why the chain cannot be gone on with; "" it can */
};

static int first_number(int app_fd, int64_t *ret, struct err *err)
{
    _cleanup_(close_p) int fd = openat(app_fd, AUDIT_FILE_BEFORE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char chunk[AUDITCHAIN_LINE_MAX];
    struct audit_link first = { 0 };
    if (fd < 0)
        return errno == ENOENT ? 1 : io_fail(err, "open");
    ssize_t n = pread(fd, chunk, sizeof(chunk), 0);
    const char *lf = n > 0 ? memchr(chunk, '\n', (size_t)n) : NULL;
    if (lf)
        (void)auditchain_read((struct span){ chunk, (size_t)(lf - chunk) }, &first);
    *ret = first.n;
    return 0;
}

/* The log has been damaged: where to go on, and what to say of it. */
static int find_break(struct appending *a, struct err *err)
{
    _cleanup_(audit_log_done_p) struct audit_log log = { 0 };
    if (read_locked(a->app_fd, a->fd, &log, err) < 0)
        return -(int)err->kind;
    a->tail.last = log.verified.last;
    if (a->has_head && a->head.n > a->tail.last.n)
        a->tail.last = a->head;
    (void)snprintf(a->broken, sizeof(a->broken), "%s",
                   log.verified.why[0] ? log.verified.why : "its end is not readable");
    return 0;
}

/* Can the chain be gone on with behind the last entry? */
static bool head_fits(const struct appending *a, bool *behind)
{
    const struct audit_link *last = &a->tail.last;
    *behind = false;
    if (a->tail.damaged)
        return false;
    if (!a->has_head) {
        *behind = last->n == 1;
        return last->n <= 1;
    }
    *behind = a->head.n + 1 == last->n;
    return (a->head.n == last->n && strcmp(a->head.hash, last->hash) == 0) ||
           (*behind && strcmp(a->head.hash, last->prev) == 0);
}

static int write_head(int app_fd, const struct audit_link *last, struct err *err)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(AUDITCHAIN_HEAD_MAX);
    auditchain_head(last, &text);
    return store_write(app_fd, AUDIT_HEAD_FILE, buf_span(&text), err);
}

static int look(struct appending *a, struct err *err)
{
    _cleanup_(buf_done_p) struct buf head = BUF_INIT(4096);
    int r = store_read(a->app_fd, AUDIT_HEAD_FILE, &head, err);
    if (r < 0 && err->kind != ERR_NOMEM)
        return r;
    err_clear(err);
    a->has_head = r == 0 && auditchain_read_head(buf_span(&head), &a->head);
    if (read_tail(a->fd, &a->tail, err) < 0)
        return -(int)err->kind;
    a->empty = a->tail.end == 0 && !a->tail.damaged;
    if (a->empty) {
        _cleanup_(close_p) int before = openat(a->app_fd, AUDIT_FILE_BEFORE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        size_t torn = a->tail.torn;
        if (before >= 0 && read_tail(before, &a->tail, err) < 0)
            return -(int)err->kind;
        a->rotated = before >= 0;
        a->tail.damaged = a->tail.damaged || (before >= 0 && a->tail.torn > 0);
        a->tail.end = 0;
        a->tail.torn = torn;
    }
    bool damaged_head = r == 0 && !a->has_head;
    if (r < 0 || damaged_head || !head_fits(a, &a->behind))
        return find_break(a, err);
    return 0;
}

/* What a killed append left is put right: its torn line goes, its head follows. */
static int mend(struct appending *a, char *found, size_t size, struct err *err)
{
    if (a->tail.torn > 0) {
        if (ftruncate(a->fd, a->tail.end) < 0)
            return io_fail(err, "cut the torn end off");
        (void)snprintf(found, size, "the audit log ended with %zu bytes of an entry that was cut off; they are dropped",
                       a->tail.torn);
        a->tail.torn = 0;
    }
    return a->behind ? write_head(a->app_fd, &a->tail.last, err) : 0;
}

/* ---- the entry ---- */

/* At most so many bytes of names: the others are counted. */
static struct json *bounded_changes(const struct json *changes)
{
    struct json *out = json_object();
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(64 * 1024);
    struct err ignored = { 0 };
    int64_t left_out = 0;
    size_t used = 0;
    for (const struct json *c = json_first(changes); c; c = json_next(c)) {
        struct json *kept = json_is_array(c) ? json_array() : NULL;
        for (const struct json *e = json_first(kept ? c : NULL); e; e = json_next(e)) {
            buf_reset(&text);
            (void)json_print(e, &text, &ignored);
            used += text.len + 1;
            if (used <= AUDIT_CHANGES_MAX)
                json_push(kept, json_copy(e));
            else
                left_out++;
        }
        if (kept)
            json_set(out, json_key(c), kept);
        else if (json_is_number(c))
            json_set(out, json_key(c), json_copy(c));
    }
    if (left_out > 0)
        json_set_int(out, "left_out", left_out);
    return out;
}

static int make_line(const struct appending *a, int64_t from, const struct json *entry, const struct redactor *redactor,
                     struct buf *line, struct audit_link *ret, struct err *err)
{
    _cleanup_(json_free_p) struct json *body = json_object();
    _cleanup_(json_free_p) struct json *clean = eventlog_redacted(redactor, entry);
    char now[CLOCK_ISO_SIZE];
    struct audit_link l = { .n = a->tail.last.n + 1 };
    (void)snprintf(l.prev, sizeof(l.prev), "%s", a->tail.last.n ? a->tail.last.hash : AUDITCHAIN_NO_HASH);
    json_set_int(body, "n", l.n);
    json_set_str(body, "prev", l.prev);
    if (a->rotated)
        json_set_int(body, AUDITCHAIN_FROM, from);
    if (a->broken[0])
        json_set_str(body, AUDITCHAIN_BROKEN, a->broken);
    json_set_str(body, "t", clock_format_iso(clock_wall_ms(), now));
    for (const struct json *m = json_first(clean); m; m = json_next(m))
        if (strcmp(json_key(m), "changes") == 0)
            json_set(body, "changes", bounded_changes(m));
        else if (!json_get(body, json_key(m)))
            json_set(body, json_key(m), json_copy(m));
    if (json_print(body, line, err) < 0)
        return err_wrap(err, "write the audit entry");
    line->ptr[--line->len] = '\0'; /* its closing brace: the seal has one */
    if (auditchain_seal(line, l.hash, err) < 0)
        return err_wrap(err, "write the audit entry");
    *ret = l;
    return 0;
}

/* The run was killed after its entry and before it could say so. */
static bool is_there(const struct appending *a, const struct json *entry)
{
    static const char *const same[] = { "operation", "deployment", "outcome" };
    if (a->broken[0] || !*json_str(entry, "deployment", ""))
        return false;
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        if (strcmp(json_str(a->tail.entry, same[i], ""), json_str(entry, same[i], "")) != 0)
            return false;
    return true;
}

static int write_entry(const struct appending *a, const struct buf *line, const struct audit_link *l, struct err *err)
{
    struct stat st;
    /* Behind bytes that somebody spoiled the entry begins a line of its own: what they did stays to be seen. */
    struct span gap = { "\n", a->tail.torn > 0 ? 1 : 0 };
    if (fstat(a->fd, &st) < 0 || lseek(a->fd, st.st_size, SEEK_SET) < 0)
        return io_fail(err, "look at");
    if (fd_write(a->fd, gap) < 0 || fd_write(a->fd, buf_span(line)) < 0 || fdatasync(a->fd) < 0 ||
        (a->empty && fsync(a->app_fd) < 0))
        (void)io_fail(err, "append to");
    else if (write_head(a->app_fd, l, err) == 0)
        return 0;
    if (ftruncate(a->fd, st.st_size) < 0)
        err_wrap(err, "and a part of the entry stays");
    return -(int)err->kind;
}

/* 0; 1: the file was rotated, look again. */
static int append_locked(struct appending *a, const struct json *entry, const struct redactor *redactor,
                         struct audit_mark *ret, struct err *err)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(AUDITCHAIN_LINE_MAX);
    struct audit_mark mark = { 0 };
    int64_t from = 0;
    if (look(a, err) < 0)
        return -(int)err->kind;
    if (!a->broken[0] && mend(a, mark.found, sizeof(mark.found), err) < 0)
        return -(int)err->kind;
    if (a->broken[0])
        (void)snprintf(mark.found, sizeof(mark.found), "the audit log is not whole: %s", a->broken);
    if (is_there(a, entry)) {
        mark.link = a->tail.last;
        *ret = mark;
        return 0;
    }
    if (!a->broken[0] && !a->empty && a->tail.end >= AUDIT_FILE_MAX) {
        if (renameat(a->app_fd, AUDIT_FILE, a->app_fd, AUDIT_FILE_BEFORE) < 0 || fsync(a->app_fd) < 0)
            return io_fail(err, "rotate");
        return 1;
    }
    if (a->rotated && first_number(a->app_fd, &from, err) < 0)
        return -(int)err->kind;
    if (make_line(a, from, entry, redactor, &line, &mark.link, err) < 0 || write_entry(a, &line, &mark.link, err) < 0)
        return -(int)err->kind;
    *ret = mark;
    return 0;
}

int audit_append(int app_fd, const struct json *entry, const struct redactor *redactor, struct audit_mark *ret,
                 struct err *err)
{
    for (int i = 0; i < OPEN_TRIES; i++) {
        _cleanup_(close_p) int fd = -1;
        if (open_locked(app_fd, O_RDWR | O_CREAT, LOCK_EX, &fd, err) != 0)
            return -(int)err->kind;
        struct appending a = { .app_fd = app_fd, .fd = fd };
        int r = append_locked(&a, entry, redactor, ret, err);
        json_free(a.tail.entry);
        if (r <= 0)
            return r;
    }
    return err_set(err, ERR_LOCKED, 0, "the audit log is being rotated all the time");
}
