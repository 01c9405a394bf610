#include "agent/diagnosis.h"

#include <strings.h>

#define ANY_EXIT (-1)
#define ANY_KIND ERR_OK

struct rule {
    enum err_kind kind;   /* ANY_KIND: whatever failed */
    int exit_code;        /* ANY_EXIT; otherwise the container's */
    bool oom;             /* the container was killed for memory */
    const char *words[6]; /* one of them in the error or in the log; none given: no words needed */
    struct diagnosis says;
};

/* First match wins: the precise rows stand before the general ones. */
static const struct rule rules[] = {
    { ANY_KIND,
      ANY_EXIT,
      true,
      { NULL },
      { "out_of_memory", "the container used more memory than it may",
        "Raise the input 'memory', or look for a leak or a cache that is too large at start." } },
    { ERR_IMAGE_MISSING,
      ANY_EXIT,
      false,
      { NULL },
      { "image_missing", "the registry has no such image, or does not show it to this login",
        "Check the name and the tag, that the push job ran before this one, and the registry login." } },
    { ERR_REGISTRY_AUTH,
      ANY_EXIT,
      false,
      { NULL },
      { "login_refused", "the registry refused the login",
        "Check 'registry-username' and 'registry-password'; tokens of ECR expire after 12 hours." } },
    { ERR_REGISTRY,
      ANY_EXIT,
      false,
      { NULL },
      { "registry_unreachable", "the host cannot reach the registry",
        "Check the registry's name, and the host's DNS, proxy and outgoing firewall rules." } },
    { ERR_PORT_TAKEN,
      ANY_EXIT,
      false,
      { NULL },
      { "port_taken", "another program has the port",
        "Stop it, or choose another port with 'port' or 'spare-port'." } },
    { ERR_DISK_FULL,
      ANY_EXIT,
      false,
      { NULL },
      { "disk_full", "the host's disk is full", "Free space on the host, for example with 'docker image prune'." } },
    { ANY_KIND,
      ANY_EXIT,
      false,
      { "exec format error", "exec user process caused: exec format" },
      { "wrong_architecture", "the image holds a program for another processor architecture",
        "Build the image for the host's architecture, for example with 'docker build --platform linux/amd64'." } },
    { ERR_PLATFORM,
      ANY_EXIT,
      false,
      { NULL },
      { "wrong_architecture", "the image holds a program for another processor architecture",
        "Build the image for the host's architecture, for example with 'docker build --platform linux/amd64'." } },
    { ERR_APP_EXITED,
      ANY_EXIT,
      false,
      { "missing environment variable", "environment variable not", "must be set", "is not set", "missing required" },
      { "missing_environment", "an environment variable that the app needs is not set",
        "Add it to the input 'env', or to 'secret-env' when it is a secret. The log lines below name it." } },
    { ANY_KIND,
      ANY_EXIT,
      false,
      { "connection refused", "could not connect", "no route to host", "connect ETIMEDOUT" },
      { "dependency_unreachable", "the app cannot reach something that it needs",
        "Check that the service named in the log runs and that the container is on its network (input 'networks')." } },
    { ANY_KIND,
      ANY_EXIT,
      false,
      { "permission denied", "EACCES", "read-only file system" },
      { "permission", "the app may not read or write something that it needs",
        "Check 'container-user', 'read-only' and the owner of what 'volumes' mounts." } },
    { ANY_KIND,
      ANY_EXIT,
      false,
      { "executable file not found", "no such file or directory: unknown" },
      { "no_such_program", "the program that the container is to start is not in the image",
        "Check ENTRYPOINT and CMD of the image and the input 'args'." } },
    { ANY_KIND,
      ANY_EXIT,
      false,
      { "no space left on device" },
      { "disk_full", "the host's disk is full", "Free space on the host, for example with 'docker image prune'." } },
    { ERR_APP_EXITED,
      137,
      false,
      { NULL },
      { "killed", "the app was killed from outside (SIGKILL)",
        "Look at the host's memory ('free -m', 'dmesg') and at who else stops containers there." } },
    { ERR_APP_EXITED,
      139,
      false,
      { NULL },
      { "crashed", "the app crashed (segmentation fault)", "Run the image locally with the same settings." } },
    { ERR_APP_EXITED,
      ANY_EXIT,
      false,
      { NULL },
      { "exits_at_once", "the app ended by itself", "Its last log lines, shown above, should say why." } },
    { ERR_UNHEALTHY,
      ANY_EXIT,
      false,
      { "HTTP status 404" },
      { "health_path", "the app answers, but not on the health path",
        "Check the input 'health-path' against the app's routes." } },
    { ERR_UNHEALTHY,
      ANY_EXIT,
      false,
      { "HTTP status 401", "HTTP status 403" },
      { "health_auth", "the health path asks for a login", "Let the app answer its health path without one." } },
    { ERR_UNHEALTHY,
      ANY_EXIT,
      false,
      { "HTTP status 301", "HTTP status 302", "HTTP status 307", "HTTP status 308" },
      { "health_redirect", "the health path redirects elsewhere",
        "Point the input 'health-path' at the final address, or accept the status with 'health-status'." } },
    { ERR_UNHEALTHY,
      ANY_EXIT,
      false,
      { "HTTP status 5" },
      { "app_reports_failure", "the app answers that it is not healthy",
        "Its log should say which of its own checks fails." } },
    { ERR_UNHEALTHY,
      ANY_EXIT,
      false,
      { "reset by peer", "Empty reply", "Recv failure", "refused" },
      { "not_listening", "nothing answers inside the container on that port",
        "Check that the app listens on 0.0.0.0 (not 127.0.0.1) and on the port given as 'container-port'." } },
    { ERR_UNHEALTHY,
      ANY_EXIT,
      false,
      { NULL },
      { "slow_start", "the app did not get healthy in time",
        "If it only needs longer to boot, raise 'health-retries' or 'health-interval'; else see its log." } },
};

static bool has_words(struct span text, const char *words)
{
    size_t n = strlen(words);
    for (size_t i = 0; text.ptr && i + n <= text.len; i++)
        if (strncasecmp(text.ptr + i, words, n) == 0)
            return true;
    return false;
}

static bool fits(const struct rule *r, const struct err *cause, const struct engine_container *c, struct span message,
                 struct span log)
{
    if (r->kind != ANY_KIND && r->kind != cause->kind)
        return false;
    if (r->oom && !(c && c->oom_killed))
        return false;
    if (r->exit_code != ANY_EXIT && !(c && c->exit_code == r->exit_code))
        return false;
    if (!r->words[0])
        return true;
    /* The message of a failed health check is our own probe's: what the app itself could not do stands in its log. */
    if (r->kind == ANY_KIND && cause->kind == ERR_UNHEALTHY)
        message = (struct span){ 0 };
    for (size_t i = 0; i < sizeof(r->words) / sizeof(r->words[0]) && r->words[i]; i++)
        if (has_words(message, r->words[i]) || has_words(log, r->words[i]))
            return true;
    return false;
}

bool diagnose(const struct err *cause, const struct engine_container *container, struct span log, struct diagnosis *ret)
{
    char message[2048];
    (void)err_text(cause, message, sizeof(message));
    if (cause->kind == ERR_CANCEL)
        return false; /* nothing to find out */
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (fits(&rules[i], cause, container, span_of(message), log)) {
            *ret = rules[i].says;
            return true;
        }
    return false;
}
