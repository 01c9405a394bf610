#include "tests/unit/agent/host.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

static void make_path(struct host *h, char *path, size_t size, const char *below)
{
    (void)snprintf(path, size, "%s/%s", h->root, below);
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static int open_shop(struct host *h)
{
    int fd = -1;
    host_assert_result(h, store_open_app("shop", &fd, &h->err), 0);
    return fd;
}

static void the_root_is_where_the_environment_says(void **state)
{
    struct host *h = *state;
    struct buf path = BUF_INIT(4096);
    host_assert_result(h, store_root_path(&path, &h->err), 0);
    assert_string_equal(buf_str(&path), h->root);
    buf_reset(&path);
    (void)unsetenv("BLUEGREEN_HOME");
    (void)setenv("HOME", "/home/somebody", 1);
    host_assert_result(h, store_root_path(&path, &h->err), 0);
    assert_string_equal(buf_str(&path), "/home/somebody/.bluegreen");
    buf_done(&path);
}

static void a_root_that_is_not_absolute_is_refused(void **state)
{
    struct host *h = *state;
    struct buf path = BUF_INIT(4096);
    (void)setenv("BLUEGREEN_HOME", "state", 1);
    host_assert_err(h, store_root_path(&path, &h->err), ERR_INSTALL, "absolute");
    buf_done(&path);
}

static void every_folder_is_private(void **state)
{
    struct host *h = *state;
    static const char *const below[] = { "", "apps", "apps/shop", "apps/shop/deployments" };
    char path[128];
    (void)umask(0);
    assert_int_equal(chmod(h->root, 0755), 0); /* as the upload of the agent may have made it */
    int fd = open_shop(h);
    for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
        make_path(h, path, sizeof(path), below[i]);
        assert_int_equal(mode_of(path), 0700);
    }
    close_p(&fd);
}

static void who_only_asks_creates_nothing(void **state)
{
    struct host *h = *state;
    char path[128];
    int fd = -1;
    host_assert_result(h, store_find_app("shop", &fd, &h->err), 1);
    assert_int_equal(fd, -1);
    make_path(h, path, sizeof(path), "apps");
    assert_int_equal(access(path, F_OK), -1);

    int made = open_shop(h);
    assert_int_equal(chmod(h->root, 0755), 0);
    host_assert_result(h, store_find_app("shop", &fd, &h->err), 0);
    assert_int_equal(mode_of(h->root), 0755); /* not even the mode is put right */
    close_p(&fd);
    host_assert_result(h, store_find_app("other", &fd, &h->err), 1);
    close_p(&made);
    (void)setenv("BLUEGREEN_HOME", "/tmp/there-is-no-such-folder/at-all", 1);
    host_assert_result(h, store_find_app("shop", &fd, &h->err), 1);
}

static void a_folder_that_is_a_link_is_refused(void **state)
{
    struct host *h = *state;
    char path[128];
    int fd = -1;
    make_path(h, path, sizeof(path), "apps");
    assert_int_equal(symlink("/tmp", path), 0);
    host_assert_err(h, store_open_app("shop", &fd, &h->err), ERR_IO, "apps");
    host_assert_err(h, store_find_app("shop", &fd, &h->err), ERR_IO, "apps");
    assert_int_equal(fd, -1);
}

static void a_file_in_place_of_a_folder_is_refused(void **state)
{
    struct host *h = *state;
    char path[128];
    int fd = -1;
    make_path(h, path, sizeof(path), "apps");
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close_p(&file);
    host_assert_err(h, store_open_app("shop", &fd, &h->err), ERR_IO, "apps");
}

static void a_folder_of_another_user_is_refused(void **state)
{
    struct host *h = *state;
    char path[128];
    int fd = open_shop(h);
    close_p(&fd);
    if (geteuid() != 0)
        skip(); /* only root can give a folder away */
    make_path(h, path, sizeof(path), "apps/shop");
    assert_int_equal(chown(path, 4242, 4242), 0);
    host_assert_err(h, store_open_app("shop", &fd, &h->err), ERR_IO, "user 4242");
    assert_int_equal(fd, -1);
}

static void a_deployment_is_made_once(void **state)
{
    struct host *h = *state;
    int app = open_shop(h), one = -1, two = -1;
    host_assert_result(h, store_create_deployment(app, HOST_ID, &one, &h->err), 0);
    assert_true(one >= 0);
    host_assert_result(h, store_create_deployment(app, HOST_ID, &two, &h->err), 1);
    assert_int_equal(two, -1);
    host_assert_result(h, store_open_deployment(app, HOST_ID, &two, &h->err), 0);
    host_write(one, "x", "text");
    struct buf text;
    assert_string_equal(host_read(two, "x", &text), "text");
    buf_done(&text);
    close_p(&one);
    close_p(&two);
    close_p(&app);
}

static void a_deployment_that_is_not_there_is_1(void **state)
{
    struct host *h = *state;
    int app = open_shop(h), fd = -1;
    host_assert_result(h, store_open_deployment(app, HOST_ID, &fd, &h->err), 1);
    host_assert_result(h, store_remove_deployment(app, HOST_ID, &h->err), 0);
    assert_int_equal(fd, -1);
    close_p(&app);
}

static void what_is_no_id_never_becomes_a_path(void **state)
{
    struct host *h = *state;
    static const char *const ids[] = { "",    ".",  "..", "../shop",
                                       "a/b", "-x", "A",  "0123456789012345678901234567890123456789x" };
    int app = open_shop(h), fd = -1;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        host_assert_err(h, store_open_deployment(app, ids[i], &fd, &h->err), ERR_PROTO, "not a deployment id");
        host_assert_err(h, store_create_deployment(app, ids[i], &fd, &h->err), ERR_PROTO, "not a deployment id");
        host_assert_err(h, store_remove_deployment(app, ids[i], &h->err), ERR_PROTO, "not a deployment id");
    }
    close_p(&app);
}

static void deployments_are_listed_newest_first(void **state)
{
    struct host *h = *state;
    static const char *const ids[] = { "20260101-000000-aaaaaa", "20260301-000000-aaaaaa", "20260201-235959-ffffff" };
    int app = open_shop(h);
    char path[128];
    for (size_t i = 0; i < 3; i++) {
        int fd = -1;
        host_assert_result(h, store_create_deployment(app, ids[i], &fd, &h->err), 0);
        close_p(&fd);
    }
    make_path(h, path, sizeof(path), "apps/shop/deployments/.Not-An-Id");
    assert_int_equal(mkdir(path, 0700), 0);
    struct strlist list = { 0 };
    host_assert_result(h, store_list_deployments(app, &list, &h->err), 0);
    assert_int_equal(list.len, 3);
    assert_string_equal(list.items[0], ids[1]);
    assert_string_equal(list.items[1], ids[2]);
    assert_string_equal(list.items[2], ids[0]);
    strlist_done(&list);
    close_p(&app);
}

static void a_removed_deployment_is_gone_with_its_files(void **state)
{
    struct host *h = *state;
    int app = open_shop(h), fd = -1;
    host_assert_result(h, store_create_deployment(app, HOST_ID, &fd, &h->err), 0);
    host_write(fd, "events", "x");
    host_write(fd, "request.json", "x");
    assert_int_equal(symlinkat("/etc/passwd", fd, "link"), 0);
    host_assert_result(h, store_remove_deployment(app, HOST_ID, &h->err), 0);
    close_p(&fd);
    host_assert_result(h, store_open_deployment(app, HOST_ID, &fd, &h->err), 1);
    assert_int_equal(access("/etc/passwd", F_OK), 0);
    close_p(&app);
}

/* So that one whose removal is cut off is never a run without an end. */
static void the_request_goes_first_and_the_outcome_last(void **state)
{
    static const char *const files[] = { "outcome.json", "events", "journal", "request.json", "worker.pid" };
    char events[4096] __attribute__((aligned(8)));
    struct host *h = *state;
    int app = open_shop(h), fd = -1;
    char path[128];
    host_assert_result(h, store_create_deployment(app, HOST_ID, &fd, &h->err), 0);
    for (size_t i = 0; i < 5; i++)
        host_write(fd, files[i], "x");
    make_path(h, path, sizeof(path), "apps/shop/deployments/" HOST_ID);
    int watch = inotify_init1(IN_CLOEXEC);
    assert_true(inotify_add_watch(watch, path, IN_DELETE | IN_ONLYDIR) >= 0);
    host_assert_result(h, store_remove_deployment(app, HOST_ID, &h->err), 0);
    ssize_t n = read(watch, events, sizeof(events));
    size_t seen = 0;
    for (ssize_t at = 0; at < n;) {
        struct inotify_event ev;
        memcpy(&ev, events + at, sizeof(ev));
        const char *name = events + at + sizeof(ev);
        if (ev.mask & IN_DELETE && seen++ == 0)
            assert_string_equal(name, "request.json");
        if (ev.mask & IN_DELETE && seen == 5)
            assert_string_equal(name, "outcome.json");
        at += (ssize_t)(sizeof(ev) + ev.len);
    }
    assert_int_equal(seen, 5);
    close_p(&watch);
    close_p(&fd);
    close_p(&app);
}

static void a_deployment_with_a_folder_in_it_is_not_removed(void **state)
{
    struct host *h = *state;
    int app = open_shop(h), fd = -1;
    host_assert_result(h, store_create_deployment(app, HOST_ID, &fd, &h->err), 0);
    assert_int_equal(mkdirat(fd, "folder", 0700), 0);
    host_assert_err(h, store_remove_deployment(app, HOST_ID, &h->err), ERR_IO, HOST_ID);
    close_p(&fd);
    close_p(&app);
}

static void a_file_is_replaced_as_a_whole(void **state)
{
    struct host *h = *state;
    int app = open_shop(h);
    struct buf text;
    char path[128];
    host_write(app, "x", "a long first version");
    host_write(app, "x", "short");
    assert_string_equal(host_read(app, "x", &text), "short");
    make_path(h, path, sizeof(path), "apps/shop/x");
    assert_int_equal(mode_of(path), 0600);
    buf_done(&text);
    close_p(&app);
}

static void what_a_crash_left_half_written_is_in_nobodys_way(void **state)
{
    struct host *h = *state;
    int app = open_shop(h);
    struct buf text;
    host_write(app, "x", "old");
    int temp = openat(app, ".x.new", O_CREAT | O_WRONLY | O_CLOEXEC, 0400);
    assert_true(temp >= 0);
    close_p(&temp);
    assert_string_equal(host_read(app, "x", &text), "old");
    buf_done(&text);
    host_write(app, "x", "new");
    assert_string_equal(host_read(app, "x", &text), "new");
    assert_int_equal(faccessat(app, ".x.new", F_OK, 0), -1);
    buf_done(&text);
    close_p(&app);
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    struct host *h = *state;
    int app = open_shop(h);
    struct buf text;
    host_write(app, "x", "old");
    host_limit_files(4);
    int r = store_write(app, "x", SPAN_LIT("far too long"), &h->err);
    host_limit_files(-1);
    assert_true(r < 0);
    assert_string_equal(host_read(app, "x", &text), "old");
    assert_int_equal(faccessat(app, ".x.new", F_OK, 0), -1);
    buf_done(&text);
    close_p(&app);
}

static void a_link_is_neither_read_nor_written_through(void **state)
{
    struct host *h = *state;
    int app = open_shop(h);
    struct buf text = BUF_INIT(4096);
    host_write(app, "target", "untouched");
    assert_int_equal(symlinkat("target", app, "x"), 0);
    host_assert_err(h, store_read(app, "x", &text, &h->err), ERR_IO, "'x'");
    host_write(app, "x", "new");
    assert_string_equal(host_read(app, "target", &text), "untouched");
    buf_done(&text);
    assert_string_equal(host_read(app, "x", &text), "new");
    buf_done(&text);
    close_p(&app);
}

static void a_file_larger_than_wanted_is_an_error(void **state)
{
    struct host *h = *state;
    int app = open_shop(h);
    struct buf text = BUF_INIT(8), none = BUF_INIT(8);
    host_write(app, "x", "123456789");
    host_assert_err(h, store_read(app, "x", &text, &h->err), ERR_NOMEM, "read 'x'");
    host_assert_result(h, store_read(app, "y", &none, &h->err), 1);
    buf_done(&text);
    buf_done(&none);
    close_p(&app);
}

static void a_name_that_is_too_long_is_a_bug(void **state)
{
    struct host *h = *state;
    int app = open_shop(h);
    char name[200];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    host_assert_err(h, store_write(app, name, SPAN_LIT("x"), &h->err), ERR_BUG, "too long");
    close_p(&app);
}

static void the_disk_is_measured_where_it_can_be(void **state)
{
    struct host *h = *state;
    int64_t left = 0, total = 0;
    store_disk(h->root, &left, &total);
    assert_true(left > 0 && total >= left);
    store_disk("/no/such/path", &left, &total);
    assert_int_equal(left, -1);
    assert_int_equal(total, -1);
}

static void apps_are_listed_by_name_and_strangers_are_not(void **state)
{
    struct host *h = *state;
    struct strlist apps = { 0 };
    char path[80];
    int fd = -1;
    host_assert_result(h, store_list_apps(&apps, &h->err), 0);
    assert_int_equal(apps.len, 0); /* there is no folder of apps yet */
    host_assert_result(h, store_open_app("web", &fd, &h->err), 0);
    close_p(&fd);
    host_assert_result(h, store_open_app("api", &fd, &h->err), 0);
    close_p(&fd);
    (void)snprintf(path, sizeof(path), "%s/apps/.hidden", h->root);
    assert_int_equal(mkdir(path, 0700), 0);
    host_assert_result(h, store_list_apps(&apps, &h->err), 0);
    assert_int_equal(apps.len, 2);
    assert_string_equal(apps.items[0], "api");
    assert_string_equal(apps.items[1], "web");
    strlist_done(&apps);
}

static void a_folder_is_as_large_as_its_files(void **state)
{
    struct host *h = *state;
    int app = -1, fd = -1;
    host_assert_result(h, store_open_app("shop", &app, &h->err), 0);
    host_assert_result(h, store_create_deployment(app, "20260101-000000-aaaaaa", &fd, &h->err), 0);
    assert_int_equal(store_folder_bytes(fd), 0);
    host_write(fd, "a", "12345");
    host_write(fd, "b", "123");
    assert_int_equal(store_folder_bytes(fd), 8);
    assert_int_equal(store_folder_bytes(fd), 8);
    close_p(&fd);
    close_p(&app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOT_CASE(the_root_is_where_the_environment_says),
        ROOT_CASE(a_root_that_is_not_absolute_is_refused),
        ROOT_CASE(every_folder_is_private),
        ROOT_CASE(who_only_asks_creates_nothing),
        ROOT_CASE(a_folder_that_is_a_link_is_refused),
        ROOT_CASE(a_file_in_place_of_a_folder_is_refused),
        ROOT_CASE(a_folder_of_another_user_is_refused),
        ROOT_CASE(a_deployment_is_made_once),
        ROOT_CASE(a_deployment_that_is_not_there_is_1),
        ROOT_CASE(what_is_no_id_never_becomes_a_path),
        ROOT_CASE(deployments_are_listed_newest_first),
        ROOT_CASE(a_removed_deployment_is_gone_with_its_files),
        ROOT_CASE(the_request_goes_first_and_the_outcome_last),
        ROOT_CASE(a_deployment_with_a_folder_in_it_is_not_removed),
        ROOT_CASE(a_file_is_replaced_as_a_whole),
        ROOT_CASE(what_a_crash_left_half_written_is_in_nobodys_way),
        ROOT_CASE(a_full_disk_leaves_the_old_file),
        ROOT_CASE(a_link_is_neither_read_nor_written_through),
        ROOT_CASE(a_file_larger_than_wanted_is_an_error),
        ROOT_CASE(a_name_that_is_too_long_is_a_bug),
        ROOT_CASE(apps_are_listed_by_name_and_strangers_are_not),
        ROOT_CASE(a_folder_is_as_large_as_its_files),
        ROOT_CASE(the_disk_is_measured_where_it_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
