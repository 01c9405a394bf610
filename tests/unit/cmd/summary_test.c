#include "cmd/report/summary.h"

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

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A deployment that went well, as the agent tells it. */
static void tell_good_deployment(struct report *r)
{
    report_init(r, WIRE_DEPLOY, "shop", "20260129-031000-abcdef");
    feed(r, "\"kind\":\"step.start\",\"step\":\"image_pull\",\"title\":\"Image pull\"");
    feed(r, "\"kind\":\"step.done\",\"step\":\"image_pull\",\"seconds\":1.5,\"text\":\"12 MB sha256:" HEX64
            ", sha256:ab\"");
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
        "KEY\"],\"memory\":[\"no limit\",\"256 MiB\"],"
        "\"kept\":{\"ports\":\"8080->80/tcp\"}},"
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
    assert_has(md,
               "## Deployed: <code>shop</code>\n\n> [!NOTE]\n> **Deployed:** shop\\:2 now serves as shop, deployed in "
               "4.20 s, outage 0.21 s.\n\n<table>");
    free(md);
    report_done(&r);
}

static void the_facts_are_a_table_without_a_head(void **state)
{
    struct report r;
    struct summary_facts f;
    char *md = render_good(&r);

    (void)state;
    assert_has(md, "<th align=\"left\">App</th><td><code>shop</code> on <code>ec2-user@web1:22</code></td>");
    assert_has(md, "<th align=\"left\">Version</th><td><code>shop</code>: <code>1</code> → <code>2</code></td>");
    assert_has(md, "<th align=\"left\">Duration</th><td>4.20 s, of that cutover 0.30 s</td>");
    assert_has(md, "<th align=\"left\">Outage</th><td><b>0.21 s</b> measured on the port</td>");
    assert_has(md, "<code>20260129-031000-abcdef</code>, strategy <code>handover</code></td>");
    assert_has(md, "<a href=\"https://github.com/o/r/actions/runs/7\">");
    assert_has(md, "<code>bluegreen-shop-1.tar.gz</code> in the workspace (output <code>bundle-path</code>)");
    free(md);
    f = facts_of(&r);
    f.artifact_url = "https://github.com/o/r/actions/runs/7/artifacts/9";
    f.image_scan = "2 critical, 11 high";
    md = render(&f);
    assert_has(md, "<th align=\"left\">Image scan</th><td><code>2 critical, 11 high</code></td>");
    assert_has(md, "<a href=\"https://github.com/o/r/actions/runs/7/artifacts/9\">bluegreen-shop-1.tar.gz</a>");
    assert_null(strstr(md, "in the workspace"));
    free(md);
    report_done(&r);
}

/* What the row of versions says for these facts, up to its end. The caller frees. */
static char *version_row(enum wire_op op, enum outcome outcome, const char *facts)
{
    struct report r;
    struct summary_facts f = { .report = &r };
    struct err err = { 0 };

    report_init(&r, op, "shop", "");
    r.outcome = outcome;
    assert_int_equal(json_parse(span_of(facts), &r.facts, &err), 0);
    char *md = render(&f);
    char *row = strstr(md, "Version</th><td>");
    assert_non_null(row);
    row = strdup(row + strlen("Version</th><td>"));
    assert_non_null(row);
    *strstr(row, "</td>") = '\0';
    free(md);
    report_done(&r);
    return row;
}

static void the_versions_tell_what_serves_in_the_end(void **state)
{
    static const char two[] = "{\"image\":\"r/a:2\",\"previous_image\":\"r/a:1\"}";
    static const struct {
        enum wire_op op;
        enum outcome outcome;
        const char *facts, *row;
    } want[] = {
        { WIRE_DEPLOY, OUTCOME_ROLLED_BACK, two, "<code>r/a</code>: <code>1</code> → <code>2</code> → <code>1</code>" },
        { WIRE_DEPLOY, OUTCOME_FAILED_UNTOUCHED, two, "<code>r/a</code>: <code>1</code> (wanted: <code>r/a:2</code>)" },
        { WIRE_DEPLOY, OUTCOME_UNKNOWN, "{\"image\":\"r/a:2\"}", "(wanted: <code>r/a:2</code>)" },
        { WIRE_DEPLOY, OUTCOME_DEPLOYED, "{\"image\":\"r/a:2\"}",
          "<code>r/a</code>: <code>2</code> (the first deployment)" },
        { WIRE_DEPLOY, OUTCOME_UNCHANGED, two, "<code>r/a</code>: <code>2</code>" },
        { WIRE_ROLLBACK, OUTCOME_ROLLED_BACK, two, "<code>r/a</code>: <code>1</code> → <code>2</code>" },
        { WIRE_DEPLOY, OUTCOME_DEPLOYED, "{\"image\":\"h:5000/b:2\",\"previous_image\":\"h:5000/a:1\"}",
          "<code>h:5000/a:1</code> → <code>h:5000/b:2</code>" },
        { WIRE_DEPLOY, OUTCOME_DEPLOYED, "{\"image\":\"a@sha256:2\",\"previous_image\":\"a\"}",
          "<code>a</code> → <code>a@sha256:2</code>" },
        { WIRE_DEPLOY, OUTCOME_DEPLOYED,
          "{\"image\":\"h:5000/a:2@sha256:22\",\"previous_image\":\"h:5000/a:1@sha256:11\"}",
          "<code>h:5000/a</code>: <code>1</code> → <code>2</code>" },
        { WIRE_DEPLOY, OUTCOME_FAILED_UNTOUCHED, "{\"image\":\"h:5000/a:2@sha256:22\"}",
          "(wanted: <code>h:5000/a:2</code>)" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        char *row = version_row(want[i].op, want[i].outcome, want[i].facts);
        assert_string_equal(row, want[i].row);
        free(row);
    }
}

static void the_table_of_changes_has_old_and_new(void **state)
{
    struct report r;
    char *md = render_good(&r);

    (void)state;
    assert_has(md, "| image | <code>shop\\:1</code> | <code>shop\\:2</code> |\n");
    assert_has(md, "| digest | <code>sha256\\:11</code> | <code>sha256\\:22</code> |\n");
    assert_has(md, "| memory limit | <code>no limit</code> | <code>256 MiB</code> |\n");
    assert_has(md, "| ports | <code>8080-&gt;80/tcp</code> | as before |\n");
    assert_has(md, "| environment: added | | <code>NEW\\_KEY</code> |\n");
    free(md);
    report_done(&r);
}

static void the_timeline_is_a_chart_and_the_same_as_text(void **state)
{
    struct report r;
    char *md = render_good(&r);

    (void)state;
    assert_has(md, "```mermaid\ngantt\n    dateFormat HH:mm:ss.SSS\n    axisFormat %-S.%L s\n    tickInterval "
                   "200millisecond\n    todayMarker off\n    section Steps\n"
                   "    1 Image pull 1.50 s :s1, 00:00:00.000, 1500ms\n```\n");
    assert_has(
        md,
        "```text\n# done   ! failed   < undone   ? not finished   |40 columns are 1.50 s|\n"
        "  1 Image pull                                    1.50 s |########################################|\n```\n");
    assert_has(md, "| 1 | Image pull | done | 1.50 s | 12 MB sha256\\:0123456789ab…, sha256\\:ab |\n");
    free(md);
    report_done(&r);
}

/* The step began so many milliseconds after midnight. */
static void add_step(struct report *r, const char *title, int64_t at_ms, double seconds, enum report_step_state state,
                     bool undo)
{
    struct report_step *s = &r->steps[r->step_count++];

    *s = (struct report_step){ .start_ms = at_ms, .seconds = seconds, .state = state, .undo = undo };
    (void)snprintf(s->title, sizeof(s->title), "%s", title);
}

static void the_text_chart_shows_where_each_step_lies(void **state)
{
    struct report r;
    struct summary_facts f = { .report = &r };
    char *md = NULL;

    (void)state;
    report_init(&r, WIRE_DEPLOY, "shop", "");
    add_step(&r, "First", 1000, 1, REPORT_STEP_DONE, false);
    add_step(&r, "Second\n|x", 2000, 2, REPORT_STEP_FAILED, false);
    add_step(&r, "Back", 4000, 1, REPORT_STEP_DONE, true);
    add_step(&r, "Late", 5000, -1, REPORT_STEP_RUNNING, false);
    add_step(&r, "Early", 0, 0, REPORT_STEP_DONE, false);
    md = render(&f);
    assert_has(md,
               "  1 First                                         1.00 s |##########                              |\n");
    assert_has(md,
               "  2 Second |x                                     2.00 s |          !!!!!!!!!!!!!!!!!!!!          |\n");
    assert_has(md,
               "  3 Back                                          1.00 s |                              <<<<<<<<<<|\n");
    assert_has(md,
               "  4 Late                                             ? s |                                       ?|\n");
    assert_has(md,
               "  5 Early                                         0.00 s |#                                       |\n");
    assert_has(md, "    2 Second  x failed 2.00 s :crit, s2, 00:00:01.000, 2000ms\n    section Way back\n"
                   "    3 Back 1.00 s :active, s3, 00:00:03.000, 1000ms\n");
    free(md);
    report_done(&r);
}

static void a_run_of_days_has_no_chart_and_still_a_text(void **state)
{
    struct report r;
    struct summary_facts f = { .report = &r };
    char *md = NULL;

    (void)state;
    report_init(&r, WIRE_DEPLOY, "shop", "");
    add_step(&r, "First", 0, 1, REPORT_STEP_DONE, false);
    add_step(&r, "Last", 250000000000000, 1e300, REPORT_STEP_DONE, false);
    md = render(&f);
    assert_null(strstr(md, "mermaid"));
    assert_has(md, "  2 Last");
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
    assert_has(md, "| Deployment | 0.30 s | 0.21 s | 46 of 50 | 3.5 ms | 2.5 ms |\n");
    assert_has(md, "- candidate: 2 samples, 1 failed\n");
    assert_has(md, "| candidate | 1 | 503 | 3 ms | starting |\n");
    assert_has(md, "| serves \\(blue\\) | <code>shop-blue</code> | <code>shop\\:2</code> |");
    assert_has(md, "| kept to go back to \\(green\\) | <code>shop-green</code> |");
    assert_has(md, "12.0 MB memory of no limit");
    free(md);
    report_done(&r);
}

static void the_log_tail_closes_it_folded(void **state)
{
    struct report r;
    char *md = render_good(&r);

    (void)state;
    assert_has(
        md,
        "<details><summary>Last lines of the log (at most 100)</summary>\n\n```text\nlast line\n```\n\n</details>\n");
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
    assert_has(md, "## Deployment rolled back: <code>shop</code>\n\n> [!WARNING]\n");
    assert_has(md, "shop\\:2 failed; shop\\:1 serves again as shop");
    assert_has(md, ">\n> **Likely cause:** the app cannot reach its database\n>\n> **Next:** look there\n\n");
    assert_has(md, "- **Failed step:** Health check\n- **Cause:** HTTP 500\n- **What to do:** fix it\n");
    assert_has(md, "- **Likely cause:** the app cannot reach its database\n");
    assert_has(md, "```text\nECONNREFUSED\n```");
    assert_has(md, "    section Way back\n    2 Cutover 0.20 s :active, s2,");
    assert_has(md,
               "### The way back\n\n- **Asked for by:** the deployment itself, on the host\n- **Reason:** unhealthy\n");
    assert_has(md, "- **Back to:** <code>shop\\:1</code>\n- **Took:** 0.40 s\n- **Answers again, checked:** yes\n");
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
    assert_has(md, "## Outcome unknown: <code>shop</code>\n\n> [!CAUTION]\n");
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
    struct span rest = span_of(md), line;
    size_t fence = 0;
    while (span_next_line(&rest, &line)) {
        size_t ticks = 0;
        while (ticks < line.len && line.ptr[ticks] == '`')
            ticks++;
        if (fence) { /* ends with as many back-ticks as it began with, and nothing from outside has as many */
            assert_true(ticks < fence || (ticks == fence && line.len == ticks));
            fence = ticks >= fence ? 0 : fence;
            continue;
        }
        if (ticks >= 3) {
            fence = ticks;
            continue;
        }
        assert_false(span_contains(line, "<script"));
        if (span_starts(line, "<tr><th")) { /* HTML: Markdown is not read there, and a row is one line */
            assert_true(line.len > 10 && memcmp(line.ptr + line.len - 10, "</td></tr>", 10) == 0);
            continue;
        }
        assert_false(span_contains(line, "![p]"));
        assert_false(span_contains(line, "[l](u)"));
        assert_false(span_starts(line, "## head"));
    }
    assert_int_equal(fence, 0);
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

static void long_lists_are_cut_with_a_count(void **state)
{
    struct report r;
    struct summary_facts f;
    _cleanup_(buf_done_p) struct buf big = BUF_INIT(EVENT_LINE_MAX);
    char *md = NULL;

    (void)state;
    report_init(&r, WIRE_DEPLOY, "shop", "20260129-031000-abcdef");
    buf_adds(&big, "\"kind\":\"outcome\",\"outcome\":\"deployed\",\"changes\":{\"env_added\":[\"A\"");
    for (int i = 0; i < 4000; i++)
        buf_adds(&big, ",\"AAAAAAAAA\"");
    buf_adds(&big, "]}");
    feed(&r, buf_str(&big));
    f = facts_of(&r);
    md = render(&f);
    assert_has(md, " and 3941 more |");
    free(md);
    report_done(&r);
}

/* A field filled to its end with what grows most when it is made safe. */
static void fill(char *field, size_t size)
{
    memset(field, '@', size - 1); /* one byte becomes nine */
    field[size - 1] = '\0';
}

#define FILL(field) fill((field), sizeof(field))

/* Every text `@@@…`, of as many bytes as an event holds, in as many rows as anything shows. */
static void fill_facts(struct report *r, size_t text_bytes)
{
    static const char *const texts[] = { "image",    "digest", "previous_image", "previous_digest",
                                         "strategy", "log",    "metrics" };
    char *text = malloc(text_bytes + 1);

    assert_non_null(text);
    fill(text, text_bytes + 1);
    r->facts = json_object();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        json_set_str(r->facts, texts[i], text);
    for (const char *const *n = (const char *const[]){ "total_seconds", "cutover_seconds", "outage_seconds",
                                                       "requests_seen", "requests_failed", NULL };
         *n; n++)
        json_set_num(r->facts, *n, 1e308);
    struct json *kpi = json_object(), *changes = json_object(), *list = json_array(), *containers = json_array();
    struct json *back = json_object(), *resources = json_object();
    for (int i = 0; i < KPI_COUNT; i++) {
        struct json *k = json_object();
        for (const char *const *n = (const char *const[]){ "seconds", "target", "warning", "critical", NULL }; *n; n++)
            json_set_num(k, *n, 1e308);
        json_set(kpi, kpi_name((enum kpi_id)i), k);
    }
    for (int i = 0; i < 200; i++) {
        struct json *pair = json_array(), *c = json_object();
        _cleanup_(buf_done_p) struct buf key = BUF_INIT(text_bytes + 16);
        buf_addf(&key, "%d%s", i, text);
        json_push_str(pair, text);
        json_push_str(pair, text);
        json_set(changes, buf_str(&key), pair);
        json_push_str(list, text);
        for (const char *const *n =
                 (const char *const[]){ "role", "name", "image", "digest", "status", "started", NULL };
             *n; n++)
            json_set_str(c, *n, text);
        json_push(containers, c);
    }
    json_set(changes, "env_added", list);
    json_set_str(back, "reason", text);
    json_set_str(back, "to", text);
    json_set_num(back, "seconds", 1e308);
    for (const char *const *n = (const char *const[]){ "cpu_percent", "memory_bytes", "memory_limit_bytes",
                                                       "net_rx_bytes", "net_tx_bytes", NULL };
         *n; n++)
        json_set_num(resources, *n, 1e308);
    json_set(r->facts, "kpi", kpi);
    json_set(r->facts, "changes", changes);
    json_set(r->facts, "containers", containers);
    json_set(r->facts, "rollback", back);
    json_set(r->facts, "resources", resources);
    r->rollback_facts = json_copy(r->facts);
    free(text);
}

static void fill_report(struct report *r, size_t text_bytes)
{
    report_init(r, WIRE_DEPLOY, "shop", "");
    FILL(r->app);
    FILL(r->deployment);
    FILL(r->failed_step);
    FILL(r->verify);
    FILL(r->rollback_id);
    r->outcome = OUTCOME_ROLLED_BACK;
    for (int i = 0; i < ERR_FRAMES; i++)
        err_push(&r->cause, i ? ERR_OK : ERR_UNHEALTHY, 0, __FILE__, __LINE__, "%s", EVIL EVIL EVIL EVIL);
    FILL(r->cause.hint);
    for (r->step_count = 0; r->step_count < REPORT_STEPS_MAX; r->step_count++) {
        struct report_step *s = &r->steps[r->step_count];
        FILL(s->name);
        FILL(s->title);
        FILL(s->text);
        s->start_ms = (int64_t)r->step_count * 1000;
        s->seconds = 1e308;
        s->undo = r->step_count % 2;
        s->state = REPORT_STEP_FAILED;
    }
    r->steps_left_out = UINT64_MAX;
    for (r->sample_count = 0; r->sample_count < REPORT_SAMPLES_MAX; r->sample_count++) {
        struct report_sample *s = &r->samples[r->sample_count];
        FILL(s->target);
        FILL(s->error);
        s->attempt = s->status = INT64_MIN;
        s->ms = 1e308;
    }
    for (int i = 0; i < REPORT_TARGETS; i++)
        r->counts[i].seen = r->counts[i].failed = UINT64_MAX;
    for (r->diagnosis_count = 0; r->diagnosis_count < REPORT_DIAGNOSES_MAX; r->diagnosis_count++) {
        struct report_diagnosis *d = &r->diagnoses[r->diagnosis_count];
        FILL(d->code);
        FILL(d->cause);
        FILL(d->next);
        buf_init(&d->evidence, EVENT_LINE_MAX);
        while (d->evidence.len < REPORT_EVIDENCE_MAX)
            buf_adds(&d->evidence, "\x01\x02``` \x1b[31m\n");
    }
    fill_facts(r, text_bytes);
}

static void fill_tail(struct buf *tail)
{
    for (int i = 0; i < SUMMARY_LOG_LINES; i++) {
        for (int j = 0; j < 16384; j++)
            buf_addc(tail, i % 3 == 0 ? '`' : i % 3 == 1 ? '\x01' : '<');
        buf_addc(tail, '\n');
    }
}

/* Fences and folds are whole wherever it was cut. */
static void assert_whole(const char *md)
{
    struct span rest = span_of(md), line;
    size_t fence = 0;
    int folds = 0;

    while (span_next_line(&rest, &line)) {
        size_t ticks = 0;
        while (ticks < line.len && line.ptr[ticks] == '`')
            ticks++;
        if (fence) {
            if (ticks >= fence && ticks == line.len)
                fence = 0;
            continue;
        }
        if (ticks >= 3)
            fence = ticks;
        folds += span_starts(line, "<details");
        folds -= span_starts(line, "</details>");
    }
    assert_int_equal(fence, 0);
    assert_int_equal(folds, 0);
}

/* 60 is what events can hold at most in all fields at once; 2000 is far beyond. */
static void the_worst_report_stays_within_the_limit_and_whole(void **state)
{
    static const size_t sizes[] = { 60, 300, 2000 };
    _cleanup_(buf_done_p) struct buf tail = BUF_INIT(8 * 1024 * 1024);

    (void)state;
    fill_tail(&tail);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct report r;
        struct summary_facts f;
        struct err err = { 0 };
        fill_report(&r, sizes[i]);
        f = facts_of(&r);
        f.log_tail = buf_span(&tail);
        for (int post = 0; post < 2; post++) {
            _cleanup_(buf_done_p) struct buf out = BUF_INIT(SUMMARY_MAX);
            assert_int_equal(
                post ? summary_render_post(&f, "The job failed.", &out, &err) : summary_render(&f, &out, &err), 0);
            assert_true(out.len <= SUMMARY_MAX);
            assert_whole(buf_str(&out));
            assert_has(buf_str(&out), "> **Deployment rolled back:**");
            assert_has(buf_str(&out), "### Why");
            assert_has(buf_str(&out), "<details><summary>Last lines of the log");
        }
        report_done(&r);
    }
}

/* Down to room for nothing: the outcome goes last, and what is missing is said. */
static void with_less_room_the_log_shrinks_first_then_sections_go(void **state)
{
    struct report r;
    _cleanup_(buf_done_p) struct buf tail = BUF_INIT(8 * 1024 * 1024);
    struct summary_facts f;
    struct err err = { 0 };
    bool all = true, none = false;

    (void)state;
    fill_tail(&tail);
    fill_report(&r, 60);
    f = facts_of(&r);
    f.log_tail = buf_span(&tail);
    for (size_t room = SUMMARY_MAX; room >= 2048; room = room * 3 / 4) {
        _cleanup_(buf_done_p) struct buf out = BUF_INIT(room);
        assert_int_equal(summary_render(&f, &out, &err), 0);
        assert_true(out.len <= room);
        assert_whole(buf_str(&out));
        all = strstr(buf_str(&out), "### Containers at the end") != NULL;
        if (all) /* as long as everything else is there, the log may be short, and is there */
            assert_has(buf_str(&out), "<details><summary>Last lines of the log");
        else
            assert_has(buf_str(&out), "sections are left out");
        none = none || !all;
    }
    assert_true(none);
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
    feed(&r, "\"kind\":\"outcome\",\"outcome\":\"rolled_back\",\"image\":\"shop:1\","
             "\"rollback\":{\"reason\":\"job failed\",\"to\":\"shop:1\",\"seconds\":1,\"verified\":true}");
    report_end(&r, 0, NULL);
    assert_int_equal(summary_render_post(&f, "The job failed.", &out, &err), 0);
    assert_has(
        buf_str(&out),
        "## Rolled back after the job: <code>shop</code>\n\n> [!NOTE]\n> **Rolled back:** The job failed. shop\\:1 "
        "serves again as shop");
    assert_has(buf_str(&out), "- **Asked for by:** the post step, after the job\n- **Reason:** job failed\n");
    report_done(&r);
}

/* ---- audit log ---- */

static void the_entry_of_the_audit_log_is_a_fact(void **state)
{
    struct report r;

    (void)state;
    report_init(&r, WIRE_DEPLOY, "shop", "d1");
    feed(&r, "\"kind\":\"outcome\",\"outcome\":\"deployed\",\"image\":\"shop:2\",\"audit\":{\"n\":17,\"hash\":\"" HEX64
             "\"}");
    report_end(&r, 0, NULL);
    struct summary_facts f = facts_of(&r);
    _cleanup_(free_p) char *md = render(&f);
    assert_has(md, "<tr><th align=\"left\">Audit log</th><td>entry 17, hash <code>" HEX64 "</code></td></tr>\n");
    report_done(&r);
}

static void tell_trend(struct report *r, int runs)
{
    _cleanup_(buf_done_p) struct buf members = BUF_INIT(EVENT_LINE_MAX);

    report_init(r, WIRE_DEPLOY, "shop", "d1");
    buf_adds(&members, "\"kind\":\"outcome\",\"outcome\":\"deployed\",\"image\":\"shop:2\",\"trend\":[");
    for (int i = 1; i <= runs; i++)
        buf_addf(&members,
                 "%s{\"deployment\":\"]\\n```\\nevil\",\"outcome\":\"x\",\"total\":%d,\"cutover\":%s,\"outage\":-1}",
                 i > 1 ? "," : "", i * 10, i == 2 ? "-1" : "0.25");
    buf_adds(&members, "]");
    feed(r, buf_str(&members));
    report_end(r, 0, NULL);
}

static void the_trend_is_a_chart_of_numbers(void **state)
{
    struct report r;

    (void)state;
    tell_trend(&r, 4);
    struct summary_facts f = facts_of(&r);
    _cleanup_(free_p) char *md = render(&f);
    assert_has(md, "<details><summary>Trend of the last 4 good runs</summary>\n\n");
    assert_has(md, "| Total duration | ▁▃▆█ | 10.00 s | 25.00 s | 40.00 s |\n");
    assert_has(md, "| Cutover | ▄·▄▄ | 0.25 s | 0.25 s | 0.25 s |\n");
    assert_has(md, "---\nxychart-beta\n    title \"Total duration in seconds\"\n    x-axis [1, 2, 3, 4]\n"
                   "    y-axis 0 --> 44.000\n    bar [10.000, 20.000, 30.000, 40.000]\n```\n");
    assert_has(md, "    x-axis [1, 2, 3]\n    y-axis 0 --> 0.275\n    bar [0.250, 0.250, 0.250]\n");
    assert_null(strstr(md, "Outage in seconds"));
    assert_null(strstr(md, "evil"));
    report_done(&r);
}

static void two_runs_are_no_trend(void **state)
{
    struct report r;

    (void)state;
    tell_trend(&r, 2);
    struct summary_facts f = facts_of(&r);
    _cleanup_(free_p) char *md = render(&f);
    assert_null(strstr(md, "Trend"));
    report_done(&r);
}

/* The caller frees. */
static char *render_history(const char *report)
{
    struct report r;
    struct summary_facts f = { .report = &r, .host = "h" };
    struct buf out = BUF_INIT(SUMMARY_MAX);
    _cleanup_(buf_done_p) struct buf members = BUF_INIT(EVENT_LINE_MAX);
    struct err err = { 0 };

    report_init(&r, WIRE_HISTORY, "shop", "");
    buf_addf(&members, "\"kind\":\"report\",\"name\":\"history\",\"report\":%s", report);
    feed(&r, buf_str(&members));
    report_end(&r, 0, NULL);
    assert_int_equal(summary_render_answer(&f, &out, &err), 0);
    report_done(&r);
    return buf_detach(&out);
}

static void the_history_is_a_table_below_its_verdict(void **state)
{
    (void)state;
    _cleanup_(free_p) char *md = render_history(
        "{\"app\":\"shop\",\"total\":5,\"entries\":[{\"n\":5,\"t\":\"2026-01-29T03:10:02.113Z\",\"operation\":"
        "\"deploy\","
        "\"outcome\":\"failed_untouched\",\"error\":\"unhealthy\",\"image\":\"shop:2\",\"digest\":\"sha256:" HEX64
        "\",\"total_seconds\":4,\"outage_seconds\":-1,\"who\":\"https://github.com/o/r/actions/runs/7\","
        "\"changes\":{\"env_added\":[\"A\"],\"env_removed\":[\"B\"],\"env_changed\":[\"C\"]}}],"
        "\"verified\":{\"whole\":true,\"entries\":5,\"head\":\"" HEX64 "\",\"first_bad\":0,\"why\":\"\"}}");
    assert_has(md, "The audit log is whole: 5 entries; hash of the last one <code>" HEX64 "</code>.\n");
    assert_has(md,
               "| 5 | 2026-01-29 03:10:02 | deploy | failed\\_untouched: unhealthy | <code>shop\\:2</code> "
               "<code>sha256\\:0123456789ab</code> | 4.00 s | - | +<code>A</code>, -<code>B</code>, ~<code>C</code> | "
               "<a href=\"https://github.com/o/r/actions/runs/7\">run</a> |\n");
}

static void a_history_that_is_not_whole_says_so(void **state)
{
    (void)state;
    _cleanup_(free_p) char *md =
        render_history("{\"entries\":[],\"verified\":{\"whole\":false,\"why\":\"entry 2 *is* <b>\"}}");
    assert_has(md, "**The audit log is not whole:** entry 2 ");
    assert_null(strstr(md, "*is*"));
    assert_null(strstr(md, "<b>"));
    _cleanup_(free_p) char *none = render_history("{\"entries\":[1,{\"changes\":3}],\"verified\":7}");
    assert_has(none, "it was not verified");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_entry_of_the_audit_log_is_a_fact),
        cmocka_unit_test(the_trend_is_a_chart_of_numbers),
        cmocka_unit_test(two_runs_are_no_trend),
        cmocka_unit_test(the_history_is_a_table_below_its_verdict),
        cmocka_unit_test(a_history_that_is_not_whole_says_so),
        cmocka_unit_test(the_heading_and_story_tell_the_outcome),
        cmocka_unit_test(the_facts_are_a_table_without_a_head),
        cmocka_unit_test(the_versions_tell_what_serves_in_the_end),
        cmocka_unit_test(the_text_chart_shows_where_each_step_lies),
        cmocka_unit_test(a_run_of_days_has_no_chart_and_still_a_text),
        cmocka_unit_test(the_worst_report_stays_within_the_limit_and_whole),
        cmocka_unit_test(with_less_room_the_log_shrinks_first_then_sections_go),
        cmocka_unit_test(the_table_of_changes_has_old_and_new),
        cmocka_unit_test(the_timeline_is_a_chart_and_the_same_as_text),
        cmocka_unit_test(kpis_are_shown_with_limits_and_verdict),
        cmocka_unit_test(cutover_health_and_containers_are_shown),
        cmocka_unit_test(the_log_tail_closes_it_folded),
        cmocka_unit_test(a_rollback_tells_its_cause_and_its_story),
        cmocka_unit_test(an_unknown_outcome_is_never_told_as_good_or_bad),
        cmocka_unit_test(nothing_from_the_host_acts_as_markdown_or_html),
        cmocka_unit_test(table_rows_keep_their_number_of_cells),
        cmocka_unit_test(secrets_are_redacted_before_they_are_escaped),
        cmocka_unit_test(long_lists_are_cut_with_a_count),
        cmocka_unit_test(the_post_stage_has_a_section_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
