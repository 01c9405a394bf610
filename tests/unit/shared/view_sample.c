#include "tests/unit/shared/view_sample.h"

#include "shared/view/columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

const char view_sample_status[] =
    "{\"app\":\"shop\",\"time\":\"2026-01-29T03:10:02.113Z\",\"host\":\"web1\","
    "\"blue\":{\"name\":\"shop-blue\",\"image\":\"registry:5000/team/shop:v1.4.2@sha256:" HEX64
    "\",\"tag\":\"v1.4.2\",\"digest\":\"sha256:" HEX64 "\",\"version\":\"1.4.2\",\"revision\":\"abc1234\","
    "\"deployment\":\"20260125-231000-abcdef\",\"status\":\"running\",\"created\":\"2026-01-25T23:09:58.000Z\","
    "\"started\":\"2026-01-25T23:10:00.000Z\",\"finished\":\"\",\"age_seconds\":273602,\"restarts\":0,\"exit_code\":0,"
    "\"oom_killed\":false,\"ports\":[\"8080->8080/"
    "tcp\"],\"health\":\"healthy\",\"health_error\":\"\",\"response_ms\":3,"
    "\"cpu_percent\":1.25,\"memory_bytes\":45000000,\"memory_limit_bytes\":256000000,\"net_rx_bytes\":1200000,"
    "\"net_tx_bytes\":3400000,\"restart_policy\":\"always\",\"strategy\":\"handover\",\"keep_until\":\"\",\"drift\":"
    "\"\"},"
    "\"green\":{\"name\":\"shop-green\",\"image\":\"registry:5000/team/shop:v1.4.1\",\"tag\":\"v1.4.1\",\"digest\":"
    "\"sha256:99990000" HEX64
    "\",\"version\":\"\",\"revision\":\"\",\"deployment\":\"20260120-100000-111111\",\"status\":"
    "\"exited\",\"created\":\"2026-01-20T10:00:00.000Z\",\"started\":\"2026-01-20T10:00:01.000Z\",\"finished\":"
    "\"2026-01-25T23:10:02.000Z\",\"age_seconds\":753002,\"restarts\":0,\"exit_code\":143,\"oom_killed\":false,"
    "\"ports\":[],"
    "\"health\":\"unknown\",\"health_error\":\"\",\"response_ms\":-1,\"cpu_percent\":-1,\"memory_bytes\":-1,"
    "\"memory_limit_bytes\":-1,\"net_rx_bytes\":-1,\"net_tx_bytes\":-1,\"restart_policy\":\"no\",\"strategy\":"
    "\"handover\","
    "\"keep_until\":\"2026-02-01T03:10:02.000Z\",\"drift\":\"\"},"
    "\"next\":null,\"keeper\":{\"name\":\"shop-keeper\",\"status\":\"running\",\"started\":\"2026-01-25T23:10:02."
    "000Z\"},"
    "\"others\":[],\"running\":null,"
    "\"deployments\":[{\"n\":3,\"t\":\"2026-01-25T23:10:05.000Z\",\"operation\":\"deploy\",\"deployment\":"
    "\"20260125-231000-abcdef\",\"outcome\":\"deployed\",\"error\":\"\",\"image\":\"registry:5000/team/shop:v1.4.2\","
    "\"digest\":\"sha256:" HEX64 "\",\"previous_image\":\"registry:5000/team/shop:v1.4.1\",\"previous_digest\":\"\","
    "\"previous_deployment\":\"20260120-100000-111111\",\"strategy\":\"handover\",\"who\":\"https://github.com/o/r/"
    "runs/7\","
    "\"reason\":\"\",\"started\":\"2026-01-25T23:10:00.000Z\",\"total_seconds\":4.2,\"cutover_seconds\":0.31,"
    "\"health_check_seconds\":1.2,\"image_pull_seconds\":2.5,\"outage_seconds\":0.21,\"requests_failed\":2,\"changes\":"
    "{}},"
    "{\"n\":2,\"t\":\"2026-01-22T10:00:09.000Z\",\"operation\":\"deploy\",\"deployment\":\"20260122-100000-222222\","
    "\"outcome\":\"rolled_back\",\"error\":\"unhealthy\",\"image\":\"registry:5000/team/"
    "shop:v1.4.2-rc1\",\"digest\":\"\","
    "\"started\":\"2026-01-22T10:00:00.000Z\",\"total_seconds\":950,\"cutover_seconds\":35.5,\"health_check_seconds\":-"
    "1,"
    "\"image_pull_seconds\":2.5,\"outage_seconds\":-1}],"
    "\"trend\":[{\"deployment\":\"20260125-231000-abcdef\",\"outcome\":\"deployed\",\"total\":4.2,\"cutover\":0.31,"
    "\"health_check\":1.2,\"image_pull\":2.5,\"outage\":0.21}],"
    "\"kpi\":{\"total\":{\"target\":600,\"warning\":900,\"critical\":1200},\"cutover\":{\"target\":10,\"warning\":20,"
    "\"critical\":30},\"health_check\":{\"target\":30,\"warning\":45,\"critical\":60},\"image_pull\":{\"target\":60,"
    "\"warning\":90,\"critical\":120}},"
    "\"engine\":{\"version\":\"20.10.24\",\"api\":\"1.41\",\"arch\":\"amd64\"},\"disk\":{\"free_bytes\":5e9,\"total_"
    "bytes\":"
    "1e10},\"lock\":{\"held\":false,\"deployment\":\"\",\"run_link\":\"\"},\"clock\":{\"skew_seconds\":null},\"agent\":"
    "{"
    "\"version\":\"0.1.0\"},\"recommendations\":[]}";

const char view_sample_diagnose[] =
    "{\"app\":\"shop\",\"time\":\"2026-01-29T03:10:02.113Z\",\"findings\":[{\"code\":\"port_taken\",\"level\":"
    "\"error\","
    "\"subject\":\"host\",\"cause\":\"port 8080 belongs to nginx\",\"next\":\"stop it, or choose another "
    "port\",\"command\":"
    "\"sudo systemctl stop nginx\",\"evidence\":[\"LISTEN 0.0.0.0:8080 nginx\",\"pid "
    "71\"]},{\"code\":\"disk\",\"level\":"
    "\"warning\",\"subject\":\"host\",\"cause\":\"the disk is nearly full\",\"next\":\"remove what is "
    "old\",\"command\":"
    "\"bluegreen-agent prune --app "
    "shop\",\"evidence\":[]}],\"checks\":[{\"name\":\"engine\",\"ok\":true,\"text\":\"answers "
    "in 2 ms\"},{\"name\":\"port\",\"ok\":false,\"text\":\"taken\"}]}";

const char view_sample_prune[] =
    "{\"app\":\"shop\",\"dry_run\":true,\"containers\":[{\"name\":\"shop-old\",\"id\":\"0123456789ab\",\"image\":"
    "\"shop:v1\","
    "\"reason\":\"ended 40 days "
    "ago\",\"bytes\":12000}],\"images\":[{\"reference\":\"shop:v1\",\"digest\":\"sha256:" HEX64
    "\",\"reason\":\"not among the last 5 good ones\",\"bytes\":120000000},{\"reference\":\"shop:v2\",\"digest\":\"\","
    "\"reason\":\"old\",\"bytes\":-1}],\"records\":[{\"deployment\":\"20250101-000000-abcdef\",\"reason\":\"older than "
    "90 "
    "days\",\"bytes\":4096}],\"kept\":[{\"what\":\"image shop:v1.4.1\",\"why\":\"of green\"}],\"bytes\":120016096,"
    "\"disk_freed_bytes\":-1}";

const char view_sample_plan[] =
    "{\"app\":\"shop\",\"verdict\":\"deploy\",\"image\":\"shop:v2\",\"digest\":\"sha256:" HEX64
    "\",\"previous_image\":\"shop:v1\",\"previous_digest\":\"sha256:1111222233334444\",\"strategy\":\"handover\","
    "\"changes\":{"
    "\"image\":[\"shop:v1\",\"shop:v2\"],\"env_added\":[\"NEW_KEY\",\"OTHER\"],\"env_removed\":[],\"memory\":[\"no "
    "limit\","
    "\"256 "
    "MiB\"],\"arguments\":[1,2],\"kept\":{\"ports\":\"8080->80/tcp\"}},\"platform\":{\"host\":\"linux/"
    "amd64\",\"image\":["
    "\"linux/amd64\",\"linux/arm64\"],\"fits\":true},\"size\":{\"download_bytes\":12000000,\"disk_free_bytes\":5e9,"
    "\"disk_needed_bytes\":36000000},\"steps\":[{\"name\":\"preflight\",\"title\":\"Preflight\"},{\"name\":\"image_"
    "pull\","
    "\"title\":\"Image "
    "pull\"}],\"prune\":{\"app\":\"shop\",\"dry_run\":true,\"containers\":[],\"images\":[{\"reference\":"
    "\"shop:v0\",\"digest\":\"\",\"reason\":\"old\",\"bytes\":1000}],\"records\":[],\"kept\":[],\"bytes\":1000,"
    "\"disk_freed_bytes\":-1},\"expected\":{\"outage_seconds\":0.21,\"total_seconds\":4.2,\"from\":3},\"problems\":[]}";

struct json *view_sample(const char *sample, const char *patch)
{
    struct json *report = NULL, *changes = NULL;
    const struct json *c = NULL;

    assert_int_equal(json_parse(span_of(sample), &report, NULL), 0);
    if (patch) {
        assert_int_equal(json_parse(span_of(patch), &changes, NULL), 0);
        for (c = json_first(changes); c; c = json_next(c))
            json_set(report, json_key(c), json_copy(c));
        json_free(changes);
    }
    return report;
}

const char *view_shown(const char *name, const struct json *report, unsigned width, bool colour)
{
    static struct buf text = BUF_INIT(1 << 20);
    const struct view v = { .out = &text, .width = width, .colour = colour };

    buf_reset(&text);
    assert_true(view_report(&v, name, report));
    assert_false(text.failed);
    return buf_str(&text);
}

/* ---- hostile words ---- */

static const char hostile[] = "\033[2J\033]0;x\007\r\n::error::x\t##[group]\u202egnp\u2066\xc2\x9b"
                              "31m\x7f\u2028日本語🚀e\u0301 ";

struct attack {
    size_t at; /* the string that is replaced; SIZE_MAX: each */
    size_t seen;
    bool is_long;
};

static void attack_one(void *ctx, struct span text, struct buf *out)
{
    struct attack *a = ctx;
    size_t times = a->is_long ? 40 : 1;

    if (a->at != SIZE_MAX && a->seen++ != a->at) {
        buf_add_span(out, text);
        return;
    }
    a->seen += a->at == SIZE_MAX;
    while (times-- > 0)
        buf_adds(out, hostile);
}

/* Only our colours, which are taken out; then text alone. */
static void assert_is_text(const char *shown, bool colour)
{
    struct span rest = span_of(shown);

    assert_true(span_is_utf8(rest));
    for (size_t i = 0; i < rest.len; i++) {
        unsigned char c = (unsigned char)rest.ptr[i];
        if (colour && c == 033 && rest.ptr[i + 1] == '[') {
            i += 2;
            while ((rest.ptr[i] >= '0' && rest.ptr[i] <= '9') || rest.ptr[i] == ';')
                i++;
            assert_int_equal(rest.ptr[i], 'm');
        } else if ((c < 0x20 && c != '\n') || c == 0x7f) {
            fail_msg("byte %02x is shown: %s", c, shown);
        }
    }
    assert_null(strstr(shown, "\u202e"));
    assert_null(strstr(shown, "\u2066"));
    assert_null(strstr(shown, "\xc2\x9b"));
    assert_null(strstr(shown, "\u2028"));
    assert_null(strstr(shown, "\n::"));
}

static void assert_fits(const char *shown, unsigned width)
{
    struct span rest = span_of(shown), line;

    while (span_next_line(&rest, &line))
        if (columns_of(line) > width && !span_starts(line, "     ")) /* a command */
            fail_msg("%zu columns: %.*s", columns_of(line), (int)line.len, line.ptr);
}

static size_t attack(const char *name, const char *sample, size_t at, bool is_long, unsigned width, bool colour)
{
    _cleanup_(json_free_p) struct json *report = view_sample(sample, NULL);
    struct attack a = { .at = at, .is_long = is_long };
    const char *shown = NULL;

    json_edit_strings(report, attack_one, &a);
    shown = view_shown(name, report, width, colour);
    assert_is_text(shown, colour);
    if (width)
        assert_fits(shown, width);
    return a.seen;
}

void view_attack(const char *name, const char *sample)
{
    size_t strings = attack(name, sample, SIZE_MAX, false, 0, false);

    assert_true(strings > 5);
    for (size_t i = 0; i < strings; i++)
        for (int n = 0; n < 4; n++)
            (void)attack(name, sample, i, n & 1, n & 2 ? 80 : 0, n & 1);
    for (unsigned width = 1; width < 200; width += 7)
        (void)attack(name, sample, SIZE_MAX, true, width, true);
}
