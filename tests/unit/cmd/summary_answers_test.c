#include "cmd/report/summary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shared/fd.h"

#include <fcntl.h>

/* What the summary says of the report of that name in tests/unit/reports, with the members of `patch`; valid until the next call. */
static const char *summary_of(const char *name, enum wire_op op, const char *patch, const struct redactor *redactor,
                              void (*edit)(void *ctx, struct span text, struct buf *out))
{
    static struct buf out = BUF_INIT(SUMMARY_MAX);
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(1 << 20);
    _cleanup_(close_p) int fd = -1;
    struct json *changes = NULL;
    struct err err = { 0 };
    struct report r;
    struct summary_facts f = { .report = &r, .host = "h", .redactor = redactor };
    char path[80];

    (void)snprintf(path, sizeof(path), "tests/unit/reports/%s.json", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fd_read(fd, &text), 0);
    report_init(&r, op, "shop", "");
    r.outcome = OUTCOME_REPORTED;
    (void)snprintf(r.answer_name, sizeof(r.answer_name), "%s", name);
    assert_int_equal(json_parse(buf_span(&text), &r.answer, &err), 0);
    if (patch) {
        assert_int_equal(json_parse(span_of(patch), &changes, &err), 0);
        for (const struct json *c = json_first(changes); c; c = json_next(c))
            json_set(r.answer, json_key(c), json_copy(c));
        json_free(changes);
    }
    if (edit)
        json_edit_strings(r.answer, edit, NULL);
    buf_reset(&out);
    assert_int_equal(summary_render_answer(&f, &out, &err), 0);
    report_done(&r);
    return buf_str(&out);
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("missing: %s\nin:\n%s", part, text);
}

static void the_status_stands_side_by_side(void **state)
{
    const char *md = summary_of("status", WIRE_STATUS, NULL, NULL, NULL);

    (void)state;
    assert_has(md, "> [!NOTE]\n> **Status:** shop on web1\\: well. v1.4.2 serves since 3 d 4 h, answers in 3 ms.\n");
    assert_has(md, "| Fact | blue: serves | green: to go back to |\n|---|---|---|\n"
                   "| Container | <code>shop-blue</code> | <code>shop-green</code> |\n");
    assert_has(md, "| Digest | <code>sha256\\:0123456789ab</code> | <code>sha256\\:999900000123</code> |\n");
    assert_has(md, "| State | running since 2026-01-25 23:10:00 | exited since 2026-01-25 23:10:02, exit code 143 |\n"
                   "| Health | healthy, answers in 3 ms | - |\n| Restarts | 0 | 0 |\n");
    assert_has(md, "| Memory | 45.0 MB of 256.0 MB (18 %) | - |\n| Network | 1.2 MB in, 3.4 MB out | - |\n");
    assert_has(md, "| Kept until | - | 2026-02-01 03:10:02 |\n");
    assert_has(md, "5.00 GB free of 10.00 GB; keeper: running; agent 0\\.1.0.\n");
    assert_null(strstr(md, "### What to do"));
}

static void deployments_tell_what_is_above_a_limit(void **state)
{
    const char *md = summary_of("status", WIRE_STATUS, NULL, NULL, NULL);

    (void)state;
    assert_has(
        md,
        "| <code>20260125-231000-abcdef</code> | deploy: deployed | <code>registry\\:5000/team/shop\\:v1.4.2</code> | "
        "2026-01-25 23:10:00 | 4.20 s | 0.31 s | 1.20 s | 2.50 s | 0.21 s | <a "
        "href=\"https://github.com/o/r/runs/7\">run</a> "
        "|\n");
    assert_has(md, "| 950.00 s **warning** | 35.50 s **critical** | - | 2.50 s | - |  |\n");
}

static void what_to_do_comes_first_and_can_be_copied(void **state)
{
    const char *md =
        summary_of("status", WIRE_STATUS,
                   "{\"recommendations\":[{\"code\":\"disk\",\"level\":\"error\",\"text\":\"the disk is full\","
                   "\"command\":\"bluegreen prune --app shop\"}]}",
                   NULL, NULL);

    (void)state;
    assert_has(md, "> [!WARNING]\n> **Status:** shop on web1\\: answers, but needs attention.");
    assert_has(md, "### What to do\n\n**1. error:** the disk is full\n\n```text\nbluegreen prune --app "
                   "shop\n```\n\n### Containers");
}

static void a_run_under_way_and_a_missing_container_are_told(void **state)
{
    const char *md =
        summary_of("status", WIRE_STATUS,
                   "{\"blue\":null,\"green\":null,\"running\":{\"operation\":\"deploy\",\"deployment\":\"d9\","
                   "\"step\":\"warm_up\",\"seconds\":62,\"step_seconds\":12,\"run_link\":\"https://github.com/o/r\"}}",
                   NULL, NULL);

    (void)state;
    assert_has(md, "Under way: deploy <code>d9</code> since 62.00 s, step <code>warm\\_up</code> since 12.00 s, by "
                   "<a href=\"https://github.com/o/r\">https\\://github.com/o/r</a>\n");
    assert_has(md, "| Fact |\n|---|\n| no container |\n");
}

static void a_plan_tells_a_reviewer_what_would_change(void **state)
{
    const char *md = summary_of("plan", WIRE_PLAN, NULL, NULL, NULL);

    (void)state;
    assert_has(md, "> [!NOTE]\n> **Plan:** shop\\: would be deployed, shop\\:v1 → shop\\:v2 \\(nothing was done\\).\n");
    assert_has(md, "| Image | <code>shop\\:v1</code> → <code>shop\\:v2</code> |\n"
                   "| Digest | <code>sha256\\:111122223333</code> → <code>sha256\\:0123456789abcdef");
    assert_has(md, "| Platform | linux/amd64, linux/arm64 fits linux/amd64 |\n"
                   "| Disk | 36.0 MB needed, 5.00 GB free, 12.0 MB to download |\n"
                   "| Expected | outage **0.21 s**, in all 4.20 s, from the last 3 |\n");
    assert_has(md, "### What would change\n\n| Setting | Before | Wanted |\n|---|---|---|\n");
    assert_has(md, "| memory limit | <code>no limit</code> | <code>256 MiB</code> |\n");
    assert_has(md, "| ports | <code>8080-&gt;80/tcp</code> | as before |\n");
    assert_has(md, "| environment: added | | <code>NEW\\_KEY</code>, <code>OTHER</code> |\n");
    assert_has(md, "### What would be removed\n\n| What | Name | Size | Why |\n|---|---|--:|---|\n| image | "
                   "<code>shop\\:v0</code> | "
                   "1.0 kB | old |\n");
    assert_has(md, "<details><summary>The steps (2)</summary>");
    assert_null(strstr(md, "### Problems"));
}

static void a_refused_plan_is_a_warning_with_its_reason(void **state)
{
    const char *md = summary_of(
        "plan", WIRE_PLAN,
        "{\"verdict\":\"refused\",\"previous_image\":\"\",\"previous_digest\":\"\",\"expected\":{\"from\":"
        "0},\"platform\":{\"host\":\"linux/amd64\",\"image\":[\"linux/arm64\"],\"fits\":false},\"problems\":[{"
        "\"kind\":\"platform\",\"message\":\"no image for linux/amd64\",\"hint\":\"build one\"}]}",
        NULL, NULL);

    (void)state;
    assert_has(md, "> [!WARNING]\n> **Plan:** shop\\: would be REFUSED");
    assert_has(md, "### Problems\n\n- **platform:** no image for linux/amd64 **Next:** build one\n");
    assert_has(md, "| Image | <code>shop\\:v2</code> (the first deployment) |\n");
    assert_has(md, "linux/arm64 **does not fit** linux/amd64");
    assert_has(md, "not known: no deployment to learn from");
}

static void a_prune_tells_what_went_and_what_stays(void **state)
{
    const char *md = summary_of("prune", WIRE_PRUNE, "{\"dry_run\":false,\"disk_freed_bytes\":119000000}", NULL, NULL);

    (void)state;
    assert_has(md, "1 container, 2 images and 1 record removed, 120.0 MB; the disk has 119.0 MB more");
    assert_has(md, "### What was removed\n");
    assert_has(md, "| container | <code>shop-old</code> | 12.0 kB | ended 40 days ago |\n| image | "
                   "<code>shop\\:v1</code> | 120.0 MB | "
                   "not among the last 5 good ones |\n| image | <code>shop\\:v2</code> | - | old |\n");
    assert_has(md, "<details><summary>What stays (1)</summary>\n\n| What | Why |\n|---|---|\n| image shop\\:v1.4.1 | "
                   "of green |\n");
}

static void a_diagnosis_tells_causes_next_steps_and_checks(void **state)
{
    const char *md = summary_of("diagnose", WIRE_DIAGNOSE, NULL, NULL, NULL);

    (void)state;
    assert_has(md, "> [!WARNING]\n> **Diagnosis:** shop\\: 2 findings");
    assert_has(
        md,
        "**1. error, host:** port 8080 belongs to nginx\n\n**Next:** stop it, or choose another port\n\n```text\nsudo "
        "systemctl stop nginx\n```\n\n<details><summary>Evidence</summary>\n\n```text\nLISTEN 0.0.0.0:8080 nginx\npid "
        "71\n```\n\n</details>\n");
    assert_has(md, "| engine | good | answers in 2 ms |\n| port | **bad** | taken |\n");
}

/* ---- hostile words ---- */

#define EVIL "</table>|a|<script>x</script>![p](http://e)`c` **b** \n# head\n```\n</details>\033[2J::error::x @octocat"

static void to_evil(void *ctx, struct span text, struct buf *out)
{
    (void)ctx;
    (void)text;
    buf_adds(out, EVIL);
}

/* Lines inside of a fence are text; outside, nothing of the words acts. */
static void assert_harmless(const char *md)
{
    struct span rest = span_of(md), line;
    size_t fence = 0; /* back-ticks of the one we are in */

    while (span_next_line(&rest, &line)) {
        size_t ticks = 0;
        while (ticks < line.len && line.ptr[ticks] == '`')
            ticks++;
        if (ticks >= 3 && ticks >= fence) {
            fence = fence ? 0 : ticks;
            continue;
        }
        if (fence)
            continue;
        assert_false(span_contains(line, "<script"));
        assert_false(span_contains(line, "</table>|"));
        assert_false(span_contains(line, "![p]"));
        assert_false(span_contains(line, "**b**"));
        assert_false(span_starts(line, "# head"));
        assert_false(span_contains(line, "@octocat"));
        assert_null(memchr(line.ptr, 033, line.len));
    }
    assert_int_equal(fence, 0);
}

static void nothing_of_an_answer_acts_as_markdown_or_html(void **state)
{
    static const struct {
        const char *name;
        enum wire_op op;
    } reports[] = {
        { "status", WIRE_STATUS }, { "diagnose", WIRE_DIAGNOSE }, { "prune", WIRE_PRUNE }, { "plan", WIRE_PLAN }
    };

    (void)state;
    for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
        assert_harmless(summary_of(
            reports[i].name, reports[i].op,
            "{\"recommendations\":[{\"level\":\"a\",\"text\":\"b\",\"command\":\"c\"}],\"others\":[\"o\"],"
            "\"running\":{\"step\":\"s\",\"run_link\":\"l\"},\"problems\":[{\"kind\":\"k\",\"message\":\"m\","
            "\"hint\":\"h\"}]}",
            NULL, to_evil));
}

static void members_of_the_wrong_type_do_no_harm(void **state)
{
    static const char *const patches[] = {
        "{\"blue\":[],\"green\":\"x\",\"deployments\":[1,null,\"x\"],\"disk\":5,\"recommendations\":{\"a\":1}}",
        "{\"findings\":[1,{\"evidence\":7}],\"checks\":{\"a\":1}}",
        "{\"containers\":5,\"images\":[null],\"records\":{\"x\":1},\"kept\":[1]}",
        "{\"changes\":[1,2],\"problems\":{\"a\":7},\"platform\":[],\"steps\":[5],\"prune\":7,\"expected\":{\"from\":"
        "\"x\"}}",
    };
    static const char *const names[] = { "status", "diagnose", "prune", "plan" };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_has(summary_of(names[i], WIRE_STATUS, patches[i], NULL, NULL), "## ");
}

static void secrets_in_an_answer_are_redacted(void **state)
{
    struct redactor *redactor = NULL;
    struct err err = { 0 };
    const char *md = NULL;

    (void)state;
    assert_int_equal(redactor_new(&redactor, &err), 0);
    assert_int_equal(redactor_add(redactor, SPAN_LIT("nginx-and-more"), &err), 0);
    md = summary_of(
        "diagnose", WIRE_DIAGNOSE,
        "{\"findings\":[{\"cause\":\"x nginx-and-more\",\"next\":\"nginx-and-more\",\"command\":\"run nginx-and-more\","
        "\"evidence\":[\"y nginx-and-more\"]}]}",
        redactor, NULL);
    assert_null(strstr(md, "nginx-and-more"));
    redactor_free(redactor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_status_stands_side_by_side),
        cmocka_unit_test(deployments_tell_what_is_above_a_limit),
        cmocka_unit_test(what_to_do_comes_first_and_can_be_copied),
        cmocka_unit_test(a_run_under_way_and_a_missing_container_are_told),
        cmocka_unit_test(a_plan_tells_a_reviewer_what_would_change),
        cmocka_unit_test(a_refused_plan_is_a_warning_with_its_reason),
        cmocka_unit_test(a_prune_tells_what_went_and_what_stays),
        cmocka_unit_test(a_diagnosis_tells_causes_next_steps_and_checks),
        cmocka_unit_test(nothing_of_an_answer_acts_as_markdown_or_html),
        cmocka_unit_test(members_of_the_wrong_type_do_no_harm),
        cmocka_unit_test(secrets_in_an_answer_are_redacted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
