#include "shared/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

static void wall_time_prints_as_iso_8601(void **state)
{
    (void)state;
    char out[CLOCK_ISO_SIZE];
    assert_string_equal(clock_format_iso(0, out), "1970-01-01T00:00:00.000Z");
    assert_string_equal(clock_format_iso(1769656202113, out), "2026-01-29T03:10:02.113Z");
    assert_string_equal(clock_format_iso(951782400007, out), "2000-02-29T00:00:00.007Z");
}

static void times_out_of_range_print_as_the_nearest_end(void **state)
{
    (void)state;
    char out[CLOCK_ISO_SIZE];
    assert_string_equal(clock_format_iso(-1, out), "1970-01-01T00:00:00.000Z");
    assert_string_equal(clock_format_iso(INT64_MAX, out), "9999-12-31T23:59:59.999Z");
    assert_string_equal(clock_format_iso(INT64_MIN, out), "1970-01-01T00:00:00.000Z");
}

static void iso_round_trips(void **state)
{
    (void)state;
    char out[CLOCK_ISO_SIZE];
    for (int64_t ms = 0; ms < 253402300799999; ms += 86400000LL * 97 + 12345677)
        assert_int_equal(clock_parse_iso(clock_format_iso(ms, out)), ms);
    int64_t now = clock_wall_ms();
    assert_int_equal(clock_parse_iso(clock_format_iso(now, out)), now);
}

static void what_is_not_a_time_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026",
        "2026-01-29T03:10:02Z",
        "2026-01-29 03:10:02.113Z",
        "2026-01-29T03:10:02.113",
        "2026-01-29T03:10:02.113Zx",
        "2026-02-30T03:10:02.113Z",
        "2026-13-01T03:10:02.113Z",
        "2026-01-01T24:00:00.000Z",
        "2026-01-01T00:00:60.000Z",
        "2026-00-01T00:00:00.000Z",
        "1969-12-31T23:59:59.999Z",
        "2026-01-29T03:10:02.1 3Z",
        "+026-01-29T03:10:02.113Z",
    };
    assert_int_equal(clock_parse_iso(NULL), -1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(clock_parse_iso(bad[i]), -1);
}

static void an_iso_time_cut_anywhere_is_refused(void **state)
{
    (void)state;
    const char *whole = "2026-01-29T03:10:02.113Z";
    char cut[CLOCK_ISO_SIZE];
    for (size_t n = 0; n < strlen(whole); n++) {
        memcpy(cut, whole, n);
        cut[n] = '\0';
        assert_int_equal(clock_parse_iso(cut), -1);
    }
}

static void dates_of_certificates_are_read_in_each_form(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } good[] = {
        { "Nov 30 12:00:00 2026 GMT", 1796040000 },
        { "Dec  1 12:00:00 2026 GMT", 1796126400 },
        { "Jan  1 00:00:00 1970 GMT", 0 },
        { "Feb 29 23:59:59 2028 GMT", 1835481599 },
        { "Dec 31 23:59:59 9999 GMT", 253402300799 },
        { "2026-11-30 12:00:00Z", 1796040000 },
        { "2026-11-30 12:00:00 GMT", 1796040000 },
        { "2100-01-01 00:00:00Z", 4102444800 },
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (clock_parse_certificate(good[i].text) != good[i].seconds * 1000)
            fail_msg("%s: %lld", good[i].text, (long long)clock_parse_certificate(good[i].text));
}

static void each_month_of_a_certificate_is_known(void **state)
{
    (void)state;
    static const char *const names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    for (int month = 0; month < 12; month++) {
        char text[32], iso[CLOCK_ISO_SIZE];
        (void)snprintf(text, sizeof(text), "%s 28 01:02:03 2027 GMT", names[month]);
        (void)snprintf(iso, sizeof(iso), "2027-%02d-28T01:02:03.000Z", month + 1);
        assert_true(clock_parse_iso(iso) > 0);
        assert_int_equal(clock_parse_certificate(text), clock_parse_iso(iso));
    }
}

static void what_is_not_the_date_of_a_certificate_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "Bad time value",
        "Nov 30 12:00:00 2026",
        "Nov 30 12:00:00 2026 UTC",
        "Nov 30 12:00:00 2026 GMTx",
        "Nov 31 12:00:00 2026 GMT",
        "Feb 29 12:00:00 2027 GMT",
        "nov 30 12:00:00 2026 GMT",
        "ovD 30 12:00:00 2026 GMT",
        "Nov 30 24:00:00 2026 GMT",
        "Nov 30 12:00:60 2026 GMT",
        "Nov  0 12:00:00 2026 GMT",
        "Nov 3  12:00:00 2026 GMT",
        "Nov 30 12:00:00.5 26 GMT",
        "Nov 30 12-00-00 2026 GMT",
        "Dec 31 23:59:59 1969 GMT",
        "Nov 30 12:00:00 20x6 GMT",
        "2026-11-30 12:00:00",
        "2026-11-30T12:00:00Z",
        "2026-11-31 12:00:00Z",
        "2026-11-30 12:00:00 UTC",
        "2026-11-30 12:00:00.5Z",
        "2026-11-30 12:00:00Zx",
        " 2026-11-30 12:00:00Z",
        "261130120000Z",
        "20261130120000Z",
    };
    assert_int_equal(clock_parse_certificate(NULL), -1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (clock_parse_certificate(bad[i]) != -1)
            fail_msg("'%s' is taken", bad[i]);
}

static void the_date_of_a_certificate_cut_anywhere_is_refused(void **state)
{
    (void)state;
    static const char *const whole[] = { "Nov 30 12:00:00 2026 GMT", "2026-11-30 12:00:00Z",
                                         "2026-11-30 12:00:00 GMT" };
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
        for (size_t n = 0; n < strlen(whole[i]); n++) {
            char cut[CLOCK_ISO_SIZE] = "";
            memcpy(cut, whole[i], n);
            assert_int_equal(clock_parse_certificate(cut), -1);
        }
}

static void stamps_fit_file_names(void **state)
{
    (void)state;
    char out[CLOCK_STAMP_SIZE];
    assert_string_equal(clock_format_stamp(1769656202113, out), "20260129-031002");
}

static void monotonic_clocks_do_not_go_back(void **state)
{
    (void)state;
    int64_t mono = clock_mono_ms(), boot = clock_boot_ms();
    assert_true(mono > 0);
    assert_true(boot >= mono);
    for (int i = 0; i < 1000; i++) {
        int64_t next = clock_mono_ms();
        assert_true(next >= mono);
        mono = next;
    }
}

static void time_left_fits_poll(void **state)
{
    (void)state;
    int64_t now = clock_mono_ms();
    assert_int_equal(clock_left_ms(CLOCK_NEVER), INT_MAX);
    assert_int_equal(clock_left_ms(now - 1), 0);
    assert_int_equal(clock_left_ms(INT64_MIN), 0);
    assert_in_range(clock_left_ms(now + 5000), 4000, 5000);
    assert_int_equal(clock_left_ms(now + 100LL * INT_MAX), INT_MAX);
}

static void sleep_lasts_as_long_as_asked(void **state)
{
    (void)state;
    int64_t before = clock_mono_ms();
    clock_sleep_ms(30);
    assert_in_range(clock_mono_ms() - before, 29, 5000);
    clock_sleep_ms(0);
    clock_sleep_ms(-5);
}

static void on_alarm(int signo)
{
    (void)signo;
}

static void a_signal_ends_a_sleep(void **state)
{
    (void)state;
    struct sigaction sa = { .sa_handler = on_alarm }, old;
    struct itimerval soon = { .it_value = { .tv_usec = 20000 } };
    assert_int_equal(sigaction(SIGALRM, &sa, &old), 0);
    int64_t before = clock_mono_ms();
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    clock_sleep_ms(20000);
    assert_true(clock_mono_ms() - before < 15000);
    assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wall_time_prints_as_iso_8601),
        cmocka_unit_test(times_out_of_range_print_as_the_nearest_end),
        cmocka_unit_test(iso_round_trips),
        cmocka_unit_test(what_is_not_a_time_is_refused),
        cmocka_unit_test(an_iso_time_cut_anywhere_is_refused),
        cmocka_unit_test(dates_of_certificates_are_read_in_each_form),
        cmocka_unit_test(each_month_of_a_certificate_is_known),
        cmocka_unit_test(what_is_not_the_date_of_a_certificate_is_refused),
        cmocka_unit_test(the_date_of_a_certificate_cut_anywhere_is_refused),
        cmocka_unit_test(stamps_fit_file_names),
        cmocka_unit_test(monotonic_clocks_do_not_go_back),
        cmocka_unit_test(time_left_fits_poll),
        cmocka_unit_test(sleep_lasts_as_long_as_asked),
        cmocka_unit_test(a_signal_ends_a_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
