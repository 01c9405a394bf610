#include "shared/zip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define WHEN 1767225600 /* 2026-01-01T00:00:00Z */

static int file_of(struct span content)
{
    int fd = memfd_create("zip", MFD_CLOEXEC);
    struct timespec times[2] = { { .tv_sec = WHEN }, { .tv_sec = WHEN } };

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, content.len ? content.ptr : "", content.len, 0), (ssize_t)content.len);
    assert_int_equal(futimens(fd, times), 0);
    return fd;
}

static char *whole(const struct zip *z)
{
    char *out = malloc((size_t)z->size);
    struct err err = { 0 };

    assert_non_null(out);
    assert_int_equal(zip_read(z, 0, out, (size_t)z->size, &err), 0);
    return out;
}

/* Read it back with a reader of streams, which sees the headers only, or with one that goes by the directory. */
static void check_readable(const char *bytes, size_t len, bool stream, const char *name, struct span content)
{
    struct archive *a = archive_read_new();
    struct archive_entry *e = NULL;
    char *got = malloc(content.len + 2);

    assert_int_equal(stream ? archive_read_support_format_zip_streamable(a)
                            : archive_read_support_format_zip_seekable(a),
                     ARCHIVE_OK);
    assert_int_equal(archive_read_open_memory(a, bytes, len), ARCHIVE_OK);
    assert_int_equal(archive_read_next_header(a, &e), ARCHIVE_OK);
    assert_string_equal(archive_entry_pathname(e), name);
    assert_int_equal(archive_entry_size(e), content.len);
    assert_int_equal(archive_read_data(a, got, content.len + 1), content.len); /* checks the checksum as well */
    assert_memory_equal(got, content.len ? content.ptr : "", content.len);
    assert_int_equal(archive_read_next_header(a, &e), ARCHIVE_EOF);
    archive_read_free(a);
    free(got);
}

static void readers_of_streams_and_of_directories_find_the_file(void **state)
{
    static char big[300000];
    const struct span contents[] = { SPAN_LIT(""), SPAN_LIT("hello"), { big, sizeof(big) } };

    (void)state;
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)(i * 2654435761U >> 13);
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        _cleanup_(close_p) int fd = file_of(contents[i]);
        struct zip z;
        struct err err = { 0 };
        assert_int_equal(zip_init(&z, fd, "a.tar.gz", &err), 0);
        char *bytes = whole(&z);
        check_readable(bytes, (size_t)z.size, true, "a.tar.gz", contents[i]);
        check_readable(bytes, (size_t)z.size, false, "a.tar.gz", contents[i]);
        free(bytes);
    }
}

static void any_part_is_that_part_of_the_whole(void **state)
{
    _cleanup_(close_p) int fd = file_of(SPAN_LIT("0123456789"));
    struct zip z;
    struct err err = { 0 };

    (void)state;
    assert_int_equal(zip_init(&z, fd, "n", &err), 0);
    char *bytes = whole(&z);
    for (int64_t at = 0; at <= z.size; at++)
        for (size_t len = 0; at + (int64_t)len <= z.size; len++) {
            char part[256];
            memset(part, 'x', sizeof(part));
            assert_int_equal(zip_read(&z, at, part, len, &err), 0);
            assert_memory_equal(part, bytes + at, len);
            assert_int_equal(part[len], 'x');
        }
    assert_int_equal(zip_read(&z, z.size, bytes, 1, &err), -ERR_BUG);
    assert_int_equal(zip_read(&z, -1, bytes, 1, &err), -ERR_BUG);
    free(bytes);
}

static void the_same_file_gives_the_same_bytes(void **state)
{
    _cleanup_(close_p) int one = file_of(SPAN_LIT("same")), two = file_of(SPAN_LIT("same"));
    struct zip a, b;
    struct err err = { 0 };

    (void)state;
    assert_int_equal(zip_init(&a, one, "n", &err), 0);
    assert_int_equal(zip_init(&b, two, "n", &err), 0);
    assert_int_equal(a.size, b.size);
    char *x = whole(&a), *y = whole(&b);
    assert_memory_equal(x, y, (size_t)a.size);
    free(x);
    free(y);
}

static void names_lose_what_artifacts_may_not_hold(void **state)
{
    _cleanup_(close_p) int fd = file_of(SPAN_LIT("x"));
    struct zip z;
    struct err err = { 0 };
    char longest[ZIP_NAME_MAX + 2];

    (void)state;
    assert_int_equal(zip_init(&z, fd, "a b:c\n\"d\xc3\xa9", &err), 0);
    assert_memory_equal(z.head + 30, "a b_c__d\xc3\xa9", 10);
    assert_int_equal(z.head[7], 8); /* the name is UTF-8 */
    assert_int_equal(zip_init(&z, fd, "", &err), -ERR_INPUT);
    memset(longest, 'n', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(zip_init(&z, fd, longest, &err), -ERR_INPUT);
    longest[ZIP_NAME_MAX] = '\0';
    assert_int_equal(zip_init(&z, fd, longest, &err), 0);
}

static void what_is_no_file_or_too_large_or_shrinks_is_an_error(void **state)
{
    _cleanup_(close_p) int fd = file_of(SPAN_LIT("0123456789")), folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct zip z;
    struct err err = { 0 };
    char byte[200];

    (void)state;
    assert_int_equal(zip_init(&z, folder, "n", &err), -ERR_IO);
    assert_int_equal(zip_init(&z, fd, "n", &err), 0);
    assert_int_equal(ftruncate(fd, 5), 0);
    assert_int_equal(zip_read(&z, 0, byte, (size_t)z.size, &err), -ERR_IO);
    assert_int_equal(ftruncate(fd, ZIP_FILE_MAX + 1), 0); /* has holes only */
    assert_int_equal(zip_init(&z, fd, "n", &err), -ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_of_streams_and_of_directories_find_the_file),
        cmocka_unit_test(any_part_is_that_part_of_the_whole),
        cmocka_unit_test(the_same_file_gives_the_same_bytes),
        cmocka_unit_test(names_lose_what_artifacts_may_not_hold),
        cmocka_unit_test(what_is_no_file_or_too_large_or_shrinks_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
