#include "cmd/notify/notify_sns.h"

#include "shared/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SECRET "canary-5ecret/Value+x"

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
        .artifact_url = "https://github.com/octo/shop/actions/runs/42/artifacts/7",
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

static const char *subject(const struct message *m)
{
    static char out[NOTIFY_SNS_SUBJECT_SIZE];
    struct notify_message words;

    notify_message_fill(&words, &m->facts);
    notify_sns_subject(&words, out);
    return out;
}

/* The text, in `out`. */
static const char *text(const struct message *m, struct buf *out)
{
    struct notify_message words;
    struct err err = { 0 };

    buf_reset(out);
    notify_message_fill(&words, &m->facts);
    assert_int_equal(notify_sns_text(&words, out, &err), 0);
    return buf_str(out);
}

static void a_subject_says_what_happened_to_what_and_where(void **state)
{
    struct message *m = *state;

    m->report.outcome = OUTCOME_ROLLED_BACK;
    assert_string_equal(subject(m), "shop: rolled back on web1");
    m->report.outcome = OUTCOME_FAILED_UNTOUCHED;
    assert_string_equal(subject(m), "shop: deployment failed, production untouched on web1");
    m->report.outcome = OUTCOME_ROLLBACK_FAILED;
    assert_string_equal(subject(m), "shop: rollback failed, a person is needed on web1");
    m->report.outcome = OUTCOME_DEPLOYED;
    assert_string_equal(subject(m), "shop: deployed, but the step failed on web1");
    m->facts.exit_code = 0;
    assert_string_equal(subject(m), "shop: deployed on web1");
    m->facts.host = "ubuntu@[2001:db8::1]:22";
    assert_string_equal(subject(m), "shop: deployed on [2001:db8::1]");
    m->facts.host = "ec2-user@tag:Name=web:22";
    assert_string_equal(subject(m), "shop: deployed on tag:Name=web");
}

static void a_subject_without_app_and_host_is_one_all_the_same(void **state)
{
    struct message *m = *state;

    m->report.app[0] = '\0';
    m->report.outcome = OUTCOME_FAILED_UNTOUCHED;
    m->facts.host = "";
    assert_string_equal(subject(m), "bluegreen: deployment failed, production untouched");
}

static void a_subject_is_short_ascii_and_one_line(void **state)
{
    struct message *m = *state;
    char host[280] = "u@";
    const char *s = NULL;

    memset(host + 2, 'h', 250);
    m->facts.host = host;
    s = subject(m);
    assert_int_equal(strlen(s), NOTIFY_SNS_SUBJECT_SIZE - 1);
    assert_string_equal(s + strlen(s) - 3, "...");
    m->facts.host = "u@w\xc3\xa9\nb\x1b\x7f\xe2\x80\xae:22";
    for (s = subject(m); *s; s++)
        assert_in_range(*s, ' ', '~');
}

static void a_text_has_cause_next_step_and_links(void **state)
{
    struct message *m = *state;
    struct buf out = BUF_INIT(NOTIFY_SNS_TEXT_MAX);
    struct err err = { 0 };

    m->report.outcome = OUTCOME_ROLLED_BACK;
    assert_int_equal(
        json_parse(span_of("{\"image\":\"shop:2\",\"digest\":\"sha256:ab\",\"previous_image\":\"shop:1\"}"),
                   &m->report.facts, &err),
        0);
    err_set(&m->report.cause, ERR_UNHEALTHY, 0, "HTTP status 500");
    err_hint(&m->report.cause, "read its log");
    (void)snprintf(m->report.failed_step, sizeof(m->report.failed_step), "health_check");
    m->report.diagnosis_count = 1;
    (void)snprintf(m->report.diagnoses[0].cause, sizeof(m->report.diagnoses[0].cause), "it answers, and badly");
    (void)snprintf(m->report.diagnoses[0].next, sizeof(m->report.diagnoses[0].next), "ask it yourself");

    assert_string_equal(text(m, &out), "Deployment rolled back: shop on ec2-user@web1:22\n"
                                       "shop:2 failed; shop:1 serves again as shop.\n"
                                       "\n"
                                       "Step: health_check\n"
                                       "Cause: HTTP status 500\n"
                                       "What to do: read its log\n"
                                       "Likely: it answers, and badly\n"
                                       "Next: ask it yourself\n"
                                       "\n"
                                       "Image: shop:2\n"
                                       "Digest: sha256:ab\n"
                                       "Before: shop:1\n"
                                       "Deployment: 20260129-031000-abcdef\n"
                                       "Run: https://github.com/octo/shop/actions/runs/42\n"
                                       "Bundle: https://github.com/octo/shop/actions/runs/42/artifacts/7\n"
                                       "Repository: octo/shop\n"
                                       "By: octocat\n");
    buf_done(&out);
}

static void a_secret_is_in_neither(void **state)
{
    struct message *m = *state;
    struct buf out = BUF_INIT(NOTIFY_SNS_TEXT_MAX);

    err_set(&m->report.cause, ERR_UNHEALTHY, 0, "it said " SECRET);
    (void)snprintf(m->report.app, sizeof(m->report.app), "%s", SECRET);
    m->facts.host = "u@" SECRET ":22";
    m->facts.why = SECRET;
    assert_null(strstr(text(m, &out), "5ecret"));
    assert_non_null(strstr(buf_str(&out), "it said"));
    assert_null(strstr(subject(m), "5ecret"));
    buf_done(&out);
}

/* Every field at its longest, and of characters that grow when they are made safe. */
static void the_longest_text_fits(void **state)
{
    struct message *m = *state;
    struct buf out = BUF_INIT(NOTIFY_SNS_TEXT_MAX);
    char longest[3000];

    memset(longest, '\x1b', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    for (unsigned i = 0; i < ERR_FRAMES; i++)
        err_push(&m->report.cause, i ? ERR_OK : ERR_UNHEALTHY, 0, "", 0, "%s", longest);
    err_hint(&m->report.cause, "%s", longest);
    memset(m->report.failed_step, 'x', sizeof(m->report.failed_step) - 1);
    m->report.diagnosis_count = 1;
    (void)snprintf(m->report.diagnoses[0].cause, sizeof(m->report.diagnoses[0].cause), "%s", longest);
    (void)snprintf(m->report.diagnoses[0].next, sizeof(m->report.diagnoses[0].next), "%s", longest);
    m->facts.why = m->facts.host = m->facts.image = m->facts.run_link = longest;
    m->facts.actor = m->facts.repository = m->facts.artifact_url = longest;
    assert_non_null(strstr(text(m, &out), "\nBy: "));
    buf_done(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_subject_says_what_happened_to_what_and_where),
        TEST(a_subject_without_app_and_host_is_one_all_the_same),
        TEST(a_subject_is_short_ascii_and_one_line),
        TEST(a_text_has_cause_next_step_and_links),
        TEST(a_secret_is_in_neither),
        TEST(the_longest_text_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
