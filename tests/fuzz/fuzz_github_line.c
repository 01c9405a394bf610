/*
 * Whatever a host prints: the runner finds no command in it, wherever the text is cut; and a command that is composed with
 * it stays the one command that was meant. The oracle is a second writing of the runner's parsers.
 */
#include "cmd/github.h"

#include "tests/unit/cmd/runner_oracle.c"

#include <sys/mman.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "does not hold: %s\n", #condition);                                                        \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#define PRINTED_MAX (1 << 20)

static struct github *fresh(int fd)
{
    struct github *g = NULL;

    CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    CHECK(github_new(&g, fd, true, NULL, NULL) == 0);
    return g;
}

/* Commands in what was printed; and no byte that a terminal obeys. */
static size_t commands(int fd, struct runner_command *found)
{
    static char printed[PRINTED_MAX];
    ssize_t n = pread(fd, printed, sizeof(printed), 0);

    CHECK(n >= 0);
    for (ssize_t i = 0; i < n; i++)
        CHECK((unsigned char)printed[i] >= 0x20 || printed[i] == '\n' || printed[i] == '\t');
    return runner_oracle(printed, (size_t)n, found, 1);
}

static void remote(int fd, struct span text, size_t cut)
{
    struct github *g = fresh(fd);

    github_remote_line(g, "app", (struct span){ text.ptr, cut });
    github_remote_line(g, "app", (struct span){ text.ptr + cut, text.len - cut });
    CHECK(commands(fd, NULL) == 0);
    github_free(g);
}

static void own(int fd, const char *text)
{
    struct github *g = fresh(fd);

    github_line(g, "%s", text);
    github_line(g, "cannot: %s", text);
    CHECK(commands(fd, NULL) == 0);
    github_free(g);
}

static void composed(int fd, const char *text)
{
    static struct runner_command c;
    struct github *g = fresh(fd);

    github_group(g, text);
    CHECK(commands(fd, &c) == 1 && strcmp(c.name, "group") == 0);
    github_free(g);
    g = fresh(fd);
    github_annotate(g, GITHUB_ERROR, "Title", "%s", text);
    CHECK(commands(fd, &c) == 1 && strcmp(c.name, "error") == 0);
    github_free(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    char *text = NULL;

    if (size > 8192)
        return 0;
    if (fd < 0)
        fd = memfd_create("printed", MFD_CLOEXEC);
    CHECK(fd >= 0);
    text = malloc(size + 1);
    CHECK(text);
    memcpy(text, data, size);
    text[size] = '\0';
    remote(fd, (struct span){ text, size }, size ? data[0] % (size + 1) : 0);
    own(fd, text);
    composed(fd, text);
    free(text);
    return 0;
}
