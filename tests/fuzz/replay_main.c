/*
 * Runs a fuzz target over the files of its corpus, without libFuzzer: each file is one named case, reported as TAP.
 * A file called NAME.hex holds its bytes as hexadecimal digits; blanks and line ends between them do not count.
 * usage: fuzz_NAME DIR        DIR may be absent: then only the empty input runs.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The largest corpus file taken, bytes. */
#define REPLAY_MAX ((size_t)16 << 20)

/* The bytes of the file, the caller's to free; NULL with errno set. */
static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    uint8_t *data = malloc(REPLAY_MAX);
    if (data)
        *size = fread(data, 1, REPLAY_MAX, f);
    (void)fclose(f); /* opened for reading: nothing is lost */
    if (!data)
        return NULL;
    /* Exactly as large as the input, so that the address sanitizer sees a read past its end. */
    uint8_t *fit = realloc(data, *size ? *size : 1);
    return fit ? fit : data;
}

static int digit(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place; the memory shrinks to the result. */
static uint8_t *decode_hex(uint8_t *text, size_t *size)
{
    size_t digits = 0;
    for (size_t i = 0; i < *size; i++) {
        int value = digit(text[i]);
        if (value < 0)
            continue;
        if (digits % 2)
            text[digits / 2] = (uint8_t)(text[digits / 2] | value);
        else
            text[digits / 2] = (uint8_t)(value << 4);
        digits++;
    }
    *size = digits / 2;
    uint8_t *fit = realloc(text, *size ? *size : 1);
    return fit ? fit : text;
}

static int is_hex(const char *name)
{
    size_t len = strlen(name);
    return len > 4 && strcmp(name + len - 4, ".hex") == 0;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    int done = 0;
    int failed = 0;

    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    printf("ok %d - empty_input\n", ++done);

    struct dirent **names = NULL;
    int n = argc > 1 ? scandir(argv[1], &names, visible, alphasort) : 0;
    if (n < 0 && errno != ENOENT) {
        fprintf(stderr, "replay: open '%s': %s\n", argv[1], strerror(errno));
        return 1;
    }
    for (int i = 0; i < n; i++) {
        char path[4096];
        size_t size = 0;
        (void)snprintf(path, sizeof(path), "%s/%s", argv[1], names[i]->d_name);
        uint8_t *data = read_file(path, &size);
        if (data && is_hex(names[i]->d_name))
            data = decode_hex(data, &size);
        if (data)
            (void)LLVMFuzzerTestOneInput(data, size);
        else
            failed++;
        printf("%s %d - %s\n", data ? "ok" : "not ok", ++done, names[i]->d_name);
        fflush(stdout);
        free(data);
        free(names[i]);
    }
    free(names);
    printf("1..%d\n", done);
    return failed ? 1 : 0;
}
