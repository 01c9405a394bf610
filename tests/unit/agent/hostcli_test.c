/* `bluegreen-agent COMMAND` as a person runs it: output, complaints, exit code. tests/e2e/test_host_commands.py has a real host. */
#include "agent/cli/hostcli.h"

#include "shared/fd.h"
#include "shared/http.h"
#include "shared/outcome.h"
#include "tests/unit/agent/client.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>

static struct buf out = BUF_INIT(1024 * 1024), complaints = BUF_INIT(1024 * 1024);

static void read_all(FILE *f, struct buf *into)
{
    buf_reset(into);
    assert_int_equal(lseek(fileno(f), 0, SEEK_SET), 0);
    assert_int_equal(fd_read(fileno(f), into), 0);
    (void)fclose(f);
}

/* Words of a line; the working directory is the state root. The exit code. */
static int run(const struct host *h, const char *text)
{
    static char words[1000];
    char *argv[40];
    int argc = 0, status;
    FILE *o = tmpfile(), *e = tmpfile();
    (void)snprintf(words, sizeof(words), "bluegreen-agent %s", text);
    for (char *rest = words; rest && argc < 40;)
        argv[argc++] = strsep(&rest, " ");
    assert_true(o && e);
    pid_t pid = fork();
    if (pid == 0) {
        if (chdir(h->root) < 0 || dup2(fileno(o), STDOUT_FILENO) < 0 || dup2(fileno(e), STDERR_FILENO) < 0)
            _exit(99);
        _exit(hostcli_main(argc, argv));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    read_all(o, &out);
    read_all(e, &complaints);
    return WEXITSTATUS(status);
}

static void exits(const struct host *h, const char *text, int code)
{
    int got = run(h, text);
    if (got != code)
        fail_msg("%s: exit code %d, wanted %d: %s%s", text, got, code, buf_str(&out), buf_str(&complaints));
}

static void assert_says(const struct buf *where, const char *words)
{
    if (!strstr(buf_str(where), words))
        fail_msg("'%s' is not in: %s", words, buf_str(where));
}

static void make_app(struct host *h)
{
    host_assert_result(h, store_open_app(HOST_APP, &h->run.app_fd, &h->err), 0);
}

static void version_and_help_need_nothing(void **state)
{
    exits(*state, "version", 0);
    assert_says(&out, "bluegreen-agent " BLUEGREEN_VERSION " ");
    exits(*state, "help", 0);
    assert_says(&out, "Usage: bluegreen-agent COMMAND");
    exits(*state, "rollback --help", 0);
    assert_says(&out, "--to VERSION");
    exits(*state, "man", 0);
    assert_says(&out, ".Dt BLUEGREEN-AGENT 1");
    exits(*state, "completion bash", 0);
    assert_says(&out, "complete -F _bluegreen_agent bluegreen-agent");
    exits(*state, "self-check", 0);
    assert_says(&out, "journal: ok");
    assert_int_equal(complaints.len, 0);
}

static void a_wrong_line_is_refused_with_a_hint(void **state)
{
    exits(*state, "staus", 2);
    assert_string_equal(buf_str(&complaints), "bluegreen-agent: unknown command 'staus'\n"
                                              "Did you mean 'status'? See 'bluegreen-agent --help'.\n");
    exits(*state, "deploy --app o --image x:1 --port 0 --memory 1", 2);
    assert_says(&complaints, "bluegreen-agent: option '--port': got '0'");
    assert_says(&complaints, "bluegreen-agent: option '--memory': got '1'");
    assert_null(strstr(buf_str(&complaints), "workflow")); /* the hint of inputs is for those */
    assert_int_equal(out.len, 0);
}

static void status_is_shown_as_text_and_as_json(void **state)
{
    struct host *h = *state;
    make_app(h);
    exits(h, "status", 0);
    assert_says(&out, "20.10.24");
    assert_null(strchr(buf_str(&out), '\x1b')); /* no terminal, no colours */
    exits(h, "status --json", 0);
    struct json *report = NULL;
    assert_int_equal(json_parse(buf_span(&out), &report, NULL), 0);
    assert_string_equal(json_str(report, "app", ""), HOST_APP);
    assert_says(&out, "{\n");
    json_free(report);
    assert_int_equal(complaints.len, 0);
}

static void what_fails_is_told_with_what_to_do(void **state)
{
    make_app(*state);
    exits(*state, "status", 20);
    assert_says(&complaints, "bluegreen-agent: Docker Engine: ");
    const char *hint = strchr(buf_str(&complaints), '\n') + 1;
    assert_true(strlen(hint) > 20 && strchr(hint, '\n') == hint + strlen(hint) - 1);
    assert_int_equal(out.len, 0);
}

static void a_deployment_is_told_event_by_event(void **state)
{
    exits(*state, "deploy --app shop --image registry.example/shop:1", 20);
    assert_says(&out, "Z [preflight] start: ");
    assert_says(&out, "Z [preflight] FAILED after ");
    assert_says(&out, "Z outcome: failed_untouched: ");
    assert_int_equal(complaints.len, 0); /* the last event has said it */
    struct strlist ids = { 0 };
    int app_fd;
    assert_int_equal(store_find_app("shop", &app_fd, NULL), 0);
    assert_int_equal(store_list_deployments(app_fd, &ids, NULL), 0);
    assert_int_equal(ids.len, 1); /* a run like any other */
    strlist_done(&ids);
    close_p(&app_fd);
}

/* Names of the files in the folder that begin so. */
static size_t count_files(const char *folder, const char *begin)
{
    size_t n = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (const struct dirent *d; (d = readdir(dir));)
        n += strncmp(d->d_name, begin, strlen(begin)) == 0;
    (void)closedir(dir);
    return n;
}

static void a_bundle_has_its_name_when_it_is_whole(void **state)
{
    struct host *h = *state;
    char line[200], name[200];
    struct strlist ids = { 0 };
    int app_fd;
    exits(h, "deploy --app shop --image registry.example/shop:1", 20);
    assert_int_equal(store_find_app("shop", &app_fd, NULL), 0);
    assert_int_equal(store_list_deployments(app_fd, &ids, NULL), 0);
    close_p(&app_fd);
    (void)snprintf(line, sizeof(line), "bundle %s", ids.items[0]);
    exits(h, line, 0);
    (void)snprintf(name, sizeof(name), "bluegreen-shop-%s.tar.gz\n", ids.items[0]);
    assert_string_equal(buf_str(&out), name);
    assert_int_equal(count_files(h->root, "bluegreen-shop-"), 1);
    (void)snprintf(line, sizeof(line), "bundle %s --output -", ids.items[0]);
    exits(h, line, 0);
    assert_true(out.len > 100 && memcmp(out.ptr, "\x1f\x8b", 2) == 0);
    (void)snprintf(line, sizeof(line), "bundle %s -o nowhere/at.tgz", ids.items[0]);
    exits(h, line, err_kind_exit_code(ERR_IO));
    strlist_done(&ids);
}

static void nothing_stays_of_a_bundle_that_fails(void **state)
{
    struct host *h = *state;
    make_app(h);
    int code = run(h, "bundle 20200101-000000-aaaaaa -o it.tgz");
    assert_int_not_equal(code, 0);
    assert_says(&complaints, "20200101-000000-aaaaaa");
    assert_int_equal(count_files(h->root, "it.tgz"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE_CASE(version_and_help_need_nothing),        ALONE_CASE(a_wrong_line_is_refused_with_a_hint),
        EMPTY_CASE(status_is_shown_as_text_and_as_json),  ALONE_CASE(what_fails_is_told_with_what_to_do),
        ALONE_CASE(a_deployment_is_told_event_by_event),  ALONE_CASE(a_bundle_has_its_name_when_it_is_whole),
        ALONE_CASE(nothing_stays_of_a_bundle_that_fails),
    };
    struct err err = { 0 };
    if (http_global_init(&err) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
