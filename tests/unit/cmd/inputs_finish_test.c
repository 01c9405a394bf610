#include "tests/unit/cmd/inputs_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sys/stat.h>

/* ---- what must be there ---- */

static void missing_required_inputs_are_named(void **state)
{
    (void)state;
    inputs_run_assert_problem_has("INPUT_HOST", "", "input 'host': got nothing, wants");
    inputs_run_assert_problem_has("INPUT_SSH-KEY", "", "input 'ssh-key': got nothing, wants");
    inputs_run_assert_problem_has("INPUT_APP", "", "input 'app': got nothing, wants");
    inputs_run_assert_problem_has("INPUT_IMAGE", "", "input 'image': got nothing, wants");
}

static void rollback_and_status_need_no_image(void **state)
{
    (void)state;
    const char *commands[] = { "rollback", "status" };
    for (size_t i = 0; i < 2; i++) {
        struct inputs_run run;
        inputs_run_begin(&run);
        inputs_run_set(&run, "INPUT_COMMAND", commands[i]);
        inputs_run_set(&run, "INPUT_IMAGE", "");
        inputs_run_set(&run, "INPUT_ENV-FILE", "not-checked-out.env");
        inputs_run_read_good(&run);
        assert_int_equal(run.in.command, i == 0 ? COMMAND_ROLLBACK : COMMAND_STATUS);
        inputs_run_end(&run);
    }
}

/* ---- ports, registry ---- */

static void ports_follow_the_port(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_PORT", "443");
    inputs_run_read_good(&run);
    assert_int_equal(run.in.spec.container_port, 443);
    assert_int_equal(run.in.spec.spare_port, 444);
    inputs_run_end(&run);
}

static void a_spare_port_must_be_a_neighbour_of_the_port(void **state)
{
    (void)state;
    inputs_run_assert_problem("INPUT_SPARE-PORT", "8080",
                              "input 'spare-port': got '8080', wants a neighbour of port: 8081 or 8079\n");
    inputs_run_assert_problem_has("INPUT_SPARE-PORT", "8082", "8081 or 8079");
    inputs_run_assert_good("INPUT_SPARE-PORT", "8079");
}

static void the_last_port_has_its_spare_one_before_it(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_PORT", "65535");
    inputs_run_read_good(&run);
    assert_int_equal(run.in.spec.spare_port, 65534);
    inputs_run_end(&run);
}

static void registry_credentials_come_in_pairs(void **state)
{
    (void)state;
    inputs_run_assert_problem_has("INPUT_REGISTRY-USERNAME", "bob", "input 'registry-password': got nothing, wants");
    inputs_run_assert_problem_has("INPUT_REGISTRY-PASSWORD", "hunter22",
                                  "input 'registry-username': got nothing, wants");
}

/* ---- pins, keys, jump host ---- */

static void without_any_pin_the_error_says_how_to_get_one(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_HOST-FINGERPRINT", "");
    inputs_run_read(&run);
    assert_int_equal(run.result, -ERR_NO_PIN);
    assert_non_null(
        strstr(buf_str(&run.problems), "input 'host-fingerprint': got nothing, and known-hosts is empty too"));
    const char *hint = err_hint_text(&run.err);
    assert_non_null(strstr(hint, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"));
    assert_non_null(strstr(hint, "ssh-keyscan -p 22 web1.example.com"));
    assert_non_null(strstr(hint, "console"));
    inputs_run_end(&run);
}

static void known_hosts_alone_are_a_pin(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_HOST-FINGERPRINT", "");
    inputs_run_set(&run, "INPUT_KNOWN-HOSTS", "web1.example.com " HOST_KEY);
    inputs_run_read_good(&run);
    inputs_run_end(&run);
}

static void known_hosts_of_other_hosts_are_no_pin(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_HOST-FINGERPRINT", "");
    inputs_run_set(&run, "INPUT_KNOWN-HOSTS", "web2.example.com " HOST_KEY);
    inputs_run_read(&run);
    assert_int_equal(run.result, -ERR_NO_PIN);
    assert_non_null(strstr(buf_str(&run.problems), "input 'known-hosts': holds no key of web1.example.com port 22"));
    inputs_run_end(&run);
}

static void wrong_pins_name_the_input_and_the_line(void **state)
{
    (void)state;
    inputs_run_assert_problem_has("INPUT_HOST-FINGERPRINT", PIN "\nSHA256:short",
                                  "input 'host-fingerprint' line 2: 'SHA256:short'");
    inputs_run_assert_problem_has("INPUT_HOST-FINGERPRINT", "MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48",
                                  "MD5");
    inputs_run_assert_problem_has("INPUT_KNOWN-HOSTS", "# x\nnonsense", "input 'known-hosts' line 2: ");
}

static void a_key_that_cannot_be_used_is_an_error_of_its_own(void **state)
{
    (void)state;
    const char *wrong[] = { "/home/me/.ssh/id_ed25519", HOST_KEY, KEY_BEGIN "b3Blbn" };
    for (size_t i = 0; i < 3; i++) {
        struct inputs_run run;
        inputs_run_begin(&run);
        inputs_run_set(&run, "INPUT_SSH-KEY", wrong[i]);
        inputs_run_read(&run);
        assert_int_equal(run.result, -ERR_KEY);
        assert_int_equal(strncmp(buf_str(&run.problems), "input 'ssh-key': ", 17), 0);
        assert_null(strstr(buf_str(&run.problems), wrong[i]));
        inputs_run_end(&run);
    }
}

static void an_encrypted_key_needs_a_passphrase(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_SSH-KEY", ENCRYPTED_KEY);
    inputs_run_read(&run);
    assert_int_equal(run.result, -ERR_KEY);
    inputs_run_end(&run);
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_SSH-KEY", ENCRYPTED_KEY);
    inputs_run_set(&run, "INPUT_SSH-KEY-PASSPHRASE", "correct horse");
    inputs_run_read_good(&run);
    inputs_run_end(&run);
}

static void a_jump_host_takes_user_key_and_known_hosts_of_the_host(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_JUMP-HOST", "bastion");
    inputs_run_set(&run, "INPUT_USER", "deploy");
    inputs_run_set(&run, "INPUT_SSH-KEY", ENCRYPTED_KEY);
    inputs_run_set(&run, "INPUT_SSH-KEY-PASSPHRASE", "correct horse");
    inputs_run_set(&run, "INPUT_KNOWN-HOSTS", "bastion " HOST_KEY);
    inputs_run_read_good(&run);
    const struct ssh_target *jump = &run.in.jump;
    assert_int_equal(jump->port, 22);
    assert_string_equal(jump->user, "deploy");
    assert_string_equal(jump->key, run.in.target.key);
    assert_string_equal(jump->passphrase, "correct horse");
    assert_string_equal(jump->known_hosts, run.in.target.known_hosts);
    assert_string_equal(jump->fingerprints, "");
    inputs_run_end(&run);
}

static void a_jump_host_with_its_own_key_does_not_take_the_passphrase(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_SSH-KEY", ENCRYPTED_KEY);
    inputs_run_set(&run, "INPUT_SSH-KEY-PASSPHRASE", "correct horse");
    inputs_run_set(&run, "INPUT_JUMP-HOST", "bastion");
    inputs_run_set(&run, "INPUT_JUMP-KEY", KEY);
    inputs_run_set(&run, "INPUT_JUMP-FINGERPRINT", PIN);
    inputs_run_read_good(&run);
    assert_string_equal(run.in.jump.passphrase, "");
    inputs_run_end(&run);
}

static void a_jump_host_without_pin_is_refused(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_JUMP-HOST", "bastion");
    inputs_run_read(&run);
    assert_int_equal(run.result, -ERR_NO_PIN);
    assert_non_null(strstr(buf_str(&run.problems), "input 'jump-fingerprint': got nothing"));
    assert_non_null(strstr(err_hint_text(&run.err), "bastion"));
    inputs_run_end(&run);
}

static void wrong_pins_and_keys_of_the_jump_host_name_its_inputs(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_JUMP-HOST", "bastion");
    inputs_run_set(&run, "INPUT_JUMP-FINGERPRINT", "SHA256:short");
    inputs_run_set(&run, "INPUT_JUMP-KEY", "nonsense");
    inputs_run_read(&run);
    assert_non_null(strstr(buf_str(&run.problems), "input 'jump-fingerprint' line 1: "));
    assert_non_null(strstr(buf_str(&run.problems), "input 'jump-key': "));
    inputs_run_end(&run);
}

/* ---- env ---- */

static void a_variable_in_env_and_secret_env_is_refused(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_ENV", "A=1\nTOKEN=x");
    inputs_run_set(&run, "INPUT_SECRET-ENV", "TOKEN=y");
    inputs_run_read(&run);
    assert_int_equal(run.result, -ERR_INPUT);
    assert_string_equal(buf_str(&run.problems),
                        "input 'secret-env': sets TOKEN, which env sets too; keep it in one of them\n");
    inputs_run_end(&run);
}

static char workspace[] = "/tmp/inputs_test.XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", workspace, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void make_workspace(void)
{
    memcpy(workspace + strlen(workspace) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(workspace));
}

static void remove_file(const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", workspace, name);
    assert_int_equal(unlink(path), 0);
}

static void env_and_secret_env_win_over_the_env_file(void **state)
{
    (void)state;
    make_workspace();
    write_file("app.env", "A=file\nexport B=\"file b\"\nTOKEN=dev\n");
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "GITHUB_WORKSPACE", workspace);
    inputs_run_set(&run, "INPUT_ENV-FILE", "app.env");
    inputs_run_set(&run, "INPUT_ENV", "A=input\nC=3");
    inputs_run_set(&run, "INPUT_SECRET-ENV", "TOKEN=s3cret-token");
    inputs_run_read_good(&run);
    const struct strlist *env = &run.in.spec.env;
    assert_int_equal(env->len, 3);
    assert_true(strlist_has(env, "A=input"));
    assert_true(strlist_has(env, "B=file b"));
    assert_true(strlist_has(env, "C=3"));
    inputs_run_end(&run);
    remove_file("app.env");
    assert_int_equal(rmdir(workspace), 0);
}

static void mistakes_in_the_env_file_name_its_line(void **state)
{
    (void)state;
    make_workspace();
    write_file("app.env", "A=1\nnonsense\nA=2\n");
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "GITHUB_WORKSPACE", workspace);
    inputs_run_set(&run, "INPUT_ENV-FILE", "app.env");
    inputs_run_read(&run);
    assert_string_equal(buf_str(&run.problems), "input 'env-file' line 2: is not of the form KEY=VALUE\n"
                                                "input 'env-file' line 3: sets A a second time\n");
    inputs_run_end(&run);
    remove_file("app.env");
    assert_int_equal(rmdir(workspace), 0);
}

static void an_env_file_outside_the_workspace_is_refused(void **state)
{
    (void)state;
    make_workspace();
    char link[128];
    (void)snprintf(link, sizeof(link), "%s/link.env", workspace);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    const char *outside[] = { "link.env", "../../etc/passwd", "/etc/passwd", "." };
    for (size_t i = 0; i < 4; i++) {
        struct inputs_run run;
        inputs_run_begin(&run);
        inputs_run_set(&run, "GITHUB_WORKSPACE", workspace);
        inputs_run_set(&run, "INPUT_ENV-FILE", outside[i]);
        inputs_run_read(&run);
        assert_int_equal(run.result, -ERR_INPUT);
        assert_non_null(strstr(buf_str(&run.problems), "which leads out of the workspace"));
        inputs_run_end(&run);
    }
    remove_file("link.env");
    assert_int_equal(rmdir(workspace), 0);
}

static void a_missing_env_file_asks_for_the_checkout(void **state)
{
    (void)state;
    make_workspace();
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "GITHUB_WORKSPACE", workspace);
    inputs_run_set(&run, "INPUT_ENV-FILE", "app.env");
    inputs_run_read(&run);
    assert_non_null(strstr(buf_str(&run.problems), "No such file or directory"));
    assert_non_null(strstr(buf_str(&run.problems), "checkout"));
    inputs_run_end(&run);
    assert_int_equal(rmdir(workspace), 0);
}

static void a_folder_is_no_env_file(void **state)
{
    (void)state;
    make_workspace();
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/folder", workspace);
    assert_int_equal(mkdir(path, 0700), 0);
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "GITHUB_WORKSPACE", workspace);
    inputs_run_set(&run, "INPUT_ENV-FILE", "folder");
    inputs_run_read(&run);
    assert_non_null(strstr(buf_str(&run.problems), "wants a regular file"));
    inputs_run_end(&run);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(workspace), 0);
}

/* ---- who runs this ---- */

static void the_run_link_comes_from_the_runner(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "GITHUB_SERVER_URL", "https://github.com");
    inputs_run_set(&run, "GITHUB_REPOSITORY", "org/repo");
    inputs_run_set(&run, "GITHUB_RUN_ID", "42");
    inputs_run_set(&run, "GITHUB_ACTOR", "octocat");
    inputs_run_read_good(&run);
    assert_string_equal(run.in.run_link, "https://github.com/org/repo/actions/runs/42");
    assert_string_equal(run.in.spec.run_link, run.in.run_link);
    assert_string_equal(run.in.actor, "octocat");
    inputs_run_end(&run);
}

static void elsewhere_the_run_link_names_user_and_machine(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "USER", "me");
    inputs_run_read_good(&run);
    assert_int_equal(strncmp(run.in.run_link, "me@", 3), 0);
    assert_true(strlen(run.in.run_link) > 3);
    inputs_run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_required_inputs_are_named),
        cmocka_unit_test(rollback_and_status_need_no_image),
        cmocka_unit_test(ports_follow_the_port),
        cmocka_unit_test(a_spare_port_must_be_a_neighbour_of_the_port),
        cmocka_unit_test(the_last_port_has_its_spare_one_before_it),
        cmocka_unit_test(registry_credentials_come_in_pairs),
        cmocka_unit_test(without_any_pin_the_error_says_how_to_get_one),
        cmocka_unit_test(known_hosts_alone_are_a_pin),
        cmocka_unit_test(known_hosts_of_other_hosts_are_no_pin),
        cmocka_unit_test(wrong_pins_name_the_input_and_the_line),
        cmocka_unit_test(a_key_that_cannot_be_used_is_an_error_of_its_own),
        cmocka_unit_test(an_encrypted_key_needs_a_passphrase),
        cmocka_unit_test(a_jump_host_takes_user_key_and_known_hosts_of_the_host),
        cmocka_unit_test(a_jump_host_with_its_own_key_does_not_take_the_passphrase),
        cmocka_unit_test(a_jump_host_without_pin_is_refused),
        cmocka_unit_test(wrong_pins_and_keys_of_the_jump_host_name_its_inputs),
        cmocka_unit_test(a_variable_in_env_and_secret_env_is_refused),
        cmocka_unit_test(env_and_secret_env_win_over_the_env_file),
        cmocka_unit_test(mistakes_in_the_env_file_name_its_line),
        cmocka_unit_test(an_env_file_outside_the_workspace_is_refused),
        cmocka_unit_test(a_missing_env_file_asks_for_the_checkout),
        cmocka_unit_test(a_folder_is_no_env_file),
        cmocka_unit_test(the_run_link_comes_from_the_runner),
        cmocka_unit_test(elsewhere_the_run_link_names_user_and_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
