#include "agent/traffic/ports.h"

#include "tests/unit/agent/host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static void a_listener_is_named(void **state)
{
    (void)state;
    int port, fd = host_listen(&port);
    struct buf owner = BUF_INIT(1024);
    char pid[32];
    (void)snprintf(pid, sizeof(pid), "(pid %d)", (int)getpid());
    assert_true(ports_listener(port, &owner));
    assert_ptr_equal(strstr(buf_str(&owner), "process 'unit_agent_port"), buf_str(&owner));
    assert_non_null(strstr(buf_str(&owner), pid));
    buf_done(&owner);
    close_p(&fd);
}

static void a_free_port_has_no_owner(void **state)
{
    (void)state;
    int port, fd = host_listen(&port);
    struct buf owner = BUF_INIT(1024);
    close_p(&fd);
    assert_false(ports_listener(port, &owner));
    assert_string_equal(buf_str(&owner), "");
}

static void a_listener_on_ipv6_counts(void **state)
{
    (void)state;
    struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    socklen_t len = sizeof(at);
    struct buf owner = BUF_INIT(1024);
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0) {
        close_p(&fd);
        skip(); /* a machine without IPv6 */
    }
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    assert_true(ports_listener(ntohs(at.sin6_port), &owner));
    buf_done(&owner);
    close_p(&fd);
}

static void a_connection_from_a_port_does_not_own_it(void **state)
{
    (void)state;
    int port, fd = host_listen(&port);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct buf owner = BUF_INIT(1024);
    socklen_t len = sizeof(to);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(getsockname(client, (struct sockaddr *)&to, &len), 0);
    assert_false(ports_listener(ntohs(to.sin_port), &owner));
    close_p(&client);
    close_p(&fd);
}

/* The containers of the host: one publishes `port`. */
static void publish(struct host *h, int port, const char *id, const char *type)
{
    char text[400];
    (void)snprintf(text, sizeof(text),
                   "[{\"Id\":\"other\",\"Names\":[\"/idle\"],\"Ports\":[{\"PrivatePort\":80,\"Type\":\"tcp\"}]},"
                   "{\"Id\":\"%s\",\"Names\":[\"/web\"],\"Image\":\"nginx:1\",\"Ports\":[{\"PrivatePort\":80,"
                   "\"PublicPort\":%d,\"Type\":\"%s\"}]}]",
                   id, port, type);
    fake_engine_reply(h->fake, "GET /containers/json", 200, text);
}

/* A port that nobody has, and a pair of settings for it. */
static int free_port(struct host *h)
{
    int port, fd = host_listen(&port);
    close_p(&fd);
    h->run.spec.port = port;
    return port;
}

static void free_ports_are_fine(void **state)
{
    struct host *h = *state;
    int port = free_port(h);
    fake_engine_reply(h->fake, "GET /containers/json", 200, "[]");
    host_assert_result(h, ports_check(&h->run, port, port, &h->err), 0);
}

static void the_container_that_has_the_port_is_named(void **state)
{
    struct host *h = *state;
    int port = free_port(h);
    publish(h, port, "abc", "tcp");
    int r = ports_check(&h->run, port, port, &h->err);
    assert_non_null(strstr(err_hint_text(&h->err), "'port'"));
    host_assert_err(h, r, ERR_PORT_TAKEN, "container 'web' (image nginx:1)");
}

static void the_spare_port_has_advice_of_its_own(void **state)
{
    struct host *h = *state;
    int port = free_port(h);
    publish(h, port + 1, "abc", "tcp");
    h->run.spec.port = port;
    int r = ports_check(&h->run, port, port + 1, &h->err);
    assert_non_null(strstr(err_hint_text(&h->err), "spare-port"));
    assert_int_equal(h->err.code, port + 1);
    host_assert_err(h, r, ERR_PORT_TAKEN, "handover needs the spare port");
}

static void the_version_that_serves_is_in_nobodys_way(void **state)
{
    struct host *h = *state;
    int port = free_port(h);
    publish(h, port, "abc", "tcp");
    h->run.old.exists = true;
    (void)snprintf(h->run.old.c.id, sizeof(h->run.old.c.id), "abc");
    host_assert_result(h, ports_check(&h->run, port, port, &h->err), 0);
    (void)snprintf(h->run.old.c.id, sizeof(h->run.old.c.id), "def");
    host_assert_err(h, ports_check(&h->run, port, port, &h->err), ERR_PORT_TAKEN, "'web'");
}

static void another_protocol_does_not_matter(void **state)
{
    struct host *h = *state;
    int port = free_port(h);
    publish(h, port, "abc", "udp");
    host_assert_result(h, ports_check(&h->run, port, port, &h->err), 0);
}

static void a_process_of_the_host_is_named(void **state)
{
    struct host *h = *state;
    int port, fd = host_listen(&port);
    h->run.spec.port = port;
    fake_engine_reply(h->fake, "GET /containers/json", 200, "[]");
    host_assert_err(h, ports_check(&h->run, port, port, &h->err), ERR_PORT_TAKEN,
                    "belongs to process 'unit_agent_port");
    close_p(&fd);
}

static void an_engine_that_does_not_tell_is_an_error(void **state)
{
    struct host *h = *state;
    int port = free_port(h);
    fake_engine_reply(h->fake, "GET /containers/json", 500, "{\"message\":\"boom\"}");
    host_assert_err(h, ports_check(&h->run, port, port, &h->err), ERR_DOCKER, "look for the owner");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listener_is_named),
        cmocka_unit_test(a_free_port_has_no_owner),
        cmocka_unit_test(a_listener_on_ipv6_counts),
        cmocka_unit_test(a_connection_from_a_port_does_not_own_it),
        ENGINE_CASE(free_ports_are_fine),
        ENGINE_CASE(the_container_that_has_the_port_is_named),
        ENGINE_CASE(the_spare_port_has_advice_of_its_own),
        ENGINE_CASE(the_version_that_serves_is_in_nobodys_way),
        ENGINE_CASE(another_protocol_does_not_matter),
        ENGINE_CASE(a_process_of_the_host_is_named),
        ENGINE_CASE(an_engine_that_does_not_tell_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
