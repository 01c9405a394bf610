/*
 * The one door to libcurl: HTTP over TCP, TLS or a Unix socket.
 *
 * A struct http keeps its connection between requests. Every request has a connect and a total deadline and a cap on
 * the answer. Only http and https are allowed, certificates are always verified (http_certificate_end() sends nothing),
 * redirects are followed only when asked for. Not for two threads at once.
 *
 * http_proxy, https_proxy and no_proxy of the environment are honoured, except for Unix sockets, "localhost" and
 * literal loopback, private and link-local addresses: a container on this host is never behind a proxy.
 */
#ifndef BLUEGREEN_HTTP_H
#define BLUEGREEN_HTTP_H

#include "buf.h"

#include <signal.h>

struct http;

/* AWS's signature, version 4 (CURLOPT_AWS_SIGV4): over method, path, body, Host and every header that is given. */
struct http_sigv4 {
    const char *region, *service; /* that the signature is for: "eu-central-1", "ecr" */
    const char *key_id, *secret;
    const char *token; /* sent as X-Amz-Security-Token, signed; NULL or "": none */
};

struct http_request {
    const char *method;         /* "GET", "POST", "PUT", "DELETE", "HEAD" */
    const char *url;            /* http://docker/… when unix_socket is given: any host name does */
    const char *unix_socket;    /* path; NULL: TCP */
    const char *const *headers; /* "Name: value", NULL-terminated; may be NULL. No Content-Type here */
    const char *label;        /* stands in messages for method and URL, when that is a secret as a whole; NULL: these */
    struct span body;         /* sent with Content-Length, not copied; len 0: none */
    const char *content_type; /* of the body; NULL: application/json */
    int64_t connect_timeout_ms; /* 0: 10 s */
    int64_t timeout_ms;         /* for the whole exchange; 0: none (a stream that lives as long as it must) */
    int64_t idle_timeout_ms;    /* give up when no byte arrived for this long; 0: none */
    size_t max_body; /* cap of `response->body`, 0: 1 MiB; more is -ERR_PROTO. With on_data: cuts error texts */
    /*
     * Sent once at most. On a connection that was used before, libcurl sends a request again by itself when it ends
     * without an answer, whatever the peer did with it: this takes a connection of its own.
     */
    bool once;
    bool direct;                    /* never through a proxy: the answer depends on where the request comes from */
    bool follow_redirects;          /* at most 5, same protocols; never with sigv4 */
    const struct http_sigv4 *sigv4; /* NULL: not signed. Time is this machine's clock, or an X-Amz-Date among headers */
    /*
     * When set, body bytes of a 2xx answer go here instead of into response->body (other statuses are still collected).
     * Return 0 to go on, 1 to end the exchange early without error, -kind (with err set by the callee's own means) to
     * fail; when that is the err handed to http_perform(), it stays as the callee left it. Empty spans are never
     * handed over.
     */
    int (*on_data)(void *ctx, struct span data);
    void *ctx;
};

struct http_response {
    int status; /* HTTP status; 0: none arrived */
    struct buf body;
    char content_type[128];
    char api_version[16];   /* the Docker Engine's Api-Version header; "" when absent */
    char error_type[80];    /* AWS's x-amzn-ErrorType header; "" when absent */
    int64_t retry_after_ms; /* Retry-After in seconds, as the last answer had it; 0: none */
    int64_t date_wall_ms;   /* the Date header: Unix time of the peer's clock, whole seconds; 0: none */
    int64_t took_ms;
};

/* Call once in main before any thread starts. */
int http_global_init(struct err *err);

/* cancel: polled during exchanges; when it becomes non-zero they end with -ERR_CANCEL. May be NULL. */
int http_new(struct http **ret, const volatile sig_atomic_t *cancel, struct err *err);
void http_free(struct http *h);
void http_free_p(struct http **h);

/*
 * Do one exchange. 0 when an answer arrived, whatever its status. -ERR_UNREACHABLE (no connection; err->code is errno
 * when known: ENOENT and EACCES on a Unix socket matter to callers), -ERR_TIMEOUT, -ERR_NET, -ERR_PROTO, -ERR_CANCEL;
 * -ERR_INPUT when the URL, method or a header cannot be sent. Cancel and deadlines take effect within 100 ms. Messages
 * name the URL without user, query and fragment, which may hold secrets, or the label. On failure response->status
 * and the other fields hold what had arrived. *response is initialised here; end it with http_response_done() in
 * every case.
 */
int http_perform(struct http *h, const struct http_request *request, struct http_response *response, struct err *err);
void http_response_done(struct http_response *r);

/*
 * Until when the certificate holds that a server on an IPv4 address and port shows: Unix milliseconds. A handshake of at
 * most timeout_ms, in which nothing is verified (it may well have expired); the connection is closed without a request.
 * -ERR_UNREACHABLE, -ERR_TIMEOUT, -ERR_NET (no TLS, or none that both sides know), -ERR_PROTO (no date that can be read).
 */
int http_certificate_end(const char *address, int port, int64_t timeout_ms, int64_t *end_ms, struct err *err);

/* Percent-encode for a query or path segment. */
void http_escape(struct span text, struct buf *out);

#endif
