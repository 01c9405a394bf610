#include "cmd/artifact/collect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shared/bundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* ---- a folder of its own for each test ---- */

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/collect_test.XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    static const char *const names[] = { "b.tar.gz", "bluegreen-shop-ID-summary.md", "sub/b.tar.gz",
                                         "sub/bluegreen-shop-ID-summary.md", "target" };
    char path[256];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    (void)snprintf(path, sizeof(path), "%s/sub", folder);
    rmdir(path);
    return rmdir(folder); /* fails when anything else was left behind */
}

static size_t files_in(const char *path)
{
    DIR *d = opendir(path);
    size_t n = 0;

    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
    closedir(d);
    return n;
}

static struct collect_paths paths_in_folder(const char *name)
{
    struct collect_paths p;
    struct err err = { 0 };

    assert_int_equal(collect_resolve(name, folder, "shop", "ID", &p, &err), 0);
    return p;
}

/* "name=content;" of each entry. */
static const char *listing(const char *path)
{
    static char text[4096];
    struct archive *a = archive_read_new();
    struct archive_entry *e = NULL;
    size_t n = 0;

    archive_read_support_format_tar(a);
    archive_read_support_filter_gzip(a);
    assert_int_equal(archive_read_open_filename(a, path, 10240), ARCHIVE_OK);
    while (archive_read_next_header(a, &e) == ARCHIVE_OK) {
        char content[256] = "";
        ssize_t got = archive_read_data(a, content, sizeof(content) - 1);
        assert_true(got >= 0);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s=%s;", archive_entry_pathname(e), content);
    }
    archive_read_free(a);
    return text;
}

static int keep(void *ctx, struct span data)
{
    buf_add_span(ctx, data);
    return 0;
}

/* A tar.gz as the agent sends it. */
static void agent_bundle(struct buf *out, const char *name, const char *content)
{
    struct bundle_writer *w = NULL;
    struct err err = { 0 };

    assert_int_equal(bundle_writer_new(&w, keep, out, &err), 0);
    assert_int_equal(bundle_add(w, name, span_of(content), 0, &err), 0);
    assert_int_equal(bundle_finish(w, &err), 0);
    bundle_writer_free(w);
}

/* ---- paths ---- */

static void assert_paths(const char *input, const char *workspace, const char *bundle, const char *summary)
{
    struct collect_paths p;
    struct err err = { 0 };

    assert_int_equal(collect_resolve(input, workspace, "shop", "ID", &p, &err), 0);
    assert_string_equal(p.bundle, bundle);
    assert_string_equal(p.summary, summary);
}

static void an_empty_path_is_the_workspace(void **state)
{
    (void)state;
    assert_paths("", "/ws", "/ws/bluegreen-shop-ID.tar.gz", "/ws/bluegreen-shop-ID-summary.md");
    assert_paths("", NULL, "./bluegreen-shop-ID.tar.gz", "./bluegreen-shop-ID-summary.md");
}

static void a_relative_path_is_taken_from_the_workspace(void **state)
{
    (void)state;
    assert_paths("out", "/ws", "/ws/out/bluegreen-shop-ID.tar.gz", "/ws/out/bluegreen-shop-ID-summary.md");
    assert_paths("out/", "/ws/", "/ws/out/bluegreen-shop-ID.tar.gz", "/ws/out/bluegreen-shop-ID-summary.md");
    assert_paths("out", "", "out/bluegreen-shop-ID.tar.gz", "out/bluegreen-shop-ID-summary.md");
}

static void an_absolute_path_stays(void **state)
{
    (void)state;
    assert_paths("/tmp", "/ws", "/tmp/bluegreen-shop-ID.tar.gz", "/tmp/bluegreen-shop-ID-summary.md");
}

static void a_path_that_ends_in_tar_gz_is_the_file(void **state)
{
    (void)state;
    assert_paths("x/b.tar.gz", "/ws", "/ws/x/b.tar.gz", "/ws/x/bluegreen-shop-ID-summary.md");
    assert_paths("b.tar.gz", "", "b.tar.gz", "bluegreen-shop-ID-summary.md");
    assert_paths("/b.tar.gz", "/ws", "/b.tar.gz", "/bluegreen-shop-ID-summary.md");
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    char name[COLLECT_PATH_MAX + 10];
    struct collect_paths p;
    struct err err = { 0 };

    (void)state;
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(collect_resolve(name, "/ws", "shop", "ID", &p, &err), -ERR_INPUT);
}

static void paths_below_the_workspace_are_told_relative_to_it(void **state)
{
    (void)state;
    assert_string_equal(collect_public_path("/ws/a/b", "/ws"), "a/b");
    assert_string_equal(collect_public_path("/ws/a/b", "/ws/"), "a/b");
    assert_string_equal(collect_public_path("/wsx/a", "/ws"), "/wsx/a");
    assert_string_equal(collect_public_path("./a", NULL), "a");
}

/* ---- bundles ---- */

static void the_bundle_holds_the_hosts_files_the_log_and_the_summary(void **state)
{
    struct collect_paths p = paths_in_folder("b.tar.gz");
    _cleanup_(buf_done_p) struct buf host = BUF_INIT(65536);
    struct collect *c = NULL;
    struct err err = { 0 };

    (void)state;
    agent_bundle(&host, "events.ndjson", "{}");
    assert_int_equal(collect_new(&c, &p, &err), 0);
    assert_int_equal(collect_begin_part(c, "", &err), 0);
    for (size_t i = 0; i < host.len; i++) /* as small as it can arrive */
        assert_int_equal(collect_data(c, (struct span){ host.ptr + i, 1 }, &err), 0);
    assert_int_equal(collect_finish(c, SPAN_LIT("log"), SPAN_LIT("# sum"), &err), 0);
    collect_free(c);
    assert_string_equal(listing(p.bundle), "events.ndjson={};action.log=log;summary.md=# sum;");
    assert_int_equal(files_in(folder), 2);
}

static void a_rollback_has_a_folder_of_its_own_in_the_bundle(void **state)
{
    struct collect_paths p = paths_in_folder("b.tar.gz");
    _cleanup_(buf_done_p) struct buf one = BUF_INIT(65536), two = BUF_INIT(65536);
    struct collect *c = NULL;
    struct err err = { 0 };

    (void)state;
    agent_bundle(&one, "events.ndjson", "1");
    agent_bundle(&two, "events.ndjson", "2");
    assert_int_equal(collect_new(&c, &p, &err), 0);
    assert_int_equal(collect_begin_part(c, "", &err), 0);
    assert_int_equal(collect_data(c, buf_span(&one), &err), 0);
    assert_int_equal(collect_begin_part(c, "rollback", &err), 0);
    assert_int_equal(collect_data(c, buf_span(&two), &err), 0);
    assert_int_equal(collect_finish(c, SPAN_LIT(""), SPAN_LIT(""), &err), 0);
    collect_free(c);
    assert_string_equal(listing(p.bundle), "events.ndjson=1;rollback/events.ndjson=2;action.log=;summary.md=;");
}

static void a_broken_part_is_left_out_and_told(void **state)
{
    struct collect_paths p = paths_in_folder("b.tar.gz");
    struct collect *c = NULL;
    struct err err = { 0 };

    (void)state;
    assert_int_equal(collect_new(&c, &p, &err), 0);
    assert_int_equal(collect_begin_part(c, "", &err), 0);
    assert_int_equal(collect_data(c, SPAN_LIT("this is no archive"), &err), 0);
    assert_int_equal(collect_finish(c, SPAN_LIT("log"), SPAN_LIT("sum"), &err), 1);
    assert_int_not_equal(err.kind, ERR_OK);
    collect_free(c);
    assert_string_equal(listing(p.bundle), "action.log=log;summary.md=sum;");
}

static void a_part_cut_short_is_left_out_and_told(void **state)
{
    struct collect_paths p = paths_in_folder("b.tar.gz");
    _cleanup_(buf_done_p) struct buf host = BUF_INIT(65536);
    struct collect *c = NULL;
    struct err err = { 0 };

    (void)state;
    agent_bundle(&host, "events.ndjson", "some words of an event");
    assert_int_equal(collect_new(&c, &p, &err), 0);
    assert_int_equal(collect_begin_part(c, "", &err), 0);
    assert_int_equal(collect_data(c, (struct span){ host.ptr, host.len / 2 }, &err), 0);
    assert_int_equal(collect_finish(c, SPAN_LIT("log"), SPAN_LIT("sum"), &err), 1);
    collect_free(c);
    assert_string_equal(listing(p.bundle), "action.log=log;summary.md=sum;");
}

static void a_dropped_part_is_not_in_the_bundle(void **state)
{
    struct collect_paths p = paths_in_folder("b.tar.gz");
    struct collect *c = NULL;
    struct err err = { 0 };

    (void)state;
    assert_int_equal(collect_new(&c, &p, &err), 0);
    assert_int_equal(collect_begin_part(c, "", &err), 0);
    assert_int_equal(collect_data(c, SPAN_LIT("half"), &err), 0);
    collect_drop_part(c);
    assert_int_equal(collect_finish(c, SPAN_LIT("log"), SPAN_LIT("sum"), &err), 0);
    collect_free(c);
    assert_string_equal(listing(p.bundle), "action.log=log;summary.md=sum;");
}

static void nothing_is_left_when_the_bundle_is_not_finished(void **state)
{
    struct collect_paths p = paths_in_folder("b.tar.gz");
    struct collect *c = NULL;
    struct err err = { 0 };

    (void)state;
    assert_int_equal(collect_new(&c, &p, &err), 0);
    assert_int_equal(collect_begin_part(c, "", &err), 0);
    assert_int_equal(collect_data(c, SPAN_LIT("bytes"), &err), 0);
    collect_free(c);
    assert_int_equal(files_in(folder), 0);
}

static void missing_folders_are_made(void **state)
{
    struct collect_paths p = paths_in_folder("sub/b.tar.gz");
    struct collect *c = NULL;
    struct err err = { 0 };
    struct stat st;

    (void)state;
    assert_int_equal(collect_new(&c, &p, &err), 0);
    assert_int_equal(collect_finish(c, SPAN_LIT(""), SPAN_LIT(""), &err), 0);
    collect_free(c);
    assert_int_equal(stat(p.bundle, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
}

static void assert_place(const char *input, int wanted)
{
    struct collect_paths p;
    struct collect *c = NULL;
    struct err err = { 0 };

    assert_int_equal(collect_resolve(input, folder, "shop", "ID", &p, &err), 0);
    assert_int_equal(collect_new(&c, &p, &err), wanted);
    collect_free(c);
}

static void a_way_out_of_the_workspace_is_not_taken(void **state)
{
    char link[128], absolute[160];

    (void)state;
    (void)snprintf(link, sizeof(link), "%s/target", folder);
    assert_int_equal(symlink("/tmp", link), 0);
    assert_place("target/b.tar.gz", -ERR_INPUT);
    assert_place("target", -ERR_INPUT);
    assert_place("../b.tar.gz", -ERR_INPUT);
    (void)snprintf(absolute, sizeof(absolute), "%s/target/", folder);
    assert_place(absolute, -ERR_INPUT);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("/nowhere/at/all", link), 0);
    assert_place("target/b.tar.gz", -ERR_IO);
}

static void a_link_within_the_workspace_and_a_place_outside_of_it_are_fine(void **state)
{
    char link[128], sub[128];

    (void)state;
    (void)snprintf(sub, sizeof(sub), "%s/sub", folder);
    (void)snprintf(link, sizeof(link), "%s/target", folder);
    assert_int_equal(mkdir(sub, 0755), 0);
    assert_int_equal(symlink("sub", link), 0);
    assert_place("target/b.tar.gz", 0);
    assert_place("sub/", 0);
    assert_place("/tmp/", 0);
}

static void a_place_that_cannot_be_written_is_an_error_with_a_hint(void **state)
{
    struct collect_paths p;
    struct collect *c = NULL;
    struct err err = { 0 };

    (void)state;
    assert_int_equal(collect_resolve("/proc/nowhere/b.tar.gz", "", "shop", "ID", &p, &err), 0);
    assert_int_equal(collect_new(&c, &p, &err), -ERR_IO);
    assert_non_null(strstr(err_hint_text(&err), "bundle-path"));
}

static void a_link_in_the_summarys_place_is_not_followed(void **state)
{
    struct collect_paths p = paths_in_folder("b.tar.gz");
    struct collect *c = NULL;
    struct err err = { 0 };
    char target[128];
    struct stat st;

    (void)state;
    (void)snprintf(target, sizeof(target), "%s/target", folder);
    assert_int_equal(symlink(target, p.summary), 0);
    assert_int_equal(collect_new(&c, &p, &err), 0);
    assert_int_equal(collect_finish(c, SPAN_LIT(""), SPAN_LIT("sum"), &err), 0);
    collect_free(c);
    assert_int_equal(lstat(p.summary, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(lstat(target, &st), -1);
}

static void more_bytes_than_allowed_are_refused(void **state)
{
    struct collect_paths p = paths_in_folder("b.tar.gz");
    struct collect *c = NULL;
    struct err err = { 0 };
    struct span huge = { "", (size_t)COLLECT_BYTES_MAX + 1 }; /* refused by its length alone */

    (void)state;
    assert_int_equal(collect_new(&c, &p, &err), 0);
    assert_int_equal(collect_begin_part(c, "", &err), 0);
    assert_int_equal(collect_data(c, huge, &err), -ERR_NOMEM);
    collect_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_path_is_the_workspace, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_relative_path_is_taken_from_the_workspace, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(an_absolute_path_stays, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_path_that_ends_in_tar_gz_is_the_file, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_path_that_is_too_long_is_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(paths_below_the_workspace_are_told_relative_to_it, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(the_bundle_holds_the_hosts_files_the_log_and_the_summary, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_rollback_has_a_folder_of_its_own_in_the_bundle, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_broken_part_is_left_out_and_told, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_part_cut_short_is_left_out_and_told, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_dropped_part_is_not_in_the_bundle, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(nothing_is_left_when_the_bundle_is_not_finished, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(missing_folders_are_made, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_way_out_of_the_workspace_is_not_taken, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_link_within_the_workspace_and_a_place_outside_of_it_are_fine, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_place_that_cannot_be_written_is_an_error_with_a_hint, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_link_in_the_summarys_place_is_not_followed, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(more_bytes_than_allowed_are_refused, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
