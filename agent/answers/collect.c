#include "agent/answers/collect.h"

#include "agent/answers/reply.h"
#include "agent/state/audit.h"
#include "agent/state/eventlog.h"
#include "agent/state/store.h"
#include "shared/bundle.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#define ENTRY_BYTES_MAX (32LL * 1024 * 1024)

struct sink {
    int out_fd;
    struct err *err;
};

static int send_data(void *ctx, struct span data)
{
    struct sink *sink = ctx;
    return reply_data(sink->out_fd, "bundle", data, sink->err);
}

/* The files of the folder that belong into a bundle, and their names there; NULL: not this one. */
static const char *name_in_bundle(const char *file)
{
    static const char *const kept[] = { "request.json",           "engine.json",
                                        "inspect-blue.json",      "inspect-green.json",
                                        "inspect-candidate.json", "app-blue.log",
                                        "app-green.log",          "app-candidate.log" };
    if (strcmp(file, EVENTLOG_FILE) == 0)
        return "events.ndjson";
    if (strncmp(file, "deployment-", 11) == 0)
        return file;
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        if (strcmp(kept[i], file) == 0)
            return file;
    return NULL;
}

static int add_file(struct bundle_writer *w, int dir_fd, const char *file, struct err *err)
{
    _cleanup_(close_p) int fd = openat(dir_fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_IO, errno, "open '%s': %s", file, strerror(errno));
    return bundle_add_fd(w, name_in_bundle(file), fd, ENTRY_BYTES_MAX, err);
}

static int add_files(struct bundle_writer *w, int dir_fd, struct err *err)
{
    struct strlist names = { 0 };
    int list_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = list_fd >= 0 ? fdopendir(list_fd) : NULL;
    int r = 0;
    if (!dir) {
        close_p(&list_fd);
        return err_set(err, ERR_IO, errno, "list the deployment: %s", strerror(errno));
    }
    for (const struct dirent *d; r == 0 && (d = readdir(dir));)
        if (name_in_bundle(d->d_name))
            r = strlist_add(&names, span_of(d->d_name), err);
    closedir(dir);
    for (size_t i = 0; r == 0 && i < names.len; i++)
        r = add_file(w, dir_fd, names.items[i], err);
    strlist_done(&names);
    return r;
}

/* As it was at one moment. A log that cannot be read does not cost the evidence of a run. */
static int add_audit(struct bundle_writer *w, int app_fd, struct err *err)
{
    _cleanup_(audit_log_done_p) struct audit_log log = { 0 };
    struct err ignored = { 0 };
    struct stat st = { 0 };
    if (audit_read(app_fd, 0, &log, &ignored) < 0)
        return 0;
    const struct {
        const char *name;
        const struct buf *bytes;
    } files[] = { { AUDIT_FILE_BEFORE, &log.before }, { AUDIT_FILE, &log.now }, { AUDIT_HEAD_FILE, &log.head } };
    (void)fstat(app_fd, &st); /* each append renames a head into it */
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (files[i].bytes->len > 0 &&
            bundle_add(w, files[i].name, buf_span(files[i].bytes), (int64_t)st.st_mtime * 1000, err) < 0)
            return -(int)err->kind;
    return 0;
}

static void add_sample(struct buf *csv, struct span line)
{
    struct event ev;
    struct err ignored = { 0 };
    if (!span_contains(line, "health.sample") || event_decode(line, &ev, &ignored) < 0)
        return;
    if (ev.kind == EVENT_HEALTH_SAMPLE)
        buf_addf(csv, "%" PRId64 ",%s,%" PRId64 ",%d,%" PRId64 ",%" PRId64 "\n", ev.t_ms,
                 json_str(ev.body, "target", ""), json_int(ev.body, "attempt", 0), json_bool(ev.body, "ok", false),
                 json_int(ev.body, "status", 0), json_int(ev.body, "ms", 0));
    event_done(&ev);
}

/* The health samples once more, as a table for a spreadsheet. */
static int add_samples(struct bundle_writer *w, int dir_fd, struct err *err)
{
    _cleanup_(fclose_p) FILE *f = NULL;
    _cleanup_(buf_done_p) struct buf csv = BUF_INIT(STORE_FILE_MAX);
    _cleanup_(free_p) char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int fd = openat(dir_fd, EVENTLOG_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    f = fd >= 0 ? fdopen(fd, "r") : NULL;
    buf_adds(&csv, "unix_ms,target,attempt,ok,status,response_ms\n");
    while (f && csv.len < csv.max / 2 && (n = getline(&line, &cap, f)) > 0)
        add_sample(&csv, (struct span){ line, (size_t)n - (line[n - 1] == '\n') });
    struct stat st = { 0 };
    (void)fstat(dir_fd, &st);
    return bundle_add(w, "health-samples.csv", buf_span(&csv), (int64_t)st.st_mtime * 1000, err);
}

int collect_reply(const char *app, const char *id, int out_fd, struct err *err)
{
    _cleanup_(close_p) int app_fd = -1;
    _cleanup_(close_p) int dir_fd = -1;
    _cleanup_(bundle_writer_free_p) struct bundle_writer *w = NULL;
    struct err sink_err = { 0 };
    struct sink sink = { .out_fd = out_fd, .err = &sink_err };
    if (store_open_app(app, &app_fd, err) < 0)
        return -(int)err->kind;
    int r = store_open_deployment(app_fd, id, &dir_fd, err);
    if (r == 1)
        return err_set(err, ERR_NOT_FOUND, 0, "deployment %s is not known on this host", id);
    if (r == 0)
        r = bundle_writer_new(&w, send_data, &sink, err);
    if (r == 0)
        r = add_files(w, dir_fd, err);
    if (r == 0)
        r = add_samples(w, dir_fd, err);
    if (r == 0)
        r = add_audit(w, app_fd, err);
    if (r == 0)
        r = bundle_finish(w, err);
    if (r < 0 && sink_err.kind != ERR_OK)
        *err = sink_err; /* the client is gone: that is the cause */
    return r < 0 ? -(int)err->kind : 0;
}
