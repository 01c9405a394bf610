#include "agent/watch/sockets.h"

#include "tests/unit/agent/host.h"

#include <fcntl.h>
#include <sys/stat.h>

#define HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define REST " 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0\n"

/* As Linux writes them on a little-endian machine, which x86-64 and aarch64 are. */
#define ANY "   0: 00000000:0BB8 00000000:0000 0A" REST         /* 0.0.0.0:3000 */
#define LOCAL "   1: 0100007F:1F90 00000000:0000 0A" REST       /* 127.0.0.1:8080 */
#define NAME_SERVER "   2: 0B00007F:A2C1 00000000:0000 0A" REST /* 127.0.0.11:41665 */
#define CONNECTION "   3: 00000000:1F91 0100007F:C001 01" REST  /* established */
#define ANY6 "   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A" REST
#define LOCAL6 "   1: 00000000000000000000000001000000:2328 00000000000000000000000000000000:0000 0A" REST
#define MAPPED "   2: 0000000000000000FFFF00000100007F:2329 00000000000000000000000000000000:0000 0A" REST

static char folder[] = "/tmp/bluegreen-sockets-XXXXXX";

static void write_tables(const char *tcp, const char *tcp6)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    (void)unlinkat(fd, "tcp", 0);
    (void)unlinkat(fd, "tcp6", 0);
    if (tcp)
        host_write(fd, "tcp", tcp);
    if (tcp6)
        host_write(fd, "tcp6", tcp6);
    close_p(&fd);
}

static void assert_text(const struct sockets *s, const char *want)
{
    struct buf text = BUF_INIT(2048);
    sockets_text(s, &text);
    assert_string_equal(buf_str(&text), want);
    buf_done(&text);
}

static void listeners_of_both_families_are_read(void **state)
{
    (void)state;
    struct sockets s;
    write_tables(HEAD ANY LOCAL NAME_SERVER CONNECTION, HEAD ANY6 LOCAL6 MAPPED);
    sockets_read(folder, &s);
    assert_true(s.known);
    assert_text(&s, "0.0.0.0:3000, 127.0.0.1:8080, [::]:8080, [::1]:9000, 127.0.0.1:9001");
    assert_false(s.at[0].loopback);
    assert_true(s.at[1].loopback);
    assert_false(s.at[2].loopback);
    assert_true(s.at[3].loopback);
    assert_true(s.at[4].loopback);
    assert_int_equal(s.at[0].inode, 4711);
}

static void one_that_others_reach_is_preferred(void **state)
{
    (void)state;
    struct sockets s;
    write_tables(HEAD LOCAL ANY, HEAD ANY6);
    sockets_read(folder, &s);
    assert_false(sockets_on(&s, 8080)->loopback);
    assert_int_equal(sockets_elsewhere(&s, 8080)->port, 3000);
    assert_int_equal(sockets_elsewhere(&s, 3000)->port, 8080);
    assert_string_equal(sockets_elsewhere(&s, 3000)->address, "::");
    assert_null(sockets_on(&s, 81));
    write_tables(HEAD LOCAL, NULL);
    sockets_read(folder, &s);
    assert_true(sockets_on(&s, 8080)->loopback);
    assert_null(sockets_elsewhere(&s, 8080));
}

static void no_listener_is_known_as_such(void **state)
{
    (void)state;
    struct sockets s;
    write_tables(HEAD CONNECTION, HEAD);
    sockets_read(folder, &s);
    assert_true(s.known);
    assert_text(&s, "no TCP port");
}

static void a_namespace_that_cannot_be_read_is_not_known(void **state)
{
    (void)state;
    struct sockets s;
    write_tables(NULL, NULL);
    sockets_read(folder, &s);
    assert_false(s.known);
    sockets_read("/proc/0/net", &s);
    assert_false(s.known);
}

static void lines_that_make_no_sense_are_skipped(void **state)
{
    (void)state;
    struct sockets s;
    write_tables(HEAD "garbage\n   0: 0000:1F90 00000000:0000 0A" REST
                      "   0: 00000000:1FFFF 00000000:0000 0A" REST LOCAL "   9: 00000000:",
                 "");
    sockets_read(folder, &s);
    assert_text(&s, "127.0.0.1:8080");
}

static void more_than_fit_are_left_out_and_none_is_told_twice(void **state)
{
    (void)state;
    struct sockets s;
    struct buf text = BUF_INIT(65536);
    buf_adds(&text, HEAD ANY ANY);
    for (int i = 0; i < 3 * SOCKETS_MAX; i++)
        buf_addf(&text, "   0: 00000000:%04X 00000000:0000 0A" REST, 1000 + i);
    write_tables(buf_str(&text), NULL);
    sockets_read(folder, &s);
    assert_int_equal(s.len, SOCKETS_MAX);
    assert_int_equal(s.at[1].port, 1000);
    buf_done(&text);
}

static void a_real_listener_is_found(void **state)
{
    (void)state;
    int port, fd = host_listen(&port);
    bool found = false;
    struct socket_listener l;
    FILE *f = fopen("/proc/self/net/tcp", "re");
    while (f && sockets_next(f, &l))
        found = found || (l.port == port && l.loopback && strcmp(l.address, "127.0.0.1") == 0);
    assert_true(found);
    if (f)
        (void)fclose(f);
    close_p(&fd);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    write_tables(NULL, NULL);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listeners_of_both_families_are_read),
        cmocka_unit_test(one_that_others_reach_is_preferred),
        cmocka_unit_test(no_listener_is_known_as_such),
        cmocka_unit_test(a_namespace_that_cannot_be_read_is_not_known),
        cmocka_unit_test(lines_that_make_no_sense_are_skipped),
        cmocka_unit_test(more_than_fit_are_left_out_and_none_is_told_twice),
        cmocka_unit_test(a_real_listener_is_found),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
