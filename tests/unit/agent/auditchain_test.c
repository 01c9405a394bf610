#include "agent/state/auditchain.h"

#include "tests/unit/agent/auditlog.h"

#define ENTRIES 4

static struct audit_verified verify(struct span now, struct span head)
{
    struct audit_verified v;
    const struct audit_bytes b = { .now = now, .head = head, .has_now = now.ptr != NULL, .has_head = head.ptr != NULL };
    auditchain_verify(&b, NULL, NULL, &v);
    return v;
}

static struct audit_verified verify_log(const struct auditlog *log)
{
    return verify(buf_span(&log->now), buf_span(&log->head));
}

static void fill(struct auditlog *log, int entries)
{
    auditlog_init(log);
    for (int i = 0; i < entries; i++)
        auditlog_add(log, "");
}

/* Offset of the i-th line (0, 1…); that of the end for i = number of lines. */
static size_t line_at(const struct auditlog *log, int i)
{
    const char *p = log->now.ptr;
    while (i-- > 0)
        p = strchr(p, '\n') + 1;
    return (size_t)(p - log->now.ptr);
}

static void assert_bad(struct audit_verified v, int64_t first_bad, const char *word)
{
    assert_false(v.whole);
    if (!strstr(v.why, word))
        assert_string_equal(v.why, word);
    assert_int_equal(v.first_bad, first_bad);
}

static void a_log_as_it_was_written_is_whole(void **state)
{
    struct auditlog log;
    (void)state;
    for (int n = 0; n <= ENTRIES; n++) {
        fill(&log, n);
        struct audit_verified v = n ? verify_log(&log) : verify((struct span){ 0 }, (struct span){ 0 });
        assert_string_equal(v.why, "");
        assert_true(v.whole);
        assert_int_equal(v.entries, n);
        assert_string_equal(v.head, n ? log.last : "");
        auditlog_done(&log);
    }
}

static void a_change_of_any_byte_is_found(void **state)
{
    struct auditlog log;
    (void)state;
    fill(&log, ENTRIES);
    for (size_t i = 0; i < log.now.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            log.now.ptr[i] = (char)(log.now.ptr[i] ^ (1 << bit));
            struct audit_verified v = verify_log(&log);
            int64_t entry = 1;
            for (int line = 1; line < ENTRIES && i >= line_at(&log, line); line++)
                entry++;
            if (v.whole)
                fail_msg("bit %d of byte %zu was changed, and the log is said to be whole", bit, i);
            if (v.first_bad < 1 || v.first_bad > ENTRIES)
                fail_msg("byte %zu: entry %lld is blamed", i, (long long)v.first_bad);
            if (log.now.ptr[i] != '\n' && (char)(log.now.ptr[i] ^ (1 << bit)) != '\n' && v.first_bad != entry)
                fail_msg("byte %zu is of entry %lld, and entry %lld is blamed", i, (long long)entry,
                         (long long)v.first_bad);
            log.now.ptr[i] = (char)(log.now.ptr[i] ^ (1 << bit));
        }
    assert_true(verify_log(&log).whole);
    auditlog_done(&log);
}

static void a_change_of_any_byte_of_the_head_is_found(void **state)
{
    struct auditlog log;
    (void)state;
    fill(&log, ENTRIES);
    for (size_t i = 0; i < log.head.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            log.head.ptr[i] = (char)(log.head.ptr[i] ^ (1 << bit));
            assert_false(verify_log(&log).whole);
            log.head.ptr[i] = (char)(log.head.ptr[i] ^ (1 << bit));
        }
    auditlog_done(&log);
}

static void a_log_cut_at_any_byte_is_found(void **state)
{
    struct auditlog log;
    (void)state;
    fill(&log, ENTRIES);
    for (size_t len = 0; len < log.now.len; len++) {
        struct audit_verified v = verify((struct span){ log.now.ptr, len }, buf_span(&log.head));
        if (v.whole)
            fail_msg("cut at byte %zu, and the log is said to be whole", len);
        assert_int_equal(v.first_bad, v.entries + 1);
    }
    auditlog_done(&log);
}

static void a_head_cut_at_any_byte_is_found(void **state)
{
    struct auditlog log;
    (void)state;
    fill(&log, ENTRIES);
    for (size_t len = 0; len < log.head.len; len++)
        assert_false(verify(buf_span(&log.now), (struct span){ log.head.ptr, len }).whole);
    auditlog_done(&log);
}

static void a_byte_put_in_or_taken_out_anywhere_is_found(void **state)
{
    struct auditlog log;
    struct buf other = BUF_INIT(1 << 20);
    (void)state;
    fill(&log, ENTRIES);
    for (size_t i = 0; i < log.now.len; i++) {
        buf_reset(&other);
        buf_add(&other, log.now.ptr, i);
        buf_add(&other, log.now.ptr + i + 1, log.now.len - i - 1);
        assert_false(verify(buf_span(&other), buf_span(&log.head)).whole);
        for (const char *c = "0 \n}a"; *c; c++) {
            buf_reset(&other);
            buf_add(&other, log.now.ptr, i);
            buf_addc(&other, *c);
            buf_add(&other, log.now.ptr + i, log.now.len - i);
            assert_false(verify(buf_span(&other), buf_span(&log.head)).whole);
        }
    }
    buf_done(&other);
    auditlog_done(&log);
}

static void a_removed_entry_is_named(void **state)
{
    struct auditlog log;
    (void)state;
    for (int gone = 0; gone < ENTRIES; gone++) {
        fill(&log, ENTRIES);
        size_t from = line_at(&log, gone), to = line_at(&log, gone + 1);
        memmove(log.now.ptr + from, log.now.ptr + to, log.now.len - to);
        log.now.len -= to - from;
        struct audit_verified v = verify_log(&log);
        assert_bad(v, gone + 1, "is missing");
        assert_int_equal(v.entries, ENTRIES - 1);
        auditlog_done(&log);
    }
}

static void swapped_entries_are_found(void **state)
{
    struct auditlog log;
    struct buf other = BUF_INIT(1 << 20);
    (void)state;
    fill(&log, ENTRIES);
    for (int i = 0; i + 1 < ENTRIES; i++) {
        size_t a = line_at(&log, i), b = line_at(&log, i + 1), c = line_at(&log, i + 2);
        buf_reset(&other);
        buf_add(&other, log.now.ptr, a);
        buf_add(&other, log.now.ptr + b, c - b);
        buf_add(&other, log.now.ptr + a, b - a);
        buf_add(&other, log.now.ptr + c, log.now.len - c);
        assert_bad(verify(buf_span(&other), buf_span(&log.head)), i + 1, "missing");
    }
    buf_done(&other);
    auditlog_done(&log);
}

static void a_repeated_entry_is_found(void **state)
{
    struct auditlog log;
    (void)state;
    fill(&log, ENTRIES);
    struct buf other = BUF_INIT(1 << 20);
    size_t b = line_at(&log, 1), c = line_at(&log, 2);
    buf_add(&other, log.now.ptr, c);
    buf_add(&other, log.now.ptr + b, log.now.len - b);
    assert_bad(verify(buf_span(&other), buf_span(&log.head)), 3, "entry 2 stands where entry 3 belongs");
    buf_done(&other);
    auditlog_done(&log);
}

static void an_entry_written_anew_does_not_carry_those_behind_it(void **state)
{
    struct auditlog log, other;
    struct buf mixed = BUF_INIT(1 << 20);
    (void)state;
    fill(&log, ENTRIES);
    auditlog_init(&other);
    auditlog_add(&other, "");
    auditlog_add(&other, "\"who\":\"nobody\",");
    size_t a = line_at(&log, 2);
    buf_add_span(&mixed, buf_span(&other.now));
    buf_add(&mixed, log.now.ptr + a, log.now.len - a);
    assert_bad(verify(buf_span(&mixed), buf_span(&log.head)), 3, "entry 3 does not follow from the one before it");
    buf_done(&mixed);
    auditlog_done(&log);
    auditlog_done(&other);
}

static void entries_written_anew_to_the_end_do_not_fit_the_head(void **state)
{
    struct auditlog log, other;
    (void)state;
    fill(&log, 3);
    auditlog_init(&other);
    for (int i = 0; i < 3; i++)
        auditlog_add(&other, "\"who\":\"nobody\",");
    assert_bad(verify(buf_span(&other.now), buf_span(&log.head)), 3, "another one than audit.head names");
    auditlog_add(&other, "");
    assert_bad(verify(buf_span(&other.now), buf_span(&log.head)), 3, "another one than audit.head names");
    auditlog_add(&other, "");
    assert_bad(verify(buf_span(&other.now), buf_span(&log.head)), 4, "counts 3 entries, there are 5");
    auditlog_done(&log);
    auditlog_done(&other);
}

static void a_head_without_its_file_and_a_file_without_its_head_are_found(void **state)
{
    struct auditlog log;
    (void)state;
    fill(&log, ENTRIES);
    assert_bad(verify((struct span){ 0 }, buf_span(&log.head)), 1, "entry 1 is missing: audit.head counts 4");
    assert_bad(verify(buf_span(&log.now), (struct span){ 0 }), 0, "audit.head is missing");
    auditlog_done(&log);
}

static void a_head_one_behind_is_that_of_a_killed_append(void **state)
{
    struct auditlog log;
    struct buf head = BUF_INIT(4096);
    (void)state;
    fill(&log, ENTRIES);
    buf_add_span(&head, buf_span(&log.head));
    auditlog_add(&log, "");
    assert_true(verify(buf_span(&log.now), buf_span(&head)).whole);
    auditlog_add(&log, "");
    assert_false(verify(buf_span(&log.now), buf_span(&head)).whole);
    buf_done(&head);
    auditlog_done(&log);
    fill(&log, 1);
    assert_true(verify(buf_span(&log.now), (struct span){ 0 }).whole);
    auditlog_done(&log);
}

static void an_append_cut_off_at_any_byte_is_no_fault(void **state)
{
    struct auditlog log;
    struct buf head = BUF_INIT(4096);
    (void)state;
    fill(&log, ENTRIES);
    buf_add_span(&head, buf_span(&log.head));
    size_t before = log.now.len;
    auditlog_add(&log, "");
    for (size_t len = before; len < log.now.len; len++) {
        struct audit_verified v = verify((struct span){ log.now.ptr, len }, buf_span(&head));
        assert_string_equal(v.why, "");
        assert_int_equal(v.entries, ENTRIES);
        assert_int_equal(v.torn, len - before);
    }
    buf_done(&head);
    auditlog_done(&log);
}

static void a_break_that_was_told_stays_one(void **state)
{
    struct auditlog log;
    (void)state;
    fill(&log, 2);
    auditlog_add(&log, "\"broken\":\"entry 2 was damaged\",");
    auditlog_add(&log, "");
    assert_bad(verify_log(&log), 3, "when entry 3 was written: entry 2 was damaged");
    auditlog_done(&log);
}

static void a_line_longer_than_one_may_be_is_none(void **state)
{
    struct auditlog log;
    struct buf members = BUF_INIT(1 << 20);
    (void)state;
    fill(&log, 1);
    buf_adds(&members, "\"reason\":\"");
    for (int i = 0; i < AUDITCHAIN_LINE_MAX; i++)
        buf_addc(&members, 'x');
    buf_adds(&members, "\",");
    auditlog_add(&log, buf_str(&members));
    assert_bad(verify_log(&log), 2, "damaged");
    log.now.len--; /* and without its line end it is no append that was cut off */
    assert_bad(verify_log(&log), 2, "no line is as long");
    buf_done(&members);
    auditlog_done(&log);
}

/* ---- two files ---- */

static struct audit_verified verify_both(struct span before, struct span now, struct span head)
{
    struct audit_verified v;
    const struct audit_bytes b = {
        .before = before, .now = now, .head = head, .has_before = before.ptr != NULL, .has_now = true, .has_head = true
    };
    auditchain_verify(&b, NULL, NULL, &v);
    return v;
}

/* Three entries before, of which the file begins with number 1; then three in the file, and three in one more. */
struct rotated {
    struct auditlog log;
    struct span first, second, third, head;
};

static void rotate(struct rotated *r)
{
    size_t at[4] = { 0 };
    auditlog_init(&r->log);
    for (int i = 0; i < 9; i++) {
        auditlog_add(&r->log, i == 3 ? "\"before_from\":1," : i == 6 ? "\"before_from\":4," : "");
        at[i / 3 + 1] = r->log.now.len;
    }
    r->first = (struct span){ r->log.now.ptr, at[1] };
    r->second = (struct span){ r->log.now.ptr + at[1], at[2] - at[1] };
    r->third = (struct span){ r->log.now.ptr + at[2], at[3] - at[2] };
    r->head = buf_span(&r->log.head);
}

static void the_chain_goes_on_over_a_rotation(void **state)
{
    struct rotated r;
    struct audit_verified v;
    (void)state;
    rotate(&r);
    v = verify_both(r.second, r.third, r.head); /* the first file is gone by then, as it should be */
    assert_string_equal(v.why, "");
    assert_int_equal(v.entries, 6);
    v = verify_both((struct span){ r.second.ptr, r.second.len + r.third.len }, (struct span){ "", 0 }, r.head);
    assert_string_equal(v.why, ""); /* killed between the rotation and the first entry of the new file */
    auditlog_done(&r.log);
}

static void what_is_missing_around_a_rotation_is_found(void **state)
{
    struct rotated r;
    (void)state;
    rotate(&r);
    size_t line = (size_t)((char *)memchr(r.second.ptr, '\n', r.second.len) - r.second.ptr) + 1;
    struct span none = { 0 }, late = { r.second.ptr + line, r.second.len - line };
    assert_bad(verify_both(none, r.third, r.head), 4, "entries 4 to 6 are missing: there is no audit.1.ndjson");
    assert_bad(verify_both(r.first, r.third, r.head), 4, "does not begin with entry 4");
    assert_bad(verify_both(late, r.third, r.head), 1, "entry 1 is missing");
    assert_bad(verify_both((struct span){ r.second.ptr, line }, r.third, r.head), 5, "entry 5 is missing");
    assert_bad(verify_both((struct span){ r.second.ptr, r.second.len - 1 }, r.third, r.head), 6, "cut off");
    assert_bad(verify_both(r.second, none, r.head), 7, "entry 7 is missing");
    auditlog_done(&r.log);
}

static void a_change_of_any_byte_of_either_file_is_found(void **state)
{
    struct rotated r;
    (void)state;
    rotate(&r);
    char *bytes = r.log.now.ptr + r.first.len;
    for (size_t i = 0; i < r.second.len + r.third.len; i++) {
        bytes[i] = (char)(bytes[i] ^ 1);
        if (verify_both(r.second, r.third, r.head).whole)
            fail_msg("byte %zu was changed, and the log is said to be whole", i);
        bytes[i] = (char)(bytes[i] ^ 1);
    }
    auditlog_done(&r.log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_as_it_was_written_is_whole),
        cmocka_unit_test(a_change_of_any_byte_is_found),
        cmocka_unit_test(a_change_of_any_byte_of_the_head_is_found),
        cmocka_unit_test(a_log_cut_at_any_byte_is_found),
        cmocka_unit_test(a_head_cut_at_any_byte_is_found),
        cmocka_unit_test(a_byte_put_in_or_taken_out_anywhere_is_found),
        cmocka_unit_test(a_removed_entry_is_named),
        cmocka_unit_test(swapped_entries_are_found),
        cmocka_unit_test(a_repeated_entry_is_found),
        cmocka_unit_test(an_entry_written_anew_does_not_carry_those_behind_it),
        cmocka_unit_test(entries_written_anew_to_the_end_do_not_fit_the_head),
        cmocka_unit_test(a_head_without_its_file_and_a_file_without_its_head_are_found),
        cmocka_unit_test(a_head_one_behind_is_that_of_a_killed_append),
        cmocka_unit_test(an_append_cut_off_at_any_byte_is_no_fault),
        cmocka_unit_test(a_break_that_was_told_stays_one),
        cmocka_unit_test(a_line_longer_than_one_may_be_is_none),
        cmocka_unit_test(the_chain_goes_on_over_a_rotation),
        cmocka_unit_test(what_is_missing_around_a_rotation_is_found),
        cmocka_unit_test(a_change_of_any_byte_of_either_file_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
