#include "tests/unit/agent/host.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

int host_set_up_root(void **state)
{
    struct host *h = calloc(1, sizeof(*h));
    assert_non_null(h);
    (void)snprintf(h->root, sizeof(h->root), "/tmp/bluegreen-host-XXXXXX");
    assert_non_null(mkdtemp(h->root));
    assert_int_equal(setenv("BLUEGREEN_HOME", h->root, 1), 0);
    run_init(&h->run);
    *state = h;
    return 0;
}

int host_set_up_run(void **state)
{
    (void)host_set_up_root(state);
    struct host *h = *state;
    struct run *run = &h->run;
    run->op = WIRE_DEPLOY;
    (void)snprintf(run->app, sizeof(run->app), "%s", HOST_APP);
    (void)snprintf(run->id, sizeof(run->id), "%s", HOST_ID);
    run_set_names(&run->names, run->app);
    host_assert_result(h, store_open_app(run->app, &run->app_fd, &h->err), 0);
    host_assert_result(h, store_create_deployment(run->app_fd, run->id, &run->dir_fd, &h->err), 0);
    host_assert_result(h, redactor_new(&run->redactor, &h->err), 0);
    host_assert_result(h, eventlog_open(&run->log, run->dir_fd, HOST_STAMP, run->redactor, &h->err), 0);
    host_assert_result(h, journal_open(&run->journal, run->dir_fd, &h->err), 0);
    return 0;
}

int host_set_up_engine(void **state)
{
    (void)host_set_up_run(state);
    struct host *h = *state;
    h->fake = fake_engine_start("1.41");
    host_assert_result(h, engine_open(&h->run.engine, fake_engine_socket(h->fake), &h->run.cancelled, &h->err), 0);
    return 0;
}

int host_set_up_found_engine(void **state)
{
    (void)host_set_up_run(state);
    struct host *h = *state;
    char url[96];
    h->fake = fake_engine_start("1.45");
    fake_engine_reply(
        h->fake, "GET /info", 200,
        "{\"ServerVersion\":\"26.1.5\",\"OSType\":\"linux\",\"Architecture\":\"x86_64\",\"DockerRootDir\":\"/\"}");
    fake_engine_reply(h->fake, "GET /containers/json", 200, "[]");
    (void)snprintf(url, sizeof(url), "unix://%s", fake_engine_socket(h->fake));
    return setenv("DOCKER_HOST", url, 1);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int host_tear_down(void **state)
{
    struct host *h = *state;
    run_done(&h->run);
    if (h->fake)
        fake_engine_stop(h->fake);
    (void)nftw(h->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(h);
    return 0;
}

void host_assert_err(struct host *h, int r, enum err_kind kind, const char *word)
{
    (void)err_text(&h->err, h->text, sizeof(h->text));
    if (r != -(int)kind || h->err.kind != kind)
        fail_msg("got %d (%s), wanted %s: %s", r, err_kind_name(h->err.kind), err_kind_name(kind), h->text);
    if (!strstr(h->text, word))
        fail_msg("'%s' does not say '%s'", h->text, word);
    err_clear(&h->err);
}

void host_assert_result(struct host *h, int r, int want)
{
    if (r != want)
        fail_msg("got %d, wanted %d: %s", r, want, r < 0 ? err_text(&h->err, h->text, sizeof(h->text)) : "");
}

const char *host_kinds(int dir_fd, struct buf *out)
{
    struct buf all = BUF_INIT(STORE_FILE_MAX);
    struct span rest, line;
    assert_int_equal(store_read(dir_fd, EVENTLOG_FILE, &all, NULL), 0);
    buf_init(out, STORE_FILE_MAX);
    for (rest = buf_span(&all); span_next_line(&rest, &line);) {
        struct event ev;
        assert_int_equal(event_decode(line, &ev, NULL), 0);
        buf_addf(out, "%s%s%s%s", out->len ? " " : "", event_kind_name(ev.kind), ev.step[0] ? ":" : "", ev.step);
        event_done(&ev);
    }
    buf_done(&all);
    return buf_str(out);
}

struct json *host_event(int dir_fd, enum event_kind kind)
{
    struct buf all = BUF_INIT(STORE_FILE_MAX);
    struct span rest, line;
    struct json *found = NULL;
    assert_int_equal(store_read(dir_fd, EVENTLOG_FILE, &all, NULL), 0);
    for (rest = buf_span(&all); span_next_line(&rest, &line);) {
        struct event ev;
        assert_int_equal(event_decode(line, &ev, NULL), 0);
        if (ev.kind == kind) {
            json_free(found);
            found = TAKE_PTR(ev.body);
        }
        event_done(&ev);
    }
    buf_done(&all);
    return found;
}

const char *host_journal(int dir_fd, struct buf *out)
{
    struct json *records = NULL;
    assert_int_equal(journal_read(dir_fd, &records, NULL, NULL), 0);
    buf_init(out, STORE_FILE_MAX);
    for (const struct json *r = json_first(records); r; r = json_next(r))
        buf_addf(out, "%s%s %s", out->len ? "," : "", json_str(r, "what", "?"), json_str(r, "step", "?"));
    json_free(records);
    return buf_str(out);
}

const char *host_read(int dir_fd, const char *name, struct buf *out)
{
    buf_init(out, STORE_FILE_MAX);
    if (store_read(dir_fd, name, out, NULL) != 0)
        fail_msg("there is no file '%s'", name);
    return buf_str(out);
}

void host_write(int dir_fd, const char *name, const char *text)
{
    assert_int_equal(store_write(dir_fd, name, span_of(text), NULL), 0);
}

struct json *host_parse(const char *text)
{
    struct json *j = NULL;
    if (json_parse(span_of(text), &j, NULL) < 0)
        fail_msg("not JSON: %s", text);
    return j;
}

int host_listen(int *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t len = sizeof(at);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

void host_limit_files(int64_t bytes)
{
    struct rlimit limit;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < 0 ? limit.rlim_max : (rlim_t)bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}
