#include "cmd/ssh/sshagent.h"

#include "shared/clock.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Numbers of messages and flags [draft-ietf-sshm-ssh-agent, 5 and 3.6.1]. */
#define REQUEST_KEYS 11
#define ANSWER_KEYS 12
#define REQUEST_SIGN 13
#define ANSWER_SIGN 14
#define RSA_SHA2_256 2U
#define RSA_SHA2_512 4U

/* ---- wire form ---- */

static void add_u32(struct buf *out, uint32_t n)
{
    const char bytes[4] = { (char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n };
    buf_add(out, bytes, sizeof(bytes));
}

static void add_string(struct buf *out, struct span s)
{
    add_u32(out, (uint32_t)s.len);
    buf_add_span(out, s);
}

static bool cut_u32(struct span *in, uint32_t *ret)
{
    if (in->len < 4)
        return false;
    const unsigned char *p = (const unsigned char *)in->ptr;
    *ret = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    in->ptr += 4;
    in->len -= 4;
    return true;
}

static bool cut_string(struct span *in, struct span *ret)
{
    uint32_t len;
    if (!cut_u32(in, &len) || len > in->len)
        return false;
    *ret = (struct span){ in->ptr, len };
    in->ptr += len;
    in->len -= len;
    return true;
}

static bool cut_byte(struct span *in, unsigned char *ret)
{
    if (in->len == 0)
        return false;
    *ret = (unsigned char)in->ptr[0];
    in->ptr++;
    in->len--;
    return true;
}

/* ---- talking ---- */

/* Until the socket is ready for that. */
static int wait_for(struct sshagent *a, short what, struct err *err)
{
    for (;;) {
        struct pollfd p[2] = { { .fd = a->fd, .events = what }, { .fd = a->cancel_fd, .events = POLLIN } };
        int left = clock_left_ms(a->deadline_ms);
        if (left <= 0)
            return err_set(err, ERR_TIMEOUT, 0, "ssh-agent does not answer");
        if (poll(p, 2, left) < 0 && errno != EINTR)
            return err_set(err, ERR_KEY, errno, "ssh-agent: %s", strerror(errno));
        if (p[1].revents)
            return err_set(err, ERR_CANCEL, 0, "cancelled");
        if (p[0].revents)
            return 0;
    }
}

static int send_all(struct sshagent *a, struct span bytes, struct err *err)
{
    while (bytes.len > 0) {
        ssize_t n = send(a->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        int r = 0;
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            r = wait_for(a, POLLOUT, err);
        else if (n < 0)
            r = err_set(err, ERR_KEY, errno, "ssh-agent: %s", strerror(errno));
        if (r < 0)
            return r;
        bytes.ptr += n > 0 ? n : 0;
        bytes.len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Exactly len bytes more in `in`. */
static int receive(struct sshagent *a, size_t len, struct buf *in, struct err *err)
{
    char chunk[4096];
    while (len > 0) {
        ssize_t n = recv(a->fd, chunk, len < sizeof(chunk) ? len : sizeof(chunk), MSG_DONTWAIT);
        int r = 0;
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            r = wait_for(a, POLLIN, err);
        else if (n <= 0)
            r = err_set(err, ERR_KEY, n < 0 ? errno : 0, "ssh-agent ended the conversation");
        if (r < 0)
            return r;
        buf_add(in, chunk, n > 0 ? (size_t)n : 0);
        len -= n > 0 ? (size_t)n : 0;
    }
    return buf_check(in, err);
}

/* Send a message and take the answer to it, without its length. */
static int ask(struct sshagent *a, const struct buf *message, struct buf *answer, struct err *err)
{
    _cleanup_(buf_done) struct buf framed = BUF_INIT(SSHAGENT_MESSAGE_MAX + 4);
    _cleanup_(buf_done) struct buf head = BUF_INIT(4);
    uint32_t len = 0;
    add_string(&framed, buf_span(message));
    int r = message->failed ? -ERR_NOMEM : buf_check(&framed, err);
    if (r < 0)
        return err_set(err, ERR_NOMEM, 0, "a message to ssh-agent is too long");
    if ((r = send_all(a, buf_span(&framed), err)) < 0 || (r = receive(a, 4, &head, err)) < 0)
        return r;
    struct span prefix = buf_span(&head);
    if (!cut_u32(&prefix, &len) || len == 0 || len > SSHAGENT_MESSAGE_MAX)
        return err_set(err, ERR_PROTO, 0, "ssh-agent announces a message of %u bytes", (unsigned)len);
    return receive(a, len, answer, err);
}

/* ---- keys ---- */

/* Certificates need their key beside them, security keys a signature of another form. */
static bool is_usable(struct span type)
{
    return !span_contains(type, "-cert-") && !span_starts(type, "sk-") && !span_eq(type, "ssh-dss");
}

static void copy_printable(struct span text, char *out, size_t size)
{
    size_t n = 0;
    for (; n + 1 < size && n < text.len; n++)
        out[n] = text.ptr[n] >= 0x20 && text.ptr[n] < 0x7f ? text.ptr[n] : '?';
    out[n] = '\0';
}

static int keep_key(struct sshagent *a, struct span blob, struct span comment, struct err *err)
{
    struct span rest = blob, type;
    unsigned char sha256[CRYPTO_SHA256_SIZE];
    if (!cut_string(&rest, &type))
        return err_set(err, ERR_PROTO, 0, "ssh-agent holds a key that is none");
    if (!is_usable(type) || a->len == SSHAGENT_KEYS_MAX) {
        a->left_out++;
        return 0;
    }
    struct sshagent_key *key = &a->keys[a->len++];
    buf_init(&key->blob, SSHAGENT_MESSAGE_MAX);
    buf_add_span(&key->blob, blob);
    copy_printable(type, key->type, sizeof(key->type));
    copy_printable(comment, key->comment, sizeof(key->comment));
    _cleanup_(buf_done) struct buf text = BUF_INIT(sizeof(key->fingerprint));
    int r = crypto_sha256(blob, sha256, err);
    crypto_base64_encode((struct span){ (const char *)sha256, sizeof(sha256) }, CRYPTO_BASE64, &text);
    (void)snprintf(key->fingerprint, sizeof(key->fingerprint), "SHA256:%.43s", buf_str(&text));
    return r < 0 ? r : buf_check(&key->blob, err);
}

int sshagent_parse_keys(struct span message, struct sshagent *a, struct err *err)
{
    unsigned char kind = 0;
    uint32_t count = 0;
    struct span blob, comment;
    if (!cut_byte(&message, &kind) || kind != ANSWER_KEYS || !cut_u32(&message, &count))
        return err_set(err, ERR_PROTO, 0, "ssh-agent does not say which keys it holds");
    for (uint32_t i = 0; i < count; i++) {
        if (!cut_string(&message, &blob) || !cut_string(&message, &comment))
            return err_set(err, ERR_PROTO, 0, "ssh-agent's list of keys is cut off");
        int r = keep_key(a, blob, comment, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int refuse_empty(const struct sshagent *a, struct err *err)
{
    int r = err_set(err, ERR_KEY, 0, "ssh-agent holds no key%s", a->left_out ? " that can be used here" : "");
    err_hint(err, "ssh-add KEY hands it one (certificates and security keys cannot be used here); or name the file: "
                  "--identity FILE.");
    return r;
}

int sshagent_open(const char *path, int64_t deadline_ms, int cancel_fd, struct sshagent *ret, struct err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char request[] = { REQUEST_KEYS };
    _cleanup_(buf_done) struct buf message = BUF_INIT(8), answer = BUF_INIT(SSHAGENT_MESSAGE_MAX);
    *ret = (struct sshagent){ .fd = -1, .cancel_fd = cancel_fd, .deadline_ms = deadline_ms };
    if (strlen(path) >= sizeof(address.sun_path))
        return err_set(err, ERR_KEY, 0, "ssh-agent: the path in SSH_AUTH_SOCK is too long");
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    ret->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (ret->fd < 0 || connect(ret->fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        int r = err_set(err, ERR_KEY, errno, "no ssh-agent answers at '%.100s': %s", path, strerror(errno));
        err_hint(err, "Start one (eval $(ssh-agent); ssh-add), or name the key's file: --identity FILE.");
        return r;
    }
    buf_add(&message, request, sizeof(request));
    int r = ask(ret, &message, &answer, err);
    if (r == 0)
        r = sshagent_parse_keys(buf_span(&answer), ret, err);
    return r == 0 && ret->len == 0 ? refuse_empty(ret, err) : r;
}

void sshagent_done(struct sshagent *a)
{
    close_p(&a->fd);
    for (size_t i = 0; i < a->len; i++)
        buf_done(&a->keys[i].blob);
    a->len = 0;
}

/* ---- signing ---- */

int sshagent_sign(struct sshagent *a, const struct sshagent_key *key, struct span data, struct span algorithm,
                  struct buf *out, struct err *err)
{
    _cleanup_(buf_done) struct buf message = BUF_INIT(SSHAGENT_MESSAGE_MAX), answer = BUF_INIT(SSHAGENT_MESSAGE_MAX);
    unsigned char kind = 0;
    struct span rest, whole, name, signature;
    buf_addc(&message, REQUEST_SIGN);
    add_string(&message, buf_span(&key->blob));
    add_string(&message, data);
    add_u32(&message, span_eq(algorithm, "rsa-sha2-512")   ? RSA_SHA2_512
                      : span_eq(algorithm, "rsa-sha2-256") ? RSA_SHA2_256
                                                           : 0);
    int r = ask(a, &message, &answer, err);
    if (r < 0)
        return r;
    rest = buf_span(&answer);
    if (!cut_byte(&rest, &kind) || kind != ANSWER_SIGN)
        return err_set(err, ERR_AUTH, 0, "ssh-agent does not sign with key %s", key->fingerprint);
    if (!cut_string(&rest, &whole) || !cut_string(&whole, &name) || !cut_string(&whole, &signature))
        return err_set(err, ERR_PROTO, 0, "ssh-agent's signature is cut off");
    if (name.len != algorithm.len || memcmp(name.ptr, algorithm.ptr, name.len) != 0)
        return err_set(err, ERR_AUTH, 0, "ssh-agent signs with %.*s, wanted was %.*s", (int)name.len, name.ptr,
                       (int)algorithm.len, algorithm.ptr);
    buf_add_span(out, signature);
    return buf_check(out, err);
}
