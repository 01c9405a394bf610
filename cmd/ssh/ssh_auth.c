#include "cmd/ssh/ssh_internal.h"

#define METHODS_MAX 160

/*
 * The login methods that the server offers to this user, "publickey,password"; "" when it does not say. Asked only after
 * a refusal: the question itself counts as a try.
 */
static const char *offered_methods(struct ssh *s, const char *user, int64_t deadline_ms, char out[METHODS_MAX])
{
    struct err ignored = { 0 };
    out[0] = '\0';
    for (;;) {
        const char *list = libssh2_userauth_list(s->session, user, (unsigned)strlen(user));
        if (list) {
            size_t n = 0;
            for (; list[n] && n + 1 < METHODS_MAX; n++)
                out[n] = list[n] >= 0x20 && list[n] < 0x7f ? list[n] : '?';
            out[n] = '\0';
            return out;
        }
        if (libssh2_session_last_errno(s->session) != LIBSSH2_ERROR_EAGAIN || ssh_wait(s, deadline_ms, &ignored) < 0)
            return out;
    }
}

/* AWS took the key; sshd asks for it there itself. */
static int explain_instance_connect(struct ssh *s, const struct ssh_target *t, struct err *err)
{
    int r = err_set(err, ERR_AUTH, 0, "%s refused user '%s' with the key that EC2 Instance Connect has for it",
                    s->where, t->user);
    err_hint(
        err,
        "sshd fetches the key from the instance's metadata: is the package ec2-instance-connect installed (Amazon "
        "Linux and Ubuntu have it), is the metadata service on, is '%s' a user of the host, and AuthorizedKeysCommand "
        "in sshd_config left alone? The key counts for 60 s. The host's log: sudo journalctl -u ssh -u sshd",
        t->user);
    return r;
}

static int explain_refusal(struct ssh *s, const struct ssh_target *t, const struct sshkey *key, int64_t deadline_ms,
                           struct err *err)
{
    char methods[METHODS_MAX];
    offered_methods(s, t->user, deadline_ms, methods);
    const char *kind = key->kind[0] ? key->kind : "private";
    int r;
    if (methods[0] && !strstr(methods, "publickey")) {
        r = err_set(err, ERR_AUTH, 0, "%s does not accept keys for user '%s'; it offers: %s", s->where, t->user,
                    methods);
        err_hint(err, "Likely the server's policy: look at PubkeyAuthentication, AuthenticationMethods, "
                      "AllowUsers and Match blocks in sshd_config. If a second factor is asked for, make "
                      "a user for deployments that needs none.");
        return r;
    }
    if (t->instance_connect)
        return explain_instance_connect(s, t, err);
    r = err_set(err, ERR_AUTH, 0, "%s refused user '%s' with this %s key%s%s (it offers: %s)", s->where, t->user, kind,
                key->fingerprint[0] ? " " : "", key->fingerprint, methods[0] ? methods : "nothing");
    if (strcmp(t->user, "root") == 0)
        err_hint(err, "Cloud images do not let root in: use the image's user (Amazon Linux ec2-user, "
                      "Ubuntu ubuntu, Debian admin).");
    else
        err_hint(err,
                 "Is the user right for the image (Amazon Linux ec2-user, Ubuntu ubuntu, Debian "
                 "admin)? Is the key's public half (ssh-keygen -y -f KEY) in ~%s/.ssh/authorized_keys "
                 "there, that file and ~/.ssh writable by that user only? The host's log says why: "
                 "sudo journalctl -u ssh -u sshd",
                 t->user);
    return r;
}

static int explain_key(struct ssh *s, const struct sshkey *key, int rc, struct err *err)
{
    if (key->encrypted) {
        int r = err_set(err, ERR_KEY, rc, "ssh-key: the passphrase does not open the key");
        err_hint(err, "Try it by hand: ssh-keygen -y -f KEY. If it opens there, the key's encryption may be "
                      "too old for this action: ssh-keygen -p -f KEY.new -Z aes256-ctr on a copy.");
        return r;
    }
    int r = ssh_fail(s, ERR_KEY, rc, "ssh-key: the key cannot be used", err);
    err_hint(err, "Try it by hand: ssh-keygen -y -f KEY. A new key is made with: ssh-keygen -t ed25519 -N '' "
                  "-f deploy_key");
    return r;
}

int ssh_auth(struct ssh *s, const struct ssh_target *t, const struct sshkey *key, int64_t deadline_ms, struct err *err)
{
    const char *passphrase = key->encrypted ? t->passphrase : NULL;
    int rc, r;
    while ((rc = libssh2_userauth_publickey_frommemory(s->session, t->user, strlen(t->user), NULL, 0,
                                                       buf_str(&key->pem), key->pem.len, passphrase)) ==
           LIBSSH2_ERROR_EAGAIN)
        if ((r = ssh_wait(s, deadline_ms, err)) < 0)
            return err_wrap(err, "log in as '%s'", t->user);
    switch (rc) {
    case 0:
        s->ready = true;
        return 0;
    case LIBSSH2_ERROR_AUTHENTICATION_FAILED:
    case LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED:
    case LIBSSH2_ERROR_METHOD_NOT_SUPPORTED:
#ifdef LIBSSH2_ERROR_ALGO_UNSUPPORTED
    case LIBSSH2_ERROR_ALGO_UNSUPPORTED:
#endif
        return explain_refusal(s, t, key, deadline_ms, err);
    case LIBSSH2_ERROR_FILE:
    case LIBSSH2_ERROR_KEYFILE_AUTH_FAILED:
        return explain_key(s, key, rc, err);
    default:
        break;
    }
    if (rc == LIBSSH2_ERROR_PROTO && !s->peer_ended && !s->sock_errno)
        return explain_key(s, key, rc, err);
    r = ssh_fail(s, ERR_AUTH, rc, "log in", err);
    err_hint(err, "The server ended the login. Too many wrong tries from this address lead to that too: wait "
                  "some minutes.");
    return r;
}
