#include "shared/clock.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define WALL_MAX_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

static int64_t clock_read(clockid_t id)
{
    struct timespec ts = { 0 };
    (void)clock_gettime(id, &ts); /* cannot fail for the clocks used here */
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_mono_ms(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

int64_t clock_boot_ms(void)
{
    return clock_read(CLOCK_BOOTTIME);
}

int64_t clock_wall_ms(void)
{
    return clock_read(CLOCK_REALTIME);
}

int clock_left_ms(int64_t deadline_ms)
{
    if (deadline_ms == CLOCK_NEVER)
        return INT_MAX;
    int64_t now = clock_mono_ms();
    if (deadline_ms <= now)
        return 0;
    return deadline_ms - now > INT_MAX ? INT_MAX : (int)(deadline_ms - now);
}

static struct tm utc(int64_t wall_ms)
{
    if (wall_ms < 0)
        wall_ms = 0;
    if (wall_ms > WALL_MAX_MS)
        wall_ms = WALL_MAX_MS;
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm = { 0 };
    (void)gmtime_r(&seconds, &tm); /* in range, see above */
    return tm;
}

const char *clock_format_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE])
{
    struct tm tm = utc(wall_ms);
    size_t len = strftime(out, CLOCK_ISO_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    unsigned ms = wall_ms < 0 ? 0 : wall_ms > WALL_MAX_MS ? 999 : (unsigned)(wall_ms % 1000);
    (void)snprintf(out + len, CLOCK_ISO_SIZE - len, ".%03uZ", ms); /* 24 bytes of 32 */
    return out;
}

const char *clock_format_stamp(int64_t wall_ms, char out[CLOCK_STAMP_SIZE])
{
    struct tm tm = utc(wall_ms);
    (void)strftime(out, CLOCK_STAMP_SIZE, "%Y%m%d-%H%M%S", &tm);
    return out;
}

static int digits(const char *s, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++)
        v = v * 10 + (s[i] - '0');
    return v;
}

int64_t clock_parse_iso(const char *iso)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    if (!iso || strlen(iso) != sizeof(form) - 1)
        return -1;
    for (size_t i = 0; i < sizeof(form) - 1; i++)
        if (form[i] == 'd' ? iso[i] < '0' || iso[i] > '9' : iso[i] != form[i])
            return -1;
    struct tm tm = {
        .tm_year = digits(iso, 4) - 1900,
        .tm_mon = digits(iso + 5, 2) - 1,
        .tm_mday = digits(iso + 8, 2),
        .tm_hour = digits(iso + 11, 2),
        .tm_min = digits(iso + 14, 2),
        .tm_sec = digits(iso + 17, 2),
    };
    int64_t ms = (int64_t)timegm(&tm) * 1000 + digits(iso + 20, 3);
    char again[CLOCK_ISO_SIZE];
    /* timegm() normalises 31 February and the like: only what prints the same was a date. */
    return strcmp(clock_format_iso(ms, again), iso) == 0 ? ms : -1;
}

int64_t clock_parse_certificate(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char iso[CLOCK_ISO_SIZE];
    size_t len = text ? strlen(text) : 0;
    if (len == 24 && text[3] == ' ' && text[6] == ' ' && text[15] == ' ' && strcmp(text + 20, " GMT") == 0) {
        const char name[] = { text[0], text[1], text[2], '\0' }, *month = strstr(months, name);
        if (!month || (month - months) % 3 != 0)
            return -1;
        (void)snprintf(iso, sizeof(iso), "%.4s-%02u-%c%cT%.8s.000Z", text + 16,
                       (unsigned char)((month - months) / 3 + 1), text[4] == ' ' ? '0' : text[4], text[5], text + 7);
    } else if (len > 19 && text[10] == ' ' && (strcmp(text + 19, "Z") == 0 || strcmp(text + 19, " GMT") == 0)) {
        (void)snprintf(iso, sizeof(iso), "%.10sT%.8s.000Z", text, text + 11);
    } else {
        return -1;
    }
    return clock_parse_iso(iso);
}

void clock_sleep_ms(int64_t ms)
{
    if (ms <= 0)
        return;
    struct timespec ts = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL); /* EINTR ends it early, as promised */
}
