#include "agent/engine/engine_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct engine_stats read_stats(const char *text)
{
    struct json *j = NULL;
    struct engine_stats s;
    assert_int_equal(json_parse(span_of(text), &j, NULL), 0);
    engine_stats_read(j, &s);
    json_free(j);
    return s;
}

static void cgroup_v1_subtracts_total_inactive_file(void **state)
{
    (void)state;
    struct engine_stats s =
        read_stats("{\"memory_stats\":{\"usage\":1000,\"limit\":5000,\"stats\":{\"inactive_file\":1,"
                   "\"total_inactive_file\":300}}}");
    assert_int_equal(s.memory_bytes, 700);
    assert_int_equal(s.memory_limit_bytes, 5000);
}

static void cgroup_v2_subtracts_inactive_file(void **state)
{
    (void)state;
    struct engine_stats s = read_stats("{\"memory_stats\":{\"usage\":1000,\"stats\":{\"inactive_file\":400}}}");
    assert_int_equal(s.memory_bytes, 600);
}

static void a_cache_beyond_the_usage_is_not_subtracted(void **state)
{
    (void)state;
    struct engine_stats s = read_stats("{\"memory_stats\":{\"usage\":1000,\"stats\":{\"inactive_file\":4000}}}");
    assert_int_equal(s.memory_bytes, 1000);
}

static void networks_are_summed(void **state)
{
    (void)state;
    struct engine_stats s =
        read_stats("{\"networks\":{\"eth0\":{\"rx_bytes\":1,\"tx_bytes\":2},\"eth1\":{\"rx_bytes\":10,"
                   "\"tx_bytes\":20}},\"pids_stats\":{\"current\":3},\"cpu_stats\":{\"cpu_usage\":"
                   "{\"total_usage\":27537991}}}");
    assert_int_equal(s.net_rx_bytes, 11);
    assert_int_equal(s.net_tx_bytes, 22);
    assert_int_equal(s.pids, 3);
    assert_int_equal(s.cpu_total_ns, 27537991);
}

static void a_stopped_container_is_all_zero(void **state)
{
    (void)state;
    struct engine_stats s = read_stats("{\"memory_stats\":{},\"cpu_stats\":{\"cpu_usage\":{\"total_"
                                       "usage\":0}},\"networks\":null}");
    assert_int_equal(s.memory_bytes, 0);
    assert_int_equal(s.net_rx_bytes, 0);
}

static void wild_numbers_are_clamped(void **state)
{
    (void)state;
    struct engine_stats s =
        read_stats("{\"memory_stats\":{\"usage\":-5,\"limit\":1e300},\"pids_stats\":{\"current\":\"x\"}}");
    assert_int_equal(s.memory_bytes, 0);
    assert_int_equal(s.memory_limit_bytes, INT64_MAX);
    assert_int_equal(s.pids, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cgroup_v1_subtracts_total_inactive_file),
        cmocka_unit_test(cgroup_v2_subtracts_inactive_file),
        cmocka_unit_test(a_cache_beyond_the_usage_is_not_subtracted),
        cmocka_unit_test(networks_are_summed),
        cmocka_unit_test(a_stopped_container_is_all_zero),
        cmocka_unit_test(wild_numbers_are_clamped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
