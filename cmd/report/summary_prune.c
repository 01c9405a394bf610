/* The answer to `command: prune`: what goes and why, what stays and why. */
#include "cmd/report/summary_parts.h"

static const struct {
    const char *list, *what, *name;
} kinds[] = {
    { "containers", "container", "name" },
    { "images", "image", "reference" },
    { "records", "record", "deployment" },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void row(const struct markdown *m, const char *what, const char *name, const struct json *t)
{
    markdown_rawf(m, "| %s | ", what);
    markdown_code(m, json_str(t, name, ""));
    markdown_raw(m, " | ");
    markdown_bytes(m, json_num(t, "bytes", -1));
    markdown_raw(m, " | ");
    markdown_text(m, json_str(t, "reason", ""));
    markdown_raw(m, " |\n");
}

void summary_prune_table(const struct markdown *m, const struct json *prune)
{
    size_t left_out = 0;

    if (!json_len(json_get(prune, "containers")) && !json_len(json_get(prune, "images")) &&
        !json_len(json_get(prune, "records")))
        return;
    markdown_raw(m, json_bool(prune, "dry_run", false) ? "### What would be removed\n\n" : "### What was removed\n\n");
    markdown_raw(m, "| What | Name | Size | Why |\n|---|---|--:|---|\n");
    for (size_t i = 0; i < KINDS; i++) {
        const struct json *list = json_get(prune, kinds[i].list), *t = NULL;
        size_t n = 0;
        for (t = json_first(list); t && n < SUMMARY_ROWS_MAX; t = json_next(t), n++)
            row(m, kinds[i].what, kinds[i].name, t);
        left_out += json_len(list) - n;
    }
    markdown_raw(m, "\n");
    if (left_out)
        markdown_rawf(m, "And %zu more.\n\n", left_out);
}

void summary_part_prune(const struct markdown *m, const struct report *r)
{
    const struct json *kept = json_get(r->answer, "kept"), *k = NULL;
    size_t n = 0;

    summary_prune_table(m, r->answer);
    if (!json_len(kept))
        return;
    markdown_rawf(m, "<details><summary>What stays (%zu)</summary>\n\n| What | Why |\n|---|---|\n", json_len(kept));
    for (k = json_first(kept); k && n < SUMMARY_ROWS_MAX; k = json_next(k), n++) {
        markdown_raw(m, "| ");
        markdown_text(m, json_str(k, "what", ""));
        markdown_raw(m, " | ");
        markdown_text(m, json_str(k, "why", ""));
        markdown_raw(m, " |\n");
    }
    markdown_raw(m, "\n</details>\n\n");
}
