#include "tests/unit/agent/auditlog.h"

#include <fcntl.h>
#include <inttypes.h>

#define LOG_MAX (32 * 1024 * 1024)

void auditlog_init(struct auditlog *log)
{
    memset(log, 0, sizeof(*log));
    buf_init(&log->now, LOG_MAX);
    buf_init(&log->head, 4096);
    memset(log->last, '0', 64);
}

void auditlog_done(struct auditlog *log)
{
    buf_done(&log->now);
    buf_done(&log->head);
}

void auditlog_add(struct auditlog *log, const char *members)
{
    struct err err = { 0 };
    char hex[65];
    size_t begin = log->now.len;
    log->n++;
    buf_addf(&log->now, "{\"n\":%" PRId64 ",\"prev\":\"%s\",%s\"operation\":\"deploy\",\"deployment\":\"d%" PRId64 "\"",
             log->n, log->last, members, log->n);
    struct span body = { log->now.ptr + begin, log->now.len - begin };
    assert_int_equal(crypto_sha256_hex(body, hex, &err), 0);
    memcpy(log->last, hex, sizeof(hex));
    buf_addf(&log->now, ",\"hash\":\"%s\"}\n", hex);
    buf_reset(&log->head);
    buf_addf(&log->head, "{\"count\":%" PRId64 ",\"hash\":\"%s\"}\n", log->n, hex);
    assert_false(log->now.failed);
}

void auditlog_write(const struct auditlog *log, int app_fd)
{
    struct err err = { 0 };
    assert_int_equal(store_write(app_fd, AUDIT_FILE, buf_span(&log->now), &err), 0);
    assert_int_equal(store_write(app_fd, AUDIT_HEAD_FILE, buf_span(&log->head), &err), 0);
}

struct audit_verified auditlog_verify(struct host *h)
{
    struct audit_log log;
    host_assert_result(h, audit_read(h->run.app_fd, 0, &log, &h->err), 0);
    struct audit_verified v = log.verified;
    audit_log_done(&log);
    return v;
}

void auditlog_assert_whole(struct host *h, int64_t entries)
{
    struct audit_verified v = auditlog_verify(h);
    assert_string_equal(v.why, "");
    assert_true(v.whole);
    assert_int_equal(v.first_bad, 0);
    assert_int_equal(v.entries, entries);
}

void auditlog_assert_bad(struct host *h, int64_t first_bad, const char *word)
{
    struct audit_verified v = auditlog_verify(h);
    assert_false(v.whole);
    if (!strstr(v.why, word))
        assert_string_equal(v.why, word); /* prints both */
    assert_int_equal(v.first_bad, first_bad);
}

struct json *auditlog_entry(const char *deployment, const char *outcome)
{
    struct json *e = json_object();
    json_set_str(e, "operation", "deploy");
    json_set_str(e, "deployment", deployment);
    json_set_str(e, "outcome", outcome);
    return e;
}

struct audit_mark auditlog_append(struct host *h, const char *deployment, const char *outcome)
{
    struct audit_mark mark;
    struct json *e = auditlog_entry(deployment, outcome);
    host_assert_result(h, audit_append(h->run.app_fd, e, NULL, &mark, &h->err), 0);
    json_free(e);
    return mark;
}
