/*
 * Watches the processes of the machine from outside: peak memory of those whose program is called bluegreen*, and
 * whether given words stand in anybody's arguments or environment.
 *
 *   stdin   words, one a line, then an empty line; then it watches until the end of input
 *   stdout  JSON lines: {"pid","exe","hwm_kb","since_ms"} when the peak grew, {"pid","exe","place","word","since_ms","at_ms"}
 *           for each word seen (word: its number from 0; told again while it stays). since_ms: when the process was first
 *           seen, at_ms: now; one clock
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_MS 15
#define WORDS_MAX 64
#define PIDS_MAX 4096
#define AREA_MAX (512 * 1024)

struct seen {
    int pid;
    int64_t since_ms;
    long hwm_kb;
    bool alive;
};

static char *words[WORDS_MAX];
static size_t word_count;
static struct seen seen[PIDS_MAX];
static size_t seen_count;
static char area[AREA_MAX];

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static size_t read_proc(int pid, const char *what)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    size_t len = 0;
    while (len < sizeof area - 1) {
        ssize_t r = read(fd, area + len, sizeof area - 1 - len);
        if (r <= 0)
            break;
        len += (size_t)r;
    }
    close(fd);
    area[len] = '\0';
    return len;
}

static struct seen *find(int pid)
{
    for (size_t i = 0; i < seen_count; i++)
        if (seen[i].pid == pid)
            return &seen[i];
    if (seen_count == PIDS_MAX)
        return NULL;
    seen[seen_count] = (struct seen){ .pid = pid, .since_ms = now_ms() };
    return &seen[seen_count++];
}

static void look_for_words(const struct seen *s, const char *exe, const char *place)
{
    size_t len = read_proc(s->pid, place);
    for (size_t w = 0; len && w < word_count; w++)
        if (memmem(area, len, words[w], strlen(words[w])))
            printf("{\"pid\":%d,\"exe\":\"%s\",\"place\":\"%s\",\"word\":%zu,\"since_ms\":%lld,\"at_ms\":%lld}\n",
                   s->pid, exe, place, w, (long long)s->since_ms, (long long)now_ms());
}

static void look(int pid)
{
    char path[64], exe[512];
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    ssize_t n = readlink(path, exe, sizeof exe - 1);
    if (n <= 0)
        return;
    exe[n] = '\0';
    for (char *p = exe; *p; p++)
        if (*p < ' ' || *p == '"' || *p == '\\')
            *p = '?';
    struct seen *s = find(pid);
    if (!s)
        return;
    s->alive = true;
    const char *base = strrchr(exe, '/') ? strrchr(exe, '/') + 1 : exe;
    if (strncmp(base, "bluegreen", 9) == 0 && read_proc(pid, "status")) {
        const char *at = strstr(area, "VmHWM:");
        long kb = at ? strtol(at + 6, NULL, 10) : 0;
        if (kb > s->hwm_kb) {
            s->hwm_kb = kb;
            printf("{\"pid\":%d,\"exe\":\"%s\",\"hwm_kb\":%ld,\"since_ms\":%lld}\n", pid, exe, kb,
                   (long long)s->since_ms);
        }
    }
    if (word_count) {
        look_for_words(s, exe, "cmdline");
        look_for_words(s, exe, "environ");
    }
}

static void look_at_all(void)
{
    for (size_t i = 0; i < seen_count; i++)
        seen[i].alive = false;
    DIR *d = opendir("/proc");
    for (struct dirent *e; d && (e = readdir(d));) {
        int pid = atoi(e->d_name);
        if (pid > 0 && pid != getpid())
            look(pid);
    }
    if (d)
        closedir(d);
    for (size_t i = 0; i < seen_count;) {
        if (!seen[i].alive)
            seen[i] = seen[--seen_count];
        else
            i++;
    }
    fflush(stdout);
}

int main(void)
{
    static char line[8192];
    while (fgets(line, sizeof line, stdin) && line[0] != '\n') {
        line[strcspn(line, "\n")] = '\0';
        if (word_count < WORDS_MAX)
            words[word_count++] = strdup(line);
    }
    printf("{\"ready\":true}\n");
    fflush(stdout);
    for (;;) {
        struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
        char sink[64];
        look_at_all();
        if (poll(&p, 1, PERIOD_MS) > 0 && read(STDIN_FILENO, sink, sizeof sink) <= 0)
            return 0;
    }
}
