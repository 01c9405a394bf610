#include "agent/watch/changes.h"

#include "agent/traffic/strategy.h"

#include <inttypes.h>

#define KEYS_BYTES_MAX 6000 /* of a list: three of them fit an event's line with all the rest */

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
    size_t bytes = 0, unnamed = 0;
    for (const struct json *e = json_first(from); e; e = json_next(e)) {
        const char *line = json_value_str(e, "");
        struct span key = key_of(line);
        const char *other = find_key(in, key);
        if (differing ? other && strcmp(other, line) != 0 : !other) {
            char text[256];
            (void)snprintf(text, sizeof(text), "%.*s", (int)(key.len < 255 ? key.len : 255), key.ptr);
            bytes += strlen(text);
            if (bytes <= KEYS_BYTES_MAX)
                json_push_str(keys, text);
            else
                unnamed++;
        }
    }
    if (unnamed) {
        char text[40];
        (void)snprintf(text, sizeof(text), "(and %zu more)", unnamed);
        json_push_str(keys, text);
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

static void describe_ports(const struct json *c, char *out, size_t size)
{
    const struct json *bindings = json_path(c, "HostConfig", "PortBindings", NULL);
    for (const struct json *p = json_first(bindings); p; p = json_next(p))
        for (const struct json *b = json_first(p); b; b = json_next(b))
            add_word(out, size, json_str(b, "HostPort", ""), "->", json_key(p));
}

static void number(const struct json *c, const char *key, double unit, const char *suffix, char *out, size_t size)
{
    double v = json_num(json_get(c, "HostConfig"), key, 0);
    if (v > 0)
        (void)snprintf(out, size, "%g%s", v / unit, suffix);
    else
        (void)snprintf(out, size, "no limit");
}

static void describe_memory(const struct json *c, char *out, size_t size)
{
    number(c, "Memory", 1048576, " MiB", out, size);
}

static void describe_cpus(const struct json *c, char *out, size_t size)
{
    number(c, "NanoCpus", 1e9, "", out, size);
}

static void describe_volumes(const struct json *c, char *out, size_t size)
{
    for (const struct json *v = json_first(json_path(c, "HostConfig", "Binds", NULL)); v; v = json_next(v))
        add_word(out, size, json_value_str(v, ""), "", "");
}

static void describe_user(const struct json *c, char *out, size_t size)
{
    (void)snprintf(out, size, "%s", json_value_str(json_path(c, "Config", "User", NULL), ""));
}

static void describe_read_only(const struct json *c, char *out, size_t size)
{
    bool on = json_value_bool(json_path(c, "HostConfig", "ReadonlyRootfs", NULL), false);
    (void)snprintf(out, size, "%s", on ? "yes" : "no");
}

/* What can be told of a container's settings. */
static const struct setting {
    const char *key;
    void (*describe)(const struct json *c, char *out, size_t size);
    bool kept; /* worth telling when it is as before */
} settings[] = {
    { "ports", describe_ports, true }, { "memory", describe_memory, true },
    { "cpus", describe_cpus, true },   { "volumes", describe_volumes, true },
    { "user", describe_user, false },  { "read_only", describe_read_only, false },
};

static void add_settings(struct json *changes, const struct changes_side *old, const struct changes_side *new)
{
    struct json *kept = json_object();
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        const struct setting *s = &settings[i];
        char before[256] = "", now[256] = "";
        s->describe(new->inspected, now, sizeof(now));
        if (old)
            s->describe(old->inspected, before, sizeof(before));
        if (old && strcmp(before, now) == 0 && s->kept && now[0])
            json_set_str(kept, s->key, now);
        else if (old || s->kept)
            add_pair(changes, s->key, before, now);
    }
    if (json_len(kept) > 0)
        json_set(changes, "kept", kept);
    else
        json_free(kept);
}

/* Arguments may hold what nobody should read: only how many there are is told. */
static void add_arguments(struct json *changes, const struct changes_side *old_side,
                          const struct changes_side *new_side)
{
    const struct json *old = json_path(old_side->inspected, "Config", "Cmd", NULL);
    const struct json *new = json_path(new_side->inspected, "Config", "Cmd", NULL);
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

struct json *changes_between(const struct changes_side *old, const struct changes_side *new)
{
    struct json *changes = json_object();
    add_pair(changes, "image", old ? old->image : "", new->image);
    add_pair(changes, "digest", old ? old->digest : "", new->digest);
    const struct json *new_env = json_path(new->inspected, "Config", "Env", NULL);
    const struct json *old_env = old ? json_path(old->inspected, "Config", "Env", NULL) : NULL;
    add_settings(changes, old, new);
    add_keys(changes, "env_added", new_env, old_env, false);
    if (!old)
        return changes;
    add_keys(changes, "env_removed", old_env, new_env, false);
    add_keys(changes, "env_changed", new_env, old_env, true);
    add_arguments(changes, old, new);
    add_pair(changes, "restart_policy", old->restart_policy, new->restart_policy);
    return changes;
}

struct changes_side changes_side_of(const struct run_version *v, const char *restart_policy)
{
    const char *image = engine_container_label(&v->c, CONTAINER_LABEL_IMAGE);
    return (struct changes_side){
        .inspected = v->c.raw,
        .image = image,
        .digest = engine_container_label(&v->c, CONTAINER_LABEL_DIGEST),
        .restart_policy = restart_policy,
    };
}

struct json *changes_describe(const struct run *run)
{
    const struct changes_side new = changes_side_of(&run->cand, run->final_policy);
    struct changes_side old;
    if (!run->old.exists)
        return changes_between(NULL, &new);
    old = changes_side_of(&run->old, run->old_policy);
    if (!old.image[0])
        old.image = run->old.c.image; /* made by hand */
    return changes_between(&old, &new);
}
