#include "cmd/ssh/session_link.h"

#include "cmd/ssh/install.h"
#include "cmd/ssh/ssh.h"
#include "shared/clock.h"

#include <poll.h>

struct ssh_link {
    const struct inputs *inputs;
    struct session_observer observer;
    struct ssh_hooks hooks;
    int cancel_fd;
    struct ssh *ssh;
    struct ssh_channel *agent;
    struct install install;
    bool installed;
    unsigned channels;
    unsigned connections;
    char where[300];
};

int ssh_link_new(struct ssh_link **ret, const struct session_options *o, struct err *err)
{
    int r = ssh_global_init(err);
    if (r < 0)
        return r;
    struct ssh_link *l = calloc(1, sizeof(*l));
    if (!l)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    l->inputs = o->inputs;
    l->observer = o->observer;
    l->hooks = o->hooks;
    l->cancel_fd = o->cancel_fd;
    *ret = l;
    return 0;
}

static void link_drop(void *ctx)
{
    struct ssh_link *l = ctx;
    if (l->ssh && ssh_channels_opened(l->ssh) > l->channels)
        l->channels = ssh_channels_opened(l->ssh);
    ssh_channel_free_p(&l->agent);
    ssh_free_p(&l->ssh);
}

void ssh_link_free(struct ssh_link *l)
{
    if (!l)
        return;
    link_drop(l);
    free(l);
}

static void note(struct ssh_link *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct ssh_link *l, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    if (!l->observer.note)
        return;
    va_start(ap, fmt);
    if (vsnprintf(text, sizeof(text), fmt, ap) >= 0)
        l->observer.note(l->observer.ctx, text);
    va_end(ap);
}

static int install_once(struct ssh_link *l, struct err *err)
{
    if (l->installed)
        return 0;
    int64_t begun = clock_mono_ms();
    int r = install_agent(l->ssh, &l->install, err);
    if (r < 0)
        return r;
    l->installed = true;
    if (l->install.uploaded)
        note(l, "sent the agent for %s (%.1f MB in %.1f s)", l->install.arch, (double)l->install.size_bytes / 1e6,
             (double)(clock_mono_ms() - begun) / 1e3);
    else
        note(l, "the agent for %s is there already", l->install.arch);
    return 0;
}

static int link_open(void *ctx, int64_t timeout_ms, bool cancellable, struct err *err)
{
    struct ssh_link *l = ctx;
    const struct inputs *in = l->inputs;
    int64_t deadline = clock_mono_ms() + timeout_ms;
    bool jumps = in->jump.host && in->jump.host[0];
    link_drop(l);
    l->connections++;
    if (!cancellable && jumps)
        timeout_ms /= 2; /* ssh_connect() takes it for each of the two */
    int r = ssh_connect(&l->ssh, &in->target, &in->jump, &l->hooks, timeout_ms, cancellable ? l->cancel_fd : -1, err);
    if (r < 0)
        return r;
    if (!cancellable)
        ssh_set_limit(l->ssh, deadline);
    (void)snprintf(l->where, sizeof(l->where), "%s", ssh_where(l->ssh));
    if (jumps)
        note(l, "connected to %s through %s", l->where, in->jump.host);
    else
        note(l, "connected to %s", l->where);
    if ((r = install_once(l, err)) < 0)
        return r;
    return ssh_exec(l->ssh, l->install.command, &l->agent, err);
}

static int no_agent(struct err *err)
{
    return err_set(err, ERR_NET, 0, "there is no connection to the agent");
}

static int link_read(void *ctx, struct buf *out, size_t max, int64_t timeout_ms, struct err *err)
{
    struct ssh_link *l = ctx;
    return l->agent ? ssh_read(l->agent, out, max, timeout_ms, err) : no_agent(err);
}

static int link_write(void *ctx, struct span data, int64_t timeout_ms, struct err *err)
{
    struct ssh_link *l = ctx;
    return l->agent ? ssh_write(l->agent, data, timeout_ms, err) : no_agent(err);
}

static void link_ignore_cancel(void *ctx)
{
    struct ssh_link *l = ctx;
    if (l->ssh)
        ssh_ignore_cancel(l->ssh);
}

/* 126 and 127 are the shell's words for "cannot run it"; everything else is a crash that a new start may mend. */
static int link_explain_end(void *ctx, struct err *err)
{
    struct ssh_link *l = ctx;
    char words[200];
    if (!l->agent)
        return no_agent(err);
    int status = ssh_exit_status(l->agent);
    struct span text = span_trim(ssh_stderr(l->agent));
    size_t n = 0;
    for (size_t i = text.len > 190 ? text.len - 190 : 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        words[n++] = c >= 0x20 && c < 0x7f ? (char)c : ' ';
    }
    words[n] = '\0';
    const char *colon = words[0] ? ": " : "";
    if (status == 126 || status == 127) {
        l->installed = false; /* look again next time: somebody may have removed it */
        return err_set(err, ERR_INSTALL, status, "the host cannot run the agent (exit status %d)%s%s", status, colon,
                       words);
    }
    if (status < 0)
        return err_set(err, ERR_REMOTE, status, "the agent was killed%s%s", colon, words);
    return err_set(err, ERR_REMOTE, status, "the agent ended without a result (exit status %d)%s%s", status, colon,
                   words);
}

static int link_pause(void *ctx, int64_t ms, struct err *err)
{
    struct ssh_link *l = ctx;
    struct pollfd p = { .fd = l->cancel_fd, .events = POLLIN };
    int64_t deadline = clock_mono_ms() + ms;
    int left;
    while ((left = clock_left_ms(deadline)) > 0)
        if (poll(&p, 1, left) > 0)
            return err_set(err, ERR_CANCEL, 0, "cancelled");
    return 0;
}

static int64_t link_now(void *ctx)
{
    (void)ctx;
    return clock_mono_ms();
}

struct session_link ssh_link_ops(struct ssh_link *l)
{
    return (struct session_link){
        .ctx = l,
        .open = link_open,
        .drop = link_drop,
        .read = link_read,
        .write = link_write,
        .ignore_cancel = link_ignore_cancel,
        .explain_end = link_explain_end,
        .pause = link_pause,
        .now_ms = link_now,
    };
}

void ssh_link_facts(const struct ssh_link *l, struct session_facts *ret)
{
    unsigned now = l->ssh ? ssh_channels_opened(l->ssh) : 0;
    *ret = (struct session_facts){
        .uploaded = l->install.uploaded,
        .channels = now > l->channels ? now : l->channels,
        .connections = l->connections,
    };
    (void)snprintf(ret->arch, sizeof(ret->arch), "%s", l->install.arch);
    (void)snprintf(ret->agent_sha256, sizeof(ret->agent_sha256), "%s", l->install.sha256);
    (void)snprintf(ret->where, sizeof(ret->where), "%s", l->where);
}
