#include "cmd/summary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void feed(struct report *r, const char *members)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(EVENT_LINE_MAX);
    struct event ev;
    struct err err = { 0 };

    buf_addf(&line, "{\"v\":1,\"seq\":1,\"t\":\"2026-01-29T03:10:01.000Z\",%s}", members);
    assert_int_equal(event_decode(buf_span(&line), &ev, &err), 0);
    report_event(r, &ev);
    event_done(&ev);
}

/* A deployment that went well, as the agent tells it. */
static void tell_good_deployment(struct report *r)
{
    report_init(r, WIRE_DEPLOY, "shop", "20260129-031000-abcdef");
    feed(r, "\"kind\":\"step.start\",\"step\":\"image_pull\",\"title\":\"Image pull\"");
    feed(r, "\"kind\":\"step.done\",\"step\":\"image_pull\",\"seconds\":1.5,\"text\":\"12 MB\"");
    feed(r, "\"kind\":\"health.sample\",\"target\":\"candidate\",\"attempt\":1,\"ok\":false,\"status\":503,\"ms\":3,"
            "\"error\":\"starting\"");
    feed(r, "\"kind\":\"health.sample\",\"target\":\"candidate\",\"attempt\":2,\"ok\":true,\"status\":200,\"ms\":2");
    feed(
        r,
        "\"kind\":\"outcome\",\"outcome\":\"deployed\",\"strategy\":\"handover\",\"image\":\"shop:2\",\"digest\":"
        "\"sha256:22\","
        "\"previous_image\":\"shop:1\",\"previous_digest\":\"sha256:11\",\"total_seconds\":4.2,\"cutover_seconds\":0.3,"
        "\"outage_seconds\":0.21,\"requests_seen\":50,\"requests_failed\":4,"
        "\"kpi\":{\"total\":{\"seconds\":4.2,\"target\":600,\"warning\":900,\"critical\":1200,\"verdict\":\"on_"
        "target\"}},"
        "\"resources\":{\"cpu_percent\":1.5,\"memory_bytes\":12000000,\"memory_limit_bytes\":0,\"net_rx_bytes\":1000,"
        "\"net_tx_bytes\":2000},"
        "\"changes\":{\"image\":[\"shop:1\",\"shop:2\"],\"digest\":[\"sha256:11\",\"sha256:22\"],\"env_added\":[\"NEW_"
        "KEY\"],\"memory\":[0,268435456]},"
        "\"containers\":[{\"role\":\"blue\",\"name\":\"shop-blue\",\"image\":\"shop:2\",\"digest\":\"sha256:22\","
        "\"status\":\"running\"},"
        "{\"role\":\"green\",\"name\":\"shop-green\",\"image\":\"shop:1\",\"digest\":\"sha256:11\",\"status\":"
        "\"exited\"}],"
        "\"response_ms\":{\"before\":3.5,\"after\":2.5},\"rollback\":null,\"log\":\"deployment-1.log\",\"metrics\":\"m."
        "json\"");
    report_end(r, 0, NULL);
}

static struct summary_facts facts_of(const struct report *r)
{
    return (struct summary_facts){ .report = r,
                                   .host = "ec2-user@web1:22",
                                   .run_link = "https://github.com/o/r/actions/runs/7",
                                   .bundle_path = "bluegreen-shop-1.tar.gz",
                                   .log_tail = SPAN_LIT("last line\n") };
}

/* The caller frees. */
static char *render(const struct summary_facts *f)
{
    struct buf out = BUF_INIT(SUMMARY_MAX);
    struct err err = { 0 };

    assert_int_equal(summary_render(f, &out, &err), 0);
    return buf_detach(&out);
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part)) {
        print_error("missing: %s\nin:\n%s\n", part, text);
        fail();
    }
}

static char *render_good(struct report *r)
{
    struct summary_facts f;

    tell_good_deployment(r);
    f = facts_of(r);
    return render(&f);
}

static void the_heading_and_story_tell_the_outcome(void **state)
{
    struct report r;
    char *md = render_good(&r);

    (void)state;
    assert_has(md, "## Blue-green deployment of <code>shop</code>: Deployed\n");
    assert_has(md, "shop\\:2 now serves as shop, deployed in 4.20 s, outage 0.21 s.\n");
    assert_has(md, "strategy <code>handover</code>");
    free(md);
    report_done(&r);
}

static void the_table_of_changes_has_old_and_new(void **state)
{
    struct report r;
    char *md = render_good(&r);

    (void)state;
    assert_has(md, "| image | <code>shop\\:1</code> | <code>shop\\:2</code> |\n");
    assert_has(md, "| digest | <code>sha256\\:11</code> | <code>sha256\\:22</code> |\n");
    assert_has(md, "| memory | <code>0</code> | <code>268435456</code> |\n");
    assert_has(md, "| environment: added | | <code>NEW\\_KEY</code> |\n");
    free(md);
    report_done(&r);
}

static void the_timeline_is_a_chart_and_a_table(void **state)
{
    struct report r;
    char *md = render_good(&r);

    (void)state;
    assert_has(md, "```mermaid\ngantt\n    dateFormat x\n");
    assert_has(md, "    1 Image pull :done, s1, 0, 1500\n```\n");
    assert_has(md, "| 1 | Image pull | done | 1.50 s | 12 MB |\n");
    free(md);
    report_done(&r);
}

static void kpis_are_shown_with_limits_and_verdict(void **state)
{
    struct report r;
    char *md = render_good(&r);

    (void)state;
    assert_has(md, "| Total deployment time | 4.20 s | 600 s | 900 s | 1200 s | on target |\n");
    assert_has(md, " | - | - | - | - | not measured |\n");
    free(md);
    report_done(&r);
}

static void cutover_health_and_containers_are_shown(void **state)
{
    struct report r;
    char *md = render_good(&r);

    (void)state;
    assert_has(md, "| Probes answered / failed | 46 / 4 |\n");
    assert_has(md, "| Response time before | 3.5 ms |\n| Response time after | 2.5 ms |\n");
    assert_has(md, "- candidate: 2 samples, 1 failed\n");
    assert_has(md, "| candidate | 1 | 503 | 3 ms | starting |\n");
    assert_has(md, "| blue | <code>shop-blue</code> | <code>shop\\:2</code> |");
    assert_has(md, "| green | <code>shop-green</code> |");
    assert_has(md, "12.0 MB memory of no limit");
    free(md);
    report_done(&r);
}

static void bundle_and_log_tail_close_it(void **state)
{
    struct report r;
    char *md = render_good(&r);

    (void)state;
    assert_has(md, "<code>bluegreen-shop-1.tar.gz</code> (output `bundle-path`)");
    assert_has(md, "<details><summary>Last 100 lines of the log</summary>\n\n```text\nlast line\n```\n");
    free(md);
    report_done(&r);
}

static void a_rollback_tells_its_cause_and_its_story(void **state)
{
    struct report r;
    struct summary_facts f;
    char *md = NULL;

    (void)state;
    report_init(&r, WIRE_DEPLOY, "shop", "20260129-031000-abcdef");
    feed(&r, "\"kind\":\"step.start\",\"step\":\"health_check\",\"title\":\"Health check\"");
    feed(&r, "\"kind\":\"step.failed\",\"step\":\"health_check\",\"seconds\":9,\"error\":{\"kind\":\"unhealthy\","
             "\"message\":\"HTTP 500\"}");
    feed(&r, "\"kind\":\"diagnosis\",\"code\":\"c\",\"cause\":\"the app cannot reach its database\",\"next\":\"look "
             "there\",\"evidence\":[\"ECONNREFUSED\"]");
    feed(&r, "\"kind\":\"undo.start\",\"step\":\"cutover\",\"title\":\"Cutover\"");
    feed(&r, "\"kind\":\"undo.done\",\"step\":\"cutover\",\"seconds\":0.2");
    feed(&r, "\"kind\":\"outcome\",\"outcome\":\"rolled_back\",\"image\":\"shop:2\",\"error\":{\"kind\":\"unhealthy\","
             "\"message\":\"HTTP 500\",\"hint\":\"fix it\"},"
             "\"rollback\":{\"reason\":\"unhealthy\",\"to\":\"shop:1\",\"seconds\":0.4,\"verified\":true}");
    report_end(&r, 0, NULL);
    f = facts_of(&r);
    md = render(&f);
    assert_has(md, ": Deployment rolled back\n");
    assert_has(md, "shop\\:2 failed; shop\\:1 serves again as shop");
    assert_has(md, "- **Failed step:** health\\_check\n- **Cause:** HTTP 500\n- **What to do:** fix it\n");
    assert_has(md, "- **Likely cause:** the app cannot reach its database\n");
    assert_has(md, "```text\nECONNREFUSED\n```");
    assert_has(md, "    section Way back\n    2 Cutover :active, s2,");
    assert_has(md, "- **Back to:** shop\\:1\n- **Took:** 0.40 s\n- **Answers again, checked:** yes\n");
    free(md);
    report_done(&r);
}

static void an_unknown_outcome_is_never_told_as_good_or_bad(void **state)
{
    struct report r;
    struct summary_facts f;
    struct err err = { 0 };
    char *md = NULL;

    (void)state;
    report_init(&r, WIRE_DEPLOY, "shop", "20260129-031000-abcdef");
    err_set(&err, ERR_NET, 0, "connection lost");
    report_end(&r, -ERR_NET, &err);
    f = facts_of(&r);
    f.bundle_path = "";
    md = render(&f);
    assert_has(md, ": Outcome unknown\n");
    assert_has(md, "finishes by itself");
    assert_has(md, "No bundle was written");
    assert_null(strstr(md, "What changed"));
    free(md);
    report_done(&r);
}

#define EVIL "</code><script>x</script> | `a` ![p](http://e/x.png)\\n## head\\n```\\n**b** [l](u) :::"

/* Every text of the events is evil; none of it may act. */
static void nothing_from_the_host_acts_as_markdown_or_html(void **state)
{
    struct report r;
    struct summary_facts f;
    char *md = NULL;

    (void)state;
    report_init(&r, WIRE_DEPLOY, "shop", "20260129-031000-abcdef");
    feed(&r, "\"kind\":\"step.start\",\"step\":\"s\",\"title\":\"" EVIL "\"");
    feed(&r, "\"kind\":\"step.done\",\"step\":\"s\",\"seconds\":1,\"text\":\"" EVIL "\"");
    feed(&r, "\"kind\":\"health.sample\",\"target\":\"candidate\",\"ok\":false,\"error\":\"" EVIL "\"");
    feed(&r, "\"kind\":\"diagnosis\",\"cause\":\"" EVIL "\",\"next\":\"" EVIL "\",\"evidence\":[\"" EVIL "\"]");
    feed(&r, "\"kind\":\"outcome\",\"outcome\":\"rolled_back\",\"image\":\"" EVIL "\",\"digest\":\"" EVIL
             "\",\"previous_image\":\"" EVIL "\","
             "\"strategy\":\"" EVIL "\",\"error\":{\"kind\":\"x\",\"message\":\"" EVIL "\",\"hint\":\"" EVIL "\"},"
             "\"changes\":{\"" EVIL "\":[\"" EVIL "\",\"" EVIL "\"],\"env_added\":[\"" EVIL "\"]},\"log\":\"" EVIL
             "\",\"metrics\":\"" EVIL "\","
             "\"containers\":[{\"role\":\"" EVIL "\",\"name\":\"" EVIL "\",\"image\":\"" EVIL "\",\"status\":\"" EVIL
             "\"}],"
             "\"rollback\":{\"reason\":\"" EVIL "\",\"to\":\"" EVIL "\"}");
    report_end(&r, 0, NULL);
    f = facts_of(&r);
    f.log_tail = SPAN_LIT("```\n</details>\n## head\n");
    md = render(&f);
    int chart = 0;
    struct span rest = span_of(md), line;
    bool fenced = false;
    while (span_next_line(&rest, &line)) {
        if (span_starts(line, "````")) { /* longer than the run of back-ticks inside */
            fenced = !fenced;
            continue;
        }
        if (fenced)
            continue;
        assert_false(span_contains(line, "<script"));
        assert_false(span_contains(line, "![p]"));
        assert_false(span_contains(line, "[l](u)"));
        assert_false(span_starts(line, "## head"));
        assert_false(span_eq(line, "```") && chart == 0);
        chart = span_starts(line, "```mermaid") ? 1 : span_eq(line, "```") ? 0 : chart;
    }
    assert_false(fenced);
    free(md);
    report_done(&r);
}

static void table_rows_keep_their_number_of_cells(void **state)
{
    struct report r;
    struct summary_facts f;
    char *md = NULL;
    size_t cells = 0;

    (void)state;
    report_init(&r, WIRE_DEPLOY, "shop", "20260129-031000-abcdef");
    feed(&r, "\"kind\":\"step.start\",\"step\":\"s\",\"title\":\"a|b\\\\|c\\n|d\"");
    f = facts_of(&r);
    md = render(&f);
    const char *row = strstr(md, "| 1 | ");
    assert_non_null(row);
    for (const char *p = row; *p && *p != '\n'; p++)
        if (*p == '|' && (p == row || p[-1] != '\\' || (p - row >= 2 && p[-2] == '\\' && p[-3] != '\\')))
            cells++;
    assert_int_equal(cells, 6);
    free(md);
    report_done(&r);
}

static void secrets_are_redacted_before_they_are_escaped(void **state)
{
    struct report r;
    struct summary_facts f;
    struct redactor *redactor = NULL;
    struct err err = { 0 };
    char *md = NULL;

    (void)state;
    assert_int_equal(redactor_new(&redactor, &err), 0);
    assert_int_equal(redactor_add(redactor, SPAN_LIT("pa*ss_wo[rd"), &err), 0);
    report_init(&r, WIRE_DEPLOY, "shop", "20260129-031000-abcdef");
    feed(&r, "\"kind\":\"diagnosis\",\"cause\":\"login with pa*ss_wo[rd\",\"evidence\":[\"pa*ss_wo[rd\"]");
    f = facts_of(&r);
    f.redactor = redactor;
    f.log_tail = SPAN_LIT("using pa*ss_wo[rd\n");
    md = render(&f);
    assert_null(strstr(md, "ss_wo"));
    assert_null(strstr(md, "ss\\_wo"));
    assert_has(md, "login with \\*\\*\\*");
    free(md);
    report_done(&r);
    redactor_free(redactor);
}

static void a_huge_answer_stays_within_the_limit(void **state)
{
    struct report r;
    struct summary_facts f;
    _cleanup_(buf_done_p) struct buf big = BUF_INIT(EVENT_LINE_MAX), tail = BUF_INIT(8 * 1024 * 1024);
    char *md = NULL;

    (void)state;
    report_init(&r, WIRE_DEPLOY, "shop", "20260129-031000-abcdef");
    buf_adds(&big, "\"kind\":\"outcome\",\"outcome\":\"deployed\",\"changes\":{\"env_added\":[\"A\"");
    for (int i = 0; i < 4000; i++)
        buf_adds(&big, ",\"AAAAAAAAA\"");
    buf_adds(&big, "]}");
    feed(&r, buf_str(&big));
    for (int i = 0; i < 100; i++) {
        for (int j = 0; j < 16384; j++)
            buf_addc(&tail, '`');
        buf_addc(&tail, '\n');
    }
    f = facts_of(&r);
    f.log_tail = buf_span(&tail);
    md = render(&f);
    assert_true(strlen(md) < SUMMARY_MAX);
    assert_has(md, " and 3941 more |");
    free(md);
    report_done(&r);
}

static void the_post_stage_has_a_section_of_its_own(void **state)
{
    struct report r;
    struct summary_facts f = { .report = &r };
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(SUMMARY_MAX);
    struct err err = { 0 };

    (void)state;
    report_init(&r, WIRE_ROLLBACK, "shop", "20260129-031100-abcdef");
    feed(&r, "\"kind\":\"outcome\",\"outcome\":\"rolled_back\",\"image\":\"shop:1\"");
    report_end(&r, 0, NULL);
    assert_int_equal(summary_render_post(&f, "The job failed.", &out, &err), 0);
    assert_has(buf_str(&out),
               "## After the job: <code>shop</code>: Rolled back\n\nThe job failed. shop\\:1 serves again as shop");
    report_done(&r);
}

static void the_status_is_a_readable_table(void **state)
{
    struct report r;
    struct summary_facts f = { .report = &r, .host = "h" };
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(SUMMARY_MAX);
    struct err err = { 0 };

    (void)state;
    report_init(&r, WIRE_STATUS, "shop", "");
    feed(&r, "\"kind\":\"status\",\"report\":{\"app\":\"shop\",\"blue\":{\"name\":\"shop-blue\",\"image\":\"shop:2\","
             "\"status\":\"running\","
             "\"health\":\"healthy\",\"response_ms\":2,\"restarts\":1,\"ports\":[\"8080->8080\"],\"cpu_percent\":0.5,"
             "\"memory_bytes\":1000000},"
             "\"green\":null,\"deployments\":[{\"id\":\"d1\",\"outcome\":\"deployed\",\"image\":\"shop:2\",\"total_"
             "seconds\":4}],"
             "\"engine\":{\"version\":\"20.10\",\"api\":\"1.41\",\"arch\":\"amd64\"},\"disk\":{\"free_bytes\":1e9,"
             "\"total_bytes\":2e9},"
             "\"lock\":{\"held\":true,\"run_link\":\"run 9\"}}");
    report_end(&r, 0, NULL);
    assert_int_equal(summary_render_status(&f, &out, &err), 0);
    assert_has(buf_str(&out), "| <code>shop-blue</code> | healthy | 2.0 ms | 1 | 8080-&gt;8080 | 0.5 % | 1.0 MB |\n");
    assert_has(buf_str(&out), "| <code>d1</code> | deployed | <code>shop\\:2</code> |");
    assert_has(buf_str(&out), "1.00 GB free of 2.00 GB");
    assert_has(buf_str(&out), "A deployment is running now: <code>run 9</code>");
    report_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_heading_and_story_tell_the_outcome),
        cmocka_unit_test(the_table_of_changes_has_old_and_new),
        cmocka_unit_test(the_timeline_is_a_chart_and_a_table),
        cmocka_unit_test(kpis_are_shown_with_limits_and_verdict),
        cmocka_unit_test(cutover_health_and_containers_are_shown),
        cmocka_unit_test(bundle_and_log_tail_close_it),
        cmocka_unit_test(a_rollback_tells_its_cause_and_its_story),
        cmocka_unit_test(an_unknown_outcome_is_never_told_as_good_or_bad),
        cmocka_unit_test(nothing_from_the_host_acts_as_markdown_or_html),
        cmocka_unit_test(table_rows_keep_their_number_of_cells),
        cmocka_unit_test(secrets_are_redacted_before_they_are_escaped),
        cmocka_unit_test(a_huge_answer_stays_within_the_limit),
        cmocka_unit_test(the_post_stage_has_a_section_of_its_own),
        cmocka_unit_test(the_status_is_a_readable_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
