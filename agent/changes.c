#include "agent/changes.h"

#include "agent/strategy.h"

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

static void describe_ports(const struct engine_container *c, char *out, size_t size)
{
    const struct json *bindings = json_path(c->raw, "HostConfig", "PortBindings", NULL);
    out[0] = '\0';
    for (const struct json *p = json_first(bindings); p; p = json_next(p))
        for (const struct json *b = json_first(p); b; b = json_next(b)) {
            size_t used = strlen(out);
            (void)snprintf(out + used, size - used, "%s%s->%s", used ? ", " : "", json_str(b, "HostPort", ""),
                           json_key(p));
        }
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

struct json *changes_describe(const struct run *run)
{
    struct json *changes = json_object();
    const struct engine_container *new = &run->cand.c;
    const char *old_image = "", *old_digest = "";
    char before[256], after[256];
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
    add_keys(changes, "env_added", new_env, old_env, false);
    if (!run->old.exists)
        return changes;
    add_keys(changes, "env_removed", old_env, new_env, false);
    add_keys(changes, "env_changed", new_env, old_env, true);
    describe_ports(&run->old.c, before, sizeof(before));
    describe_ports(new, after, sizeof(after));
    add_pair(changes, "ports", before, after);
    number(&run->old.c, "Memory", 1048576, " MiB", before, sizeof(before));
    number(new, "Memory", 1048576, " MiB", after, sizeof(after));
    add_pair(changes, "memory", before, after);
    number(&run->old.c, "NanoCpus", 1e9, "", before, sizeof(before));
    number(new, "NanoCpus", 1e9, "", after, sizeof(after));
    add_pair(changes, "cpus", before, after);
    return changes;
}
