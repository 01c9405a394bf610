/* What the records of an app tell of now: the deployment that runs, one that has no end, who has the lock. */
#include "agent/state/store.h"
#include "agent/status/look.h"
#include "shared/clock.h"

#include <fcntl.h>
#include <sys/stat.h>

#define RECORDS_MAX 20         /* newest ones looked at: an older one without an end cannot own anything any more */
#define TAIL_FIRST (64 * 1024) /* of an event log: the last step.start stands there, or further in front */
#define TAIL_MAX (4 * 1024 * 1024)
#define HEAD_MAX (64 * 1024)

static int read_json(int dir_fd, const char *name, struct json **ret)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(STORE_FILE_MAX);
    struct err ignored = { 0 };
    if (store_read(dir_fd, name, &text, &ignored) != 0)
        return 1;
    return json_parse(buf_span(&text), ret, &ignored) < 0 ? 1 : 0;
}

/* ---- the deployment that runs now ---- */

static bool read_part(int fd, int64_t from, size_t len, struct buf *out)
{
    char chunk[16384];
    buf_reset(out);
    while (out->len < len) {
        size_t want = len - out->len < sizeof(chunk) ? len - out->len : sizeof(chunk);
        ssize_t n = pread(fd, chunk, want, from + (int64_t)out->len);
        if (n <= 0)
            break;
        buf_add(out, chunk, (size_t)n);
    }
    return !out->failed && out->len > 0;
}

/* Is this line what is looked for? */
typedef bool take_fn(struct span line, void *ret);

static bool take_step(struct span line, void *ret)
{
    struct look_running *r = ret;
    struct event ev;
    struct err ignored = { 0 };
    if (!(span_contains(line, "\"step.start\"") || span_contains(line, "\"undo.start\"")) ||
        event_decode(line, &ev, &ignored) < 0)
        return false;
    bool undo = ev.kind == EVENT_UNDO_START, is = undo || ev.kind == EVENT_STEP_START;
    if (is) {
        (void)snprintf(r->step, sizeof(r->step), "%s", ev.step);
        (void)snprintf(r->title, sizeof(r->title), "%s%s", undo ? "Undo: " : "", json_str(ev.body, "title", ""));
        r->since_ms = ev.t_ms;
    }
    event_done(&ev);
    return is;
}

/* Whole lines only, the last one first. */
static bool find_last(struct span text, take_fn *take, void *ret)
{
    while (text.len > 0) {
        size_t end = text.len, at;
        while (end > 0 && text.ptr[end - 1] != '\n')
            end--; /* a line that is being written */
        if (end == 0)
            return false;
        for (at = end - 1; at > 0 && text.ptr[at - 1] != '\n';)
            at--;
        if (take((struct span){ text.ptr + at, end - 1 - at }, ret))
            return true;
        text.len = at;
    }
    return false;
}

static void search_tail(int fd, int64_t bytes, take_fn *take, void *ret)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(TAIL_MAX + 1);
    for (int64_t size = TAIL_FIRST; size <= TAIL_MAX; size *= 4) {
        int64_t from = bytes > size ? bytes - size : 0;
        if (!read_part(fd, from, (size_t)(bytes - from), &text) || find_last(buf_span(&text), take, ret) || from == 0)
            return;
    }
}

static void read_events(int fd, struct look_running *r)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(HEAD_MAX + 1);
    struct stat st;
    struct event ev;
    struct err ignored = { 0 };
    struct span rest, line;
    if (fstat(fd, &st) < 0 || !read_part(fd, 0, HEAD_MAX, &text))
        return;
    rest = buf_span(&text);
    if (span_next_line(&rest, &line) && event_decode(line, &ev, &ignored) == 0) {
        r->started_ms = ev.t_ms;
        event_done(&ev);
    }
    search_tail(fd, st.st_size, take_step, r);
}

static void read_running(struct look *l, int dir_fd, int events_fd, const char *id)
{
    _cleanup_(json_free_p) struct json *request = NULL;
    struct look_running *r = &l->running;
    *r = (struct look_running){ .is = true };
    (void)snprintf(r->deployment, sizeof(r->deployment), "%s", id);
    if (read_json(dir_fd, "request.json", &request) == 0) {
        (void)snprintf(r->operation, sizeof(r->operation), "%s", json_str(request, "op", "deploy"));
        (void)snprintf(r->run_link, sizeof(r->run_link), "%s", json_str(request, "run_link", ""));
    }
    read_events(events_fd, r);
}

/* No outcome yet: it runs, waits for the lock, or nobody is at it any more. */
static void look_at_open(struct look *l, int dir_fd, const char *id)
{
    _cleanup_(close_p) int events_fd = openat(dir_fd, EVENTLOG_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (events_fd < 0 || faccessat(dir_fd, "request.json", F_OK, 0) != 0)
        return; /* it is just beginning, or died before its first word */
    if (!eventlog_is_written(events_fd)) {
        if (!l->unfinished[0])
            (void)snprintf(l->unfinished, sizeof(l->unfinished), "%s", id);
    } else if (!l->running.is || strcmp(id, l->lock.deployment) == 0) {
        read_running(l, dir_fd, events_fd, id);
    }
}

static int look_at_running(struct look *l, const struct strlist *ids, struct err *err)
{
    for (size_t i = 0; i < ids->len && i < RECORDS_MAX; i++) {
        _cleanup_(close_p) int dir_fd = -1;
        int r = store_open_deployment(l->run.app_fd, ids->items[i], &dir_fd, err);
        if (r < 0)
            return r;
        if (r == 0 && faccessat(dir_fd, "outcome.json", F_OK, 0) != 0)
            look_at_open(l, dir_fd, ids->items[i]);
    }
    return 0;
}

int look_at_records(struct look *l, struct err *err)
{
    struct strlist ids = { 0 };
    if (l->run.app_fd < 0)
        return 0;
    l->lock_held = lock_is_held(l->run.app_fd, &l->lock);
    int r = store_list_deployments(l->run.app_fd, &ids, err);
    if (r == 0)
        r = look_at_running(l, &ids, err);
    strlist_done(&ids);
    return r;
}

/* ---- why a deployment failed ---- */

static bool take_diagnosis(struct span line, void *ret)
{
    struct event ev;
    struct err ignored = { 0 };
    if (!span_contains(line, "\"diagnosis\"") || event_decode(line, &ev, &ignored) < 0)
        return false;
    bool is = ev.kind == EVENT_DIAGNOSIS;
    if (is)
        *(struct json **)ret = TAKE_PTR(ev.body);
    event_done(&ev);
    return is;
}

struct json *look_diagnosis_of(const struct look *l, const char *deployment)
{
    _cleanup_(close_p) int dir_fd = -1, events_fd = -1;
    struct json *found = NULL;
    struct stat st;
    struct err ignored = { 0 };
    if (l->run.app_fd < 0 || store_open_deployment(l->run.app_fd, deployment, &dir_fd, &ignored) != 0)
        return NULL;
    events_fd = openat(dir_fd, EVENTLOG_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (events_fd >= 0 && fstat(events_fd, &st) == 0)
        search_tail(events_fd, st.st_size, take_diagnosis, &found);
    return found;
}
