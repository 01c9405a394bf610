#include "cmd/ssh/ssh.h"

#include "cmd/ssh/ssh_internal.h"
#include "shared/clock.h"

#define GROUPS_MAX 4
#define SEEN_MAX 8
#define JUMP_CLOSE_ROUNDS 50

/* One of the one or two servers on the way. */
struct hop {
    const struct ssh_target *target;
    const char *role; /* "jump host", "host behind the jump host"; NULL: there is one host only */
    struct sshkey key;
    struct hostpins pins;
    int64_t timeout_ms;
    int cancel_fd;
    const struct ssh_hooks *hooks; /* NULL: none, or not this hop's */
};

/* Host keys that a server showed, for the error that refuses them. */
struct seen {
    unsigned type[SEEN_MAX];
    char fingerprint[SEEN_MAX][HOSTPIN_FINGERPRINT_SIZE];
    size_t len;
};

int ssh_global_init(struct err *err)
{
    int rc = libssh2_init(0);
    return rc == 0 ? 0 : err_set(err, ERR_BUG, rc, "libssh2 cannot start (%d)", rc);
}

/* ---- one session ---- */

static void session_close(struct ssh *s)
{
    if (!s->session)
        return;
    if (!s->half_sent && s->first_len > 0) /* one try, so that the server's log does not tell of a lost peer */
        (void)libssh2_session_disconnect_ex(s->session, SSH_DISCONNECT_BY_APPLICATION, "done", "");
    s->closing = true; /* the callbacks fail from here on, so nothing below waits */
    for (int i = 0; i < JUMP_CLOSE_ROUNDS; i++)
        if (libssh2_session_free(s->session) != LIBSSH2_ERROR_EAGAIN)
            break;
    s->session = NULL;
}

void ssh_free(struct ssh *s)
{
    if (!s)
        return;
    session_close(s);
    if (s->via && !s->owns_outer)
        ssh_jump_close(s->outer, s->via); /* the outer session is used again */
    if (s->owns_outer)
        ssh_free(s->outer); /* with its channels */
    close_p(&s->fd);
    buf_done(&s->ahead);
    free(s);
}

void ssh_free_p(struct ssh **s)
{
    ssh_free(*s);
    *s = NULL;
}

const char *ssh_where(const struct ssh *s)
{
    return s->where;
}

unsigned ssh_channels_opened(const struct ssh *s)
{
    return s->channels;
}

void ssh_ignore_cancel(struct ssh *s)
{
    s->cancel_fd = -1;
    if (s->outer)
        s->outer->cancel_fd = -1;
}

void ssh_set_limit(struct ssh *s, int64_t deadline_ms)
{
    s->limit_ms = deadline_ms;
}

/* Where it is; its name is what the pins are for. */
static const char *address_of(const struct ssh_target *t)
{
    return t->address && t->address[0] ? t->address : t->host;
}

/* A session that is connected but has not said anything yet. */
static int transport_open(const struct hop *hop, struct ssh *outer, int64_t deadline_ms, struct ssh **ret,
                          struct err *err)
{
    const struct ssh_target *t = hop->target;
    _cleanup_(ssh_free_p) struct ssh *s = calloc(1, sizeof(*s));
    if (!s)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    s->fd = -1;
    s->cancel_fd = hop->cancel_fd;
    buf_init(&s->ahead, 64 * 1024);
    bool v6 = strchr(t->host, ':') && strncmp(t->host, "tag:", 4) != 0;
    (void)snprintf(s->where, sizeof(s->where), "%.64s@%s%.200s%s:%d", t->user, v6 ? "[" : "", t->host, v6 ? "]" : "",
                   t->port);
    int r;
    if (outer) {
        s->outer = outer;
        r = ssh_jump_open(outer, address_of(t), t->port, deadline_ms, &s->via, err);
    } else {
        r = ssh_tcp_connect(address_of(t), t->port, deadline_ms, s->cancel_fd, &s->fd, err);
    }
    if (r < 0)
        return r;
    if ((r = ssh_session_new(s, err)) < 0)
        return r;
    *ret = TAKE_PTR(s);
    return 0;
}

static int explain_handshake(struct ssh *s, int rc, struct err *err)
{
    char words[SSH_FIRST_MAX];
    ssh_strange_words(s, words);
    int r;
    if (strstr(words, "Not allowed at this time") || strstr(words, "MaxStartups")) {
        r = err_set(err, ERR_NET, rc, "%s refuses connections from this address for now: '%s'", s->where, words);
        err_hint(err, "sshd limits connections: too many at once (MaxStartups), or a penalty after failed "
                      "logins from this address (PerSourcePenalties). Wait some minutes.");
        return r;
    }
    if (words[0]) {
        r = err_set(err, ERR_PROTO, rc, "%s is not an SSH server: it says '%s'", s->where, words);
        err_hint(err, "Is ssh-port right?");
        return r;
    }
    if (s->first_len == 0 && (s->peer_ended || s->sock_errno)) {
        r = err_set(err, ERR_NET, s->sock_errno, "%s accepted the connection and closed it at once", s->where);
        err_hint(err, "Something in front of sshd drops us: fail2ban, MaxStartups, PerSourcePenalties, "
                      "hosts.deny, or a load balancer without a target.");
        return r;
    }
    return ssh_fail(s, ERR_PROTO, rc, "SSH handshake", err);
}

/*
 * Key exchange, offering host key algorithms of `types` only. 1: server and library share none (or, which the library
 * does not tell apart, no other algorithm).
 */
static int handshake(struct ssh *s, unsigned types, int64_t deadline_ms, struct err *err)
{
    _cleanup_(buf_done_p) struct buf methods = BUF_INIT(512);
    hostpin_methods(types, &methods);
    /* A refused list would leave the library's default in force, and with it types that nobody pinned. */
    if (libssh2_session_method_pref(s->session, LIBSSH2_METHOD_HOSTKEY, buf_str(&methods)) != 0)
        return 1;
    /* Only its number is used, for the library's own settings; the bytes go through our callbacks. */
    int fd = s->outer ? s->outer->fd : s->fd;
    int rc, r;
    while ((rc = libssh2_session_handshake(s->session, fd)) == LIBSSH2_ERROR_EAGAIN)
        if ((r = ssh_wait(s, deadline_ms, err)) < 0) {
            if (r == -ERR_TIMEOUT && s->first_len == 0) {
                r = err_set(err, ERR_TIMEOUT, 0, "%s accepted the connection but stays silent", s->where);
                err_hint(err, "Is ssh-port right? A host that is still booting or out of memory does the "
                              "same.");
            }
            return r;
        }
    if (rc == 0)
        return 0;
    if (rc == LIBSSH2_ERROR_KEX_FAILURE && !s->peer_ended && !s->sock_errno)
        return 1;
    return explain_handshake(s, rc, err);
}

static int host_key(struct ssh *s, unsigned *type, unsigned char sha256[CRYPTO_SHA256_SIZE], struct err *err)
{
    size_t len = 0;
    int library_type = 0;
    const char *blob = libssh2_session_hostkey(s->session, &len, &library_type);
    if (!blob || len == 0)
        return err_set(err, ERR_PROTO, 0, "%s showed no host key", s->where);
    *type = hostpin_blob_type((struct span){ blob, len });
    return crypto_sha256((struct span){ blob, len }, sha256, err);
}

/* ---- the host key decision ---- */

static void seen_add(struct seen *seen, unsigned type, const unsigned char sha256[CRYPTO_SHA256_SIZE])
{
    if (seen->len == SEEN_MAX)
        return;
    seen->type[seen->len] = type;
    hostpin_fingerprint(sha256, seen->fingerprint[seen->len]);
    seen->len++;
}

static void hint_seen(const struct seen *seen, struct err *err)
{
    _cleanup_(buf_done_p) struct buf list = BUF_INIT(600);
    for (size_t i = 0; i < seen->len && i < 3; i++)
        buf_addf(&list, "%s%s %s", i ? ", " : "", hostpin_type_name(seen->type[i]), seen->fingerprint[i]);
    err_hint(err,
             "Seen: %s. Compare on the host itself (console, or EC2: Get system log): for f in "
             "/etc/ssh/ssh_host_*.pub; do ssh-keygen -lf $f; done. Only if equal, put it into "
             "host-fingerprint.",
             buf_str(&list));
}

static int refuse_host_key(const struct hop *hop, const struct seen *seen, bool revoked, struct err *err)
{
    const struct ssh_target *t = hop->target;
    _cleanup_(buf_done_p) struct buf pinned = BUF_INIT(200);
    hostpin_describe_types(hostpins_types(&hop->pins), &pinned);
    if (hostpins_untyped(&hop->pins))
        buf_adds(&pinned, pinned.len ? ", any" : "any");
    if (revoked) {
        int r = err_set(err, ERR_HOST_KEY, 0, "the host key of %s port %d (%s) is marked @revoked in known-hosts",
                        t->host, t->port, seen->len ? seen->fingerprint[seen->len - 1] : "");
        err_hint(err, "Somebody declared this key stolen. Do not connect; give the host a new key.");
        return r;
    }
    if (seen->len == 0)
        return err_set(err, ERR_HOST_KEY, 0,
                       "%s port %d has no host key of a pinned type (%s), or shares no algorithm with us", t->host,
                       t->port, buf_str(&pinned));
    int r;
    if (!hostpins_usable(&hop->pins))
        r = err_set(err, ERR_HOST_KEY, 0, "no line of known-hosts is for %s port %d", t->host, t->port);
    else
        r = err_set(err, ERR_HOST_KEY, 0,
                    "the host key of %s port %d matches no pin (pinned types: %s); no login was tried", t->host,
                    t->port, buf_str(&pinned));
    hint_seen(seen, err);
    return r;
}

/* Which sets of types to offer, one connection each, until one shows a pinned key. */
struct plan {
    unsigned types[GROUPS_MAX];
    size_t len;
};

static void plan_families(struct plan *plan, unsigned without)
{
    static const unsigned families[] = { HOSTPIN_ED25519, HOSTPIN_ECDSA, HOSTPIN_RSA };
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (families[i] & ~without)
            plan->types[plan->len++] = families[i] & ~without;
}

static struct plan make_plan(const struct hostpins *pins)
{
    struct plan plan = { 0 };
    unsigned typed = hostpins_types(pins);
    if (typed)
        plan.types[plan.len++] = typed;
    if (hostpins_untyped(pins) || typed == 0)
        plan_families(&plan, typed);
    return plan;
}

/* 0: verified, *ret set; 1: not this one (seen may have grown), go on; negative: end. */
static int try_types(const struct hop *hop, struct ssh *outer, unsigned types, int64_t deadline_ms, struct seen *seen,
                     struct ssh **ret, struct err *err)
{
    _cleanup_(ssh_free_p) struct ssh *s = NULL;
    unsigned char sha256[CRYPTO_SHA256_SIZE];
    unsigned type = 0;
    int r;
    if ((r = transport_open(hop, outer, deadline_ms, &s, err)) < 0)
        return r;
    if ((r = handshake(s, types, deadline_ms, err)) != 0)
        return r;
    if ((r = host_key(s, &type, sha256, err)) < 0)
        return r;
    seen_add(seen, type, sha256);
    if (!(type & types))
        return err_set(err, ERR_PROTO, 0, "%s showed a host key of a type that was not asked for", s->where);
    switch (hostpins_judge(&hop->pins, sha256)) {
    case HOSTPIN_MATCH:
        *ret = TAKE_PTR(s);
        return 0;
    case HOSTPIN_REVOKED:
        return refuse_host_key(hop, seen, true, err);
    case HOSTPIN_MISMATCH:
        break;
    }
    return 1;
}

/* A connection whose host key is pinned. Nothing was said about any user yet. */
static int connect_verified(const struct hop *hop, struct ssh *outer, int64_t deadline_ms, struct ssh **ret,
                            struct err *err)
{
    struct plan plan = make_plan(&hop->pins);
    struct seen seen = { 0 };
    bool widened = false;
    for (size_t i = 0; i < plan.len; i++) {
        int r = try_types(hop, outer, plan.types[i], deadline_ms, &seen, ret, err);
        if (r <= 0)
            return r;
        /* No key of the pinned types: look which ones there are, so that the error can name them. */
        if (i + 1 == plan.len && seen.len == 0 && !widened && plan.len == 1) {
            plan_families(&plan, plan.types[0]);
            widened = true;
        }
    }
    return refuse_host_key(hop, &seen, false, err);
}

/* ---- the whole way ---- */

/* A key that was given is used, and the agent is not asked. */
static bool by_agent(const struct ssh_target *t)
{
    return t->agent && t->agent[0] && !t->key[0];
}

static int hop_prepare(struct hop *hop, struct err *err)
{
    const struct ssh_target *t = hop->target;
    bool has_passphrase = t->passphrase && t->passphrase[0];
    int r = by_agent(t) ? 0 : sshkey_parse(span_of(t->key), has_passphrase, &hop->key, err);
    if (r == 0)
        r = hostpins_parse(span_of(t->fingerprints), span_of(t->known_hosts), t->host, t->port, &hop->pins, err);
    if (r == 0 && !hop->pins.given)
        r = err_set(err, ERR_NO_PIN, 0, "there is no pin for the host key of %s", t->host);
    return r < 0 && hop->role ? err_wrap(err, "%s", hop->role) : r;
}

static void hop_done(struct hop *hop)
{
    sshkey_done(&hop->key);
    hostpins_done(&hop->pins);
}

static int hop_connect(const struct hop *hop, struct ssh *outer, struct ssh **ret, struct err *err)
{
    int64_t deadline = clock_mono_ms() + hop->timeout_ms;
    _cleanup_(ssh_free_p) struct ssh *s = NULL;
    int r = connect_verified(hop, outer, deadline, &s, err);
    if (r == 0 && hop->hooks && hop->hooks->before_login)
        r = hop->hooks->before_login(hop->hooks->ctx, deadline, hop->cancel_fd >= 0, err);
    if (r == 0)
        r = by_agent(hop->target) ? ssh_auth_agent(s, hop->target, deadline, err)
                                  : ssh_auth(s, hop->target, &hop->key, deadline, err);
    if (r < 0)
        return hop->role ? err_wrap(err, "%s", hop->role) : r;
    *ret = TAKE_PTR(s);
    return 0;
}

static int connect_all(struct hop *host, struct hop *jump, struct ssh **ret, struct err *err)
{
    int r;
    if ((r = hop_prepare(host, err)) < 0 || (jump && (r = hop_prepare(jump, err)) < 0))
        return r;
    if (!jump)
        return hop_connect(host, NULL, ret, err);
    _cleanup_(ssh_free_p) struct ssh *outer = NULL;
    if ((r = hop_connect(jump, NULL, &outer, err)) < 0)
        return r;
    struct ssh *inner;
    if ((r = hop_connect(host, outer, &inner, err)) < 0)
        return r;
    inner->owns_outer = true;
    outer = NULL;
    *ret = inner;
    return 0;
}

int ssh_connect(struct ssh **ret, const struct ssh_target *target, const struct ssh_target *jump,
                const struct ssh_hooks *hooks, int64_t timeout_ms, int cancel_fd, struct err *err)
{
    if (hooks && hooks->before_connect && hooks->before_connect(hooks->ctx, err) < 0)
        return -(int)err->kind;
    bool through = jump && jump->host && jump->host[0];
    struct hop host_hop = { .target = target,
                            .role = through ? "host behind the jump host" : NULL,
                            .timeout_ms = timeout_ms,
                            .cancel_fd = cancel_fd,
                            .hooks = hooks };
    struct hop jump_hop = { .target = jump, .role = "jump host", .timeout_ms = timeout_ms, .cancel_fd = cancel_fd };
    int r = connect_all(&host_hop, through ? &jump_hop : NULL, ret, err);
    hop_done(&host_hop);
    hop_done(&jump_hop);
    return r;
}
