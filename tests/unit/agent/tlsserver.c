#include "tests/unit/agent/tlsserver.h"

#include "tests/unit/agent/host.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

struct tlsserver {
    int fd, port;
    int stop[2]; /* pipe: closing the writing end ends the thread */
    SSL_CTX *ctx;
    pthread_t thread;
    atomic_int handshakes;
};

static void set_certificate(SSL_CTX *ctx, int64_t end_seconds)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    assert_true(key && x && X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), 1));
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(end_seconds - 3600)));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x), (time_t)end_seconds));
    assert_true(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                           (const unsigned char *)"elsewhere.example", -1, -1, 0));
    assert_true(X509_set_issuer_name(x, X509_get_subject_name(x)) && X509_set_pubkey(x, key));
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    assert_true(SSL_CTX_use_certificate(ctx, x) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1);
    X509_free(x);
    EVP_PKEY_free(key);
}

static void serve_one(struct tlsserver *s, int fd)
{
    SSL *ssl = SSL_new(s->ctx);
    if (ssl && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1)
        atomic_fetch_add(&s->handshakes, 1);
    SSL_free(ssl);
}

static void *serve(void *arg)
{
    struct tlsserver *s = arg;
    struct pollfd p[2] = { { .fd = s->fd, .events = POLLIN }, { .fd = s->stop[0], .events = POLLIN } };
    (void)signal(SIGPIPE, SIG_IGN); /* a client that left */
    while (poll(p, 2, -1) > 0 && p[1].revents == 0) {
        _cleanup_(close_p) int fd = accept(s->fd, NULL, NULL);
        if (fd >= 0)
            serve_one(s, fd);
    }
    return NULL;
}

struct tlsserver *tlsserver_start(int64_t end_seconds)
{
    struct tlsserver *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    s->fd = host_listen(&s->port);
    s->ctx = SSL_CTX_new(TLS_server_method());
    assert_true(s->ctx && pipe(s->stop) == 0);
    set_certificate(s->ctx, end_seconds);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
    return s;
}

void tlsserver_stop(struct tlsserver *s)
{
    close_p(&s->stop[1]);
    (void)pthread_join(s->thread, NULL);
    close_p(&s->stop[0]);
    close_p(&s->fd);
    SSL_CTX_free(s->ctx);
    free(s);
}

int tlsserver_port(const struct tlsserver *s)
{
    return s->port;
}

int tlsserver_handshakes(const struct tlsserver *s)
{
    return atomic_load(&s->handshakes);
}
