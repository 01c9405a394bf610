#include "tests/unit/cmd/inputs_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

const char *inputs_run_env(void *ctx, const char *name)
{
    const struct inputs_run *run = ctx;
    for (size_t i = 0; i < run->count; i++)
        if (strcmp(run->names[i], name) == 0)
            return run->values[i];
    return NULL;
}

void inputs_run_set(struct inputs_run *run, const char *name, const char *value)
{
    size_t i = 0;
    while (i < run->count && strcmp(run->names[i], name) != 0)
        i++;
    assert_true(i < INPUTS_RUN_VARS_MAX);
    run->names[i] = name;
    run->values[i] = value;
    if (i == run->count)
        run->count++;
}

void inputs_run_begin(struct inputs_run *run)
{
    *run = (struct inputs_run){ .problems = BUF_INIT(65536) };
    inputs_run_set(run, "INPUT_HOST", "web1.example.com");
    inputs_run_set(run, "INPUT_SSH-KEY", KEY);
    inputs_run_set(run, "INPUT_HOST-FINGERPRINT", PIN);
    inputs_run_set(run, "INPUT_APP", "shop");
    inputs_run_set(run, "INPUT_IMAGE", "registry.example.com/shop:1");
}

void inputs_run_read(struct inputs_run *run)
{
    assert_int_equal(redactor_new(&run->redactor, NULL), 0);
    struct inputs_source source;
    inputs_source_init(&source, inputs_run_env, run);
    run->result = inputs_read(&source, &run->in, run->redactor, &run->problems, &run->err);
}

void inputs_run_each_secret(struct inputs_run *run, void (*visit)(void *vctx, const char *value), void *vctx)
{
    struct inputs_source source;
    inputs_source_init(&source, inputs_run_env, run);
    inputs_each_secret(&source, visit, vctx);
}

void inputs_run_end(struct inputs_run *run)
{
    inputs_done(&run->in);
    redactor_free(run->redactor);
    buf_done(&run->problems);
}

void inputs_run_read_good(struct inputs_run *run)
{
    inputs_run_read(run);
    if (run->result != 0 || run->problems.len > 0)
        fail_msg("refused (%d): %s", run->result, buf_str(&run->problems));
}

void inputs_run_assert_problem(const char *name, const char *value, const char *want)
{
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, name, value);
    inputs_run_read(&run);
    assert_int_equal(run.result, -ERR_INPUT);
    assert_string_equal(buf_str(&run.problems), want);
    char text[512];
    assert_int_equal(
        strncmp(err_text(&run.err, text, sizeof(text)), want, strcspn(want, "\n") < 300 ? strcspn(want, "\n") : 300),
        0);
    inputs_run_end(&run);
}

void inputs_run_assert_problem_has(const char *name, const char *value, const char *part)
{
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, name, value);
    inputs_run_read(&run);
    assert_true(run.result < 0);
    if (!strstr(buf_str(&run.problems), part))
        fail_msg("'%s' is not in: %s", part, buf_str(&run.problems));
    const char *lf = strchr(buf_str(&run.problems), '\n');
    assert_non_null(lf);
    assert_string_equal(lf, "\n"); /* one problem */
    inputs_run_end(&run);
}

void inputs_run_assert_good(const char *name, const char *value)
{
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, name, value);
    inputs_run_read_good(&run);
    inputs_run_end(&run);
}
