#include "cmd/ssh/ssh_internal.h"

#include "cmd/ssh/sshagent.h"

#define TRIES_MAX 6 /* MaxAuthTries of sshd, each identity costs one [sshd_config(5)] */
#define TYPES_MAX 400

/* What the library's callback needs; it has no error of its own. */
struct signing {
    struct sshagent *agent;
    const struct sshagent_key *key;
    struct err err;
};

static bool cut_string(struct span *in, struct span *ret)
{
    if (in->len < 4)
        return false;
    const unsigned char *p = (const unsigned char *)in->ptr;
    size_t len = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    if (len > in->len - 4)
        return false;
    *ret = (struct span){ in->ptr + 4, len };
    in->ptr += 4 + len;
    in->len -= 4 + len;
    return true;
}

/*
 * The algorithm in the request that is to be signed [RFC 4252, section 7]: session id, the byte 50, user, service, "publickey", TRUE,
 * algorithm, key. The library chose it by what the server takes.
 */
static bool find_algorithm(struct span data, struct span *ret)
{
    struct span skipped;
    if (!cut_string(&data, &skipped) || data.len < 1)
        return false;
    data.ptr++;
    data.len--;
    for (int i = 0; i < 3; i++)
        if (!cut_string(&data, &skipped))
            return false;
    if (data.len < 1)
        return false;
    data.ptr++;
    data.len--;
    return cut_string(&data, ret);
}

static LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC(sign)
{
    struct signing *s = *abstract;
    struct span request = { (const char *)data, data_len }, algorithm;
    _cleanup_(buf_done) struct buf out = BUF_INIT(SSHAGENT_MESSAGE_MAX);
    (void)session;
    if (!find_algorithm(request, &algorithm)) {
        err_set(&s->err, ERR_BUG, 0, "the library wants something signed that is no login");
        return -1;
    }
    if (sshagent_sign(s->agent, s->key, request, algorithm, &out, &s->err) < 0)
        return -1;
    *sig = malloc(out.len); /* the library's allocator is malloc(), see ssh_session_new() */
    if (!*sig)
        return -1;
    memcpy(*sig, out.ptr, out.len);
    *sig_len = out.len;
    return 0;
}

/* The server has ended the conversation: too many tries, often. */
static bool is_end(int rc)
{
    return rc == LIBSSH2_ERROR_SOCKET_DISCONNECT || rc == LIBSSH2_ERROR_SOCKET_SEND || rc == LIBSSH2_ERROR_SOCKET_RECV;
}

/* 0: logged in; 1: this key is not wanted; negative: it is no use going on. */
static int try_key(struct ssh *s, const char *user, struct signing *signing, int64_t deadline_ms, struct err *err)
{
    const struct buf *blob = &signing->key->blob;
    void *abstract = signing;
    int rc, r;
    while ((rc = libssh2_userauth_publickey(s->session, user, (const unsigned char *)blob->ptr, blob->len, sign,
                                            &abstract)) == LIBSSH2_ERROR_EAGAIN)
        if ((r = ssh_wait(s, deadline_ms, err)) < 0)
            return err_wrap(err, "log in as '%s'", user);
    if (rc == 0)
        return 0;
    if (signing->err.kind != ERR_OK && signing->err.kind != ERR_AUTH) { /* not this key alone: the agent is gone */
        *err = signing->err;
        return -(int)err->kind;
    }
    if (s->peer_ended || s->sock_errno || is_end(rc))
        return ssh_fail(s, ERR_AUTH, rc, "log in", err);
    return 1;
}

static int refuse(const struct ssh *s, const struct ssh_target *t, const struct sshagent *agent, size_t tried,
                  const struct err *last, struct err *err)
{
    _cleanup_(buf_done) struct buf names = BUF_INIT(TYPES_MAX);
    for (size_t i = 0; i < tried && i < 3; i++)
        buf_addf(&names, "%s%s %s", i ? ", " : "", agent->keys[i].type, agent->keys[i].fingerprint);
    if (tried > 3)
        buf_addf(&names, " and %zu more", tried - 3);
    int r = err_set(err, ERR_AUTH, 0, "%s refused user '%s' with every key that ssh-agent holds%s", s->where, t->user,
                    agent->len > tried ? ", of which six were tried" : "");
    err_wrap(err, "offered: %s", buf_str(&names));
    if (last->kind != ERR_OK)
        err_hint(err, "The agent itself said: %.200s", last->frame[0].text);
    else
        err_hint(
            err,
            "ssh-add -l shows the agent's keys. Is the public half of one of them in ~%s/.ssh/authorized_keys on the "
            "host? With --identity FILE that key alone is offered.",
            t->user);
    return r;
}

int ssh_auth_agent(struct ssh *s, const struct ssh_target *t, int64_t deadline_ms, struct err *err)
{
    struct sshagent agent;
    struct signing signing = { .agent = &agent };
    size_t tried = 0;
    int r = sshagent_open(t->agent, deadline_ms, s->cancel_fd, &agent, err);
    for (int more = 1; r == 0 && more && tried < agent.len && tried < TRIES_MAX;) {
        signing.key = &agent.keys[tried++];
        more = try_key(s, t->user, &signing, deadline_ms, err);
        if (more < 0)
            r = err_wrap(err, "after %zu of the %zu keys that ssh-agent holds", tried, agent.len);
        else if (more == 0)
            s->ready = true;
    }
    if (r == 0 && !s->ready)
        r = refuse(s, t, &agent, tried, &signing.err, err);
    sshagent_done(&agent);
    return r;
}
