#include "agent/engine/engine_internal.h"
#include "shared/clock.h"

/* JSON numbers are doubles: negative and absurd ones are clamped. */
static uint64_t counter(const struct json *j, const char *key)
{
    double v = json_num(j, key, 0);
    if (!(v > 0))
        return 0;
    return v >= 9.2e18 ? (uint64_t)INT64_MAX : (uint64_t)v;
}

static int64_t amount(const struct json *j, const char *key)
{
    return (int64_t)counter(j, key); /* at most INT64_MAX */
}

/* As `docker stats` does: cgroup v1 has total_inactive_file, v2 inactive_file. */
static int64_t memory_without_cache(const struct json *memory)
{
    const struct json *details = json_get(memory, "stats");
    int64_t usage = amount(memory, "usage");
    const char *key = json_get(details, "total_inactive_file") ? "total_inactive_file" : "inactive_file";
    int64_t cache = amount(details, key);
    return cache < usage ? usage - cache : usage;
}

void engine_stats_read(const struct json *j, struct engine_stats *ret)
{
    const struct json *memory = json_get(j, "memory_stats");
    const struct json *networks = json_get(j, "networks");

    *ret = (struct engine_stats){
        .cpu_total_ns = counter(json_path(j, "cpu_stats", "cpu_usage", NULL), "total_usage"),
        .memory_bytes = memory_without_cache(memory),
        .memory_limit_bytes = amount(memory, "limit"),
        .pids = amount(json_get(j, "pids_stats"), "current"),
    };
    for (const struct json *n = json_first(networks); n; n = json_next(n)) {
        ret->net_rx_bytes += counter(n, "rx_bytes");
        ret->net_tx_bytes += counter(n, "tx_bytes");
    }
}

int engine_container_stats(struct engine *e, const char *id, struct engine_stats *ret, struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    struct engine_answer answer;
    /* Without one-shot the engine takes two samples, a second or two apart. */
    const char *suffix =
        e->api_minor >= ENGINE_API_ONE_SHOT ? "/stats?stream=false&one-shot=true" : "/stats?stream=false";

    int r = engine_path(&path, "/containers/", id, suffix, err);
    if (r < 0)
        return r;
    const struct engine_request request = { .method = "GET", .path = buf_str(&path) };
    r = engine_call(e, &request, &answer, err);
    if (r < 0)
        return r;
    engine_stats_read(answer.json, ret);
    ret->at_ms = clock_mono_ms();
    engine_answer_done(&answer);
    return 0;
}
