/*
 * Errors are values: a kind, a code, a chain of frames and a hint.
 *
 * The struct lives on the caller's stack and allocates nothing, so out-of-memory can be reported too. Contract:
 *  - a function that can fail takes `struct err *err` last and returns 0 or -kind; a positive return only where its
 *    docstring names it ("not found", "end"). Outputs are written on success only.
 *  - the innermost failure calls err_set(); callers add what they were doing with err_wrap() and never repeat what is
 *    below. The first cause is never lost: when the frames are used up, the newest ones are dropped.
 *  - below main() nothing prints or exits. Kind decides the exit code and the default hint.
 */
#ifndef BLUEGREEN_ERR_H
#define BLUEGREEN_ERR_H

#include <stdbool.h>
#include <stddef.h>

#define ERR_FRAMES 8
#define ERR_TEXT_MAX 320
#define ERR_HINT_MAX 400

/* Names, exit codes and default hints of the kinds: the table in shared/err.c, documented in README "Exit codes". */
enum err_kind {
    ERR_OK = 0,
    ERR_INPUT,            /* an input of the user is missing or wrong */
    ERR_NO_PIN,           /* no host-fingerprint and no known-hosts */
    ERR_HOST_KEY,         /* the server's key matches no pin, or is revoked */
    ERR_UNREACHABLE,      /* no TCP connection: refused, no route, name does not resolve */
    ERR_TIMEOUT,          /* a peer stayed silent beyond its deadline */
    ERR_AUTH,             /* the SSH server refused user and key */
    ERR_KEY,              /* the private key cannot be used: format, passphrase */
    ERR_INSTALL,          /* the agent cannot be put on the host: noexec, full, unknown architecture */
    ERR_LOCKED,           /* another deployment of this app holds the lock */
    ERR_NET,              /* an established connection failed */
    ERR_PROTO,            /* a peer said something that its protocol does not allow */
    ERR_IO,               /* file system */
    ERR_NOMEM,            /* out of memory, or a bound of a buffer reached */
    ERR_CANCEL,           /* cancelled by the user */
    ERR_DOCKER_MISSING,   /* no Docker Engine answers on the host */
    ERR_DOCKER_DENIED,    /* the user may not talk to the engine */
    ERR_DOCKER,           /* the engine answered with an error */
    ERR_DISK_FULL,        /* not enough free space on the host */
    ERR_IMAGE_MISSING,    /* the registry has no such image, or does not show it to us */
    ERR_REGISTRY_AUTH,    /* the registry refused the credentials */
    ERR_REGISTRY,         /* the registry cannot be reached or failed */
    ERR_PORT_TAKEN,       /* the port belongs to something else */
    ERR_PLATFORM,         /* the image is for another architecture */
    ERR_APP_EXITED,       /* the new container ended */
    ERR_UNHEALTHY,        /* the new container runs but does not pass its health check */
    ERR_VERIFY,           /* verify-url did not answer as expected */
    ERR_NO_PREVIOUS,      /* nothing to roll back to */
    ERR_KPI,              /* a KPI is critical and fail-on-kpi is true */
    ERR_ARTIFACT,         /* the artifact could not be uploaded and upload-artifact is required */
    ERR_AWS,              /* an AWS service answered with an error */
    ERR_AWS_CREDENTIALS,  /* no AWS credentials were found, or AWS does not accept them */
    ERR_AWS_DENIED,       /* the AWS credentials may not do this */
    ERR_INSTANCE,         /* the instance does not exist, does not run, or several match */
    ERR_IMAGE_FINDINGS,   /* the registry's scan found what fail-on-severity does not allow */
    ERR_REGISTRY_EXPIRED, /* the registry's token has expired */
    ERR_AUDIT,            /* the audit log on the host is not whole */
    ERR_NOT_FOUND,        /* what was asked for is not on the host */
    ERR_REMOTE,           /* the agent reported a failure of another kind */
    ERR_BUG,              /* our own mistake */
    ERR_KINDS
};

struct err_frame {
    const char *file;
    int line;
    char text[ERR_TEXT_MAX];
};

struct err {
    enum err_kind kind;
    int code;       /* errno, CURLcode, libssh2 code, HTTP status…; 0: none */
    unsigned depth; /* frames used; frame[0] is where it happened */
    struct err_frame frame[ERR_FRAMES];
    char hint[ERR_HINT_MAX]; /* what to do next; empty: the kind's default */
};

#define err_set(e, kind, code, ...) err_push((e), (kind), (code), __FILE__, __LINE__, __VA_ARGS__)
#define err_wrap(e, ...) err_push((e), ERR_OK, 0, __FILE__, __LINE__, __VA_ARGS__)
#ifdef __clang_analyzer__ /* It cannot see into err.c: tell it that the result is negative. */
#undef err_set
#undef err_wrap
#define err_set(e, kind, code, ...) (err_push((e), (kind), (code), __FILE__, __LINE__, __VA_ARGS__), -1)
#define err_wrap(e, ...) (err_push((e), ERR_OK, 0, __FILE__, __LINE__, __VA_ARGS__), -1)
#endif

/*
 * Add a frame. With kind != ERR_OK the error is begun anew (older frames are forgotten); with ERR_OK kind and code
 * stay. Returns -kind of the result, so that `return err_set(…)` works. `e` may be NULL: then only the return counts
 * (a wrap then returns the kind of this thread's last err_set() with NULL). Arguments may point into *e.
 */
int err_push(struct err *e, enum err_kind kind, int code, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

/* Set the hint ("what to do next"), unless a deeper frame already gave one. Right before or right after err_set(). */
void err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *e);

/* "outer: inner: cause" into out (always terminated, cut at out_size). Returns out. */
const char *err_text(const struct err *e, char *out, size_t out_size);

/* The hint of this error: its own or the default of its kind; "" when there is none. */
const char *err_hint_text(const struct err *e);

/* Stable name ("host_key") for events, metrics and docs; and back (ERR_REMOTE when unknown). */
const char *err_kind_name(enum err_kind kind);
enum err_kind err_kind_from_name(const char *name);

/* Exit code of a run that failed with this kind before anything was changed. */
int err_kind_exit_code(enum err_kind kind);

#endif
