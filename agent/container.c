#include "agent/container.h"

#include "agent/engine/engine.h"

bool container_label_is_ours(const char *label)
{
    return strncmp(label, CONTAINER_LABEL_PREFIX, sizeof(CONTAINER_LABEL_PREFIX) - 1) == 0;
}

static bool is_set(const char *s)
{
    return s && *s;
}

/* Length of KEY in KEY=VALUE. */
static size_t key_len(const char *line)
{
    return strcspn(line, "=");
}

static bool same_key(const char *a, const char *b)
{
    size_t len = key_len(a);
    return len == key_len(b) && memcmp(a, b, len) == 0;
}

static bool repeats_later(const struct strlist *l, size_t from, const char *line)
{
    for (size_t i = from; i < l->len; i++)
        if (same_key(l->items[i], line))
            return true;
    return false;
}

/* One line a key: with two, getenv() in the container would find the first. */
static struct json *env_json(const struct spec *spec)
{
    struct json *list = json_array();
    for (size_t i = 0; i < spec->env.len; i++)
        if (!repeats_later(&spec->env, i + 1, spec->env.items[i]) &&
            !repeats_later(&spec->secret_env, 0, spec->env.items[i]))
            json_push_str(list, spec->env.items[i]);
    for (size_t i = 0; i < spec->secret_env.len; i++)
        if (!repeats_later(&spec->secret_env, i + 1, spec->secret_env.items[i]))
            json_push_str(list, spec->secret_env.items[i]);
    return list;
}

static struct json *strings_json(const struct strlist *l)
{
    struct json *list = json_array();
    for (size_t i = 0; i < l->len; i++)
        json_push_str(list, l->items[i]);
    return list;
}

static int add_user_labels(struct json *labels, const struct strlist *l, struct err *err)
{
    for (size_t i = 0; i < l->len; i++) {
        struct span rest = span_of(l->items[i]);
        size_t len = key_len(l->items[i]);
        if (len == 0 || len == rest.len)
            return err_set(err, ERR_INPUT, 0, "label '%.80s' is not KEY=VALUE", l->items[i]);
        if (container_label_is_ours(l->items[i])) {
            int r = err_set(err, ERR_INPUT, 0, "label '%.*s' begins with %s, which is kept for this action",
                            (int)(len < 80 ? len : 80), l->items[i], CONTAINER_LABEL_PREFIX);
            err_hint(err, "Choose another name in the input `labels`.");
            return r;
        }
        _cleanup_(free_p) char *key = span_dup((struct span){ .ptr = rest.ptr, .len = len });
        if (!key)
            return err_set(err, ERR_NOMEM, 0, "out of memory");
        json_set_str(labels, key, l->items[i] + len + 1);
    }
    return 0;
}

static int labels_json(const struct container_plan *p, struct json **ret, struct err *err)
{
    _cleanup_(json_free_p) struct json *labels = json_object();
    int r = add_user_labels(labels, &p->spec->labels, err);
    if (r < 0)
        return r;
    json_set_str(labels, CONTAINER_LABEL_APP, p->spec->app);
    json_set_str(labels, CONTAINER_LABEL_DEPLOYMENT, p->deployment);
    json_set_str(labels, CONTAINER_LABEL_ROLE, CONTAINER_ROLE_VERSION);
    json_set_str(labels, CONTAINER_LABEL_DIGEST, p->digest ? p->digest : "");
    json_set_str(labels, CONTAINER_LABEL_IMAGE, p->spec->image);
    json_set_str(labels, CONTAINER_LABEL_CONFIG, p->fingerprint);
    json_set_str(labels, CONTAINER_LABEL_STRATEGY, p->spec->strategy);
    if (is_set(p->previous))
        json_set_str(labels, CONTAINER_LABEL_PREVIOUS, p->previous);
    *ret = TAKE_PTR(labels);
    return 0;
}

/* {KEY: [{"HostPort": "8080-8081"}]} */
static struct json *port_bindings_json(const struct container_plan *p, const char *key)
{
    char ports[24];
    struct json *binding = json_object(), *list = json_array(), *bindings = json_object();
    if (p->port_last > p->port_first)
        (void)snprintf(ports, sizeof(ports), "%d-%d", p->port_first, p->port_last); /* fits any two ints */
    else
        (void)snprintf(ports, sizeof(ports), "%d", p->port_first);
    json_set_str(binding, "HostPort", ports);
    json_push(list, binding);
    json_set(bindings, key, list);
    return bindings;
}

static struct json *host_config_json(const struct container_plan *p, const char *port_key)
{
    const struct spec *s = p->spec;
    struct json *host = json_object();
    if (p->port_first)
        json_set(host, "PortBindings", port_bindings_json(p, port_key));
    json_set(host, "RestartPolicy", engine_restart_policy(is_set(p->restart_policy) ? p->restart_policy : "no"));
    if (s->volumes.len)
        json_set(host, "Binds", strings_json(&s->volumes));
    if (s->memory_bytes > 0)
        json_set_int(host, "Memory", s->memory_bytes);
    if (s->nano_cpus > 0)
        json_set_int(host, "NanoCpus", s->nano_cpus);
    if (s->read_only)
        json_set_bool(host, "ReadonlyRootfs", true);
    if (is_set(p->network))
        json_set_str(host, "NetworkMode", p->network);
    return host;
}

/* Aliases and fixed addresses exist on user-defined networks only. */
static bool is_user_defined(const char *network)
{
    return is_set(network) && strcmp(network, "bridge") != 0 && strcmp(network, "host") != 0 &&
           strcmp(network, "none") != 0 && strcmp(network, "default") != 0 && strncmp(network, "container:", 10) != 0;
}

static struct json *networking_json(const struct container_plan *p)
{
    struct json *endpoint = json_object(), *endpoints = json_object(), *networking = json_object();
    struct json *aliases = json_array();
    if (is_set(p->static_ip)) {
        struct json *ipam = json_object();
        json_set_str(ipam, "IPv4Address", p->static_ip);
        json_set(endpoint, "IPAMConfig", ipam);
    }
    json_push_str(aliases, p->spec->app);
    json_set(endpoint, "Aliases", aliases);
    json_set(endpoints, p->network, endpoint);
    json_set(networking, "EndpointsConfig", endpoints);
    return networking;
}

static int check(const struct container_plan *p, struct err *err)
{
    if (!p->spec || !is_set(p->image_ref) || !is_set(p->deployment) || !is_set(p->fingerprint))
        return err_set(err, ERR_BUG, 0, "a container was planned without image, deployment or fingerprint");
    if (p->port_first < 0 || p->port_first > 65535 || p->port_last > 65535 ||
        (p->port_first && p->port_last < p->port_first))
        return err_set(err, ERR_BUG, 0, "a container was planned with ports %d to %d", p->port_first, p->port_last);
    if (p->spec->container_port < 1 || p->spec->container_port > 65535)
        return err_set(err, ERR_BUG, 0, "a container was planned with container port %lld",
                       (long long)p->spec->container_port);
    if (is_set(p->static_ip) && !is_user_defined(p->network))
        return err_set(err, ERR_BUG, 0, "a fixed address was planned on a network that has none");
    return 0;
}

int container_plan_to_json(const struct container_plan *p, struct json **ret, struct err *err)
{
    struct json *labels = NULL;
    char port_key[24];

    int r = check(p, err);
    if (r == 0)
        r = labels_json(p, &labels, err);
    if (r < 0)
        return r;
    const struct spec *s = p->spec;
    struct json *body = json_object(), *exposed = json_object();
    (void)snprintf(port_key, sizeof(port_key), "%d/tcp", (int)s->container_port); /* checked above */
    json_set(exposed, port_key, json_object());

    json_set_str(body, "Image", p->image_ref);
    json_set(body, "Env", env_json(s));
    if (s->args.len)
        json_set(body, "Cmd", strings_json(&s->args));
    if (is_set(s->user))
        json_set_str(body, "User", s->user);
    json_set(body, "ExposedPorts", exposed);
    if (s->stop_timeout_s >= 0)
        json_set_int(body, "StopTimeout", s->stop_timeout_s);
    json_set(body, "Labels", labels);
    json_set(body, "HostConfig", host_config_json(p, port_key));
    if (is_user_defined(p->network))
        json_set(body, "NetworkingConfig", networking_json(p));
    *ret = body;
    return 0;
}
