/*
 * The action's own upload code, run with a file of any size: a bundle of 256 MB would need a host that has one.
 * usage: upload FILE NAME [overwrite] [retention=DAYS] [time=MS] [idle=MS]
 * The service stands in the runner's variables. A line for each thing that is told; SIGTERM cancels; the exit code is the
 * error's kind.
 */
#include "cmd/artifact/artifact.h"

#include "shared/clock.h"
#include "shared/http.h"

#include <fcntl.h>

static volatile sig_atomic_t caught;
static int pipe_fds[2];

static void on_signal(int number)
{
    caught = number;
    if (write(pipe_fds[1], "x", 1) < 0)
        _exit(99);
}

static void tell_secret(void *ctx, const char *value)
{
    (void)ctx;
    (void)printf("secret %s\n", value);
}

static void tell_progress(void *ctx, const char *text)
{
    (void)ctx;
    (void)printf("progress %s\n", text);
    (void)fflush(stdout);
}

static void tell_memory(void)
{
    char line[256];
    FILE *f = fopen("/proc/self/status", "re");

    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            (void)printf("peak%s", line + 6);
    if (f)
        (void)fclose(f);
}

static void take_option(struct artifact_options *o, const char *arg)
{
    const char *value = strchr(arg, '=');
    int64_t number = value ? strtoll(value + 1, NULL, 10) : 0;

    if (strcmp(arg, "overwrite") == 0)
        o->overwrite = true;
    else if (strncmp(arg, "retention=", 10) == 0)
        o->retention_days = number;
    else if (strncmp(arg, "time=", 5) == 0)
        o->time_max_ms = number;
    else if (strncmp(arg, "idle=", 5) == 0)
        o->idle_max_ms = number;
}

int main(int argc, char **argv)
{
    struct artifact_options o = { .cancel = &caught, .secret = tell_secret, .progress = tell_progress };
    struct sigaction sa = { .sa_handler = on_signal };
    struct artifact done = { 0 };
    struct err err = { 0 };
    char text[2048];
    const char *why = NULL;

    if (argc < 3 || pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0 || sigaction(SIGTERM, &sa, NULL) < 0 ||
        http_global_init(&err) < 0)
        return 99;
    o.cancel_fd = pipe_fds[0];
    artifact_service_from_env(&o.service, getenv("ACTIONS_RUNTIME_TOKEN"));
    o.name = argv[2];
    for (int i = 3; i < argc; i++)
        take_option(&o, argv[i]);
    if (!artifact_supported(&o.service, &why)) {
        (void)printf("unsupported %s\n", why);
        return 98;
    }
    int r = artifact_upload(&o, argv[1], &done, &err);
    if (r < 0)
        (void)printf("error %s\nhint %s\n", err_text(&err, text, sizeof(text)), err_hint_text(&err));
    else
        (void)printf("id %s\nurl %s\ndigest %s\nbytes %lld\n", done.id, done.url, done.digest, (long long)done.bytes);
    (void)printf("ended %lld\n", (long long)clock_mono_ms());
    tell_memory();
    return -r;
}
