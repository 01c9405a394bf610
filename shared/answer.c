#include "shared/answer.h"

void answer_add(const struct event *ev, char name[ANSWER_NAME_SIZE], struct json **report)
{
    const struct json *part = json_get(ev->body, "report");
    const char *part_name = json_str(ev->body, "name", "");

    if (!*report || strcmp(part_name, name) != 0) {
        json_free(*report);
        *report = json_copy(part);
        (void)snprintf(name, ANSWER_NAME_SIZE, "%s", part_name);
        return;
    }
    struct json *all = json_member(*report, "entries");
    size_t n = json_len(all);
    if (!json_is_array(all))
        return;
    for (const struct json *e = json_first(json_get(part, "entries")); e && n < ANSWER_ENTRIES_MAX;
         e = json_next(e), n++)
        json_push(all, json_copy(e));
}
