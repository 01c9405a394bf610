/* What the audit log tells: past deployments, the trend, whether it is whole. */
#include "agent/answers/auditreport.h"
#include "agent/state/store.h"
#include "agent/status/look.h"

#include <fcntl.h>
#include <sys/stat.h>

#define ENTRIES_MAX 10

/* ---- of an app whose records are older than the audit log ---- */

static struct json *entry_of(int app_fd, const char *id)
{
    _cleanup_(close_p) int dir_fd = -1;
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(STORE_FILE_MAX);
    _cleanup_(json_free_p) struct json *outcome = NULL;
    struct err ignored = { 0 };
    if (store_open_deployment(app_fd, id, &dir_fd, &ignored) != 0 ||
        store_read(dir_fd, "outcome.json", &text, &ignored) != 0 || json_parse(buf_span(&text), &outcome, &ignored) < 0)
        return NULL;
    struct json *e = auditreport_of_outcome(outcome, "");
    json_set_int(e, "n", 0);
    json_set_str(e, "t", json_str(outcome, "ended", ""));
    json_set_str(e, "hash", "");
    json_set_str(e, "broken", "");
    return e;
}

static int read_records(struct look *l, struct err *err)
{
    struct strlist ids = { 0 };
    int r = store_list_deployments(l->run.app_fd, &ids, err);
    for (size_t i = 0; i < ids.len && json_len(l->entries) < ENTRIES_MAX; i++) {
        struct json *e = entry_of(l->run.app_fd, ids.items[i]);
        if (e)
            json_push(l->entries, e);
    }
    strlist_done(&ids);
    return r;
}

/* ---- the log ---- */

static int read_log(struct look *l, struct err *err)
{
    _cleanup_(audit_log_done_p) struct audit_log log = { 0 };
    if (audit_read(l->run.app_fd, AUDITREPORT_LOOKED_AT, &log, err) < 0)
        return -(int)err->kind;
    l->entries = auditreport_entries(&log, ENTRIES_MAX);
    l->trend = auditreport_trend_of(&log);
    (void)snprintf(l->audit_bad, sizeof(l->audit_bad), "%s", log.verified.whole ? "" : log.verified.why);
    return log.count == 0 && log.verified.whole ? read_records(l, err) : 0;
}

/* True when none of the log's files was touched since the question before; *memory knows them as they are now. */
static bool is_as_before(const struct look *l, struct look_memory *memory)
{
    static const char *const names[LOOK_AUDIT_FILES] = { AUDIT_FILE, AUDIT_FILE_BEFORE, AUDIT_HEAD_FILE };
    bool same = memory->entries && memory->audit[0].inode != 0;
    for (size_t i = 0; i < LOOK_AUDIT_FILES; i++) {
        struct stat st = { 0 };
        if (fstatat(l->run.app_fd, names[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
            st = (struct stat){ 0 };
        int64_t changed = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
        same = same && memory->audit[i].inode == (int64_t)st.st_ino && memory->audit[i].bytes == (int64_t)st.st_size &&
               memory->audit[i].changed_ns == changed;
        memory->audit[i].inode = (int64_t)st.st_ino;
        memory->audit[i].bytes = (int64_t)st.st_size;
        memory->audit[i].changed_ns = changed;
    }
    return same;
}

static void remember(const struct look *l, struct look_memory *memory)
{
    json_free(memory->entries);
    json_free(memory->trend);
    memory->entries = json_copy(l->entries);
    memory->trend = json_copy(l->trend);
    (void)snprintf(memory->audit_bad, sizeof(memory->audit_bad), "%s", l->audit_bad);
}

int look_at_past(struct look *l, struct look_memory *memory, struct err *err)
{
    if (l->run.app_fd < 0) {
        l->entries = json_array();
        l->trend = json_array();
        return 0;
    }
    if (memory && is_as_before(l, memory)) {
        l->entries = json_copy(memory->entries);
        l->trend = json_copy(memory->trend);
        (void)snprintf(l->audit_bad, sizeof(l->audit_bad), "%s", memory->audit_bad);
        return 0;
    }
    int r = read_log(l, err);
    if (r == 0 && memory)
        remember(l, memory);
    return r;
}
