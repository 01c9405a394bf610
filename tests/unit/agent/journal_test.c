#include "tests/unit/agent/host.h"

#include <fcntl.h>

static void append(struct host *h, const char *what, const char *step)
{
    host_assert_result(h, journal_append(&h->run.journal, what, step, NULL, &h->err), 0);
}

/* Three records; *ends are the lengths of the file after each. */
static void write_three(struct host *h, struct buf *file, size_t ends[3])
{
    static const char *const steps[] = { "a", "image_pull", "c" };
    for (size_t i = 0; i < 3; i++) {
        append(h, "intent", steps[i]);
        buf_done(file);
        (void)host_read(h->run.dir_fd, JOURNAL_FILE, file);
        ends[i] = file->len;
    }
}

static size_t whole(const size_t ends[3], size_t len)
{
    return (size_t)((ends[0] <= len) + (ends[1] <= len) + (ends[2] <= len));
}

/* The records that these bytes hold, as text; *count of them. */
static const char *parse(struct span bytes, size_t *count, size_t *valid, struct buf *text)
{
    struct json *records = json_array();
    buf_init(text, STORE_FILE_MAX);
    assert_int_equal(journal_parse(bytes, records, valid, NULL), 0);
    *count = json_len(records);
    assert_int_equal(json_print(records, text, NULL), 0);
    json_free(records);
    return buf_str(text);
}

static void records_come_back_in_order(void **state)
{
    struct host *h = *state;
    struct json *records = NULL, *detail = host_parse("{\"old\":\"abc\",\"list\":[1,\"x\"]}");
    append(h, "intent", "preflight");
    host_assert_result(h, journal_append(&h->run.journal, "facts", "preflight", detail, &h->err), 0);
    append(h, "done", "preflight");
    host_assert_result(h, journal_read(h->run.dir_fd, &records, NULL, &h->err), 0);
    struct buf text = BUF_INIT(4096);
    assert_int_equal(json_print(records, &text, NULL), 0);
    assert_string_equal(buf_str(&text),
                        "[{\"what\":\"intent\",\"step\":\"preflight\"},"
                        "{\"what\":\"facts\",\"step\":\"preflight\",\"detail\":{\"old\":\"abc\",\"list\":[1,\"x\"]}},"
                        "{\"what\":\"done\",\"step\":\"preflight\"}]");
    buf_done(&text);
    json_free(records);
    json_free(detail);
}

static void a_folder_without_a_journal_has_no_records(void **state)
{
    struct host *h = *state;
    struct json *records = NULL;
    int64_t valid = -1;
    assert_int_equal(unlinkat(h->run.dir_fd, JOURNAL_FILE, 0), 0);
    host_assert_result(h, journal_read(h->run.dir_fd, &records, &valid, &h->err), 0);
    assert_int_equal(json_len(records), 0);
    assert_int_equal(valid, 0);
    json_free(records);
}

static void cut_at_every_byte_the_whole_records_are_left(void **state)
{
    struct host *h = *state;
    struct buf file = BUF_INIT(4096), text, all;
    size_t ends[3], count, valid;
    write_three(h, &file, ends);
    const char *full = parse(buf_span(&file), &count, &valid, &all);
    assert_int_equal(count, 3);
    assert_int_equal(valid, file.len);
    for (size_t len = 0; len < file.len; len++) {
        char *cut = malloc(len + 1); /* so that the address sanitizer sees a read past it */
        assert_non_null(cut);
        memcpy(cut, file.ptr, len);
        const char *got = parse((struct span){ cut, len }, &count, &valid, &text);
        free(cut);
        assert_int_equal(count, whole(ends, len));
        assert_int_equal(valid, count ? ends[count - 1] : 0);
        if (count)
            assert_memory_equal(got, full, strlen(got) - 1); /* without the closing bracket */
        buf_done(&text);
    }
    buf_done(&all);
    buf_done(&file);
}

static void flipped_at_every_bit_no_record_is_invented(void **state)
{
    struct host *h = *state;
    struct buf file = BUF_INIT(4096), text, all;
    size_t ends[3], count, valid;
    write_three(h, &file, ends);
    const char *full = parse(buf_span(&file), &count, &valid, &all);
    for (size_t bit = 0; bit < file.len * 8; bit++) {
        file.ptr[bit / 8] = (char)(file.ptr[bit / 8] ^ (1 << (bit % 8)));
        const char *got = parse(buf_span(&file), &count, &valid, &text);
        file.ptr[bit / 8] = (char)(file.ptr[bit / 8] ^ (1 << (bit % 8)));
        if (count != whole(ends, bit / 8))
            fail_msg("bit %zu flipped: %zu records", bit, count);
        if (count)
            assert_memory_equal(got, full, strlen(got) - 1);
        buf_done(&text);
    }
    buf_done(&all);
    buf_done(&file);
}

static void write_file(struct host *h, struct span bytes)
{
    int fd = openat(h->run.dir_fd, JOURNAL_FILE, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    close_p(&fd);
}

static void reopened_after_a_torn_tail_it_goes_on_behind_the_last_whole_record(void **state)
{
    struct host *h = *state;
    struct buf file = BUF_INIT(4096), text;
    size_t ends[3];
    write_three(h, &file, ends);
    for (size_t len = 0; len <= file.len; len++) {
        journal_close(&h->run.journal);
        write_file(h, (struct span){ file.ptr, len });
        host_assert_result(h, journal_open(&h->run.journal, h->run.dir_fd, &h->err), 0);
        assert_int_equal(h->run.journal.seq, whole(ends, len));
        append(h, "undo", "z");
        static const char *const want[] = { "undo z", "intent a,undo z", "intent a,intent image_pull,undo z",
                                            "intent a,intent image_pull,intent c,undo z" };
        assert_string_equal(host_journal(h->run.dir_fd, &text), want[whole(ends, len)]);
        buf_done(&text);
    }
    buf_done(&file);
}

static void records_out_of_sequence_end_the_reading(void **state)
{
    struct host *h = *state;
    struct buf file = BUF_INIT(4096), text, moved = BUF_INIT(4096);
    size_t ends[3], count, valid;
    write_three(h, &file, ends);
    (void)parse((struct span){ file.ptr + ends[0], file.len - ends[0] }, &count, &valid, &text); /* begins with 2 */
    assert_int_equal(count, 0);
    buf_done(&text);
    buf_add(&moved, file.ptr, ends[0]); /* 1, 1: a record twice */
    buf_add(&moved, file.ptr, ends[0]);
    (void)parse(buf_span(&moved), &count, &valid, &text);
    assert_int_equal(count, 1);
    buf_done(&text);
    buf_reset(&moved);
    buf_add(&moved, file.ptr, ends[0]); /* 1, 3 */
    buf_add(&moved, file.ptr + ends[1], ends[2] - ends[1]);
    (void)parse(buf_span(&moved), &count, &valid, &text);
    assert_int_equal(count, 1);
    assert_int_equal(valid, ends[0]);
    buf_done(&text);
    buf_done(&moved);
    buf_done(&file);
}

static void a_record_that_is_too_long_is_refused_and_leaves_no_trace(void **state)
{
    struct host *h = *state;
    struct buf text = BUF_INIT(2 * JOURNAL_RECORD_MAX);
    while (text.len < JOURNAL_RECORD_MAX)
        buf_adds(&text, "0123456789abcdef");
    struct json *detail = json_object();
    json_set_str(detail, "k", buf_str(&text));
    append(h, "intent", "a");
    host_assert_err(h, journal_append(&h->run.journal, "facts", "a", detail, &h->err), ERR_NOMEM, "facts a");
    append(h, "done", "a");
    buf_done(&text);
    assert_string_equal(host_journal(h->run.dir_fd, &text), "intent a,done a");
    buf_done(&text);
    json_free(detail);
}

static void a_record_of_the_longest_size_comes_back(void **state)
{
    struct host *h = *state;
    struct buf text = BUF_INIT(JOURNAL_RECORD_MAX);
    const size_t frame = strlen("{\"what\":\"facts\",\"step\":\"a\",\"detail\":{\"k\":\"\"}}");
    while (text.len < JOURNAL_RECORD_MAX - frame)
        buf_addc(&text, 'x');
    struct json *detail = json_object();
    json_set_str(detail, "k", buf_str(&text));
    host_assert_result(h, journal_append(&h->run.journal, "facts", "a", detail, &h->err), 0);
    append(h, "done", "a");
    buf_done(&text);
    assert_string_equal(host_journal(h->run.dir_fd, &text), "facts a,done a");
    buf_done(&text);
    json_free(detail);
}

static void what_a_full_disk_cut_does_not_hide_what_follows(void **state)
{
    struct host *h = *state;
    struct buf text;
    append(h, "intent", "a");
    int64_t size = lseek(h->run.journal.fd, 0, SEEK_CUR);
    host_limit_files(size + 20); /* the header fits, the payload does not */
    int r = journal_append(&h->run.journal, "done", "a", NULL, &h->err);
    host_limit_files(-1);
    host_assert_err(h, r, ERR_DISK_FULL, "write the journal");
    append(h, "undo", "a");
    assert_string_equal(host_journal(h->run.dir_fd, &text), "intent a,undo a");
    buf_done(&text);
}

static void a_journal_that_is_a_link_is_not_followed(void **state)
{
    struct host *h = *state;
    struct journal j;
    assert_int_equal(unlinkat(h->run.dir_fd, JOURNAL_FILE, 0), 0);
    assert_int_equal(symlinkat("/dev/null", h->run.dir_fd, JOURNAL_FILE), 0);
    host_assert_err(h, journal_open(&j, h->run.dir_fd, &h->err), ERR_IO, "journal");
    assert_int_equal(j.fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_CASE(records_come_back_in_order),
        RUN_CASE(a_folder_without_a_journal_has_no_records),
        RUN_CASE(cut_at_every_byte_the_whole_records_are_left),
        RUN_CASE(flipped_at_every_bit_no_record_is_invented),
        RUN_CASE(reopened_after_a_torn_tail_it_goes_on_behind_the_last_whole_record),
        RUN_CASE(records_out_of_sequence_end_the_reading),
        RUN_CASE(a_record_that_is_too_long_is_refused_and_leaves_no_trace),
        RUN_CASE(a_record_of_the_longest_size_comes_back),
        RUN_CASE(what_a_full_disk_cut_does_not_hide_what_follows),
        RUN_CASE(a_journal_that_is_a_link_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
