#include "shared/answer.h"

#define NODE_BYTES 80 /* one value of a tree, without its texts; the allocator's part counts too */

static bool is_name(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz");

    return len > 0 && len < ANSWER_NAME_SIZE && name[len] == '\0';
}

/* Bytes are no measure: "[[],[],[]]" takes forty times its length. As deep as json_parse() lets a text be. */
static int64_t memory_of(const struct json *j)
{
    const char *key = json_key(j);
    int64_t sum = NODE_BYTES + (int64_t)(key ? strlen(key) : 0) + (int64_t)strlen(json_value_str(j, ""));

    for (const struct json *c = json_first(j); c; c = json_next(c))
        sum += memory_of(c);
    return sum;
}

/* Once something is left out, all behind it is: an answer has an end, and no holes. */
static void append(struct json *all, const struct json *entries, struct answer_size *size)
{
    for (const struct json *e = json_first(entries); e && !size->cut; e = json_next(e)) {
        int64_t memory = memory_of(e);
        size->cut = size->entries >= ANSWER_ENTRIES_MAX || memory > ANSWER_MEMORY_MAX - size->memory;
        if (size->cut)
            return;
        json_push(all, json_copy(e));
        size->entries++;
        size->memory += memory;
    }
}

void answer_add(const struct event *ev, char name[ANSWER_NAME_SIZE], struct json **report, struct answer_size *size)
{
    const struct json *part = json_get(ev->body, "report");
    const char *part_name = json_str(ev->body, "name", "");

    if (!is_name(part_name))
        return;
    if (!*report || strcmp(part_name, name) != 0) {
        const struct json *entries = json_get(part, "entries");
        json_free(*report);
        *report = json_copy(part);
        *size = (struct answer_size){ .entries = json_len(entries), .memory = entries ? memory_of(entries) : 0 };
        (void)snprintf(name, ANSWER_NAME_SIZE, "%s", part_name);
        return;
    }
    if (json_is_array(json_get(*report, "entries")))
        append(json_member(*report, "entries"), json_get(part, "entries"), size);
}
