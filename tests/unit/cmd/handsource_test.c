#include "cmd/cli/handsource.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "shared/cli/cli.h"
#include "shared/fd.h"

#include <fcntl.h>
#include <sys/stat.h>

#define KEY "ssh-ed25519 AAAA"

static char folder[] = "/tmp/handsource_test.XXXXXX", start[1024];

static void write_file(const char *name, const char *text)
{
    _cleanup_(close_p) int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fd_write(fd, span_of(text)), 0);
}

/* In a folder of its own, with known_hosts and the key that instance-connect makes: nothing of the tester's is looked at. */
static int enter(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/handsource_test.XXXXXX");
    (void)umask(022);
    assert_non_null(getcwd(start, sizeof(start)));
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(setenv("HOME", folder, 1), 0);
    assert_int_equal(unsetenv("SSH_AUTH_SOCK"), 0);
    write_file("hosts", "web1 " KEY "\n@revoked web1 ssh-rsa BBBB\njump1 " KEY "\n@revoked jump1 ssh-rsa CCCC\n");
    return 0;
}

static int leave(void **state)
{
    (void)state;
    (void)unlink("hosts");
    (void)unlink("bluegreen.json");
    (void)unlink("other.json");
    assert_int_equal(chdir(start), 0);
    return rmdir(folder);
}

/* What the settings are in the end. */
struct reading {
    struct cli_call call;
    struct handsource s;
    struct err err;
    int result;
};

static void read_source(struct reading *r, const char *hosts)
{
    r->call.command = CLI_STATUS;
    r->call.known_hosts_file = hosts;
    r->result = handsource_init(&r->s, &r->call, &r->err);
    if (r->result == 0)
        r->result = handsource_prepare(&r->s, -1, &r->err);
}

static void option(struct reading *r, const char *name, const char *value)
{
    r->call.settings[r->call.settings_len++] = (struct cli_pair){ name, value };
}

static const char *value(struct reading *r, const char *id)
{
    const char *v = r->s.source.settings.value(r->s.source.settings.ctx, id);
    return v ? v : "";
}

static void the_hosts_lines_are_chosen_and_the_jump_hosts_too(void **state)
{
    (void)state;
    struct reading r = { 0 };
    option(&r, "host", " web1 ");
    option(&r, "jump-host", "jump1");
    option(&r, "ssh-auth", "instance-connect");
    read_source(&r, "hosts");
    assert_int_equal(r.result, 0);
    assert_string_equal(value(&r, "known-hosts"), "web1 " KEY "\n@revoked web1 ssh-rsa BBBB\n");
    assert_string_equal(value(&r, "jump-known-hosts"), "jump1 " KEY "\n@revoked jump1 ssh-rsa CCCC\n");
    handsource_done(&r.s);
}

static void an_address_in_brackets_has_its_lines(void **state)
{
    (void)state;
    struct reading r = { 0 };
    write_file("hosts", "2001:db8::1 " KEY "\n");
    option(&r, "host", "[2001:db8::1]");
    option(&r, "ssh-auth", "instance-connect");
    read_source(&r, "hosts");
    assert_int_equal(r.result, 0);
    assert_string_equal(value(&r, "known-hosts"), "2001:db8::1 " KEY "\n");
    handsource_done(&r.s);
}

static void revoked_lines_count_beside_a_fingerprint(void **state)
{
    (void)state;
    struct reading r = { 0 };
    option(&r, "host", "web1");
    option(&r, "host-fingerprint", "SHA256:x");
    option(&r, "jump-host", "jump1");
    option(&r, "ssh-auth", "instance-connect");
    read_source(&r, "hosts");
    assert_int_equal(r.result, 0);
    assert_string_equal(value(&r, "known-hosts"), "@revoked web1 ssh-rsa BBBB\n");
    assert_string_equal(value(&r, "host-fingerprint"), "SHA256:x");
    assert_string_equal(value(&r, "jump-known-hosts"), "jump1 " KEY "\n@revoked jump1 ssh-rsa CCCC\n");
    handsource_done(&r.s);
}

static void a_named_known_hosts_file_wins_over_the_pins_of_the_configuration(void **state)
{
    (void)state;
    struct reading r = { 0 }, alone = { 0 };
    write_file("bluegreen.json",
               "{\"host\":\"web1\",\"host-fingerprint\":\"SHA256:x\",\"ssh-auth\":\"instance-connect\"}");
    read_source(&r, "hosts");
    assert_int_equal(r.result, 0);
    assert_string_equal(value(&r, "host-fingerprint"), "");
    assert_string_equal(value(&r, "known-hosts"), "web1 " KEY "\n@revoked web1 ssh-rsa BBBB\n");
    handsource_done(&r.s);
    read_source(&alone, NULL);
    assert_int_equal(alone.result, 0);
    assert_string_equal(value(&alone, "host-fingerprint"), "SHA256:x");
    handsource_done(&alone.s);
}

static void a_configuration_that_others_may_write_must_be_named(void **state)
{
    (void)state;
    struct reading r = { 0 }, named = { .call = { .config = "bluegreen.json" } };
    write_file("bluegreen.json", "{\"ssh-auth\":\"instance-connect\"}");
    assert_int_equal(chmod("bluegreen.json", 0602), 0);
    read_source(&r, "hosts");
    assert_int_equal(r.result, -ERR_INPUT);
    assert_non_null(
        strstr(r.err.frame[0].text, "config './bluegreen.json' is not used: others may write it (mode 0602)"));
    handsource_done(&r.s);
    read_source(&named, "hosts");
    assert_int_equal(named.result, 0);
    handsource_done(&named.s);
}

static void env_file_of_the_configuration_is_bound_to_its_folder(void **state)
{
    (void)state;
    struct reading file = { 0 }, other = { 0 }, by_option = { 0 };
    write_file("bluegreen.json", "{\"env-file\":\"app.env\",\"ssh-auth\":\"instance-connect\"}");
    read_source(&file, "hosts");
    assert_string_equal(file.s.source.env_folder, ".");
    handsource_done(&file.s);
    option(&by_option, "env-file", "/etc/app.env");
    read_source(&by_option, "hosts");
    assert_null(by_option.s.source.env_folder);
    handsource_done(&by_option.s);
    char path[1100];
    (void)snprintf(path, sizeof(path), "%s/bluegreen.json", folder);
    other.call.config = path;
    read_source(&other, "hosts");
    (void)snprintf(path, sizeof(path), "%s/", folder);
    assert_string_equal(other.s.source.env_folder, path);
    handsource_done(&other.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_hosts_lines_are_chosen_and_the_jump_hosts_too, enter, leave),
        cmocka_unit_test_setup_teardown(an_address_in_brackets_has_its_lines, enter, leave),
        cmocka_unit_test_setup_teardown(revoked_lines_count_beside_a_fingerprint, enter, leave),
        cmocka_unit_test_setup_teardown(a_named_known_hosts_file_wins_over_the_pins_of_the_configuration, enter, leave),
        cmocka_unit_test_setup_teardown(a_configuration_that_others_may_write_must_be_named, enter, leave),
        cmocka_unit_test_setup_teardown(env_file_of_the_configuration_is_bound_to_its_folder, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
