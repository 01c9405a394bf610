/*
 * Whatever the file: a step's line is one of its lines and has a colon on it, an input's line comes after the step's first
 * and has one too. The first line of the data is the action, the id and the job.
 */
#include "cmd/log/workflowpos.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool line_has(struct span text, int number, const char *part)
{
    struct span line = { 0 };

    for (int i = 0; i < number; i++)
        if (!span_next_line(&text, &line))
            return false;
    return span_contains(line, part);
}

static void word(struct span *rest, char out[64])
{
    struct span w = { 0 };

    (void)span_split(rest, ' ', &w);
    (void)snprintf(out, 64, "%.*s", (int)(w.len < 63 ? w.len : 63), w.len ? w.ptr : "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = { (const char *)data, size }, head = { 0 };
    char repository[64], action[64], job[64], path[WORKFLOWPOS_PATH_MAX];

    (void)span_next_line(&text, &head);
    word(&head, repository);
    word(&head, action);
    word(&head, job);
    const struct workflowpos_env env = { .action_repository = repository, .action = action, .job = job };
    int step = workflowpos_step(text, &env);
    if (step < -1 || (step > 0 && !line_has(text, step, ":")))
        abort();
    for (int at = step > 0 ? step : 1; at <= 3 || at == step; at++) {
        int key = workflowpos_key(text, at, "host");
        if (key < 0 || (key > 0 && !line_has(text, key, ":")))
            abort();
    }
    if (workflowpos_path(action, repository, path) && (strstr(path, "..") || strpbrk(path, ":,#[]%\r\n")))
        abort();
    return 0;
}
