/*
 * A session without a network, for tests of the stages: takes the place of cmd/ssh/session.c and cmd/verify.c at link time. It
 * plays one script per request and keeps what it was asked. To be included by one test file of a program.
 */
#ifndef BLUEGREEN_FAKE_SESSION_H
#define BLUEGREEN_FAKE_SESSION_H

#include "cmd/signals.h"
#include "cmd/ssh/session.h"
#include "cmd/verify.h"

#include "tests/unit/cmd/inputs_run.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#define FAKE_REQUESTS_MAX 6

struct fake_reply {
    const char *events; /* event members, one event a line: kind and what belongs to it; NULL: none */
    int result;         /* of session_run() */
};

struct fake {
    int open_result; /* of session_open() */
    struct fake_reply reply[FAKE_REQUESTS_MAX];
    int verify_result;
    int signal_after; /* pretend a signal after this many requests; 0 never */

    /* what happened */
    size_t requests;
    enum wire_op op[FAKE_REQUESTS_MAX];
    char deployment[FAKE_REQUESTS_MAX][WIRE_ID_MAX + 1];
    char only_if_current[FAKE_REQUESTS_MAX][WIRE_ID_MAX + 1];
    char reason[FAKE_REQUESTS_MAX][200];
    char image[FAKE_REQUESTS_MAX][128];
    int cancel_fd;
    bool verified;
    bool state_before_request; /* GITHUB_STATE held the id when the first request came */
};

static struct fake fake;

struct session {
    int unused;
};

static struct session the_session;

int session_open(struct session **ret, const struct session_options *o, struct err *err)
{
    fake.cancel_fd = o->cancel_fd;
    if (fake.open_result < 0)
        return err_set(err, (enum err_kind) - fake.open_result, 0, "no session");
    o->observer.note(o->observer.ctx, "connected");
    *ret = &the_session;
    return 0;
}

void session_free(struct session *s)
{
    (void)s;
}

void session_free_p(struct session **s)
{
    *s = NULL;
}

void session_facts(const struct session *s, struct session_facts *ret)
{
    (void)s;
    *ret = (struct session_facts){ .arch = "x86_64", .agent_sha256 = "0123456789abcdef" };
}

static char *fake_file(const char *path);

static void fake_note_request(const struct wire_request *q)
{
    size_t i = fake.requests++;

    if (i >= FAKE_REQUESTS_MAX)
        abort();
    fake.op[i] = q->op;
    (void)snprintf(fake.deployment[i], sizeof(fake.deployment[i]), "%s", q->deployment);
    (void)snprintf(fake.only_if_current[i], sizeof(fake.only_if_current[i]), "%s", q->only_if_current);
    (void)snprintf(fake.reason[i], sizeof(fake.reason[i]), "%s", q->reason);
    (void)snprintf(fake.image[i], sizeof(fake.image[i]), "%s", q->spec.image ? q->spec.image : "");
    if (i == 0) {
        char *state = fake_file(getenv("GITHUB_STATE"));
        fake.state_before_request = *q->deployment && strstr(state, q->deployment);
        free(state);
    }
}

/* "data:TEXT" hands TEXT over as bundle bytes. */
static int fake_event(const char *members, size_t len, eventstream_fn *on_event, void *ctx)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(EVENT_LINE_MAX);
    struct event ev;
    int r = 0;
    bool data = len >= 5 && strncmp(members, "data:", 5) == 0;

    if (data)
        buf_addf(&line,
                 "{\"v\":1,\"seq\":0,\"t\":\"2026-01-29T03:10:02.113Z\",\"kind\":\"data\",\"name\":\"b\",\"bytes\":1}");
    else
        buf_addf(&line, "{\"v\":1,\"seq\":1,\"t\":\"2026-01-29T03:10:02.113Z\",%.*s}", (int)len, members);
    if (event_decode(buf_span(&line), &ev, NULL) < 0)
        abort();
    r = on_event(ctx, &ev, data ? (struct span){ members + 5, len - 5 } : (struct span){ 0 });
    event_done(&ev);
    return r;
}

int session_run(struct session *s, const struct wire_request *request, eventstream_fn *on_event, void *ctx,
                struct err *err)
{
    const struct fake_reply *reply = &fake.reply[fake.requests];
    struct span rest = span_of(reply->events), line;

    (void)s;
    fake_note_request(request);
    while (span_next_line(&rest, &line)) {
        int r = fake_event(line.ptr, line.len, on_event, ctx);
        if (r < 0)
            return r;
    }
    if (fake.signal_after && fake.requests >= (size_t)fake.signal_after)
        signals_caught = SIGINT;
    if (reply->result < 0)
        return err_set(err, (enum err_kind) - reply->result, 0, "session ended");
    return 0;
}

int verify_run(const struct verify_options *o, struct verify_result *ret, struct err *err)
{
    (void)o;
    fake.verified = true;
    *ret = (struct verify_result){ .ok = fake.verify_result == 0, .attempts = 1, .status = 200, .ms = 5 };
    if (fake.verify_result < 0)
        return err_set(err, (enum err_kind) - fake.verify_result, 0, "verify-url answered HTTP 500");
    return 0;
}

/* ---- a workspace with the runner's files, and the inputs of a deployment ---- */

static char fake_folder[64];

static const char *fake_path(const char *name)
{
    static char path[8][256];
    static size_t next;
    char *p = path[next++ % 8];

    (void)snprintf(p, sizeof(path[0]), "%s/%s", fake_folder, name);
    return p;
}

/* The text of a file, "" when there is none; the caller frees. */
static char *fake_file(const char *path)
{
    struct buf out = BUF_INIT(16 * 1024 * 1024);
    char chunk[4096];
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = 0;

    while (fd >= 0 && (n = read(fd, chunk, sizeof(chunk))) > 0)
        buf_add(&out, chunk, (size_t)n);
    close_p(&fd);
    buf_adds(&out, "");
    return out.ptr ? buf_detach(&out) : strdup("");
}

static bool fake_file_has(const char *name, const char *text)
{
    char *content = fake_file(fake_path(name));
    bool has = strstr(content, text) != NULL;

    free(content);
    return has;
}

static const char *const fake_inputs[][2] = {
    { "INPUT_COMMAND", "deploy" },
    { "INPUT_HOST", "web1" },
    { "INPUT_USER", "me" },
    { "INPUT_SSH-KEY", KEY },
    { "INPUT_HOST-FINGERPRINT", PIN },
    { "INPUT_APP", "shop" },
    { "INPUT_IMAGE", "shop:2" },
    { "INPUT_PORT", "8080" },
    { "INPUT_REGISTRY-USERNAME", "u" },
    { "INPUT_REGISTRY-PASSWORD", "canary-password" },
};

static const char *const fake_cleared[] = {
    "INPUT_VERIFY-URL", "INPUT_JOB-STATUS", "INPUT_ROLLBACK-ON", "INPUT_FAIL-ON-KPI", "STATE_deployment-id",
    "STATE_outcome",    "STATE_app",        "STATE_host",        "STATE_kept",        "ACT",
    "GITEA_ACTIONS",    "FORGEJO_ACTIONS",  "job-status",
};

static int fake_setup(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof(fake));
    signals_caught = 0;
    (void)snprintf(fake_folder, sizeof(fake_folder), "/tmp/stage_test.XXXXXX");
    if (!mkdtemp(fake_folder))
        return -1;
    for (size_t i = 0; i < sizeof(fake_inputs) / sizeof(fake_inputs[0]); i++)
        setenv(fake_inputs[i][0], fake_inputs[i][1], 1);
    for (size_t i = 0; i < sizeof(fake_cleared) / sizeof(fake_cleared[0]); i++)
        unsetenv(fake_cleared[i]);
    setenv("GITHUB_ACTIONS", "true", 1);
    setenv("GITHUB_OUTPUT", fake_path("output"), 1);
    setenv("GITHUB_STATE", fake_path("state"), 1);
    setenv("GITHUB_STEP_SUMMARY", fake_path("summary"), 1);
    setenv("GITHUB_WORKSPACE", fake_path("ws"), 1);
    return 0;
}

static int fake_remove(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int fake_teardown(void **state)
{
    (void)state;
    return nftw(fake_folder, fake_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* Run a stage with its standard output in the file "log"; the exit code. */
static int fake_run(int (*stage)(void))
{
    int saved = dup(STDOUT_FILENO);
    int log = open(fake_path("log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int code = -1;

    (void)fflush(stdout);
    if (saved < 0 || log < 0 || dup2(log, STDOUT_FILENO) < 0)
        abort();
    code = stage();
    if (dup2(saved, STDOUT_FILENO) < 0)
        abort();
    close(saved);
    close(log);
    return code;
}

#define FAKE_DEPLOYED                                                                                                  \
    "\"kind\":\"step.start\",\"step\":\"image_pull\",\"title\":\"Image pull\"\n"                                       \
    "\"kind\":\"step.done\",\"step\":\"image_pull\",\"seconds\":1.5\n"                                                 \
    "\"kind\":\"outcome\",\"outcome\":\"deployed\",\"image\":\"shop:2\",\"digest\":\"sha256:22\",\"previous_image\":"  \
    "\"shop:1\","                                                                                                      \
    "\"total_seconds\":4.2,\"cutover_seconds\":0.3,\"outage_seconds\":0.21,"                                           \
    "\"kpi\":{\"total\":{\"seconds\":4.2,\"target\":1,\"warning\":2,\"critical\":3,\"verdict\":\"critical\"}}\n"
#define FAKE_ROLLED_BACK "\"kind\":\"outcome\",\"outcome\":\"rolled_back\",\"image\":\"shop:1\"\n"
#define FAKE_UNCHANGED "\"kind\":\"outcome\",\"outcome\":\"unchanged\"\n"
#define FAKE_NO_PREVIOUS                                                                                               \
    "\"kind\":\"outcome\",\"outcome\":\"failed_untouched\",\"error\":{\"kind\":\"no_previous\",\"message\":\"no "      \
    "green\"}\n"

#endif
