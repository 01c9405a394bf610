#include "agent/answers/collect.h"

#include "tests/unit/agent/host.h"

#include <fcntl.h>

#include <archive.h>
#include <archive_entry.h>

/* What collect_reply() wrote to a file: the archive out of its data events. */
static void unwrap(int fd, struct buf *archive)
{
    struct buf all = BUF_INIT(STORE_FILE_MAX);
    char bytes[65536];
    ssize_t n;
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    while ((n = read(fd, bytes, sizeof(bytes))) > 0)
        buf_add(&all, bytes, (size_t)n);
    struct span rest = buf_span(&all), line;
    while (span_next_line(&rest, &line)) {
        struct event ev;
        assert_int_equal(event_decode(line, &ev, NULL), 0);
        assert_int_equal(ev.kind, EVENT_DATA);
        assert_int_equal(ev.seq, 0);
        assert_string_equal(json_str(ev.body, "name", ""), "bundle");
        size_t len = (size_t)json_int(ev.body, "bytes", 0);
        assert_true(len > 0 && len <= rest.len);
        buf_add(archive, rest.ptr, len);
        rest.ptr += len;
        rest.len -= len;
        event_done(&ev);
    }
    buf_done(&all);
}

/* "name=content" of every entry, one after another. */
static void list(const struct buf *archive, struct buf *out)
{
    struct archive *a = archive_read_new();
    struct archive_entry *e;
    assert_int_equal(archive_read_support_filter_gzip(a), ARCHIVE_OK);
    assert_int_equal(archive_read_support_format_tar(a), ARCHIVE_OK);
    assert_int_equal(archive_read_open_memory(a, archive->ptr, archive->len), ARCHIVE_OK);
    while (archive_read_next_header(a, &e) == ARCHIVE_OK) {
        char bytes[4096];
        la_ssize_t n;
        buf_addf(out, "<%s>=", archive_entry_pathname(e));
        while ((n = archive_read_data(a, bytes, sizeof(bytes))) > 0)
            buf_add(out, bytes, (size_t)n);
        buf_addc(out, ';');
    }
    assert_int_equal(archive_read_free(a), ARCHIVE_OK);
}

static int temporary_file(struct host *h)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/out", h->root);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

static void collect(struct host *h, struct buf *out)
{
    struct buf archive = BUF_INIT(STORE_FILE_MAX);
    int fd = temporary_file(h);
    buf_init(out, STORE_FILE_MAX);
    host_assert_result(h, collect_reply(HOST_APP, HOST_ID, fd, &h->err), 0);
    unwrap(fd, &archive);
    list(&archive, out);
    buf_done(&archive);
    close_p(&fd);
}

static void assert_holds(const struct buf *out, const char *text)
{
    if (!strstr(buf_str(out), text))
        fail_msg("'%s' is not in: %s", text, buf_str(out));
}

static void what_the_host_has_to_show_is_in_it(void **state)
{
    struct host *h = *state;
    struct buf out;
    static const char *const kept[] = { "request.json",
                                        "engine.json",
                                        "inspect-blue.json",
                                        "inspect-green.json",
                                        "inspect-candidate.json",
                                        "app-blue.log",
                                        "app-green.log",
                                        "app-candidate.log",
                                        "deployment-metrics-" HOST_STAMP ".json" };
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        host_write(h->run.dir_fd, kept[i], kept[i]);
    run_log(&h->run, "info", "agent", "hello");
    collect(h, &out);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        char want[200];
        (void)snprintf(want, sizeof(want), "<%s>=%s;", kept[i], kept[i]);
        assert_holds(&out, want);
    }
    assert_holds(&out, "<events.ndjson>={\"v\":1,\"seq\":1,");
    assert_holds(&out, "<deployment-" HOST_STAMP ".log>=");
    assert_holds(&out, "<health-samples.csv>=unix_ms,target,attempt,ok,status,response_ms\n;");
    buf_done(&out);
}

static void what_nobody_asked_for_is_not(void **state)
{
    struct host *h = *state;
    struct buf out;
    host_write(h->run.dir_fd, "worker.pid", "secret-a");
    host_write(h->run.dir_fd, "app-blue.log.old", "secret-b");
    host_write(h->run.dir_fd, "other", "secret-c");
    collect(h, &out);
    assert_null(strstr(buf_str(&out), "secret-"));
    assert_null(strstr(buf_str(&out), "<journal>"));
    buf_done(&out);
}

static void health_samples_become_a_table(void **state)
{
    struct host *h = *state;
    struct buf out;
    struct event ev;
    for (int i = 1; i <= 2; i++) {
        event_init(&ev, EVENT_HEALTH_SAMPLE, "warm_up");
        json_set_str(ev.body, "target", "candidate");
        json_set_int(ev.body, "attempt", i);
        json_set_bool(ev.body, "ok", i == 2);
        json_set_int(ev.body, "status", i == 2 ? 200 : 503);
        json_set_int(ev.body, "ms", 7);
        eventlog_emit(&h->run.log, &ev);
        event_done(&ev);
    }
    run_log(&h->run, "info", "agent", "a log line about health.sample");
    collect(h, &out);
    assert_holds(&out, ",candidate,1,0,503,7\n");
    assert_holds(&out, ",candidate,2,1,200,7\n;"); /* the last line */
    buf_done(&out);
}

static void a_link_in_the_folder_is_not_followed(void **state)
{
    struct host *h = *state;
    int fd = temporary_file(h);
    assert_int_equal(symlinkat("/etc/passwd", h->run.dir_fd, "app-blue.log"), 0);
    host_assert_err(h, collect_reply(HOST_APP, HOST_ID, fd, &h->err), ERR_IO, "app-blue.log");
    close_p(&fd);
}

static void what_is_not_known_is_an_error(void **state)
{
    struct host *h = *state;
    int fd = temporary_file(h);
    host_assert_err(h, collect_reply(HOST_APP, "20200101-000000-aaaaaa", fd, &h->err), ERR_NOT_FOUND,
                    "not known on this host");
    assert_int_equal(lseek(fd, 0, SEEK_END), 0);
    close_p(&fd);
}

static void a_client_that_is_gone_is_the_cause(void **state)
{
    struct host *h = *state;
    int ends[2];
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    close_p(&ends[0]);
    host_assert_err(h, collect_reply(HOST_APP, HOST_ID, ends[1], &h->err), ERR_NET, "client");
    close_p(&ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_CASE(what_the_host_has_to_show_is_in_it), RUN_CASE(what_nobody_asked_for_is_not),
        RUN_CASE(health_samples_become_a_table),      RUN_CASE(a_link_in_the_folder_is_not_followed),
        RUN_CASE(what_is_not_known_is_an_error),      RUN_CASE(a_client_that_is_gone_is_the_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
