/*
 * What the tests of the agent's core share: a state root of their own, one run in it, a fake engine where wanted, and a
 * look at what the run told.
 */
#ifndef BLUEGREEN_TEST_HOST_H
#define BLUEGREEN_TEST_HOST_H

#include "agent/run.h"
#include "agent/state/store.h"
#include "tests/unit/agent/fake_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HOST_APP "shop"
#define HOST_ID "20260129-031002-abc123"
#define HOST_STAMP "20260129-031002"

struct host {
    char root[40]; /* BLUEGREEN_HOME */
    struct fake_engine *fake;
    struct run run; /* of HOST_APP and HOST_ID: folder, event log, journal and redactor are open */
    struct err err;
    char text[2048];
};

/* For cmocka: an empty state root; with a run in it; with a fake engine as well, which the run talks to. */
int host_set_up_root(void **state);
int host_set_up_run(void **state);
int host_set_up_engine(void **state);
/* With a run, and a fake engine without containers that is found by DOCKER_HOST, as what answers a question looks for it. */
int host_set_up_found_engine(void **state);
int host_tear_down(void **state);

#define ROOT_CASE(name) cmocka_unit_test_setup_teardown(name, host_set_up_root, host_tear_down)
#define RUN_CASE(name) cmocka_unit_test_setup_teardown(name, host_set_up_run, host_tear_down)
#define ENGINE_CASE(name) cmocka_unit_test_setup_teardown(name, host_set_up_engine, host_tear_down)

/* The error has this kind and its whole text holds the word; it is cleared. */
void host_assert_err(struct host *h, int r, enum err_kind kind, const char *word);
/* A result that is no failure. */
void host_assert_result(struct host *h, int r, int want);

/* The events of a deployment's folder as "kind" or "kind:step", one after another with blanks between them. */
const char *host_kinds(int dir_fd, struct buf *out);
/* The body of the newest event of that kind; the caller frees. NULL: there is none. */
struct json *host_event(int dir_fd, enum event_kind kind);
/* The records of a journal as "what step", with commas between them. */
const char *host_journal(int dir_fd, struct buf *out);
/* A whole file; it must be there. */
const char *host_read(int dir_fd, const char *name, struct buf *out);
void host_write(int dir_fd, const char *name, const char *text);
struct json *host_parse(const char *text);

/* A TCP socket that listens on a free port of the loopback address. */
int host_listen(int *port);

/*
 * What a full disk does: writes beyond this size of a file fail. `bytes` -1 lifts it. The signal that comes with it is
 * ignored.
 */
void host_limit_files(int64_t bytes);

#endif
