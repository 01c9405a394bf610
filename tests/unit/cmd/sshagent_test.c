#include "cmd/ssh/sshagent.h"

#include "shared/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

static void add_u32(struct buf *out, uint32_t n)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_addc(out, (char)(n >> shift));
}

static void add_string(struct buf *out, struct span s)
{
    add_u32(out, (uint32_t)s.len);
    buf_add_span(out, s);
}

/* A key of the type, and its comment. */
static void add_key(struct buf *out, const char *type, const char *comment)
{
    struct buf blob = BUF_INIT(256);
    add_string(&blob, span_of(type));
    add_string(&blob, SPAN_LIT("some bytes"));
    add_string(out, buf_span(&blob));
    add_string(out, span_of(comment));
    buf_done(&blob);
}

static void list(struct buf *out, uint32_t count)
{
    buf_addc(out, 12);
    add_u32(out, count);
}

static void keys_are_listed_with_their_fingerprints(void **state)
{
    (void)state;
    struct buf message = BUF_INIT(4096);
    struct sshagent a = { .fd = -1 };
    list(&message, 2);
    add_key(&message, "ssh-ed25519", "me@home");
    add_key(&message, "ssh-rsa", "\x1b[31mred");
    assert_int_equal(sshagent_parse_keys(buf_span(&message), &a, NULL), 0);
    assert_int_equal(a.len, 2);
    assert_string_equal(a.keys[0].type, "ssh-ed25519");
    assert_int_equal(strlen(a.keys[0].fingerprint), 50);
    assert_string_equal(a.keys[1].comment, "?[31mred");
    sshagent_done(&a);
    buf_done(&message);
}

static void keys_that_cannot_be_used_are_counted(void **state)
{
    (void)state;
    struct buf message = BUF_INIT(4096);
    struct sshagent a = { .fd = -1 };
    list(&message, 3);
    add_key(&message, "sk-ssh-ed25519@openssh.com", "token");
    add_key(&message, "ssh-ed25519-cert-v01@openssh.com", "certificate");
    add_key(&message, "ecdsa-sha2-nistp256", "good");
    assert_int_equal(sshagent_parse_keys(buf_span(&message), &a, NULL), 0);
    assert_int_equal(a.len, 1);
    assert_int_equal(a.left_out, 2);
    sshagent_done(&a);
    buf_done(&message);
}

static void a_message_that_is_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct buf message = BUF_INIT(4096);
    list(&message, 2);
    add_key(&message, "ssh-ed25519", "me@home");
    add_key(&message, "ssh-rsa", "me");
    for (size_t len = 0; len < message.len; len++) {
        struct sshagent a = { .fd = -1 };
        char *copy = malloc(len + 1); /* its own allocation, for the sanitizers */
        assert_non_null(copy);
        memcpy(copy, message.ptr, len);
        assert_int_equal(sshagent_parse_keys((struct span){ copy, len }, &a, NULL), -ERR_PROTO);
        sshagent_done(&a);
        free(copy);
    }
    buf_done(&message);
}

static void more_keys_than_are_looked_at_are_counted(void **state)
{
    (void)state;
    struct buf message = BUF_INIT(64 * 1024);
    struct sshagent a = { .fd = -1 };
    list(&message, SSHAGENT_KEYS_MAX + 5);
    for (int i = 0; i < SSHAGENT_KEYS_MAX + 5; i++)
        add_key(&message, "ssh-ed25519", "");
    assert_int_equal(sshagent_parse_keys(buf_span(&message), &a, NULL), 0);
    assert_int_equal(a.len, SSHAGENT_KEYS_MAX);
    assert_int_equal(a.left_out, 5);
    sshagent_done(&a);
    buf_done(&message);
}

static void an_agent_that_is_silent_is_left_in_time(void **state)
{
    (void)state;
    char path[] = "/tmp/sshagent-test-XXXXXX";
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct sshagent a;
    struct err err = { 0 };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_non_null(mkdtemp(path));
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(sshagent_open(address.sun_path, clock_mono_ms() + 50, -1, &a, &err), -ERR_TIMEOUT);
    sshagent_done(&a);
    (void)close(fd);
    assert_int_equal(unlink(address.sun_path), 0);
    assert_int_equal(sshagent_open(address.sun_path, clock_mono_ms() + 50, -1, &a, &err), -ERR_KEY);
    sshagent_done(&a);
    assert_int_equal(rmdir(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_listed_with_their_fingerprints),
        cmocka_unit_test(keys_that_cannot_be_used_are_counted),
        cmocka_unit_test(a_message_that_is_cut_anywhere_is_refused),
        cmocka_unit_test(more_keys_than_are_looked_at_are_counted),
        cmocka_unit_test(an_agent_that_is_silent_is_left_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
