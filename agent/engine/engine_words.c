#include "agent/engine/engine_internal.h"

#include <strings.h>

/* Phrases of several words where one would do: an image may be called "timeout" or "denied". */
struct phrase {
    const char *text;
    enum err_kind kind;
    const char *hint; /* NULL: the kind's default */
};

bool engine_words_have(const char *words, const char *needle)
{
    size_t len = strlen(needle);
    for (; *words; words++)
        if (strncasecmp(words, needle, len) == 0)
            return true;
    return len == 0;
}

static enum err_kind look_up(const struct phrase *table, size_t n, const char *words, const char **hint)
{
    for (size_t i = 0; i < n; i++) {
        if (!engine_words_have(words, table[i].text))
            continue;
        *hint = table[i].hint;
        return table[i].kind;
    }
    return ERR_OK;
}

#define LOOK_UP(table, words, hint) look_up((table), sizeof(table) / sizeof((table)[0]), (words), (hint))

enum err_kind engine_words_common(int status, const char *words, const char **hint)
{
    static const struct phrase table[] = {
        { "no space left on device", ERR_DISK_FULL, NULL },
        { "disk quota exceeded", ERR_DISK_FULL, NULL },
    };
    if (status == 400 && engine_words_have(words, "client version") &&
        (engine_words_have(words, "too old") || engine_words_have(words, "too new"))) {
        *hint = "This Docker Engine and this version of the action do not fit: update the older of "
                "the two.";
        return ERR_DOCKER;
    }
    return LOOK_UP(table, words, hint);
}

#define HINT_HUB                                                                                                       \
    "The registry answers the same for an image that does not exist and for one it does not show "                     \
    "to this user. Check the "                                                                                         \
    "spelling of `image` and its tag; for a private image set registry-username and "                                  \
    "registry-password."
#define HINT_MISSING "Check the spelling of `image` and that this tag or digest was pushed to that registry."
#define HINT_INSECURE                                                                                                  \
    "The registry speaks plain HTTP. Give it a certificate, or list it under "                                         \
    "\"insecure-registries\" in the host's "                                                                           \
    "/etc/docker/daemon.json and restart Docker."
#define HINT_X509                                                                                                      \
    "The host does not trust the registry's certificate. Put the CA's certificate on the host as "                     \
    "/etc/docker/certs.d/REGISTRY/ca.crt."

/* In this order: what is certain first, what could also be part of a name last. */
static const struct phrase pull_phrases[] = {
    { "no matching manifest for", ERR_PLATFORM, NULL },
    { "no match for platform in manifest", ERR_PLATFORM, NULL },
    { "does not match the specified platform", ERR_PLATFORM, NULL },
    { "does not provide the specified platform", ERR_PLATFORM, NULL },
    { "cannot be used on this platform", ERR_PLATFORM, NULL },
    { "no basic auth credentials", ERR_REGISTRY_AUTH, NULL },
    { "incorrect username or password", ERR_REGISTRY_AUTH, NULL },
    { "authentication required", ERR_REGISTRY_AUTH, NULL },
    { "authorization token has expired", ERR_REGISTRY_EXPIRED, NULL },
    { "manifest unknown", ERR_IMAGE_MISSING, HINT_MISSING },
    { "name unknown", ERR_IMAGE_MISSING, HINT_MISSING },
    { "pull access denied", ERR_IMAGE_MISSING, HINT_HUB },
    { "repository does not exist", ERR_IMAGE_MISSING, HINT_HUB },
    { "server gave HTTP response to HTTPS client", ERR_REGISTRY, HINT_INSECURE },
    { "x509:", ERR_REGISTRY, HINT_X509 },
    { "toomanyrequests", ERR_REGISTRY,
      "The registry limits the number of pulls: wait, or log in with registry-username and "
      "registry-password." },
    { "no such host", ERR_REGISTRY, "The host cannot resolve the registry's name: check `image` and the host's DNS." },
    { "dial tcp", ERR_REGISTRY, NULL },
    { "i/o timeout", ERR_REGISTRY, NULL },
    { "timeout exceeded", ERR_REGISTRY, NULL },
    { "handshake timeout", ERR_REGISTRY, NULL },
    { "gateway timeout", ERR_REGISTRY, NULL },
    { "timed out", ERR_REGISTRY, NULL },
    { "context deadline exceeded", ERR_REGISTRY, NULL },
    { "request canceled", ERR_REGISTRY, NULL },
    { "connection refused", ERR_REGISTRY, NULL },
    { "connection reset", ERR_REGISTRY, NULL },
    { "network is unreachable", ERR_REGISTRY, NULL },
    { "no route to host", ERR_REGISTRY, NULL },
    { "server misbehaving", ERR_REGISTRY, NULL },
    { "tls: ", ERR_REGISTRY, NULL },
    { "unexpected EOF", ERR_REGISTRY, NULL },
    { ": EOF", ERR_REGISTRY, NULL },
    { "internal server error", ERR_REGISTRY, NULL },
    { "bad gateway", ERR_REGISTRY, NULL },
    { "service unavailable", ERR_REGISTRY, NULL },
    { "unauthorized", ERR_REGISTRY_AUTH, NULL },
    { "access denied", ERR_REGISTRY_AUTH, NULL },
    { "denied:", ERR_REGISTRY_AUTH, NULL },
    { ": denied", ERR_REGISTRY_AUTH, NULL },
    { "is denied", ERR_REGISTRY_AUTH, NULL },
    { "authorization failed", ERR_REGISTRY_AUTH, NULL },
    { "403 forbidden", ERR_REGISTRY_AUTH, NULL },
    { "not found", ERR_IMAGE_MISSING, HINT_MISSING },
    { "timeout", ERR_REGISTRY, NULL },
    { "denied", ERR_REGISTRY_AUTH, NULL },
};

enum err_kind engine_words_pull(int status, const char *words, const char **hint)
{
    enum err_kind kind = engine_words_common(status, words, hint);
    if (kind == ERR_OK)
        kind = LOOK_UP(pull_phrases, words, hint);
    if (kind == ERR_OK && (status == 401 || status == 403))
        kind = ERR_REGISTRY_AUTH;
    if (kind == ERR_OK && status == 404)
        kind = ERR_IMAGE_MISSING;
    return kind;
}

enum err_kind engine_words_login(int status, const char *words, const char **hint)
{
    if (status == 401 || status == 403)
        return ERR_REGISTRY_AUTH;
    enum err_kind kind = engine_words_pull(status, words, hint);
    if (kind == ERR_IMAGE_MISSING) { /* a login asks for no image: the registry's address is wrong */
        *hint = NULL;
        return ERR_REGISTRY;
    }
    return kind;
}

static const struct phrase port_phrases[] = {
    { "port is already allocated", ERR_PORT_TAKEN, NULL },
    { "all ports are allocated", ERR_PORT_TAKEN, NULL },
    { "ports are not available", ERR_PORT_TAKEN, NULL },
    { "failed to bind host port", ERR_PORT_TAKEN, NULL },
    { "failed to bind port", ERR_PORT_TAKEN, NULL },
    { "bind: address already in use", ERR_PORT_TAKEN, NULL }, /* without "bind:" it is a network address */
    { "error starting userland proxy", ERR_PORT_TAKEN, NULL },
};

#define HINT_EXEC                                                                                                      \
    "The container's program could not be started: check the image's ENTRYPOINT and CMD, and the "                     \
    "inputs `args` and `user`."

enum err_kind engine_words_start(int status, const char *words, const char **hint)
{
    static const struct phrase table[] = {
        { "exec format error", ERR_PLATFORM, NULL },
        { "executable file not found", ERR_APP_EXITED, HINT_EXEC },
        { "unable to find user", ERR_APP_EXITED, HINT_EXEC },
        { "no matching entries in passwd file", ERR_APP_EXITED, HINT_EXEC },
    };
    enum err_kind kind = engine_words_common(status, words, hint);
    if (kind == ERR_OK)
        kind = LOOK_UP(port_phrases, words, hint);
    if (kind == ERR_OK)
        kind = LOOK_UP(table, words, hint);
    /* Mounts fail with the same errno words: only a failed exec says that the program is missing. */
    if (kind == ERR_OK && (engine_words_have(words, "exec: ") || engine_words_have(words, "exec /")) &&
        (engine_words_have(words, "no such file or directory") || engine_words_have(words, "permission denied") ||
         engine_words_have(words, "is a directory"))) {
        *hint = HINT_EXEC;
        kind = ERR_APP_EXITED;
    }
    return kind;
}

enum err_kind engine_words_connect(int status, const char *words, const char **hint)
{
    enum err_kind kind = engine_words_common(status, words, hint);
    return kind != ERR_OK ? kind : LOOK_UP(port_phrases, words, hint);
}

int engine_words_error(enum err_kind (*kind_of)(int, const char *, const char **), int status, const char *words,
                       struct err *err)
{
    const char *hint = NULL;
    enum err_kind kind = (kind_of ? kind_of : engine_words_common)(status, words, &hint);
    int r = err_set(err, kind == ERR_OK ? ERR_DOCKER : kind, status, "%s", words);
    if (hint)
        err_hint(err, "%s", hint);
    return r;
}

int engine_refused(const struct engine_answer *answer, enum err_kind (*kind_of)(int, const char *, const char **),
                   const char *what, const char *name, struct err *err)
{
    char shown[100];
    int r = engine_words_error(kind_of, answer->status, answer->words, err);
    engine_words_shorten(span_of(name), shown, sizeof(shown));
    (void)err_wrap(err, "Docker Engine: %s %s", what, shown);
    return r;
}

#define ID_DIGITS 64
#define ID_SHOWN 12

static size_t hex_run(struct span s)
{
    size_t n = 0;
    while (n < s.len && ((s.ptr[n] >= '0' && s.ptr[n] <= '9') || (s.ptr[n] >= 'a' && s.ptr[n] <= 'f')))
        n++;
    return n;
}

void engine_words_shorten(struct span text, char *out, size_t size)
{
    size_t at = 0;
    while (text.len && at + 1 < size) {
        size_t run = hex_run(text), keep = run == ID_DIGITS ? ID_SHOWN : run, skip = run;
        if (run == 0)
            keep = skip = 1;
        if (keep > size - 1 - at)
            keep = size - 1 - at;
        memcpy(out + at, text.ptr, keep);
        at += keep;
        text.ptr += skip;
        text.len -= skip;
    }
    out[at] = '\0';
}
