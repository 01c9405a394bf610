/*
 * Whatever a host prints: the runner finds no command in it, wherever the text is cut; and a command that is composed with
 * it stays the one command that was meant. The oracle is a second writing of the runner's parsers.
 * Input: one byte that chooses what is printed, one that chooses where the text is cut, then the text.
 */
#include "cmd/log/github.h"

#include "shared/safetext.h"

#include "tests/unit/cmd/runner_oracle.c"

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "does not hold: %s\n", #condition);                                                        \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#define TEXT_MAX 8192
#define PRINTED_MAX (1 << 20)

static char printed[PRINTED_MAX];
static size_t printed_len;

static int take_printed(void *ctx, struct span bytes)
{
    (void)ctx;
    CHECK(bytes.len <= sizeof(printed) - printed_len);
    memcpy(printed + printed_len, bytes.ptr, bytes.len);
    printed_len += bytes.len;
    return 0;
}

static struct github *fresh(bool on_actions)
{
    struct github *g = NULL;

    printed_len = 0;
    CHECK(github_new_writer(&g, take_printed, NULL, on_actions, NULL, NULL) == 0);
    return g;
}

static size_t commands(struct runner_command *found)
{
    CHECK(runner_oracle_quiet(printed, printed_len));
    return runner_oracle(printed, printed_len, found, found ? 1 : 0);
}

static void remote(struct span text, size_t cut, bool on_actions)
{
    struct github *g = fresh(on_actions);

    github_remote_line(g, "app", (struct span){ text.ptr, cut });
    github_remote_line(g, "app", (struct span){ text.ptr + cut, text.len - cut });
    github_free(g);
    CHECK(commands(NULL) == 0);
}

static void own(const char *text, bool on_actions)
{
    struct github *g = fresh(on_actions);

    github_line(g, "%s", text);
    github_line(g, "cannot: %s", text);
    github_free(g);
    CHECK(commands(NULL) == 0);
}

static void composed_group(const char *text)
{
    static struct runner_command c;
    struct github *g = fresh(true);

    github_group(g, text);
    CHECK(commands(&c) == 1 && strcmp(c.name, "group") == 0);
    github_free(g);
}

/* The text is the message and, where it can be a string, the title too. */
static void composed_annotation(const char *text, const char *title)
{
    static struct runner_command c;
    struct github *g = fresh(true);

    github_annotate(g, GITHUB_ERROR, title, "%s", text);
    CHECK(commands(&c) == 1 && strcmp(c.name, "error") == 0);
    github_free(g);
}

static void beyond_the_budget(const char *text)
{
    struct github *g = fresh(true);

    for (int i = 0; i < GITHUB_ANNOTATIONS_MAX; i++)
        github_annotate(g, GITHUB_NOTICE, "Title", "x");
    printed_len = 0;
    github_annotate(g, GITHUB_NOTICE, "Title", "%s", text);
    github_free(g);
    CHECK(commands(NULL) == 0);
}

/* No line inside ends the fence; and the lines are quiet and no commands. */
static void fenced(struct span text)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(PRINTED_MAX);
    struct span rest, line;
    size_t fence = 0;

    safetext_fence(text, &out);
    CHECK(buf_check(&out, NULL) == 0);
    CHECK(runner_oracle_quiet(buf_str(&out), out.len));
    CHECK(runner_oracle(buf_str(&out), out.len, NULL, 0) == 0);
    rest = buf_span(&out);
    CHECK(span_next_line(&rest, &line));
    while (fence < line.len && line.ptr[fence] == '`')
        fence++;
    CHECK(fence >= 3 && rest.len > fence);
    while (span_next_line(&rest, &line) && rest.len > 0) {
        size_t run = 0;
        line = span_trim(line);
        while (run < line.len && line.ptr[run] == '`')
            run++;
        CHECK(run < fence);
    }
    CHECK(line.len == fence);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[TEXT_MAX + 1];
    size_t len = size > 2 ? size - 2 : 0;

    if (size < 2 || len > TEXT_MAX)
        return 0;
    memcpy(text, data + 2, len);
    text[len] = '\0';
    switch (data[0] % 8) {
    case 0:
    case 1:
        remote((struct span){ text, len }, data[1] % (len + 1), data[0] % 8 == 0);
        break;
    case 2:
    case 3:
        own(text, data[0] % 8 == 2);
        break;
    case 4:
        composed_group(text);
        break;
    case 5:
        composed_annotation(text, data[1] % 2 ? text : "Title");
        break;
    case 6:
        beyond_the_budget(text);
        break;
    default:
        fenced((struct span){ text, len });
        break;
    }
    return 0;
}
