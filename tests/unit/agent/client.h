/* A client of the protocol, at the other end of an agent in a process of its own (docs/protocol.md). */
#ifndef BLUEGREEN_TEST_CLIENT_H
#define BLUEGREEN_TEST_CLIENT_H

#include "agent/serve.h"
#include "tests/unit/agent/host.h"

#define CLIENT_WAIT_MS 20000 /* far more than anything here takes */
#define CLIENT_ENGINE_INFO "{\"ServerVersion\":\"20.10.24\",\"DockerRootDir\":\"/tmp\",\"Architecture\":\"x86_64\"}"
#define CLIENT_SECRET "hunter2-canary" /* registry password and secret variable of every deployment */

struct client {
    int fd;
    pid_t pid; /* of the agent */
    struct buf in;
    struct event ev; /* the last one */
};

/* For cmocka: a state root, and a DOCKER_HOST with nobody there, or with an engine that has no container at all. */
int client_set_up_alone(void **state);
int client_set_up_engine(void **state);
int client_tear_down(void **state);

#define ALONE_CASE(name) cmocka_unit_test_setup_teardown(name, client_set_up_alone, client_tear_down)
#define EMPTY_CASE(name) cmocka_unit_test_setup_teardown(name, client_set_up_engine, client_tear_down)

void client_open(struct client *c);
/* The same, and hello is read. */
void client_open_greeted(struct client *c);
/* The exit status of the agent: 0 or the kind of its error. */
int client_close(struct client *c);

/* The signal by which the agent ends. */
int client_end_by_signal(struct client *c);

void client_send(struct client *c, struct span bytes);
void client_request(struct client *c, enum wire_op op, const char *id, uint64_t from);
void client_add_request(struct buf *out, enum wire_op op, const char *id, uint64_t from);

/* More bytes; false at the end of the channel. */
bool client_read(struct client *c);
/* The next event; false at the end of the channel. */
bool client_next(struct client *c);
/* It is of this kind. */
void client_expect(struct client *c, enum event_kind kind);
/* Skip to the next event of this kind. */
void client_await(struct client *c, enum event_kind kind);
/* The outcome that comes next, whatever stands before it, and the end. kind "": without an error. */
void client_expect_outcome(struct client *c, const char *outcome, const char *kind);
/* The events up to the end are numbered from, from + 1, …: the number of the last one. */
uint64_t client_read_numbered(struct client *c, uint64_t from);
/* Deploy HOST_ID and read how it fails. */
void client_deploy_without_engine(struct client *c);

#endif
