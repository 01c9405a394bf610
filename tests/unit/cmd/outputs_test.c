#include "cmd/report/outputs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>

/* The outputs written for a report, as the runner's file holds them. */
static const char *write_outputs(const struct report *r, const char *bundle)
{
    static char text[65536];
    char path[64];
    struct github *g = NULL;
    struct err err = { 0 };
    int fd = memfd_create("output", MFD_CLOEXEC);
    ssize_t n = 0;

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    setenv("GITHUB_OUTPUT", path, 1);
    assert_int_equal(github_new(&g, fd, true, NULL, &err), 0);
    assert_int_equal(outputs_write(g, &(struct outputs_facts){ r, "", bundle, "s.md", NULL }, &err), 0);
    github_free(g);
    unsetenv("GITHUB_OUTPUT");
    n = pread(fd, text, sizeof(text) - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    close(fd);
    return text;
}

static void the_names_are_those_of_the_contract(void **state)
{
    static const char *const want[] = { "outcome",         "deployment-id",  "image-digest",  "previous-image",
                                        "cutover-seconds", "outage-seconds", "total-seconds", "rolled-back",
                                        "report-path",     "bundle-path",    "summary-path",  "artifact-id",
                                        "artifact-url",    "artifact-digest" };

    (void)state;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        assert_string_equal(outputs_name(i), want[i]);
    assert_null(outputs_name(sizeof(want) / sizeof(want[0])));
}

static void what_was_not_measured_is_empty(void **state)
{
    struct report r;

    (void)state;
    report_init(&r, WIRE_DEPLOY, "shop", "ID");
    r.outcome = OUTCOME_FAILED_UNTOUCHED;
    assert_string_equal(write_outputs(&r, ""),
                        "outcome=failed_untouched\ndeployment-id=ID\nimage-digest=\nprevious-image=\n"
                        "cutover-seconds=\noutage-seconds=\ntotal-seconds=\nrolled-back=false\nreport-path=\n"
                        "bundle-path=\nsummary-path=s.md\nartifact-id=\nartifact-url=\nartifact-digest=\n");
    report_done(&r);
}

static void rolled_back_is_true_for_that_outcome_only(void **state)
{
    struct report r;

    (void)state;
    report_init(&r, WIRE_DEPLOY, "shop", "ID");
    r.outcome = OUTCOME_ROLLED_BACK;
    assert_non_null(strstr(write_outputs(&r, ""), "\nrolled-back=true\n"));
    r.outcome = OUTCOME_ROLLBACK_FAILED;
    assert_non_null(strstr(write_outputs(&r, ""), "\nrolled-back=false\n"));
    report_done(&r);
}

static void an_uploaded_artifact_is_told(void **state)
{
    struct artifact artifact = { .id = "17", .url = "https://x/17", .digest = "sha256:ab", .bytes = 5 };
    struct report r;
    struct github *g = NULL;
    struct err err = { 0 };
    char path[64], text[4096];
    int fd = memfd_create("output", MFD_CLOEXEC);

    (void)state;
    report_init(&r, WIRE_DEPLOY, "shop", "ID");
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    setenv("GITHUB_OUTPUT", path, 1);
    assert_int_equal(github_new(&g, fd, true, NULL, &err), 0);
    assert_int_equal(outputs_write(g, &(struct outputs_facts){ &r, "", "", "", &artifact }, &err), 0);
    github_free(g);
    unsetenv("GITHUB_OUTPUT");
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    assert_true(n > 0);
    text[n] = '\0';
    assert_non_null(strstr(text, "\nartifact-id=17\nartifact-url=https://x/17\nartifact-digest=sha256:ab\n"));
    close(fd);
    report_done(&r);
}

static void words_of_the_host_cannot_add_an_output(void **state)
{
    struct report r;
    struct err err = { 0 };
    const char *text = NULL;

    (void)state;
    report_init(&r, WIRE_DEPLOY, "shop", "ID");
    assert_int_equal(json_parse(SPAN_LIT("{\"digest\":\"x\\noutcome=deployed\\n\"}"), &r.facts, &err), 0);
    text = write_outputs(&r, "");
    assert_non_null(strstr(text, "image-digest<<bluegreen_"));
    assert_non_null(strstr(text, "\nx\noutcome=deployed\nbluegreen_"));
    report_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_names_are_those_of_the_contract),       cmocka_unit_test(what_was_not_measured_is_empty),
        cmocka_unit_test(rolled_back_is_true_for_that_outcome_only), cmocka_unit_test(an_uploaded_artifact_is_told),
        cmocka_unit_test(words_of_the_host_cannot_add_an_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
