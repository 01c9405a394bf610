#include "shared/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err_kind_info {
    const char *name;
    int exit_code;
    const char *hint;
};

/* The exit codes are a contract (README "Exit codes"). 10 to 13 belong to outcomes, see shared/outcome.c. */
/* clang-format off */
static const struct err_kind_info kinds[ERR_KINDS] = {
    [ERR_OK] = { "ok", 0, "" },
    [ERR_INPUT] = { "input", 2,
        "Correct the named input in the workflow file; README has the list of inputs and what each accepts." },
    [ERR_NO_PIN] = { "no_pin", 3,
        "Set host-fingerprint (or known-hosts); on the host, "
        "`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints the fingerprint." },
    [ERR_HOST_KEY] = { "host_key", 4,
        "If the host was really reinstalled, compare its fingerprint on the host's own console and update the pin; "
        "if not, somebody may be in the way: do not connect." },
    [ERR_UNREACHABLE] = { "unreachable", 5,
        "Check that the host is up, that host and ssh-port are right, and that its firewall or security group lets "
        "the runner's address in." },
    [ERR_TIMEOUT] = { "timeout", 6,
        "Check that the host is not overloaded or behind a firewall that drops packets, then run again; a longer "
        "timeout input helps only if the host is merely slow." },
    [ERR_AUTH] = { "auth", 7,
        "Check that user is right and that the key's public half is in that user's ~/.ssh/authorized_keys on the "
        "host; the host's sshd log tells why it refused." },
    [ERR_KEY] = { "key", 8,
        "Check that ssh-key holds the whole private key with its BEGIN and END lines, and that ssh-key-passphrase "
        "belongs to it." },
    [ERR_INSTALL] = { "install", 9,
        "Check that the user's home on the host has free space and is not mounted noexec, or point BLUEGREEN_HOME "
        "to a place that is fit." },
    [ERR_LOCKED] = { "locked", 14,
        "Wait for the other deployment of this app to end and run again, or raise lock-timeout." },
    [ERR_NET] = { "net", 15,
        "Run again with the same settings; if the connection keeps failing, look at the network between the runner "
        "and the host." },
    [ERR_PROTO] = { "proto", 16,
        "Run again; if it repeats, look for a proxy or a login script that writes into the connection, and attach "
        "the bundle to a bug report." },
    [ERR_IO] = { "io", 17,
        "Check that the named file or folder exists, that the user may use it and that its file system is not full "
        "or read-only." },
    [ERR_NOMEM] = { "nomem", 18,
        "Free memory on the machine, or make the named text smaller if a limit was reached." },
    [ERR_CANCEL] = { "cancel", 19,
        "The run was cancelled; start it again when you want the deployment." },
    [ERR_DOCKER_MISSING] = { "docker_missing", 20,
        "Install and start Docker Engine on the host (`sudo systemctl enable --now docker`) and run again." },
    [ERR_DOCKER_DENIED] = { "docker_denied", 21,
        "Add the user to the group docker on the host (`sudo usermod -aG docker USER`) and run again." },
    [ERR_DOCKER] = { "docker", 22,
        "Read the engine's words above; `sudo journalctl -u docker` on the host has the details." },
    [ERR_DISK_FULL] = { "disk_full", 23,
        "Free disk space on the host (`docker system df` shows what Docker uses) and run again." },
    [ERR_IMAGE_MISSING] = { "image_missing", 24,
        "Check the image's name and tag and that it was pushed; a private image also needs registry-username and "
        "registry-password." },
    [ERR_REGISTRY_AUTH] = { "registry_auth", 25,
        "Check registry-username and registry-password; tokens expire, so make a new one if it worked before." },
    [ERR_REGISTRY] = { "registry", 26,
        "Check that the host reaches the registry (DNS, proxy, firewall) and that the registry is up, then run "
        "again." },
    [ERR_PORT_TAKEN] = { "port_taken", 27,
        "Stop what uses the port on the host (`sudo ss -ltnp` shows it) or choose another port." },
    [ERR_PLATFORM] = { "platform", 28,
        "Build the image for the host's architecture (`docker buildx build --platform …`) and run again." },
    [ERR_APP_EXITED] = { "app_exited", 29,
        "Read the last lines of the app's log: the new version ended by itself; its settings or the code are "
        "the likely cause." },
    [ERR_UNHEALTHY] = { "unhealthy", 30,
        "Check that the app listens on container-port and answers health-path as expected; if it needs longer to "
        "boot, raise health-retries." },
    [ERR_VERIFY] = { "verify", 31,
        "Open verify-url yourself: the app is healthy on the host, so look at the security group or firewall, DNS, "
        "proxy or load balancer in front of it." },
    [ERR_NO_PREVIOUS] = { "no_previous", 32,
        "There is no earlier version on the host; deploy the wanted image instead." },
    [ERR_KPI] = { "kpi", 33,
        "The new version serves but took too long; look at the timeline in the summary, or set fail-on-kpi to "
        "false." },
    [ERR_ARTIFACT] = { "artifact", 35,
        "The outcome is not affected; the bundle is in the workspace. Upload it with actions/upload-artifact, or set "
        "upload-artifact to auto." },
    [ERR_AWS] = { "aws", 36,
        "Read AWS's own code and words above; docs/aws.md has what each feature needs." },
    [ERR_AWS_CREDENTIALS] = { "aws_credentials", 37,
        "Give the job 'permissions: id-token: write' and set role-to-assume, or run aws-actions/configure-aws-credentials "
        "before; docs/aws.md has the trust policy." },
    [ERR_AWS_DENIED] = { "aws_denied", 38,
        "Add the named action to the policy of the role that was used; docs/aws.md has the policy for each feature." },
    [ERR_INSTANCE] = { "instance", 39,
        "Look at the instance in the EC2 console: its id or tag, its region and account, and whether it runs." },
    [ERR_IMAGE_FINDINGS] = { "image_findings", 40,
        "Rebuild the image on a newer base, or set fail-on-severity to what you can live with; the findings are in the "
        "ECR console." },
    [ERR_REGISTRY_EXPIRED] = { "registry_expired", 41,
        "Run again: a new token is made for each run. If it repeats, compare the clocks of the host and of AWS." },
    [ERR_AUDIT] = { "audit", 42,
        "Compare the audit log with the copy in the last good bundle: its entries up to the named one are proven, the "
        "rest is not. Keep the file as evidence; the next deployment begins a new chain behind it." },
    [ERR_NOT_FOUND] = { "not_found", 43,
        "`status` and `history` tell which containers and deployments there are on the host." },
    [ERR_REMOTE] = { "remote", 34,
        "Read the deployment log in the bundle; the message comes from the agent on the host." },
    [ERR_BUG] = { "bug", 70,
        "This is a mistake in the action itself; report it with the bundle attached." },
};
/* clang-format on */

static const struct err_kind_info *kind_info(enum err_kind kind)
{
    return &kinds[(unsigned)kind < ERR_KINDS ? kind : ERR_BUG];
}

/* Kind of the thread's last failure that nobody wanted to see: what a wrap of it has to return. */
static _Thread_local enum err_kind unseen_kind = ERR_BUG;

int err_push(struct err *e, enum err_kind kind, int code, const char *file, int line, const char *fmt, ...)
{
    /* Formatted aside first: the arguments may point into *e. */
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
        text[0] = '\0';
    va_end(ap);

    if (!e) {
        if (kind != ERR_OK)
            unseen_kind = kind;
        return -(int)unseen_kind;
    }
    if (kind != ERR_OK) {
        if (e->kind != ERR_OK) /* a hint from before there was an error is meant for this one */
            err_clear(e);
        e->kind = kind;
        e->code = code;
    } else if (e->kind == ERR_OK) {
        e->kind = ERR_BUG;
    }
    if (e->depth < ERR_FRAMES) {
        struct err_frame *f = &e->frame[e->depth++];
        f->file = file;
        f->line = line;
        memcpy(f->text, text, sizeof(text));
    }
    return -(int)e->kind;
}

void err_hint(struct err *e, const char *fmt, ...)
{
    if (!e || e->hint[0])
        return;
    char text[ERR_HINT_MAX];
    va_list ap;
    va_start(ap, fmt);
    if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
        text[0] = '\0';
    va_end(ap);
    memcpy(e->hint, text, sizeof(text));
}

void err_clear(struct err *e)
{
    if (!e)
        return;
    e->kind = ERR_OK;
    e->code = 0;
    e->depth = 0;
    e->hint[0] = '\0';
}

const char *err_text(const struct err *e, char *out, size_t out_size)
{
    if (out_size == 0)
        return out;
    out[0] = '\0';
    size_t used = 0;
    for (unsigned i = e->depth; i-- > 0;) {
        int n = snprintf(out + used, out_size - used, "%s%s", e->frame[i].text, i ? ": " : "");
        if (n < 0 || (size_t)n >= out_size - used)
            break; /* cut; snprintf has terminated it */
        used += (size_t)n;
    }
    return out;
}

const char *err_hint_text(const struct err *e)
{
    return e->hint[0] ? e->hint : kind_info(e->kind)->hint;
}

const char *err_kind_name(enum err_kind kind)
{
    return kind_info(kind)->name;
}

enum err_kind err_kind_from_name(const char *name)
{
    for (unsigned i = 0; name && i < ERR_KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return (enum err_kind)i;
    return ERR_REMOTE;
}

int err_kind_exit_code(enum err_kind kind)
{
    return kind_info(kind)->exit_code;
}
