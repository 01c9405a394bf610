#include "agent/cli/talk.h"

#include "shared/fd.h"
#include "shared/http.h"
#include "tests/unit/agent/client.h"

#include <sys/eventfd.h>
#include <sys/wait.h>

static struct wire_request request;
static struct talk talk;
static struct err err;
static int cancel_fd;

static void cancel_now(void)
{
    static const uint64_t one = 1;
    assert_int_equal(fd_write(cancel_fd, (struct span){ (const char *)&one, sizeof(one) }), 0);
}

/* "status" of the report, the outcome and the kind of its error, as they came. */
static int note(void *ctx, const struct event *ev, struct span data)
{
    (void)data;
    if (ev->kind == EVENT_REPORT)
        buf_addf(ctx, "report:%s ", json_str(ev->body, "name", ""));
    if (ev->kind == EVENT_OUTCOME)
        buf_addf(ctx, "%s:%s ", json_str(ev->body, "outcome", ""), json_str(json_get(ev->body, "error"), "kind", ""));
    if (ev->kind == EVENT_STEP_START && strcmp(ev->step, "preflight") == 0 && cancel_fd >= 0)
        cancel_now();
    return 0;
}

static void prepare(enum wire_op op)
{
    err_clear(&err);
    wire_request_init(&request);
    request.op = op;
    (void)snprintf(request.app, sizeof(request.app), "%s", HOST_APP);
    (void)snprintf(request.deployment, sizeof(request.deployment), "%s", op == WIRE_DEPLOY ? HOST_ID : "");
    (void)spec_set_str(&request.spec.app, HOST_APP, NULL);
    (void)spec_set_str(&request.spec.image, "registry.example/shop:1", NULL);
    talk_init(&talk);
    cancel_fd = -1;
}

static void finish(void)
{
    talk_close(&talk);
    wire_request_done(&request);
    close_p(&cancel_fd);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

static void one_agent_answers_question_after_question(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf seen = BUF_INIT(1000);
    prepare(WIRE_STATUS);
    assert_int_equal(talk_run(&talk, &request, -1, note, &seen, &err), 0);
    pid_t pid = talk.pid;
    assert_int_equal(talk_run(&talk, &request, -1, note, &seen, &err), 0);
    assert_int_equal(talk.pid, pid);
    assert_string_equal(buf_str(&seen), "report:status reported: report:status reported: ");
    finish();
}

static void a_dead_agent_is_told_and_followed_by_a_new_one(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf seen = BUF_INIT(1000);
    prepare(WIRE_STATUS);
    assert_int_equal(talk_run(&talk, &request, -1, note, &seen, &err), 0);
    assert_int_equal(kill(talk.pid, SIGKILL), 0);
    assert_int_equal(talk_run(&talk, &request, -1, note, &seen, &err), -ERR_REMOTE);
    err_clear(&err);
    assert_int_equal(talk_run(&talk, &request, -1, note, &seen, &err), 0);
    finish();
}

static void a_question_that_is_interrupted_ends_at_once(void **state)
{
    struct host *h = *state;
    _cleanup_(buf_done_p) struct buf seen = BUF_INIT(1000);
    fake_engine_reply(h->fake, "GET /info", FAKE_HANG, "");
    prepare(WIRE_STATUS);
    cancel_fd = eventfd(0, EFD_CLOEXEC);
    cancel_now();
    assert_int_equal(talk_run(&talk, &request, cancel_fd, note, &seen, &err), -ERR_CANCEL);
    assert_int_equal(seen.len, 0);
    finish();
}

static void a_deployment_that_is_interrupted_tells_how_it_was_undone(void **state)
{
    struct host *h = *state;
    _cleanup_(buf_done_p) struct buf seen = BUF_INIT(1000);
    fake_engine_reply(h->fake, "GET /info", FAKE_HANG, "");
    prepare(WIRE_DEPLOY);
    cancel_fd = eventfd(0, EFD_CLOEXEC);
    assert_int_equal(talk_run(&talk, &request, cancel_fd, note, &seen, &err), 0);
    assert_string_equal(buf_str(&seen), "failed_untouched:cancel ");
    finish();
}

static int fail_at_once(void *ctx, const struct event *ev, struct span data)
{
    (void)ctx;
    (void)ev;
    (void)data;
    return -ERR_IO;
}

static void who_reads_may_end_it(void **state)
{
    (void)state;
    prepare(WIRE_STATUS);
    assert_int_equal(talk_run(&talk, &request, -1, fail_at_once, NULL, &err), -ERR_IO);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EMPTY_CASE(one_agent_answers_question_after_question),
        EMPTY_CASE(a_dead_agent_is_told_and_followed_by_a_new_one),
        EMPTY_CASE(a_question_that_is_interrupted_ends_at_once),
        EMPTY_CASE(a_deployment_that_is_interrupted_tells_how_it_was_undone),
        EMPTY_CASE(who_reads_may_end_it),
    };
    if (http_global_init(&err) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
