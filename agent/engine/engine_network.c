#include "agent/engine/engine_internal.h"

/* Set at creation on networks whose subnet was chosen: an inspect does not tell that from one the engine chose. */
#define LABEL_SUBNET "io.bluegreen.subnet"

void engine_network_done(struct engine_network *n)
{
    json_free_p(&n->raw);
}

static const struct json *first_ipv4_config(const struct json *network)
{
    const struct json *list = json_path(network, "IPAM", "Config", NULL);
    for (const struct json *c = json_first(list); c; c = json_next(c)) {
        const char *subnet = json_str(c, "Subnet", "");
        if (*subnet && !strchr(subnet, ':'))
            return c;
    }
    return NULL;
}

int engine_network_inspect(struct engine *e, const char *name, struct engine_network *ret, struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    struct engine_answer answer;

    *ret = (struct engine_network){ 0 };
    int r = engine_path(&path, "/networks/", name, "", err);
    if (r < 0)
        return r;
    const struct engine_request request = { .method = "GET", .path = buf_str(&path), .accept = { 404 } };
    r = engine_call(e, &request, &answer, err);
    if (r < 0)
        return r;
    if (answer.status == 404)
        return 1;

    ret->raw = TAKE_PTR(answer.json);
    const struct json *j = ret->raw;
    const struct json *config = first_ipv4_config(j);
    engine_copy(ret->id, sizeof(ret->id), json_str(j, "Id", ""));
    engine_copy(ret->name, sizeof(ret->name), json_str(j, "Name", ""));
    engine_copy(ret->driver, sizeof(ret->driver), json_str(j, "Driver", ""));
    engine_copy(ret->subnet, sizeof(ret->subnet), json_str(config, "Subnet", ""));
    engine_copy(ret->gateway, sizeof(ret->gateway), json_str(config, "Gateway", ""));
    ret->internal = json_bool(j, "Internal", false);
    /* A subnet that the engine chose is always shown with a gateway, but for the default bridge's. */
    ret->subnet_configured = ret->subnet[0] && strcmp(ret->name, "bridge") != 0 &&
                             (json_path(j, "Labels", LABEL_SUBNET, NULL) || !ret->gateway[0]);
    return 0;
}

static struct json *create_body(const char *name, const char *subnet, const char *gateway, const struct json *labels)
{
    struct json *body = json_object();
    struct json *all_labels = labels ? json_copy(labels) : json_object();

    json_set_str(body, "Name", name);
    json_set_str(body, "Driver", "bridge");
    json_set_bool(body, "CheckDuplicate", true); /* always so from API 1.44 on */
    if (subnet) {
        struct json *config = json_object(), *list = json_array(), *ipam = json_object();
        json_set_str(config, "Subnet", subnet);
        if (gateway && *gateway)
            json_set_str(config, "Gateway", gateway);
        json_push(list, config);
        json_set(ipam, "Config", list);
        json_set(body, "IPAM", ipam);
        json_set_str(all_labels, LABEL_SUBNET, subnet);
    }
    json_set(body, "Labels", all_labels);
    return body;
}

int engine_network_create(struct engine *e, const char *name, const char *subnet, const char *gateway,
                          const struct json *labels, struct err *err)
{
    _cleanup_(json_free_p) struct json *body = create_body(name, subnet, gateway, labels);
    struct engine_request request = {
        .method = "POST", .path = "/networks/create", .timeout_ms = ENGINE_CHANGE_TIMEOUT_MS, .accept = { 409 }
    };
    struct engine_answer answer;

    int r = engine_call_json(e, &request, body, &answer, err);
    if (r < 0)
        return r;
    if (answer.status == 409 && !engine_words_have(answer.words, "already exists"))
        return engine_refused(&answer, NULL, "create network", name, err);
    engine_answer_done(&answer);
    return 0;
}

int engine_network_remove(struct engine *e, const char *name, struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    struct engine_answer answer;

    int r = engine_path(&path, "/networks/", name, "", err);
    if (r < 0)
        return r;
    const struct engine_request request = {
        .method = "DELETE", .path = buf_str(&path), .timeout_ms = ENGINE_CHANGE_TIMEOUT_MS, .accept = { 403, 404, 409 }
    };
    r = engine_call(e, &request, &answer, err);
    if (r < 0)
        return r;
    int status = answer.status;
    engine_answer_done(&answer);
    if (status == 403 || status == 409) {
        if (engine_words_have(answer.words, "active endpoints") || engine_words_have(answer.words, "in use"))
            return 1;
        return engine_refused(&answer, NULL, "remove network", name, err);
    }
    return 0;
}

/* Does the container have an endpoint on that network (name or id)? 1 yes, 0 no. */
static int is_connected(struct engine *e, const char *network, const char *container, struct err *err)
{
    struct engine_container c;
    int r = engine_container_inspect(e, container, &c, err);
    if (r != 0)
        return r < 0 ? r : 0;
    int found = 0;
    for (size_t i = 0; i < c.endpoint_count && !found; i++) {
        const struct engine_endpoint *p = &c.endpoints[i];
        bool same = strcmp(p->network, network) == 0 || (p->network_id[0] && strcmp(p->network_id, network) == 0);
        found = same && (p->ip[0] || !c.running);
    }
    engine_container_done(&c);
    return found;
}

static struct json *connect_body(const char *container, const char *static_ip, const struct json *aliases)
{
    struct json *body = json_object(), *endpoint = json_object();
    if (static_ip && *static_ip) {
        struct json *ipam = json_object();
        json_set_str(ipam, "IPv4Address", static_ip);
        json_set(endpoint, "IPAMConfig", ipam);
    }
    if (json_len(aliases))
        json_set(endpoint, "Aliases", json_copy(aliases));
    json_set_str(body, "Container", container);
    json_set(body, "EndpointConfig", endpoint);
    return body;
}

int engine_network_connect(struct engine *e, const char *network, const char *container, const char *static_ip,
                           const struct json *aliases, struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    _cleanup_(json_free_p) struct json *body = connect_body(container, static_ip, aliases);
    struct engine_answer answer;

    int r = engine_path(&path, "/networks/", network, "/connect", err);
    if (r < 0)
        return r;
    struct engine_request request = { .method = "POST",
                                      .path = buf_str(&path),
                                      .timeout_ms = ENGINE_CHANGE_TIMEOUT_MS,
                                      .accept = { 403, 409 },
                                      .kind_of = engine_words_connect };
    r = engine_call_json(e, &request, body, &answer, err);
    if (r < 0)
        return r;
    engine_answer_done(&answer);
    if (answer.status != 403 && answer.status != 409)
        return 0;
    /* "endpoint with name X already exists": ours, or a left-over of another container of that name. */
    if (engine_words_have(answer.words, "already exists in network") ||
        engine_words_have(answer.words, "already attached") || engine_words_have(answer.words, "already connected")) {
        r = is_connected(e, network, container, err);
        if (r != 0)
            return r < 0 ? r : 0;
    }
    return engine_refused(&answer, engine_words_connect, "connect container to network", network, err);
}

int engine_network_disconnect(struct engine *e, const char *network, const char *container, struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    _cleanup_(json_free_p) struct json *body = json_object();
    struct engine_answer answer;

    int r = engine_path(&path, "/networks/", network, "/disconnect", err);
    if (r < 0)
        return r;
    json_set_str(body, "Container", container);
    struct engine_request request = { .method = "POST",
                                      .path = buf_str(&path),
                                      .timeout_ms = ENGINE_CHANGE_TIMEOUT_MS,
                                      .accept = { 403, 404, 409, 500 } };
    r = engine_call_json(e, &request, body, &answer, err);
    if (r < 0)
        return r;
    engine_answer_done(&answer);
    if (answer.status < 400 || answer.status == 404 || engine_words_have(answer.words, "is not connected to"))
        return 0;
    return engine_refused(&answer, NULL, "disconnect container from network", network, err);
}
