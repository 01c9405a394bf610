#include "agent/state/audit.h"

#include "shared/clock.h"
#include "tests/unit/agent/auditlog.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define SECRET "hunter2-canary"

static int app_fd(struct host *h)
{
    return h->run.app_fd;
}

/* A second descriptor of the file, to spoil it. */
static int open_log(struct host *h)
{
    int fd = openat(app_fd(h), AUDIT_FILE, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static int64_t size_of(struct host *h, const char *name)
{
    struct stat st;
    assert_int_equal(fstatat(app_fd(h), name, &st, 0), 0);
    return st.st_size;
}

static void flip(struct host *h, const char *name, int64_t at)
{
    int fd = openat(app_fd(h), name, O_RDWR | O_CLOEXEC);
    char c;
    assert_int_equal(pread(fd, &c, 1, at), 1);
    c = (char)(c ^ 1);
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    close_p(&fd);
}

static void entries_are_numbered_chained_and_private(void **state)
{
    struct host *h = *state;
    struct audit_log log;
    struct stat st;
    struct audit_mark first = auditlog_append(h, "a", "deployed");
    struct audit_mark second = auditlog_append(h, "b", "failed_untouched");
    assert_int_equal(first.link.n, 1);
    assert_string_equal(first.link.prev, AUDITCHAIN_NO_HASH);
    assert_int_equal(second.link.n, 2);
    assert_string_equal(second.link.prev, first.link.hash);
    assert_string_equal(second.found, "");
    host_assert_result(h, audit_read(app_fd(h), 10, &log, &h->err), 0);
    assert_true(log.verified.whole);
    assert_string_equal(log.verified.head, second.link.hash);
    assert_int_equal(log.count, 2);
    struct json *newest = audit_entry(&log, 0), *oldest = audit_entry(&log, 1);
    assert_string_equal(json_str(newest, "deployment", ""), "b");
    assert_string_equal(json_str(oldest, "hash", ""), first.link.hash);
    assert_true(clock_parse_iso(json_str(newest, "t", "")) > 0);
    assert_null(audit_entry(&log, 2));
    json_free(newest);
    json_free(oldest);
    audit_log_done(&log);
    assert_int_equal(fstatat(app_fd(h), AUDIT_FILE, &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(fstatat(app_fd(h), AUDIT_HEAD_FILE, &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void only_as_many_entries_are_kept_as_were_wanted(void **state)
{
    struct host *h = *state;
    struct audit_log log;
    char name[8];
    for (int i = 0; i < 7; i++) {
        (void)snprintf(name, sizeof(name), "d%d", i);
        (void)auditlog_append(h, name, "deployed");
    }
    host_assert_result(h, audit_read(app_fd(h), 3, &log, &h->err), 0);
    assert_int_equal(log.verified.entries, 7);
    assert_int_equal(log.count, 3);
    for (size_t i = 0; i < 3; i++) {
        struct json *e = audit_entry(&log, i);
        assert_int_equal(json_int(e, "n", 0), 7 - (int64_t)i);
        json_free(e);
    }
    audit_log_done(&log);
}

static void reading_creates_nothing(void **state)
{
    struct host *h = *state;
    auditlog_assert_whole(h, 0);
    assert_int_equal(faccessat(app_fd(h), AUDIT_FILE, F_OK, 0), -1);
    assert_int_equal(faccessat(app_fd(h), AUDIT_HEAD_FILE, F_OK, 0), -1);
}

static void no_secret_gets_into_it(void **state)
{
    struct host *h = *state;
    struct audit_mark mark;
    struct buf text = BUF_INIT(1 << 20);
    struct json *e = auditlog_entry("a", "failed_untouched"), *changes = json_object(), *keys = json_array();
    host_assert_result(h, redactor_add(h->run.redactor, span_of(SECRET), &h->err), 0);
    json_set_str(e, "reason", "the password " SECRET " is wrong");
    json_set_str(e, "who", "https://example.org/" SECRET);
    json_push_str(keys, "KEY_" SECRET);
    json_push_str(keys, "DATABASE_URL");
    json_set(changes, "env_added", keys);
    json_set(e, "changes", changes);
    host_assert_result(h, audit_append(app_fd(h), e, h->run.redactor, &mark, &h->err), 0);
    (void)host_read(app_fd(h), AUDIT_FILE, &text);
    assert_null(strstr(buf_str(&text), SECRET));
    assert_non_null(strstr(buf_str(&text), "the password *** is wrong"));
    assert_non_null(strstr(buf_str(&text), "DATABASE_URL"));
    auditlog_assert_whole(h, 1);
    json_free(e);
    buf_done(&text);
}

static void a_secret_that_looks_like_a_hash_does_not_break_the_chain(void **state)
{
    struct host *h = *state;
    struct audit_mark mark;
    struct json *e = auditlog_entry("a", "deployed");
    host_assert_result(h, redactor_add(h->run.redactor, SPAN_LIT("0000"), &h->err), 0);
    json_set_str(e, "prev", "not ours to say");
    host_assert_result(h, audit_append(app_fd(h), e, h->run.redactor, &mark, &h->err), 0);
    auditlog_assert_whole(h, 1);
    json_free(e);
}

static void many_names_are_left_out_and_counted(void **state)
{
    struct host *h = *state;
    struct audit_mark mark;
    struct audit_log log;
    struct json *e = auditlog_entry("a", "deployed"), *changes = json_object(), *keys = json_array();
    char key[300];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(key, sizeof(key), "%0250d", i);
        json_push_str(keys, key);
    }
    json_set(changes, "env_added", keys);
    json_set(e, "changes", changes);
    host_assert_result(h, audit_append(app_fd(h), e, NULL, &mark, &h->err), 0);
    assert_true(size_of(h, AUDIT_FILE) < AUDITCHAIN_LINE_MAX);
    host_assert_result(h, audit_read(app_fd(h), 1, &log, &h->err), 0);
    struct json *back = audit_entry(&log, 0);
    size_t kept = json_len(json_path(back, "changes", "env_added", NULL));
    assert_true(kept > 10);
    assert_int_equal(json_int(json_get(back, "changes"), "left_out", 0), 1000 - (int64_t)kept);
    json_free(back);
    json_free(e);
    audit_log_done(&log);
}

static void an_entry_that_is_the_last_one_already_is_not_repeated(void **state)
{
    struct host *h = *state;
    struct audit_mark first = auditlog_append(h, "a", "deployed"), again = auditlog_append(h, "a", "deployed");
    assert_int_equal(again.link.n, 1);
    assert_string_equal(again.link.hash, first.link.hash);
    assert_int_equal(auditlog_append(h, "a", "rolled_back").link.n, 2); /* the recovery found another end */
    assert_int_equal(auditlog_append(h, "", "pruned").link.n, 3);
    assert_int_equal(auditlog_append(h, "", "pruned").link.n, 4);
    auditlog_assert_whole(h, 4);
}

/* ---- a killed append ---- */

static void a_torn_end_of_any_length_is_dropped_and_told(void **state)
{
    struct host *h = *state;
    struct auditlog log;
    auditlog_init(&log);
    auditlog_add(&log, "");
    auditlog_add(&log, "");
    size_t whole = log.now.len;
    auditlog_write(&log, app_fd(h));
    auditlog_add(&log, "");
    for (size_t len = whole + 1; len < log.now.len; len += 7) {
        host_assert_result(h, store_write(app_fd(h), AUDIT_FILE, (struct span){ log.now.ptr, len }, &h->err), 0);
        int fd = open_log(h);
        close_p(&fd);
        struct audit_mark mark = auditlog_append(h, "next", "deployed");
        assert_int_equal(mark.link.n, 3);
        assert_non_null(strstr(mark.found, "cut off"));
        auditlog_assert_whole(h, 3);
        struct buf head = BUF_INIT(4096);
        struct audit_link second = { .n = 2 };
        memcpy(second.hash, mark.link.prev, sizeof(second.hash));
        auditchain_head(&second, &head);
        host_assert_result(h, store_write(app_fd(h), AUDIT_HEAD_FILE, buf_span(&head), &h->err), 0);
        buf_done(&head);
    }
    auditlog_done(&log);
}

static void a_first_entry_that_was_cut_off_is_dropped(void **state)
{
    struct host *h = *state;
    host_write(app_fd(h), AUDIT_FILE, "{\"n\":1,\"pre");
    struct audit_mark mark = auditlog_append(h, "a", "deployed");
    assert_int_equal(mark.link.n, 1);
    assert_non_null(strstr(mark.found, "cut off"));
    auditlog_assert_whole(h, 1);
}

static void a_kill_between_append_and_head_is_no_break(void **state)
{
    struct host *h = *state;
    struct buf head = BUF_INIT(4096);
    (void)auditlog_append(h, "a", "deployed");
    (void)host_read(app_fd(h), AUDIT_HEAD_FILE, &head);
    struct audit_mark second = auditlog_append(h, "b", "deployed");
    host_write(app_fd(h), AUDIT_HEAD_FILE, buf_str(&head));
    auditlog_assert_whole(h, 2);
    struct audit_mark third = auditlog_append(h, "c", "deployed");
    assert_string_equal(third.found, "");
    assert_string_equal(third.link.prev, second.link.hash);
    auditlog_assert_whole(h, 3);
    buf_done(&head);
}

static void a_kill_before_the_first_head_is_no_break(void **state)
{
    struct host *h = *state;
    (void)auditlog_append(h, "a", "deployed");
    assert_int_equal(unlinkat(app_fd(h), AUDIT_HEAD_FILE, 0), 0);
    auditlog_assert_whole(h, 1);
    struct audit_mark second = auditlog_append(h, "b", "deployed");
    assert_int_equal(second.link.n, 2);
    assert_string_equal(second.found, "");
    auditlog_assert_whole(h, 2);
}

/* A process that appends until it is killed. */
static pid_t append_for_ever(struct host *h, int name)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    for (int i = 0; pid == 0; i++) {
        char deployment[40];
        struct audit_mark mark;
        (void)snprintf(deployment, sizeof(deployment), "p%d-%d", name, i);
        struct json *e = auditlog_entry(deployment, "deployed");
        if (audit_append(app_fd(h), e, NULL, &mark, NULL) < 0)
            _exit(1);
        json_free(e);
    }
    return pid;
}

static void a_kill_at_any_time_leaves_a_log_that_is_whole(void **state)
{
    struct host *h = *state;
    int64_t entries = 0;
    for (int round = 0; round < 40; round++) {
        pid_t pid = append_for_ever(h, round);
        clock_sleep_ms(1 + round % 5); /* the time of the kill is what is varied */
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        struct audit_verified v = auditlog_verify(h);
        assert_string_equal(v.why, "");
        assert_true(v.entries >= entries);
        entries = v.entries;
    }
    char name[] = "after";
    (void)auditlog_append(h, name, "deployed");
    auditlog_assert_whole(h, entries + 1);
}

static void appends_of_several_processes_are_all_in_it(void **state)
{
    enum { PROCESSES = 6, EACH = 15 };
    struct host *h = *state;
    pid_t pids[PROCESSES];
    for (int p = 0; p < PROCESSES; p++) {
        pids[p] = fork();
        for (int i = 0; pids[p] == 0 && i < EACH; i++) {
            char deployment[40];
            struct audit_mark mark;
            (void)snprintf(deployment, sizeof(deployment), "p%d-%d", p, i);
            struct json *e = auditlog_entry(deployment, "deployed");
            if (audit_append(app_fd(h), e, NULL, &mark, NULL) < 0 || mark.found[0])
                _exit(1);
            json_free(e);
        }
        if (pids[p] == 0)
            _exit(0);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status = -1;
        assert_int_equal(waitpid(pids[p], &status, 0), pids[p]);
        assert_int_equal(status, 0);
    }
    auditlog_assert_whole(h, PROCESSES * EACH);
}

/* ---- trouble ---- */

static void a_full_disk_leaves_the_log_as_it_was(void **state)
{
    struct host *h = *state;
    struct audit_mark mark;
    struct json *e = auditlog_entry("b", "deployed");
    (void)auditlog_append(h, "a", "deployed");
    int64_t size = size_of(h, AUDIT_FILE);
    for (int64_t more = 0; more < 200; more += 33) {
        host_limit_files(size + more);
        assert_true(audit_append(app_fd(h), e, NULL, &mark, &h->err) < 0);
        host_limit_files(-1);
        err_clear(&h->err);
        assert_int_equal(size_of(h, AUDIT_FILE), size);
        auditlog_assert_whole(h, 1);
    }
    assert_int_equal(auditlog_append(h, "b", "deployed").link.n, 2);
    auditlog_assert_whole(h, 2);
    json_free(e);
}

static void an_entry_whose_head_cannot_be_written_does_not_stay(void **state)
{
    struct host *h = *state;
    struct audit_mark mark;
    struct json *e = auditlog_entry("b", "deployed");
    (void)auditlog_append(h, "a", "deployed");
    int64_t size = size_of(h, AUDIT_FILE);
    assert_int_equal(mkdirat(app_fd(h), "." AUDIT_HEAD_FILE ".new", 0700), 0); /* in the way of the new head */
    host_assert_err(h, audit_append(app_fd(h), e, NULL, &mark, &h->err), ERR_IO, AUDIT_HEAD_FILE);
    assert_int_equal(size_of(h, AUDIT_FILE), size);
    assert_int_equal(unlinkat(app_fd(h), "." AUDIT_HEAD_FILE ".new", AT_REMOVEDIR), 0);
    assert_int_equal(auditlog_append(h, "b", "deployed").link.n, 2);
    auditlog_assert_whole(h, 2);
    json_free(e);
}

static void a_log_that_somebody_holds_is_waited_for_and_then_given_up(void **state)
{
    struct host *h = *state;
    struct audit_mark mark;
    (void)auditlog_append(h, "a", "deployed");
    int fd = open_log(h);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    struct json *e = auditlog_entry("b", "deployed");
    host_assert_err(h, audit_append(app_fd(h), e, NULL, &mark, &h->err), ERR_LOCKED, "holds the audit log");
    json_free(e);
    close_p(&fd);
    auditlog_assert_whole(h, 1);
}

static void a_link_in_its_place_is_not_followed(void **state)
{
    struct host *h = *state;
    struct audit_mark mark;
    struct json *e = auditlog_entry("a", "deployed");
    host_write(app_fd(h), "elsewhere", "");
    assert_int_equal(symlinkat("elsewhere", app_fd(h), AUDIT_FILE), 0);
    host_assert_err(h, audit_append(app_fd(h), e, NULL, &mark, &h->err), ERR_IO, "open the audit log");
    assert_int_equal(size_of(h, "elsewhere"), 0);
    json_free(e);
}

/* ---- breaks ---- */

/* Three entries, then `spoil`; the next append says what it found, and the break is found for ever after. */
static void break_it(struct host *h, void (*spoil)(struct host *h), int64_t first_bad, const char *word, int64_t next)
{
    (void)auditlog_append(h, "a", "deployed");
    (void)auditlog_append(h, "b", "deployed");
    (void)auditlog_append(h, "c", "deployed");
    spoil(h);
    auditlog_assert_bad(h, first_bad, word);
    struct audit_mark mark = auditlog_append(h, "d", "deployed");
    assert_int_equal(mark.link.n, next);
    assert_non_null(strstr(mark.found, "is not whole"));
    struct audit_mark after = auditlog_append(h, "e", "deployed");
    assert_string_equal(after.found, "");
    assert_string_equal(after.link.prev, mark.link.hash);
    assert_false(auditlog_verify(h).whole);
}

static void flip_the_last(struct host *h)
{
    flip(h, AUDIT_FILE, size_of(h, AUDIT_FILE) - 100);
}

static void a_damaged_last_entry_stays_found_behind_new_ones(void **state)
{
    break_it(*state, flip_the_last, 3, "entry 3 is damaged", 4);
    auditlog_assert_bad(*state, 3, "entry 3 is damaged");
}

static void flip_the_last_line_end(struct host *h)
{
    flip(h, AUDIT_FILE, size_of(h, AUDIT_FILE) - 1);
}

static void a_changed_line_end_stays_found_behind_new_entries(void **state)
{
    break_it(*state, flip_the_last_line_end, 3, "entry 3 is cut off", 4);
}

static void cut_the_last_line_end(struct host *h)
{
    int fd = open_log(h);
    assert_int_equal(ftruncate(fd, size_of(h, AUDIT_FILE) - 1), 0);
    close_p(&fd);
}

static void a_cut_line_end_stays_found_behind_new_entries(void **state)
{
    break_it(*state, cut_the_last_line_end, 3, "entry 3 is cut off", 4);
    auditlog_assert_bad(*state, 4, "entry 3 is cut off");
}

static void cut_two_entries(struct host *h)
{
    struct buf text = BUF_INIT(1 << 20);
    (void)host_read(app_fd(h), AUDIT_FILE, &text);
    *(strchr(buf_str(&text), '\n') + 1) = '\0';
    host_write(app_fd(h), AUDIT_FILE, text.ptr);
    buf_done(&text);
}

static void entries_taken_from_the_end_stay_missing(void **state)
{
    break_it(*state, cut_two_entries, 2, "entry 2 is missing", 4);
    auditlog_assert_bad(*state, 2, "entry 2 is missing");
}

static void delete_file(struct host *h)
{
    assert_int_equal(unlinkat(app_fd(h), AUDIT_FILE, 0), 0);
}

static void a_deleted_file_stays_missing(void **state)
{
    break_it(*state, delete_file, 1, "entry 1 is missing", 4);
    auditlog_assert_bad(*state, 1, "entry 1 is missing");
}

static void delete_head(struct host *h)
{
    assert_int_equal(unlinkat(app_fd(h), AUDIT_HEAD_FILE, 0), 0);
}

static void a_deleted_head_stays_found(void **state)
{
    break_it(*state, delete_head, 0, "audit.head is missing", 4);
    auditlog_assert_bad(*state, 4, "audit.head is missing");
}

static void spoil_head(struct host *h)
{
    flip(h, AUDIT_HEAD_FILE, 3);
}

static void a_damaged_head_stays_found(void **state)
{
    break_it(*state, spoil_head, 0, "audit.head is damaged", 4);
    auditlog_assert_bad(*state, 4, "audit.head is damaged");
}

static void grow_head(struct host *h)
{
    char text[8192];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    host_write(app_fd(h), AUDIT_HEAD_FILE, text);
}

static void a_head_as_large_as_no_head_is_stays_found(void **state)
{
    break_it(*state, grow_head, 0, "audit.head is damaged", 4);
}

static void put_bytes_behind(struct host *h, size_t bytes)
{
    int fd = open_log(h);
    char garbage[3 * AUDITCHAIN_LINE_MAX];
    memset(garbage, 'x', sizeof(garbage));
    assert_int_equal(pwrite(fd, garbage, bytes, size_of(h, AUDIT_FILE)), bytes);
    close_p(&fd);
}

static void put_garbage_behind(struct host *h)
{
    put_bytes_behind(h, 3 * AUDITCHAIN_LINE_MAX);
}

static void put_just_too_much_behind(struct host *h)
{
    put_bytes_behind(h, AUDITCHAIN_LINE_MAX);
}

static void a_tail_longer_than_any_entry_is_no_append_that_was_cut_off(void **state)
{
    break_it(*state, put_just_too_much_behind, 4, "no line is as long", 4);
}

static void garbage_behind_the_last_entry_stays_found(void **state)
{
    break_it(*state, put_garbage_behind, 4, "no line is as long", 4);
}

static void a_change_further_up_stays_found(void **state)
{
    struct host *h = *state;
    (void)auditlog_append(h, "a", "deployed");
    (void)auditlog_append(h, "b", "deployed");
    flip(h, AUDIT_FILE, 90);
    (void)auditlog_append(h, "c", "deployed");
    auditlog_assert_bad(h, 1, "entry 1 is damaged");
}

/* ---- rotation ---- */

/* A log that is as large as one may become; its last entry is n. */
static int64_t fill_up(struct host *h)
{
    struct auditlog log;
    struct buf members = BUF_INIT(1 << 16);
    auditlog_init(&log);
    buf_adds(&members, "\"reason\":\"");
    for (int i = 0; i < 15000; i++)
        buf_addc(&members, 'x');
    buf_adds(&members, "\",");
    while (log.now.len < AUDIT_FILE_MAX)
        auditlog_add(&log, buf_str(&members));
    auditlog_write(&log, app_fd(h));
    int64_t n = log.n;
    buf_done(&members);
    auditlog_done(&log);
    return n;
}

static void a_large_log_is_rotated_and_the_chain_goes_on(void **state)
{
    struct host *h = *state;
    int64_t n = fill_up(h);
    auditlog_assert_whole(h, n);
    struct audit_mark mark = auditlog_append(h, "next", "deployed");
    assert_int_equal(mark.link.n, n + 1);
    assert_string_equal(mark.found, "");
    assert_true(size_of(h, AUDIT_FILE) < 1000);
    assert_true(size_of(h, AUDIT_FILE_BEFORE) >= AUDIT_FILE_MAX);
    auditlog_assert_whole(h, n + 1);
    assert_int_equal(auditlog_append(h, "one more", "deployed").link.n, n + 2);
    auditlog_assert_whole(h, n + 2);
    flip(h, AUDIT_FILE_BEFORE, 90);
    auditlog_assert_bad(h, 1, "entry 1 is damaged");
}

static void a_kill_in_mid_rotation_is_no_break(void **state)
{
    struct host *h = *state;
    int64_t n = fill_up(h);
    assert_int_equal(renameat(app_fd(h), AUDIT_FILE, app_fd(h), AUDIT_FILE_BEFORE), 0);
    auditlog_assert_whole(h, n);
    struct audit_mark mark = auditlog_append(h, "next", "deployed");
    assert_int_equal(mark.link.n, n + 1);
    assert_string_equal(mark.found, "");
    auditlog_assert_whole(h, n + 1);
}

static void a_deleted_rotated_file_is_missed(void **state)
{
    struct host *h = *state;
    int64_t n = fill_up(h);
    (void)auditlog_append(h, "next", "deployed");
    assert_int_equal(unlinkat(app_fd(h), AUDIT_FILE_BEFORE, 0), 0);
    struct audit_verified v = auditlog_verify(h);
    assert_false(v.whole);
    assert_int_equal(v.first_bad, 1);
    assert_int_equal(v.entries, 1);
    assert_int_equal(v.last.n, n + 1);
}

static void the_newer_file_deleted_stays_missing(void **state)
{
    struct host *h = *state;
    int64_t n = fill_up(h);
    (void)auditlog_append(h, "x", "deployed");
    (void)auditlog_append(h, "y", "deployed");
    delete_file(h);
    auditlog_assert_bad(h, n + 1, "is missing");
    struct audit_mark mark = auditlog_append(h, "z", "deployed");
    assert_int_equal(mark.link.n, n + 3);
    auditlog_assert_bad(h, n + 1, "is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_CASE(entries_are_numbered_chained_and_private),
        RUN_CASE(only_as_many_entries_are_kept_as_were_wanted),
        RUN_CASE(reading_creates_nothing),
        RUN_CASE(no_secret_gets_into_it),
        RUN_CASE(a_secret_that_looks_like_a_hash_does_not_break_the_chain),
        RUN_CASE(many_names_are_left_out_and_counted),
        RUN_CASE(an_entry_that_is_the_last_one_already_is_not_repeated),
        RUN_CASE(a_torn_end_of_any_length_is_dropped_and_told),
        RUN_CASE(a_first_entry_that_was_cut_off_is_dropped),
        RUN_CASE(a_kill_between_append_and_head_is_no_break),
        RUN_CASE(a_kill_before_the_first_head_is_no_break),
        RUN_CASE(a_kill_at_any_time_leaves_a_log_that_is_whole),
        RUN_CASE(appends_of_several_processes_are_all_in_it),
        RUN_CASE(a_full_disk_leaves_the_log_as_it_was),
        RUN_CASE(an_entry_whose_head_cannot_be_written_does_not_stay),
        RUN_CASE(a_log_that_somebody_holds_is_waited_for_and_then_given_up),
        RUN_CASE(a_link_in_its_place_is_not_followed),
        RUN_CASE(a_damaged_last_entry_stays_found_behind_new_ones),
        RUN_CASE(a_changed_line_end_stays_found_behind_new_entries),
        RUN_CASE(a_cut_line_end_stays_found_behind_new_entries),
        RUN_CASE(entries_taken_from_the_end_stay_missing),
        RUN_CASE(a_deleted_file_stays_missing),
        RUN_CASE(a_deleted_head_stays_found),
        RUN_CASE(a_damaged_head_stays_found),
        RUN_CASE(a_head_as_large_as_no_head_is_stays_found),
        RUN_CASE(garbage_behind_the_last_entry_stays_found),
        RUN_CASE(a_tail_longer_than_any_entry_is_no_append_that_was_cut_off),
        RUN_CASE(a_change_further_up_stays_found),
        RUN_CASE(a_large_log_is_rotated_and_the_chain_goes_on),
        RUN_CASE(a_kill_in_mid_rotation_is_no_break),
        RUN_CASE(a_deleted_rotated_file_is_missed),
        RUN_CASE(the_newer_file_deleted_stays_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
