#include "agent/watch/changes.h"

#include "agent/traffic/strategy.h"

#include <inttypes.h>

static struct json *pair(const char *before, const char *after)
{
    struct json *a = json_array();
    json_push_str(a, before);
    json_push_str(a, after);
    return a;
}

static void add_pair(struct json *changes, const char *key, const char *before, const char *after)
{
    if (strcmp(before, after) != 0)
        json_set(changes, key, pair(before, after));
}

static struct span key_of(const char *line)
{
    const char *eq = strchr(line, '=');
    return (struct span){ line, eq ? (size_t)(eq - line) : strlen(line) };
}

static const char *find_key(const struct json *env, struct span key)
{
    for (const struct json *e = json_first(env); e; e = json_next(e)) {
        const char *line = json_value_str(e, "");
        struct span k = key_of(line);
        if (k.len == key.len && memcmp(k.ptr, key.ptr, key.len) == 0)
            return line;
    }
    return NULL;
}

/* Keys of `from` that `in` lacks, or (differing) that both have with other values. */
static void add_keys(struct json *changes, const char *name, const struct json *from, const struct json *in,
                     bool differing)
{
    struct json *keys = json_array();
    for (const struct json *e = json_first(from); e; e = json_next(e)) {
        const char *line = json_value_str(e, "");
        struct span key = key_of(line);
        const char *other = find_key(in, key);
        if (differing ? other && strcmp(other, line) != 0 : !other) {
            char text[256];
            (void)snprintf(text, sizeof(text), "%.*s", (int)(key.len < 255 ? key.len : 255), key.ptr);
            json_push_str(keys, text);
        }
    }
    if (json_len(keys) > 0)
        json_set(changes, name, keys);
    else
        json_free(keys);
}

/* Append a word to a list "a, b"; what does not fit is cut. */
static void add_word(char *out, size_t size, const char *word, const char *arrow, const char *target)
{
    size_t used = strlen(out);
    (void)snprintf(out + used, size - used, "%s%s%s%s", used ? ", " : "", word, arrow, target);
}

static void describe_ports(const struct engine_container *c, char *out, size_t size)
{
    const struct json *bindings = json_path(c->raw, "HostConfig", "PortBindings", NULL);
    for (const struct json *p = json_first(bindings); p; p = json_next(p))
        for (const struct json *b = json_first(p); b; b = json_next(b))
            add_word(out, size, json_str(b, "HostPort", ""), "->", json_key(p));
}

static void number(const struct engine_container *c, const char *key, double unit, const char *suffix, char *out,
                   size_t size)
{
    double v = json_num(json_get(c->raw, "HostConfig"), key, 0);
    if (v > 0)
        (void)snprintf(out, size, "%g%s", v / unit, suffix);
    else
        (void)snprintf(out, size, "no limit");
}

static void describe_memory(const struct engine_container *c, char *out, size_t size)
{
    number(c, "Memory", 1048576, " MiB", out, size);
}

static void describe_cpus(const struct engine_container *c, char *out, size_t size)
{
    number(c, "NanoCpus", 1e9, "", out, size);
}

static void describe_volumes(const struct engine_container *c, char *out, size_t size)
{
    for (const struct json *v = json_first(json_path(c->raw, "HostConfig", "Binds", NULL)); v; v = json_next(v))
        add_word(out, size, json_value_str(v, ""), "", "");
}

static void describe_user(const struct engine_container *c, char *out, size_t size)
{
    (void)snprintf(out, size, "%s", json_value_str(json_path(c->raw, "Config", "User", NULL), ""));
}

static void describe_read_only(const struct engine_container *c, char *out, size_t size)
{
    bool on = json_value_bool(json_path(c->raw, "HostConfig", "ReadonlyRootfs", NULL), false);
    (void)snprintf(out, size, "%s", on ? "yes" : "no");
}

/* What can be told of a container's settings. */
static const struct setting {
    const char *key;
    void (*describe)(const struct engine_container *c, char *out, size_t size);
    bool kept; /* worth telling when it is as before */
} settings[] = {
    { "ports", describe_ports, true }, { "memory", describe_memory, true },
    { "cpus", describe_cpus, true },   { "volumes", describe_volumes, true },
    { "user", describe_user, false },  { "read_only", describe_read_only, false },
};

static void add_settings(struct json *changes, const struct run *run)
{
    struct json *kept = json_object();
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        const struct setting *s = &settings[i];
        char before[256] = "", now[256] = "";
        s->describe(&run->cand.c, now, sizeof(now));
        if (run->old.exists)
            s->describe(&run->old.c, before, sizeof(before));
        if (run->old.exists && strcmp(before, now) == 0 && s->kept && now[0])
            json_set_str(kept, s->key, now);
        else if (run->old.exists || s->kept)
            add_pair(changes, s->key, before, now);
    }
    if (json_len(kept) > 0)
        json_set(changes, "kept", kept);
    else
        json_free(kept);
}

/* Arguments may hold what nobody should read: only how many there are is told. */
static void add_arguments(struct json *changes, const struct run *run)
{
    const struct json *old = json_path(run->old.c.raw, "Config", "Cmd", NULL);
    const struct json *new = json_path(run->cand.c.raw, "Config", "Cmd", NULL);
    const struct json *a = json_first(old), *b = json_first(new);
    char before[40], now[40];
    while (a && b && strcmp(json_value_str(a, ""), json_value_str(b, "")) == 0) {
        a = json_next(a);
        b = json_next(b);
    }
    if (!a && !b)
        return;
    (void)snprintf(before, sizeof(before), "%zu", json_len(old));
    (void)snprintf(now, sizeof(now), "%zu%s", json_len(new), json_len(old) == json_len(new) ? " other" : "");
    json_set(changes, "arguments", pair(before, now));
}

struct json *changes_describe(const struct run *run)
{
    struct json *changes = json_object();
    const struct engine_container *new = &run->cand.c;
    const char *old_image = "", *old_digest = "";
    if (run->old.exists) {
        old_image = engine_container_label(&run->old.c, CONTAINER_LABEL_IMAGE);
        old_digest = engine_container_label(&run->old.c, CONTAINER_LABEL_DIGEST);
        if (!old_image[0])
            old_image = run->old.c.image;
    }
    add_pair(changes, "image", old_image, engine_container_label(new, CONTAINER_LABEL_IMAGE));
    add_pair(changes, "digest", old_digest, engine_container_label(new, CONTAINER_LABEL_DIGEST));
    const struct json *new_env = json_path(new->raw, "Config", "Env", NULL);
    const struct json *old_env = run->old.exists ? json_path(run->old.c.raw, "Config", "Env", NULL) : NULL;
    add_settings(changes, run);
    add_keys(changes, "env_added", new_env, old_env, false);
    if (!run->old.exists)
        return changes;
    add_keys(changes, "env_removed", old_env, new_env, false);
    add_keys(changes, "env_changed", new_env, old_env, true);
    add_arguments(changes, run);
    add_pair(changes, "restart_policy", run->old_policy, run->final_policy);
    return changes;
}
