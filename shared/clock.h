/*
 * Time. Durations and deadlines are milliseconds of the monotonic clock; wall time is for display only.
 */
#ifndef BLUEGREEN_CLOCK_H
#define BLUEGREEN_CLOCK_H

#include <stdint.h>

#define CLOCK_ISO_SIZE 32
#define CLOCK_STAMP_SIZE 20
#define CLOCK_NEVER INT64_MAX

int64_t clock_mono_ms(void);
int64_t clock_boot_ms(void); /* CLOCK_BOOTTIME: counts suspend as well */
int64_t clock_wall_ms(void); /* Unix time */

/* Milliseconds left until deadline_ms (monotonic): 0 when past; CLOCK_NEVER gives INT_MAX. Fits poll(). */
int clock_left_ms(int64_t deadline_ms);

/* "2026-01-29T03:10:02.113Z". Years 1970 to 9999; what lies outside is told as the nearest end. */
const char *clock_format_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE]);
/* Back to Unix milliseconds; -1 when it is not exactly of that form. */
int64_t clock_parse_iso(const char *iso);
/*
 * A date as TLS libraries print those of certificates, to Unix milliseconds: "Nov  3 12:00:00 2026 GMT" (ASN1_TIME_print(3)),
 * "2026-11-03 12:00:00Z" or "2026-11-03 12:00:00 GMT". -1 when it is not exactly of one of these forms.
 */
int64_t clock_parse_certificate(const char *text);
/* "20260129-031002", for file names. UTC. */
const char *clock_format_stamp(int64_t wall_ms, char out[CLOCK_STAMP_SIZE]);

/* Sleep. Ends early when a signal handler ran, so that the caller sees its cancel flag. 0 or less: returns at once. */
void clock_sleep_ms(int64_t ms);

#endif
