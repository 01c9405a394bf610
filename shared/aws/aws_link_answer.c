#include "shared/aws/aws_link_answer.h"

#include "shared/clock.h"
#include "shared/fd.h"
#include "shared/json.h"
#include "shared/secret.h"

#include <fcntl.h>

#define KEY_ID_MIN 16                 /* [botocore: sts accessKeyIdType] */
#define EXPIRY_MIN_MS 946684800000LL  /* 2000: what lies before was never handed out */
#define EXPIRY_MAX_MS 4102444800000LL /* 2100 */

int64_t aws_link_time(const char *iso)
{
    char exact[CLOCK_ISO_SIZE];
    size_t len = strlen(iso);
    size_t seconds = sizeof("2026-01-29T03:10:02") - 1;
    if (len <= seconds || iso[len - 1] != 'Z')
        return -1;
    size_t digits = iso[seconds] == '.' ? strspn(iso + seconds + 1, "0123456789") : 0;
    bool plain = len == seconds + 1;
    if (!plain && (digits == 0 || digits > 9 || len != seconds + 1 + digits + 1))
        return -1;
    (void)snprintf(exact, sizeof(exact), "%.*s.000Z", (int)seconds, iso);
    return clock_parse_iso(exact);
}

bool aws_link_has(const struct aws *a, const char *name)
{
    return aws_env(a, name)[0] != '\0';
}

/* Of printable ASCII without blanks: it goes into a header, and no key or token has anything else. */
static bool is_plain(const char *s)
{
    for (; *s; s++)
        if (*s <= ' ' || *s >= 0x7f)
            return false;
    return true;
}

static int check(const struct aws_link_answer *a, struct err *err)
{
    size_t len = strlen(a->key_id);
    if (!len || !a->secret[0])
        return err_set(err, ERR_AWS_CREDENTIALS, 0, "the answer holds no %s", len ? "secret key" : "access key");
    if (len < KEY_ID_MIN || len > AWS_KEY_ID_MAX || !is_plain(a->key_id))
        return err_set(err, ERR_AWS_CREDENTIALS, 0, "what should be an access key's id is none (%zu characters)", len);
    if (!is_plain(a->secret) || !is_plain(a->token))
        return err_set(err, ERR_AWS_CREDENTIALS, 0, "the %s holds blanks or control characters",
                       is_plain(a->secret) ? "session token" : "secret key");
    return 0;
}

int aws_link_take(const struct aws_link_answer *answer, const char *source, struct aws_credentials *ret,
                  struct err *err)
{
    int64_t expires = answer->expiration[0] ? aws_link_time(answer->expiration) : 0;
    int r = check(answer, err);
    if (r < 0)
        return r;
    if (expires < 0 || (expires > 0 && (expires < EXPIRY_MIN_MS || expires > EXPIRY_MAX_MS)))
        return err_set(err, ERR_AWS_CREDENTIALS, 0, "the time they expire cannot be read");
    *ret = (struct aws_credentials){ .expires_wall_ms = expires };
    (void)snprintf(ret->key_id, sizeof(ret->key_id), "%s", answer->key_id);
    (void)snprintf(ret->source, sizeof(ret->source), "%s", source); /* cut is fine: it is for people */
    ret->secret = strdup(answer->secret);
    ret->token = strdup(answer->token);
    if (ret->secret && ret->token)
        return 0;
    aws_credentials_done(ret);
    return err_set(err, ERR_NOMEM, 0, "out of memory");
}

int aws_link_take_json(struct span text, const char *source, struct aws_credentials *ret, struct err *err)
{
    _cleanup_(json_free_p) struct json *j = NULL;
    if (json_parse(text, &j, NULL) < 0 || !json_is_object(j)) /* its words quote the text */
        return err_set(err, ERR_AWS_CREDENTIALS, 0, "the answer is not JSON");
    const struct aws_link_answer answer = {
        .key_id = json_str(j, "AccessKeyId", ""),
        .secret = json_str(j, "SecretAccessKey", ""),
        .token = json_str(j, "Token", ""),
        .expiration = json_str(j, "Expiration", ""),
    };
    return aws_link_take(&answer, source, ret, err);
}

int aws_link_read_file(const char *path, const char *variable, struct buf *out, struct err *err)
{
    _cleanup_(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd >= 0 && fd_read(fd, out) == 0)
        return 0;
    (void)err_set(err, ERR_AWS_CREDENTIALS, errno, "%s: read '%.120s': %s", variable, path, strerror(errno));
    err_hint(err, "Mount the file where this program runs, or unset %s.", variable);
    return -ERR_AWS_CREDENTIALS;
}
