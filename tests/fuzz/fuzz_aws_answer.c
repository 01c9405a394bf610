/*
 * What hands out credentials, and identity tokens. Properties: credentials that are accepted can stand in a header and in a
 * log line; a time that is read is printed as the same second; claims are printable.
 */
#include "shared/aws/aws_link_answer.h"
#include "shared/aws/aws_sts.h"
#include "shared/clock.h"
#include "shared/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_plain(const char *s)
{
    for (; *s; s++)
        if (*s <= ' ' || *s >= 0x7f)
            abort();
}

static void check_credentials(struct span text)
{
    struct aws_credentials c = { 0 };
    if (aws_link_take_json(text, "a place", &c, NULL) < 0)
        return;
    check_plain(c.key_id);
    check_plain(c.secret);
    check_plain(c.token);
    if (!c.key_id[0] || !c.secret[0] || c.expires_wall_ms < 0)
        abort();
    aws_credentials_done(&c);
}

static void check_time(const char *text)
{
    char printed[CLOCK_ISO_SIZE];
    int64_t at = aws_link_time(text);
    if (at >= 0 && strncmp(clock_format_iso(at, printed), text, 19) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = { (const char *)data, size };
    struct aws_token_claims claims;
    check_credentials(text);
    _cleanup_(secret_free_p) char *terminated = span_dup(text);
    if (!terminated)
        return 0;
    check_time(terminated);
    (void)aws_token_claims(terminated, &claims);
    check_plain(claims.sub);
    check_plain(claims.aud);
    return 0;
}
