/* Audit logs for tests, written by a second implementation of the format (agent/state/auditchain.h), and what holds for one. */
#ifndef BLUEGREEN_TEST_AUDITLOG_H
#define BLUEGREEN_TEST_AUDITLOG_H

#include "agent/state/audit.h"
#include "tests/unit/agent/host.h"

/* A chain that grows: `last` is where it is. */
struct auditlog {
    struct buf now, head;
    int64_t n;
    char last[AUDITCHAIN_HASH_SIZE];
};

void auditlog_init(struct auditlog *log);
void auditlog_done(struct auditlog *log);
/* One entry with these members in front of the rest ("" or "\"broken\":\"…\","). The head follows. */
void auditlog_add(struct auditlog *log, const char *members);

/* As files of an app's folder; and back. */
void auditlog_write(const struct auditlog *log, int app_fd);
/* What verification says of the files there. */
struct audit_verified auditlog_verify(struct host *h);
void auditlog_assert_whole(struct host *h, int64_t entries);
/* It is not whole; the first bad entry, and a word of the reason. */
void auditlog_assert_bad(struct host *h, int64_t first_bad, const char *word);

/* ENTRY of a deployment as finish_run() gives it, smallest form; caller frees. */
struct json *auditlog_entry(const char *deployment, const char *outcome);
/* Append that; it must succeed. */
struct audit_mark auditlog_append(struct host *h, const char *deployment, const char *outcome);

#endif
