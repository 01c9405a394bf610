/* What the tests of the engine door's calls share: a fake engine of API 1.41 and a connection to it. */
#ifndef BLUEGREEN_TEST_ENGINE_FIXTURE_H
#define BLUEGREEN_TEST_ENGINE_FIXTURE_H

#include "agent/engine/engine_internal.h"
#include "tests/unit/agent/fake_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
    struct fake_engine *fake;
    struct engine *engine;
    struct err err;
    char text[2048];
};

static inline int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->fake = fake_engine_start("1.41");
    assert_int_equal(engine_open(&f->engine, fake_engine_socket(f->fake), NULL, &f->err), 0);
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;
    engine_free(f->engine);
    fake_engine_stop(f->fake);
    free(f);
    return 0;
}

/* The error has this kind, and its whole text holds the word. */
static inline void assert_err(struct fixture *f, int r, enum err_kind kind, const char *word)
{
    (void)err_text(&f->err, f->text, sizeof(f->text));
    if (r != -(int)kind || f->err.kind != kind)
        fail_msg("got %d (%s), wanted %s: %s", r, err_kind_name(f->err.kind), err_kind_name(kind), f->text);
    if (!strstr(f->text, word))
        fail_msg("'%s' does not say '%s'", f->text, word);
    err_clear(&f->err);
}

/* A result that is no failure. */
static inline void assert_result(struct fixture *f, int r, int want)
{
    if (r != want)
        fail_msg("got %d, wanted %d: %s", r, want, r < 0 ? err_text(&f->err, f->text, sizeof(f->text)) : "");
}

static inline void assert_asked(struct fixture *f, const char *request, size_t times)
{
    if (fake_engine_count(f->fake, request) != times)
        fail_msg("'%s' was not asked %zu times: %s", request, times, fake_engine_seen(f->fake));
}

static inline void assert_seen(struct fixture *f, const char *text)
{
    if (!strstr(fake_engine_seen(f->fake), text))
        fail_msg("'%s' is not in: %s", text, fake_engine_seen(f->fake));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
