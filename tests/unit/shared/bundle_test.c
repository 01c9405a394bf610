#include "shared/bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define OUT_MAX (64 * 1024 * 1024)

/* A writer and what came out of it. */
struct made {
    struct bundle_writer *writer;
    struct buf bytes;
    size_t fail_at; /* bytes after which the sink fails; 0: never */
};

static int take_bytes(void *ctx, struct span data)
{
    struct made *m = ctx;
    if (m->fail_at && m->bytes.len + data.len >= m->fail_at)
        return -ERR_NET;
    buf_add_span(&m->bytes, data);
    return 0;
}

static void begin(struct made *m)
{
    *m = (struct made){ .bytes = BUF_INIT(OUT_MAX) };
    assert_int_equal(bundle_writer_new(&m->writer, take_bytes, m, NULL), 0);
}

static void done(struct made *m)
{
    bundle_writer_free_p(&m->writer);
    buf_done(&m->bytes);
}

static void finish(struct made *m)
{
    struct err err = { 0 };
    char text[1000];
    if (bundle_finish(m->writer, &err) < 0)
        fail_msg("%s", err_text(&err, text, sizeof(text)));
    assert_int_equal(buf_check(&m->bytes, NULL), 0);
}

static void add(struct made *m, const char *name, const char *text)
{
    assert_int_equal(bundle_add(m->writer, name, span_of(text), 1769656202113, NULL), 0);
}

static int file_of(struct span bytes)
{
    int fd = memfd_create("bundle", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.len ? bytes.ptr : "", bytes.len), bytes.len);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* Copy `bytes` into a fresh writer; the result of bundle_copy(). */
static int copy(struct span bytes, const char *prefix, struct made *m, struct err *err)
{
    _cleanup_(close_p) int fd = file_of(bytes);
    begin(m);
    memset(err, 0, sizeof(*err));
    return bundle_copy(m->writer, fd, prefix, err);
}

static void assert_refused(struct span bytes, const char *words)
{
    struct made m;
    struct err err;
    char text[2000];
    int r = copy(bytes, "", &m, &err);
    (void)err_text(&err, text, sizeof(text));
    if (r != -ERR_PROTO || !strstr(text, "refused") || !strstr(text, words))
        fail_msg("result %d '%s', wanted '%s'", r, text, words);
    assert_true(strlen(err_hint_text(&err)) > 0);
    /* nothing of it got in: the writer can go on with the very names of the archive */
    add(&m, "a.txt", "x");
    finish(&m);
    done(&m);
}

/* What a list of "name size mtime mode\n" says of the archive, and the contents joined. */
static void read_back(struct span bytes, struct buf *list, struct buf *contents)
{
    struct archive *a = archive_read_new();
    struct archive_entry *e;
    assert_int_equal(archive_read_support_filter_gzip(a), ARCHIVE_OK);
    assert_int_equal(archive_read_support_format_tar(a), ARCHIVE_OK);
    assert_int_equal(archive_read_open_memory(a, bytes.ptr, bytes.len), ARCHIVE_OK);
    while (archive_read_next_header(a, &e) == ARCHIVE_OK) {
        char chunk[4096];
        la_ssize_t n;
        buf_addf(list, "%s %lld %lld %o %lld\n", archive_entry_pathname(e), (long long)archive_entry_size(e),
                 (long long)archive_entry_mtime(e), (unsigned)archive_entry_mode(e), (long long)archive_entry_uid(e));
        while ((n = archive_read_data(a, chunk, sizeof(chunk))) > 0)
            buf_add(contents, chunk, (size_t)n);
        assert_int_equal(n, 0);
    }
    assert_int_equal(archive_read_free(a), ARCHIVE_OK);
}

static void assert_holds(struct span bytes, const char *list, const char *contents)
{
    _cleanup_(buf_done) struct buf got_list = BUF_INIT(100000);
    _cleanup_(buf_done) struct buf got = BUF_INIT(OUT_MAX);
    read_back(bytes, &got_list, &got);
    assert_string_equal(buf_str(&got_list), list);
    assert_string_equal(buf_str(&got), contents);
}

static void files_come_back_with_name_size_time_and_mode(void **state)
{
    (void)state;
    struct made m;
    begin(&m);
    add(&m, "deployment.log", "started\n");
    add(&m, "events/events.jsonl", "{}\n");
    add(&m, "empty", "");
    finish(&m);
    assert_holds(buf_span(&m.bytes),
                 "deployment.log 8 1769656202 100644 0\nevents/events.jsonl 3 1769656202 100644 0\n"
                 "empty 0 1769656202 100644 0\n",
                 "started\n{}\n");
    done(&m);
}

static void an_empty_bundle_is_an_archive(void **state)
{
    (void)state;
    struct made m;
    struct made again;
    struct err err;
    begin(&m);
    finish(&m);
    assert_holds(buf_span(&m.bytes), "", "");
    assert_int_equal(copy(buf_span(&m.bytes), "", &again, &err), 0);
    done(&again);
    done(&m);
}

static void equal_input_gives_equal_bytes(void **state)
{
    (void)state;
    struct made a;
    struct made b;
    begin(&a);
    add(&a, "x", "some text");
    finish(&a);
    begin(&b);
    add(&b, "x", "some text");
    finish(&b);
    assert_int_equal(a.bytes.len, b.bytes.len);
    assert_memory_equal(a.bytes.ptr, b.bytes.ptr, a.bytes.len);
    assert_memory_equal(a.bytes.ptr + 4, "\0\0\0\0", 4); /* the time of the gzip header */
    done(&a);
    done(&b);
}

static void a_file_is_added_whole(void **state)
{
    (void)state;
    struct made m;
    _cleanup_(buf_done) struct buf text = BUF_INIT(1000000);
    _cleanup_(buf_done) struct buf list = BUF_INIT(1000);
    _cleanup_(buf_done) struct buf got = BUF_INIT(1000000);
    while (text.len < 300000)
        buf_addf(&text, "line %zu\n", text.len);
    _cleanup_(close_p) int fd = file_of(buf_span(&text));
    assert_int_equal(lseek(fd, 5, SEEK_SET), 5);
    begin(&m);
    assert_int_equal(bundle_add_fd(m.writer, "app.log", fd, 0, NULL), 0);
    finish(&m);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 5);
    read_back(buf_span(&m.bytes), &list, &got);
    assert_string_equal(buf_str(&got), buf_str(&text));
    done(&m);
}

static void of_a_long_file_the_end_is_added(void **state)
{
    (void)state;
    struct made m;
    _cleanup_(buf_done) struct buf list = BUF_INIT(1000);
    _cleanup_(buf_done) struct buf got = BUF_INIT(1000);
    _cleanup_(close_p) int fd = file_of(SPAN_LIT("0123456789"));
    begin(&m);
    assert_int_equal(bundle_add_fd(m.writer, "a", fd, 4, NULL), 0);
    assert_int_equal(bundle_add_fd(m.writer, "b", fd, 10, NULL), 0);
    assert_int_equal(bundle_add_fd(m.writer, "c", fd, 11, NULL), 0);
    finish(&m);
    read_back(buf_span(&m.bytes), &list, &got);
    assert_string_equal(buf_str(&got), "678901234567890123456789");
    done(&m);
}

static void only_a_program_is_executable(void **state)
{
    (void)state;
    struct made m;
    _cleanup_(buf_done) struct buf list = BUF_INIT(1000);
    _cleanup_(buf_done) struct buf got = BUF_INIT(1000);
    _cleanup_(close_p) int fd = file_of(SPAN_LIT("0123456789"));
    begin(&m);
    assert_int_equal(bundle_add_program(m.writer, "agent", fd, NULL), 0);
    assert_int_equal(bundle_add_fd(m.writer, "file", fd, 0, NULL), 0);
    finish(&m);
    read_back(buf_span(&m.bytes), &list, &got);
    assert_non_null(strstr(buf_str(&list), " 100755 0\nfile "));
    assert_non_null(strstr(strstr(buf_str(&list), "\nfile "), " 100644 0\n"));
    assert_string_equal(buf_str(&got), "01234567890123456789");
    done(&m);
}

static void what_is_no_regular_file_is_not_added(void **state)
{
    (void)state;
    struct made m;
    struct err err = { 0 };
    _cleanup_(close_p) int dir = open("/", O_RDONLY | O_CLOEXEC);
    begin(&m);
    assert_int_equal(bundle_add_fd(m.writer, "a", dir, 0, &err), -ERR_IO);
    assert_int_equal(bundle_add_fd(m.writer, "a", -1, 0, &err), -ERR_IO);
    assert_int_equal(err.code, EBADF);
    done(&m);
}

static void bad_and_taken_names_are_our_mistake(void **state)
{
    (void)state;
    struct made m;
    struct err err = { 0 };
    begin(&m);
    assert_int_equal(bundle_add(m.writer, "../up", SPAN_LIT("x"), 0, &err), -ERR_BUG);
    add(&m, "logs/app", "x");
    assert_int_equal(bundle_add(m.writer, "Logs/APP", SPAN_LIT("x"), 0, &err), -ERR_BUG);
    assert_int_equal(bundle_add(m.writer, "logs", SPAN_LIT("x"), 0, &err), -ERR_BUG);
    assert_int_equal(bundle_add(m.writer, "logs/app/deeper", SPAN_LIT("x"), 0, &err), -ERR_BUG);
    add(&m, "logs/app2", "x");
    done(&m);
}

static void a_full_bundle_takes_no_more(void **state)
{
    (void)state;
    struct made m;
    struct made again;
    struct err err = { 0 };
    begin(&m);
    for (int i = 0; i < BUNDLE_ENTRIES_MAX; i++) {
        char name[20];
        (void)snprintf(name, sizeof(name), "f%d", i);
        add(&m, name, "x");
    }
    assert_int_equal(bundle_add(m.writer, "one-more", SPAN_LIT("x"), 0, &err), -ERR_NOMEM);
    finish(&m);
    assert_int_equal(copy(buf_span(&m.bytes), "", &again, &err), 0); /* the reader's cap is the same */
    done(&again);
    done(&m);
}

static void a_failure_of_the_sink_is_the_result(void **state)
{
    (void)state;
    struct made m;
    struct err err = { 0 };
    begin(&m);
    m.fail_at = 1;
    (void)bundle_add(m.writer, "a", SPAN_LIT("text"), 0, &err); /* may still be held back */
    assert_int_equal(bundle_finish(m.writer, &err), -ERR_NET);
    assert_int_equal(err.kind, ERR_NET);
    assert_int_equal(bundle_add(m.writer, "b", SPAN_LIT("text"), 0, &err), -ERR_NET);
    done(&m);
}

static void names_are_plain_relative_paths(void **state)
{
    (void)state;
    static const char *const good[] = { "a", "a/b", "A-Z_0.9", ".hidden", "a/..b/c", "...", "-x" };
    static const char *const bad[] = { "",     "/",    "/etc/passwd", "a/",  "a//b",  ".",   "..",
                                       "../a", "a/..", "a/../b",      "./a", "a/./b", "a b", "a\nb",
                                       "a\\b", "a:b",  "\xc3\xa4",    "a*",  "a\x7f" };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!bundle_is_name(good[i]))
            fail_msg("'%s' is refused", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (bundle_is_name(bad[i]))
            fail_msg("'%s' is taken", bad[i]);
    char longest[BUNDLE_NAME_MAX + 2];
    memset(longest, 'n', sizeof(longest));
    longest[BUNDLE_NAME_MAX + 1] = '\0';
    assert_false(bundle_is_name(longest));
    longest[BUNDLE_NAME_MAX] = '\0';
    assert_true(bundle_is_name(longest));
}

static void a_bundle_is_copied_below_a_prefix(void **state)
{
    (void)state;
    struct made m;
    struct made again;
    struct err err;
    begin(&m);
    add(&m, "a.txt", "first");
    add(&m, "d/b.txt", "second");
    finish(&m);
    assert_int_equal(copy(buf_span(&m.bytes), "remote", &again, &err), 0);
    add(&again, "own.txt", "third");
    finish(&again);
    assert_holds(buf_span(&again.bytes),
                 "remote/a.txt 5 1769656202 100644 0\nremote/d/b.txt 6 1769656202 100644 0\n"
                 "own.txt 5 1769656202 100644 0\n",
                 "firstsecondthird");
    done(&again);
    done(&m);
}

static void a_copy_begins_at_the_offset_of_the_file(void **state)
{
    (void)state;
    struct made m;
    begin(&m);
    add(&m, "a.txt", "first");
    finish(&m);
    _cleanup_(buf_done) struct buf shifted = BUF_INIT(OUT_MAX);
    buf_adds(&shifted, "junk");
    buf_add_span(&shifted, buf_span(&m.bytes));
    _cleanup_(close_p) int fd = file_of(buf_span(&shifted));
    assert_int_equal(lseek(fd, 4, SEEK_SET), 4);
    struct made again;
    begin(&again);
    assert_int_equal(bundle_copy(again.writer, fd, "", NULL), 0);
    finish(&again);
    assert_holds(buf_span(&again.bytes), "a.txt 5 1769656202 100644 0\n", "first");
    done(&again);
    done(&m);
}

static void a_copy_may_not_clash_with_our_own_files(void **state)
{
    (void)state;
    struct made m;
    struct err err = { 0 };
    begin(&m);
    add(&m, "a.txt", "theirs");
    finish(&m);
    _cleanup_(close_p) int fd = file_of(buf_span(&m.bytes));
    struct made again;
    begin(&again);
    add(&again, "remote/A.TXT", "ours");
    assert_int_equal(bundle_copy(again.writer, fd, "remote", &err), -ERR_PROTO);
    finish(&again);
    assert_holds(buf_span(&again.bytes), "remote/A.TXT 4 1769656202 100644 0\n", "ours");
    done(&again);
    done(&m);
}

static void a_pipe_cannot_be_copied(void **state)
{
    (void)state;
    struct made m;
    struct err err = { 0 };
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    begin(&m);
    assert_int_equal(bundle_copy(m.writer, ends[0], "", &err), -ERR_IO);
    done(&m);
    close(ends[0]);
    close(ends[1]);
}

static void system_tar_agrees(void **state)
{
    (void)state;
    struct made m;
    char longest[BUNDLE_NAME_MAX + 1]; /* needs an extended header */
    memset(longest, 'n', sizeof(longest));
    longest[BUNDLE_NAME_MAX] = '\0';
    begin(&m);
    add(&m, "deployment.log", "started\n");
    add(&m, "d/events.jsonl", "{}\n");
    add(&m, longest, "x");
    finish(&m);
    char path[] = "/tmp/bg-bundle-XXXXXX";
    _cleanup_(close_p) int fd = mkstemp(path);
    assert_int_equal(write(fd, m.bytes.ptr, m.bytes.len), m.bytes.len);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)execlp("tar", "tar", "tzf", path, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    _cleanup_(buf_done) struct buf list = BUF_INIT(10000);
    char chunk[1000];
    ssize_t n;
    while ((n = read(ends[0], chunk, sizeof(chunk))) > 0)
        buf_add(&list, chunk, (size_t)n);
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)unlink(path);
    assert_int_equal(status, 0);
    _cleanup_(buf_done) struct buf want = BUF_INIT(10000);
    buf_addf(&want, "deployment.log\nd/events.jsonl\n%s\n", longest);
    assert_string_equal(buf_str(&list), buf_str(&want));
    done(&m);
}

/* One entry of an archive made to be refused. */
struct entry {
    const char *name;
    unsigned type; /* AE_IF…; 0: regular */
    const char *hardlink, *symlink;
    int64_t size; /* -1: that of "data" */
};

static void make_archive(const struct entry *entries, size_t n, struct buf *out)
{
    static char bytes[1024 * 1024];
    size_t used = 0;
    struct archive *a = archive_write_new();
    assert_int_equal(archive_write_set_format_gnutar(a), ARCHIVE_OK);
    assert_int_equal(archive_write_add_filter_gzip(a), ARCHIVE_OK);
    assert_int_equal(archive_write_open_memory(a, bytes, sizeof(bytes), &used), ARCHIVE_OK);
    for (size_t i = 0; i < n; i++) {
        const struct entry *in = &entries[i];
        struct archive_entry *e = archive_entry_new();
        bool data = in->type == 0 && !in->hardlink && in->size == 0;
        archive_entry_set_pathname(e, in->name);
        archive_entry_set_filetype(e, in->type ? in->type : AE_IFREG);
        archive_entry_set_perm(e, 04777);
        archive_entry_set_size(e, data ? 4 : 0);
        if (in->hardlink)
            archive_entry_set_hardlink(e, in->hardlink);
        if (in->symlink)
            archive_entry_set_symlink(e, in->symlink);
        assert_true(archive_write_header(a, e) >= ARCHIVE_WARN);
        if (data)
            assert_int_equal(archive_write_data(a, "data", 4), 4);
        archive_entry_free(e);
    }
    assert_int_equal(archive_write_free(a), ARCHIVE_OK);
    buf_add(out, bytes, used);
}

static void assert_entries_refused(const struct entry *entries, size_t n, const char *words)
{
    _cleanup_(buf_done) struct buf bytes = BUF_INIT(OUT_MAX);
    make_archive(entries, n, &bytes);
    assert_refused(buf_span(&bytes), words);
}

static void an_archive_of_another_program_is_copied_without_its_modes(void **state)
{
    (void)state;
    static const struct entry entries[] = { { .name = "a.txt" }, { .name = "d/b.txt" } };
    _cleanup_(buf_done) struct buf bytes = BUF_INIT(OUT_MAX);
    struct made m;
    struct err err;
    make_archive(entries, 2, &bytes);
    assert_int_equal(copy(buf_span(&bytes), "", &m, &err), 0);
    finish(&m);
    assert_holds(buf_span(&m.bytes), "a.txt 4 0 100644 0\nd/b.txt 4 0 100644 0\n", "datadata");
    done(&m);
}

static void names_that_leave_the_directory_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = { "../a.txt", "/etc/passwd", "a/../../b",    "a b",
                                         "./a",      "a\\b",        "-\n::error::", "d/" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct entry entries[] = { { .name = "a.txt" }, { .name = names[i] } };
        assert_entries_refused(entries, 2, "not a plain relative path");
    }
}

static void links_are_refused(void **state)
{
    (void)state;
    static const struct entry symlink_entries[] = { { .name = "l", .type = AE_IFLNK, .symlink = "/etc/passwd" } };
    static const struct entry hardlink_entries[] = { { .name = "a.txt" }, { .name = "h", .hardlink = "a.txt" } };
    assert_entries_refused(symlink_entries, 1, "is a link");
    assert_entries_refused(hardlink_entries, 2, "is a link");
}

static void devices_pipes_and_directories_are_refused(void **state)
{
    (void)state;
    static const unsigned types[] = { AE_IFCHR, AE_IFBLK, AE_IFIFO };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        const struct entry entries[] = { { .name = "a.txt" }, { .name = "n", .type = types[i] } };
        assert_entries_refused(entries, 2, "is not a regular file");
    }
    /* tar writes a directory's name with a slash */
    static const struct entry directory[] = { { .name = "d", .type = AE_IFDIR } };
    assert_entries_refused(directory, 1, "not a plain relative path");
}

static void names_that_clash_are_refused(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        { "a.txt", "a.txt" }, { "a.txt", "A.TXT" }, { "d", "d/a" }, { "d/a/b", "D/A" }
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        const struct entry entries[] = { { .name = pairs[i][0] }, { .name = pairs[i][1] } };
        assert_entries_refused(entries, 2, "is there twice");
    }
}

static void too_many_files_are_refused(void **state)
{
    (void)state;
    static struct entry entries[BUNDLE_ENTRIES_MAX + 1];
    static char names[BUNDLE_ENTRIES_MAX + 1][16];
    for (size_t i = 0; i < BUNDLE_ENTRIES_MAX + 1; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "f%zu", i);
        entries[i].name = names[i];
    }
    assert_entries_refused(entries, BUNDLE_ENTRIES_MAX + 1, "too many files");
}

/* gzip of raw bytes, through libarchive's raw format. */
static void gzip_of(struct span raw, struct buf *out)
{
    size_t used = 0;
    size_t room = raw.len + 4096;
    _cleanup_(free_p) char *bytes = malloc(room);
    struct archive *a = archive_write_new();
    struct archive_entry *e = archive_entry_new();
    assert_int_equal(archive_write_set_format_raw(a), ARCHIVE_OK);
    assert_int_equal(archive_write_add_filter_gzip(a), ARCHIVE_OK);
    assert_int_equal(archive_write_set_bytes_in_last_block(a, 1), ARCHIVE_OK);
    assert_int_equal(archive_write_open_memory(a, bytes, room, &used), ARCHIVE_OK);
    archive_entry_set_filetype(e, AE_IFREG);
    assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
    assert_int_equal(archive_write_data(a, raw.ptr, raw.len), raw.len);
    archive_entry_free(e);
    assert_int_equal(archive_write_free(a), ARCHIVE_OK);
    buf_add(out, bytes, used);
}

/* A ustar header by hand. */
static void add_tar_header(struct buf *out, const char *name, unsigned long long size)
{
    char h[512] = { 0 };
    (void)snprintf(h, 100, "%s", name);
    memcpy(h + 100,
           "0000644\0"
           "0000000\0"
           "0000000",
           23);
    (void)snprintf(h + 124, 12, "%011llo", size);
    memcpy(h + 136, "00000000000", 11);
    memset(h + 148, ' ', 8);
    h[156] = '0';
    memcpy(h + 257, "ustar\00000", 8);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof(h); i++)
        sum += (unsigned char)h[i];
    (void)snprintf(h + 148, 8, "%06o", sum);
    buf_add(out, h, sizeof(h));
}

static void add_blocks(struct buf *out, size_t n, char fill)
{
    char block[512];
    memset(block, fill, sizeof(block));
    while (n-- > 0)
        buf_add(out, block, sizeof(block));
}

static void assert_tar_refused(const struct buf *tar, const char *words)
{
    _cleanup_(buf_done) struct buf bytes = BUF_INIT(OUT_MAX);
    gzip_of(buf_span(tar), &bytes);
    assert_refused(buf_span(&bytes), words);
}

static void a_file_that_says_it_is_too_large_is_refused(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf tar = BUF_INIT(OUT_MAX);
    add_tar_header(&tar, "a.txt", 600ULL * 1024 * 1024);
    add_blocks(&tar, 4, 'x');
    assert_tar_refused(&tar, "too large");
}

static void files_that_are_too_large_together_are_refused(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf tar = BUF_INIT(OUT_MAX);
    add_tar_header(&tar, "a.txt", 512);
    add_blocks(&tar, 1, 'x');
    add_tar_header(&tar, "b.txt", BUNDLE_BYTES_MAX - 511);
    add_blocks(&tar, 4, 'x');
    assert_tar_refused(&tar, "too large");
}

static void a_file_that_is_shorter_than_it_says_is_refused(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf tar = BUF_INIT(OUT_MAX);
    add_tar_header(&tar, "a.txt", 5000);
    add_blocks(&tar, 2, 'x');
    assert_tar_refused(&tar, "refused");
}

static void bytes_after_the_end_are_refused(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf tar = BUF_INIT(OUT_MAX);
    add_tar_header(&tar, "a.txt", 512);
    add_blocks(&tar, 1, 'x');
    add_blocks(&tar, 400, 0);
    add_blocks(&tar, 1, 'x');
    assert_tar_refused(&tar, "more follows");
}

static void a_bomb_after_the_end_is_refused(void **state)
{
    (void)state;
    struct made m;
    struct err err = { 0 };
    _cleanup_(buf_done) struct buf tar = BUF_INIT(OUT_MAX);
    _cleanup_(buf_done) struct buf zeros = BUF_INIT(OUT_MAX);
    _cleanup_(buf_done) struct buf bytes = BUF_INIT(OUT_MAX);
    add_tar_header(&tar, "a.txt", 0);
    add_blocks(&tar, 2, 0);
    add_blocks(&zeros, 65536, 0); /* 32 MiB as one gzip member, again and again */
    gzip_of(buf_span(&tar), &bytes);
    size_t head = bytes.len;
    gzip_of(buf_span(&zeros), &bytes);
    size_t member = bytes.len - head;
    for (int i = 0; i < 17; i++) {
        _cleanup_(free_p) char *copy_of = malloc(member);
        memcpy(copy_of, bytes.ptr + head, member);
        buf_add(&bytes, copy_of, member);
    }
    assert_int_equal(copy(buf_span(&bytes), "", &m, &err), -ERR_PROTO);
    char text[1000];
    assert_non_null(strstr(err_text(&err, text, sizeof(text)), "unpacks to more than"));
    done(&m);
}

static void damaged_headers_are_refused(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf tar = BUF_INIT(OUT_MAX);
    add_tar_header(&tar, "a.txt", 0);
    add_tar_header(&tar, "b.txt", 0);
    tar.ptr[512 + 3] ^= 1;
    add_blocks(&tar, 2, 0);
    assert_tar_refused(&tar, "refused");
}

static void what_is_not_gzip_is_refused(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf tar = BUF_INIT(OUT_MAX);
    add_tar_header(&tar, "a.txt", 0);
    add_blocks(&tar, 2, 0);
    assert_refused(buf_span(&tar), "not a gzip file");
    assert_refused(SPAN_LIT("hello"), "not a gzip file");
    assert_refused((struct span){ 0 }, "refused");
    _cleanup_(buf_done) struct buf once = BUF_INIT(OUT_MAX);
    _cleanup_(buf_done) struct buf twice = BUF_INIT(OUT_MAX);
    gzip_of(buf_span(&tar), &once);
    gzip_of(buf_span(&once), &twice);
    assert_refused(buf_span(&twice), "not a gzip file");
}

static void gzip_of_something_else_is_refused(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf bytes = BUF_INIT(OUT_MAX);
    gzip_of(SPAN_LIT("just some text that is longer than a block of tar would have to be"), &bytes);
    assert_refused(buf_span(&bytes), "refused");
}

static void an_archive_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    struct made m;
    begin(&m);
    add(&m, "a.txt", "first");
    add(&m, "b.txt", "second");
    finish(&m);
    for (size_t len = 0; len < m.bytes.len; len++)
        assert_refused((struct span){ .ptr = m.bytes.ptr, .len = len }, "");
    done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_come_back_with_name_size_time_and_mode),
        cmocka_unit_test(an_empty_bundle_is_an_archive),
        cmocka_unit_test(equal_input_gives_equal_bytes),
        cmocka_unit_test(a_file_is_added_whole),
        cmocka_unit_test(of_a_long_file_the_end_is_added),
        cmocka_unit_test(only_a_program_is_executable),
        cmocka_unit_test(what_is_no_regular_file_is_not_added),
        cmocka_unit_test(bad_and_taken_names_are_our_mistake),
        cmocka_unit_test(a_full_bundle_takes_no_more),
        cmocka_unit_test(a_failure_of_the_sink_is_the_result),
        cmocka_unit_test(names_are_plain_relative_paths),
        cmocka_unit_test(a_bundle_is_copied_below_a_prefix),
        cmocka_unit_test(a_copy_begins_at_the_offset_of_the_file),
        cmocka_unit_test(a_copy_may_not_clash_with_our_own_files),
        cmocka_unit_test(a_pipe_cannot_be_copied),
        cmocka_unit_test(system_tar_agrees),
        cmocka_unit_test(an_archive_of_another_program_is_copied_without_its_modes),
        cmocka_unit_test(names_that_leave_the_directory_are_refused),
        cmocka_unit_test(links_are_refused),
        cmocka_unit_test(devices_pipes_and_directories_are_refused),
        cmocka_unit_test(names_that_clash_are_refused),
        cmocka_unit_test(too_many_files_are_refused),
        cmocka_unit_test(a_file_that_says_it_is_too_large_is_refused),
        cmocka_unit_test(files_that_are_too_large_together_are_refused),
        cmocka_unit_test(a_file_that_is_shorter_than_it_says_is_refused),
        cmocka_unit_test(bytes_after_the_end_are_refused),
        cmocka_unit_test(a_bomb_after_the_end_is_refused),
        cmocka_unit_test(damaged_headers_are_refused),
        cmocka_unit_test(what_is_not_gzip_is_refused),
        cmocka_unit_test(gzip_of_something_else_is_refused),
        cmocka_unit_test(an_archive_cut_off_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
