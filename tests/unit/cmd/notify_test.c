#include "cmd/notify/notify.h"

#include "cmd/notify/notify_message.h"
#include "shared/clock.h"
#include "shared/http.h"
#include "shared/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define SECRET "canary-5ecret/Value+x"

/* ---- what is told ---- */

struct message {
    struct report report;
    struct redactor *redactor;
    struct notify_facts facts;
};

static int set_up(void **state)
{
    static struct message m;
    struct err err = { 0 };

    memset(&m, 0, sizeof(m));
    report_init(&m.report, WIRE_DEPLOY, "shop", "20260129-031000-abcdef");
    assert_int_equal(redactor_new(&m.redactor, &err), 0);
    assert_int_equal(redactor_add(m.redactor, SPAN_LIT(SECRET), &err), 0);
    m.facts = (struct notify_facts){
        .report = &m.report,
        .redactor = m.redactor,
        .exit_code = 30,
        .stage = "main",
        .why = "",
        .host = "ec2-user@web1:22",
        .image = "registry/shop:2",
        .run_link = "https://github.com/octo/shop/actions/runs/42",
        .actor = "octocat",
        .repository = "octo/shop",
        .artifact_url = "",
    };
    *state = &m;
    return 0;
}

static int tear_down(void **state)
{
    struct message *m = *state;

    report_done(&m->report);
    redactor_free(m->redactor);
    return 0;
}

static void facts_are(struct message *m, enum outcome outcome, const char *facts)
{
    struct err err = { 0 };

    m->report.outcome = outcome;
    assert_int_equal(json_parse(span_of(facts), &m->report.facts, &err), 0);
}

/* The body, parsed; the caller's. */
static struct json *composed(const struct message *m, enum notify_format format, struct buf *raw)
{
    struct json *j = NULL;
    struct err err = { 0 };

    buf_init(raw, NOTIFY_BODY_MAX);
    assert_int_equal(notify_compose(format, &m->facts, raw, &err), 0);
    assert_int_equal(json_parse(buf_span(raw), &j, &err), 0);
    return j;
}

static const enum notify_format formats[] = { NOTIFY_JSON, NOTIFY_SLACK, NOTIFY_TEAMS };

/* Every string value of the tree in one text, each on a line of its own. */
static void gather(const struct json *j, struct buf *out)
{
    if (json_is_string(j)) {
        buf_adds(out, json_value_str(j, ""));
        buf_addc(out, '\n');
    }
    for (const struct json *c = json_first(j); c; c = json_next(c))
        gather(c, out);
}

static void a_failed_deployment_is_told_with_all_its_facts(void **state)
{
    struct message *m = *state;
    struct buf raw;

    facts_are(m, OUTCOME_ROLLED_BACK,
              "{\"image\":\"shop:2\",\"digest\":\"sha256:ab\",\"previous_image\":\"shop:1\",\"total_seconds\":4.5,"
              "\"outage_seconds\":0}");
    err_set(&m->report.cause, ERR_UNHEALTHY, 0, "HTTP status 500");
    (void)snprintf(m->report.failed_step, sizeof(m->report.failed_step), "health_check");
    m->report.diagnosis_count = 1;
    (void)snprintf(m->report.diagnoses[0].code, sizeof(m->report.diagnoses[0].code), "health_status");
    (void)snprintf(m->report.diagnoses[0].cause, sizeof(m->report.diagnoses[0].cause), "it answers, and badly");
    (void)snprintf(m->report.diagnoses[0].next, sizeof(m->report.diagnoses[0].next), "read its log");

    struct json *j = composed(m, NOTIFY_JSON, &raw);
    assert_int_equal(json_int(j, "v", 0), 1);
    assert_string_equal(json_str(j, "outcome", ""), "rolled_back");
    assert_string_equal(json_str(j, "app", ""), "shop");
    assert_string_equal(json_str(j, "host", ""), "ec2-user@web1:22");
    assert_string_equal(json_str(j, "command", ""), "deploy");
    assert_string_equal(json_str(j, "stage", ""), "main");
    assert_string_equal(json_str(j, "step", ""), "health_check");
    assert_string_equal(json_str(j, "cause_kind", ""), "unhealthy");
    assert_string_equal(json_str(j, "cause", ""), "HTTP status 500");
    assert_true(json_str(j, "hint", "")[0] != '\0');
    assert_string_equal(json_str(json_get(j, "diagnosis"), "next", ""), "read its log");
    assert_string_equal(json_str(j, "image", ""), "shop:2");
    assert_string_equal(json_str(j, "digest", ""), "sha256:ab");
    assert_string_equal(json_str(j, "previous_image", ""), "shop:1");
    assert_string_equal(json_str(j, "run", ""), "https://github.com/octo/shop/actions/runs/42");
    assert_int_equal(json_int(j, "exit_code", -1), 30);
    assert_true(json_bool(j, "rolled_back", false));
    assert_true(json_num(j, "total_seconds", -1) > 4.4);
    assert_true(json_num(j, "outage_seconds", -1) >= 0);
    json_free(j);
    buf_done(&raw);
}

static void what_is_not_known_is_empty_or_null_and_the_wanted_image_is_named(void **state)
{
    struct message *m = *state;
    struct err why = { 0 };
    struct buf raw;

    err_set(&why, ERR_UNREACHABLE, 0, "connect to web1 port 22: refused");
    report_never_sent(&m->report, &why);
    struct json *j = composed(m, NOTIFY_JSON, &raw);
    assert_string_equal(json_str(j, "outcome", ""), "failed_untouched");
    assert_string_equal(json_str(j, "image", ""), "registry/shop:2");
    assert_string_equal(json_str(j, "previous_image", "x"), "");
    assert_string_equal(json_str(j, "artifact", "x"), "");
    assert_false(json_is_number(json_get(j, "total_seconds")));
    assert_false(json_is_object(json_get(j, "diagnosis")));
    assert_non_null(json_get(j, "total_seconds"));
    json_free(j);
    buf_done(&raw);
}

/* Everything that a text from a host could try, in every field that a host fills. */
#define HOSTILE                                                                                                        \
    "<!channel> <https://evil.example|click> @here #general *bold* _it_ ~no~ `code` :boom: [a](https://evil.example) " \
    "{{DATE(2017-02-14T06:08:39Z)}} <at>all</at> \x1b[31m \xe2\x80\xae gnp.exe \r\n::error::x \xff " SECRET " end"

static void all_hostile(struct message *m)
{
    struct json *facts = json_object();

    m->report.outcome = OUTCOME_ROLLED_BACK;
    json_set_str(facts, "image", HOSTILE);
    json_set_str(facts, "previous_image", HOSTILE);
    json_set_str(facts, "digest", HOSTILE);
    m->report.facts = facts;
    err_set(&m->report.cause, ERR_UNHEALTHY, 0, "%s", HOSTILE);
    m->report.diagnosis_count = 1;
    (void)snprintf(m->report.diagnoses[0].cause, sizeof(m->report.diagnoses[0].cause), "%s", HOSTILE);
    (void)snprintf(m->report.diagnoses[0].next, sizeof(m->report.diagnoses[0].next), "%s", HOSTILE);
    m->facts.run_link = HOSTILE;
    m->facts.artifact_url = "https://evil.example/<!here>|x";
    m->facts.host = HOSTILE;
}

static void assert_absent(const struct buf *text, const char *what)
{
    if (span_contains(buf_span(text), what)) {
        print_error("'%s' is in: %s\n", what, buf_str(text));
        fail();
    }
}

static void no_format_lets_control_characters_or_secrets_through(void **state)
{
    struct message *m = *state;

    all_hostile(m);
    for (size_t f = 0; f < 3; f++) {
        struct buf raw, text = BUF_INIT(256 * 1024);
        struct json *j = composed(m, formats[f], &raw);
        gather(j, &text);
        assert_true(span_contains(buf_span(&text), "gnp.exe"));
        assert_absent(&text, SECRET);
        assert_absent(&text, "5ecret");
        assert_absent(&text, "\xe2\x80\xae");
        assert_absent(&text, "\n::");
        assert_true(span_is_utf8(buf_span(&text)));
        for (size_t i = 0; i < text.len; i++)
            assert_true(text.ptr[i] == '\n' || (unsigned char)text.ptr[i] >= 0x20);
        json_free(j);
        buf_done(&text);
        buf_done(&raw);
    }
}

static void slack_shows_hostile_words_and_does_nothing_else(void **state)
{
    static const char *const acts[] = { "<!",   "<https://evil", "<at",   "*bold*", "_it_",    "`code`",
                                        "~no~", " @h",           " #gen", ":boom:", "|click>", "evil.example/<" };
    struct message *m = *state;
    struct buf raw, text = BUF_INIT(256 * 1024);

    all_hostile(m);
    struct json *j = composed(m, NOTIFY_SLACK, &raw);
    gather(j, &text);
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
        assert_absent(&text, acts[i]);
    assert_true(span_contains(buf_span(&text), "&lt;!channel&gt;"));
    assert_string_equal(json_str(j, "parse", ""), "none");
    json_free(j);
    buf_done(&text);
    buf_done(&raw);
}

static void slack_links_its_own_links(void **state)
{
    struct message *m = *state;
    struct buf raw, text = BUF_INIT(256 * 1024);

    facts_are(m, OUTCOME_DEPLOYED, "{\"image\":\"shop_api:2\"}");
    m->facts.artifact_url = "https://github.com/octo/shop/actions/runs/42/artifacts/7";
    struct json *j = composed(m, NOTIFY_SLACK, &raw);
    gather(j, &text);
    assert_true(span_contains(buf_span(&text), "<https://github.com/octo/shop/actions/runs/42|Workflow run>"));
    assert_true(span_contains(buf_span(&text), "runs/42/artifacts/7|Evidence>"));
    assert_true(span_contains(buf_span(&text), "shop_api:2")); /* what cannot act stays as it is */
    assert_true(span_contains(buf_span(&text), "ec2-user@web1:22"));
    json_free(j);
    buf_done(&text);
    buf_done(&raw);
}

/* Host text only stands where the card reads no Markdown, and no link is made of it. */
static void teams_reads_no_markup_of_a_host(void **state)
{
    struct message *m = *state;
    struct buf raw;
    size_t rich = 0;

    all_hostile(m);
    struct json *j = composed(m, NOTIFY_TEAMS, &raw);
    const struct json *card = json_get(json_first(json_get(j, "attachments")), "content");
    assert_string_equal(json_str(card, "type", ""), "AdaptiveCard");
    assert_int_equal(json_len(json_get(card, "actions")), 0);
    for (const struct json *b = json_first(json_get(card, "body")); b; b = json_next(b)) {
        if (strcmp(json_str(b, "type", ""), "RichTextBlock") == 0)
            rich++;
        else
            assert_string_equal(json_str(b, "text", ""), "Deployment rolled back");
    }
    assert_true(rich > 5);
    assert_absent(&raw, "{{");
    json_free(j);
    buf_done(&raw);
}

static void only_a_plain_link_is_a_link(void **state)
{
    (void)state;
    assert_true(notify_is_link("https://github.com/octo/shop/actions/runs/42"));
    assert_true(notify_is_link("http://10.0.0.1:8080/x?a=b"));
    assert_false(notify_is_link("https://"));
    assert_false(notify_is_link("ftp://x"));
    assert_false(notify_is_link("javascript:alert(1)"));
    assert_false(notify_is_link("https://x/<!here>"));
    assert_false(notify_is_link("https://x/a|b"));
    assert_false(notify_is_link("https://x/a b"));
    assert_false(notify_is_link("someone@laptop"));
    assert_false(notify_is_link(""));
}

/* The largest of everything, made of what grows most: quotes in JSON, & in Slack, three-byte pictures of control bytes. */
static void a_body_is_never_larger_than_receivers_take(void **state)
{
    static const char growing[] = { '"', '\\', '&', '_', '\x01', 'x' };
    struct message *m = *state;
    char text[5000];

    for (size_t g = 0; g < sizeof(growing); g++) {
        struct json *facts = json_object();
        memset(text, growing[g], sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        json_set_str(facts, "image", text);
        json_set_str(facts, "previous_image", text);
        json_set_str(facts, "digest", text);
        json_free(m->report.facts);
        m->report.facts = facts;
        m->report.outcome = OUTCOME_DEPLOYED; /* its story holds the image */
        err_set(&m->report.cause, ERR_UNHEALTHY, 0, "%s", text);
        for (int i = 1; i < ERR_FRAMES; i++)
            err_wrap(&m->report.cause, "%s", text);
        err_hint(&m->report.cause, "%s", text);
        m->report.diagnosis_count = 1;
        (void)snprintf(m->report.diagnoses[0].cause, sizeof(m->report.diagnoses[0].cause), "%s", text);
        (void)snprintf(m->report.diagnoses[0].next, sizeof(m->report.diagnoses[0].next), "%s", text);
        m->facts.why = m->facts.host = m->facts.run_link = m->facts.actor = text;
        m->facts.repository = m->facts.artifact_url = text;
        for (size_t f = 0; f < 3; f++) {
            struct buf raw;
            struct json *j = composed(m, formats[f], &raw);
            assert_true(raw.len > 4000);
            assert_true(raw.len <= NOTIFY_BODY_MAX);
            json_free(j);
            buf_done(&raw);
        }
    }
}

/* A field that is cut after 100 bytes, and a secret right there: nothing of it is left. */
static void a_secret_at_the_edge_of_a_field_leaves_nothing_behind(void **state)
{
    struct message *m = *state;
    char actor[300];

    for (size_t before = 60; before < 110; before++) {
        struct buf raw;
        memset(actor, 'x', before);
        (void)snprintf(actor + before, sizeof(actor) - before, "%s", SECRET);
        m->facts.actor = actor;
        facts_are(m, OUTCOME_DEPLOYED, "{}");
        struct json *j = composed(m, NOTIFY_JSON, &raw);
        assert_absent(&raw, "cana");
        assert_absent(&raw, "alue+x");
        json_free(j);
        buf_done(&raw);
        json_free(m->report.facts);
        m->report.facts = NULL;
    }
}

/* The same of an error, whose text has a place of fixed size: what was cut off there is not to be had any more. */
static void half_a_secret_at_the_end_of_an_error_is_hidden(void **state)
{
    struct message *m = *state;
    char text[ERR_TEXT_MAX + sizeof(SECRET)];

    for (size_t left = 8; left < strlen(SECRET); left++) {
        struct buf raw;
        memset(text, '.', sizeof(text));
        (void)snprintf(text + ERR_TEXT_MAX - 1 - left, sizeof(SECRET), "%s", SECRET);
        err_set(&m->report.cause, ERR_UNHEALTHY, 0, "%s", text);
        struct json *j = composed(m, NOTIFY_JSON, &raw);
        assert_absent(&raw, "canary");
        json_free(j);
        buf_done(&raw);
    }
}

/* ---- when ---- */

static void a_message_is_due_after_failures_and_rollbacks(void **state)
{
    static const struct {
        enum outcome outcome;
        enum wire_op op;
        int exit_code;
        bool due;
    } cases[] = {
        { OUTCOME_DEPLOYED, WIRE_DEPLOY, 0, false },
        { OUTCOME_UNCHANGED, WIRE_DEPLOY, 0, false },
        { OUTCOME_REPORTED, WIRE_STATUS, 0, false },
        { OUTCOME_UNCHANGED, WIRE_ROLLBACK, 0, false },
        { OUTCOME_ROLLED_BACK, WIRE_ROLLBACK, 0, true },
        { OUTCOME_ROLLED_BACK, WIRE_DEPLOY, 10, true },
        { OUTCOME_FAILED_UNTOUCHED, WIRE_DEPLOY, 11, true },
        { OUTCOME_ROLLBACK_FAILED, WIRE_DEPLOY, 12, true },
        { OUTCOME_UNKNOWN, WIRE_DEPLOY, 13, true },
        { OUTCOME_DEPLOYED, WIRE_DEPLOY, 31, true }, /* verify-url failed and rollback-on is never */
        { OUTCOME_DEPLOYED, WIRE_DEPLOY, 33, true }, /* fail-on-kpi */
        { OUTCOME_FAILED_UNTOUCHED, WIRE_STATUS, 5, true },
    };
    struct message *m = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        m->report.op = cases[i].op;
        m->report.outcome = cases[i].outcome;
        assert_int_equal(notify_due(NOTIFY_ON_FAILURE, &m->report, cases[i].exit_code), cases[i].due);
        assert_true(notify_due(NOTIFY_ALWAYS, &m->report, cases[i].exit_code));
        assert_false(notify_due(NOTIFY_NEVER, &m->report, cases[i].exit_code));
    }
}

/* ---- sending ---- */

/* A receiver in a thread: one request a connection; the path says how it answers. */
struct receiver {
    int listener;
    int stop[2]; /* closing the writing end ends the thread */
    pthread_t thread;
    atomic_int requests;
    char base[64];
};

static struct receiver receiver;

static void answer(int fd, int status, const char *more, const char *body)
{
    char text[1024];
    int n = snprintf(text, sizeof(text), "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                     status, more, strlen(body), body);
    assert_true(send(fd, text, (size_t)n, MSG_NOSIGNAL) >= 0);
}

#define HALF_AN_ANSWER "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nok"

static void serve_one(int fd)
{
    char request[8192];
    ssize_t n = recv(fd, request, sizeof(request) - 1, 0);
    int count = atomic_fetch_add(&receiver.requests, 1) + 1;
    struct pollfd stop = { .fd = receiver.stop[0], .events = POLLIN };

    if (n <= 0)
        return;
    request[n] = '\0';
    if (strncmp(request, "POST ", 5) != 0)
        answer(fd, 405, "", "");
    else if (strstr(request, "/ok"))
        answer(fd, 200, "", "ok");
    else if (strstr(request, "/third-time"))
        answer(fd, count < 3 ? 503 : 204, "", "");
    else if (strstr(request, "/lost-once") && count < 2)
        return;
    else if (strstr(request, "/lost-once"))
        answer(fd, 200, "", "");
    else if (strstr(request, "/half"))
        assert_true(send(fd, HALF_AN_ANSWER, strlen(HALF_AN_ANSWER), MSG_NOSIGNAL) > 0);
    else if (strstr(request, "/moved"))
        answer(fd, 302, "Location: /ok\r\n", "");
    else if (strstr(request, "/slow-down"))
        answer(fd, count < 2 ? 429 : 200, "Retry-After: 1\r\n", "");
    else if (strstr(request, "/go-away"))
        answer(fd, 429, "Retry-After: 3600\r\n", "");
    else if (strstr(request, "/refused"))
        answer(fd, 400, "", "invalid_payload");
    else if (strstr(request, "/chatty"))
        answer(fd, 403, "", "::error::no T0KEN for you");
    else if (strstr(request, "/silent"))
        (void)poll(&stop, 1, 20000);
    else
        answer(fd, 500, "", "");
}

static void *serve(void *arg)
{
    struct pollfd p[2] = { { .fd = receiver.listener, .events = POLLIN },
                           { .fd = receiver.stop[0], .events = POLLIN } };

    (void)arg;
    while (poll(p, 2, -1) > 0 && p[1].revents == 0) {
        int fd = accept4(receiver.listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        serve_one(fd);
        (void)shutdown(fd, SHUT_WR);
        close(fd);
    }
    return NULL;
}

static int start_receiver(void **state)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);

    (void)state;
    memset(&receiver, 0, sizeof(receiver));
    receiver.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receiver.listener < 0 || bind(receiver.listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
        listen(receiver.listener, 16) < 0 || getsockname(receiver.listener, (struct sockaddr *)&at, &len) < 0 ||
        pipe(receiver.stop) < 0)
        return -1;
    (void)snprintf(receiver.base, sizeof(receiver.base), "http://127.0.0.1:%d", ntohs(at.sin_port));
    return pthread_create(&receiver.thread, NULL, serve, NULL);
}

static int stop_receiver(void **state)
{
    (void)state;
    close(receiver.stop[1]);
    (void)pthread_join(receiver.thread, NULL);
    close(receiver.stop[0]);
    close(receiver.listener);
    return 0;
}

/* Send to a path whose second half must never be seen. */
static int post_to(const char *path, int64_t time_max_ms, int cancel_fd, struct err *err)
{
    char url[200];
    struct notify_target t = { .url = url, .time_max_ms = time_max_ms, .cancel_fd = cancel_fd };

    (void)snprintf(url, sizeof(url), "%s%s/T0KEN?sig=T0KEN", receiver.base, path);
    return notify_send(&t, SPAN_LIT("{\"v\":1}"), err);
}

static void assert_told(const struct err *err, const char *part)
{
    char text[2048];

    (void)err_text(err, text, sizeof(text));
    if (!strstr(text, part) || strstr(text, "T0KEN") || strstr(text, "127.0.0.1") || !strstr(text, "notify-url") ||
        strstr(err_hint_text(err), "T0KEN")) {
        print_error("wanted '%s', got '%s'\n", part, text);
        fail();
    }
}

static void a_good_receiver_is_told_once(void **state)
{
    struct err err = { 0 };

    (void)state;
    assert_int_equal(post_to("/ok", 5000, -1, &err), 0);
    assert_int_equal(receiver.requests, 1);
}

static void a_receiver_that_is_busy_or_drops_the_connection_is_tried_again(void **state)
{
    struct err err = { 0 };

    (void)state;
    assert_int_equal(post_to("/third-time", 5000, -1, &err), 0);
    assert_int_equal(receiver.requests, 3);
    receiver.requests = 0;
    assert_int_equal(post_to("/lost-once", 5000, -1, &err), 0);
    assert_int_equal(receiver.requests, 2);
}

static void a_receiver_that_never_recovers_gets_three_attempts(void **state)
{
    struct err err = { 0 };

    (void)state;
    assert_int_equal(post_to("/broken", 5000, -1, &err), -ERR_NET);
    assert_int_equal(receiver.requests, NOTIFY_ATTEMPTS);
    assert_told(&err, "HTTP status 500");
}

static void retry_after_is_kept_when_there_is_time_for_it(void **state)
{
    struct err err = { 0 };
    int64_t start = clock_mono_ms();

    (void)state;
    assert_int_equal(post_to("/slow-down", 5000, -1, &err), 0);
    assert_true(clock_mono_ms() - start >= 1000);
    receiver.requests = 0;
    assert_int_equal(post_to("/go-away", 5000, -1, &err), -ERR_NET); /* an hour: not waited for */
    assert_int_equal(receiver.requests, 1);
    assert_told(&err, "HTTP status 429");
}

static void a_refusal_is_not_repeated_and_its_plain_word_is_told(void **state)
{
    struct err err = { 0 };

    (void)state;
    assert_int_equal(post_to("/refused", 5000, -1, &err), -ERR_NET);
    assert_told(&err, "HTTP status 400 (invalid_payload)");
    assert_int_equal(post_to("/chatty", 5000, -1, &err), -ERR_NET);
    assert_told(&err, "HTTP status 403");
    assert_int_equal(post_to("/moved", 5000, -1, &err), -ERR_NET);
    assert_told(&err, "HTTP status 302");
    assert_int_equal(receiver.requests, 3);
}

static void a_receiver_that_took_it_is_not_told_twice(void **state)
{
    struct err err = { 0 };

    (void)state;
    assert_int_equal(post_to("/half", 5000, -1, &err), 0);
    assert_int_equal(receiver.requests, 1);
}

static void a_silent_receiver_costs_no_more_than_the_time_given(void **state)
{
    struct err err = { 0 };
    int64_t start = clock_mono_ms();

    (void)state;
    assert_int_equal(post_to("/silent", 300, -1, &err), -ERR_TIMEOUT);
    assert_true(clock_mono_ms() - start < 3000);
    assert_int_equal(receiver.requests, 1);
    assert_told(&err, "did not answer in time");
}

static void a_cancelled_job_gets_one_attempt(void **state)
{
    struct err err = { 0 };
    int cancelled[2];

    (void)state;
    assert_int_equal(pipe(cancelled), 0);
    assert_int_equal(write(cancelled[1], "x", 1), 1);
    assert_int_equal(post_to("/broken", 5000, cancelled[0], &err), -ERR_NET);
    assert_int_equal(receiver.requests, 1);
    receiver.requests = 0;
    assert_int_equal(post_to("/ok", 5000, cancelled[0], &err), 0);
    close(cancelled[0]);
    close(cancelled[1]);
}

static void errors_name_no_part_of_the_url(void **state)
{
    static const struct {
        const char *url, *words;
        enum err_kind kind;
    } cases[] = {
        { "http://127.0.0.1:1/T0KEN", "could not be reached", ERR_UNREACHABLE },
        { "http://[::1/T0KEN", "cannot be used", ERR_INPUT },
        { "ftp://127.0.0.1/T0KEN", "cannot be used", ERR_INPUT },
        { "https://127.0.0.1:PORT/ok/T0KEN", "notify-url", ERR_NET }, /* no TLS there */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = { 0 };
        char url[200];
        struct notify_target t = { .url = url, .time_max_ms = 3000, .cancel_fd = -1 };
        const char *port = strstr(cases[i].url, "PORT");
        (void)snprintf(url, sizeof(url), "%.*s%s%s", port ? (int)(port - cases[i].url) : 150, cases[i].url,
                       port ? strrchr(receiver.base, ':') + 1 : "", port ? port + 4 : "");
        assert_true(notify_send(&t, SPAN_LIT("{}"), &err) < 0);
        assert_told(&err, cases[i].words);
        assert_int_equal(err.kind, cases[i].kind);
    }
}

#define COMPOSED(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define SENT(name) cmocka_unit_test_setup_teardown(name, start_receiver, stop_receiver)

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMPOSED(a_failed_deployment_is_told_with_all_its_facts),
        COMPOSED(what_is_not_known_is_empty_or_null_and_the_wanted_image_is_named),
        COMPOSED(no_format_lets_control_characters_or_secrets_through),
        COMPOSED(slack_shows_hostile_words_and_does_nothing_else),
        COMPOSED(slack_links_its_own_links),
        COMPOSED(teams_reads_no_markup_of_a_host),
        cmocka_unit_test(only_a_plain_link_is_a_link),
        COMPOSED(a_body_is_never_larger_than_receivers_take),
        COMPOSED(a_secret_at_the_edge_of_a_field_leaves_nothing_behind),
        COMPOSED(half_a_secret_at_the_end_of_an_error_is_hidden),
        COMPOSED(a_message_is_due_after_failures_and_rollbacks),
        SENT(a_good_receiver_is_told_once),
        SENT(a_receiver_that_is_busy_or_drops_the_connection_is_tried_again),
        SENT(a_receiver_that_never_recovers_gets_three_attempts),
        SENT(retry_after_is_kept_when_there_is_time_for_it),
        SENT(a_refusal_is_not_repeated_and_its_plain_word_is_told),
        SENT(a_receiver_that_took_it_is_not_told_twice),
        SENT(a_silent_receiver_costs_no_more_than_the_time_given),
        SENT(a_cancelled_job_gets_one_attempt),
        SENT(errors_name_no_part_of_the_url),
    };
    struct err err = { 0 };

    (void)setenv("no_proxy", "*", 1);
    if (http_global_init(&err) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
