#include "shared/aws/aws_error.h"

#include <ctype.h>

#define SKEW_TOLD_MS (4 * 60 * 1000) /* AWS takes signatures that are up to 5 minutes away, some services up to 15 */
#define SCAN_MAX (64 * 1024)         /* how far into a body an error is looked for */

enum error_class {
    CLASS_OTHER,
    CLASS_KEY,       /* unknown key id or session token */
    CLASS_SIGNATURE, /* wrong secret, or what was signed was changed on the way */
    CLASS_TIME,
    CLASS_EXPIRED,
    CLASS_IDENTITY, /* a web identity token that is not accepted */
    CLASS_DENIED,
    CLASS_THROTTLED,
    CLASS_PASSING, /* a failure of AWS's that goes away */
};

/* Sources: botocore's service models and retry tables; the error lists of EC2, IAM and STS. */
static const struct {
    const char *code;
    enum error_class class;
} codes[] = {
    { "UnrecognizedClientException", CLASS_KEY },
    { "InvalidClientTokenId", CLASS_KEY },
    { "InvalidAccessKeyId", CLASS_KEY },
    { "InvalidToken", CLASS_KEY },
    { "AuthFailure", CLASS_KEY },
    { "MissingAuthenticationToken", CLASS_KEY },
    { "MissingAuthenticationTokenException", CLASS_KEY },
    { "SignatureDoesNotMatch", CLASS_SIGNATURE },
    { "InvalidSignatureException", CLASS_SIGNATURE },
    { "InvalidSignature", CLASS_SIGNATURE },
    { "IncompleteSignature", CLASS_SIGNATURE },
    { "IncompleteSignatureException", CLASS_SIGNATURE },
    { "RequestTimeTooSkewed", CLASS_TIME },
    { "RequestInTheFuture", CLASS_TIME },
    { "ExpiredToken", CLASS_EXPIRED },
    { "ExpiredTokenException", CLASS_EXPIRED },
    { "RequestExpired", CLASS_EXPIRED },
    { "TokenRefreshRequired", CLASS_EXPIRED },
    { "InvalidIdentityToken", CLASS_IDENTITY },
    { "IDPRejectedClaim", CLASS_IDENTITY },
    { "AccessDenied", CLASS_DENIED },
    { "AccessDeniedException", CLASS_DENIED },
    { "UnauthorizedOperation", CLASS_DENIED },
    { "UnauthorizedException", CLASS_DENIED },
    { "NotAuthorized", CLASS_DENIED },
    { "AuthorizationError", CLASS_DENIED },
    { "AuthorizationErrorException", CLASS_DENIED },
    { "AuthException", CLASS_DENIED },
    { "KMSAccessDenied", CLASS_DENIED },
    { "KMSAccessDeniedException", CLASS_DENIED },
    { "OptInRequired", CLASS_DENIED },
    { "Throttling", CLASS_THROTTLED },
    { "ThrottlingException", CLASS_THROTTLED },
    { "ThrottledException", CLASS_THROTTLED },
    { "Throttled", CLASS_THROTTLED },
    { "KMSThrottlingException", CLASS_THROTTLED },
    { "RequestThrottled", CLASS_THROTTLED },
    { "RequestThrottledException", CLASS_THROTTLED },
    { "RequestLimitExceeded", CLASS_THROTTLED },
    { "TooManyRequestsException", CLASS_THROTTLED },
    { "BandwidthLimitExceeded", CLASS_THROTTLED },
    { "PriorRequestNotComplete", CLASS_THROTTLED },
    { "EC2ThrottledException", CLASS_THROTTLED },
    { "SlowDown", CLASS_THROTTLED },
    { "IDPCommunicationError", CLASS_PASSING },
    { "RequestTimeout", CLASS_PASSING },
    { "RequestTimeoutException", CLASS_PASSING },
    { "InternalError", CLASS_PASSING },
    { "InternalFailure", CLASS_PASSING },
    { "InternalServerError", CLASS_PASSING },
    { "ServerException", CLASS_PASSING },
    { "ServiceUnavailable", CLASS_PASSING },
    { "ServiceUnavailableException", CLASS_PASSING },
    { "Unavailable", CLASS_PASSING },
};

static enum error_class class_of(const char *code)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strcmp(codes[i].code, code) == 0)
            return codes[i].class;
    return CLASS_OTHER;
}

bool aws_error_is_throttling(int status, const char *code)
{
    return status == 429 || class_of(code) == CLASS_THROTTLED;
}

bool aws_error_is_passing(int status, const char *code)
{
    return status >= 500 || aws_error_is_throttling(status, code) || class_of(code) == CLASS_PASSING;
}

bool aws_error_code_is_expired(const char *code)
{
    return class_of(code) == CLASS_EXPIRED;
}

void aws_error_words_copy(struct span from, char *out, size_t out_size)
{
    size_t used = 0;
    while (from.len > 0) {
        size_t n = span_utf8_next(from);
        const char *bytes = n ? from.ptr : "?";
        size_t len = n ? n : 1;
        if (len == 1 && iscntrl((unsigned char)*bytes))
            bytes = " ";
        if (used + len >= out_size)
            break;
        memcpy(out + used, bytes, len);
        used += len;
        from.ptr += len;
        from.len -= len;
    }
    out[used] = '\0';
}

void aws_error_code_copy(struct span from, char *out, size_t out_size)
{
    const char *hash = from.len ? memrchr(from.ptr, '#', from.len) : NULL;
    if (hash) {
        from.len -= (size_t)(hash + 1 - from.ptr);
        from.ptr = hash + 1;
    }
    size_t used = 0;
    for (; used < from.len && used + 1 < out_size; used++) {
        unsigned char c = (unsigned char)from.ptr[used];
        if (!isalnum(c) && c != '.' && c != '_' && c != '-')
            break; /* ":http://…" */
        out[used] = (char)c;
    }
    out[used] = '\0';
}

static const char *first_str(const struct json *j, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (json_is_string(json_get(j, keys[i])))
            return json_str(j, keys[i], "");
    return "";
}

bool aws_error_read_json(struct span body, struct aws_error_words *ret)
{
    static const char *const code_keys[] = { "__type", "code", "Code" };
    static const char *const message_keys[] = { "message", "Message", "errorMessage" };
    _cleanup_(json_free_p) struct json *j = NULL;
    if (json_parse(body, &j, NULL) < 0 || !json_is_object(j))
        return false;
    struct aws_error_words words = { 0 };
    aws_error_code_copy(span_of(first_str(j, code_keys, 3)), words.code, sizeof(words.code));
    aws_error_words_copy(span_of(first_str(j, message_keys, 3)), words.message, sizeof(words.message));
    if (!*words.code && !*words.message)
        return false;
    *ret = words;
    return true;
}

/* What stands between the first <name> and the next '<'; empty when there is none. */
static struct span element_text(struct span body, const char *tag)
{
    const char *at = body.len ? memmem(body.ptr, body.len, tag, strlen(tag)) : NULL;
    if (!at)
        return (struct span){ 0 };
    struct span rest = { .ptr = at + strlen(tag) };
    rest.len = body.len - (size_t)(rest.ptr - body.ptr);
    const char *end = rest.len ? memchr(rest.ptr, '<', rest.len) : NULL;
    if (!end)
        return (struct span){ 0 };
    rest.len = (size_t)(end - rest.ptr);
    return span_trim(rest);
}

static void add_unescaped(struct span text, struct buf *out)
{
    static const struct {
        const char *name;
        char c;
    } entities[] = { { "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' }, { "&quot;", '"' }, { "&apos;", '\'' } };
    while (text.len > 0) {
        size_t used = 1;
        char c = *text.ptr;
        for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
            if (span_starts(text, entities[i].name)) {
                used = strlen(entities[i].name);
                c = entities[i].c;
            }
        buf_addc(out, c);
        text.ptr += used;
        text.len -= used;
    }
}

bool aws_error_scan_xml(struct span body, struct aws_error_words *ret)
{
    if (body.len > SCAN_MAX)
        body.len = SCAN_MAX;
    struct aws_error_words words = { 0 };
    aws_error_code_copy(element_text(body, "<Code>"), words.code, sizeof(words.code));
    if (!*words.code)
        return false;
    _cleanup_(buf_done_p) struct buf message = BUF_INIT(SCAN_MAX);
    add_unescaped(element_text(body, "<Message>"), &message);
    aws_error_words_copy(buf_span(&message), words.message, sizeof(words.message));
    *ret = words;
    return true;
}

/* "12 minutes" */
static const char *duration_words(int64_t ms, char out[40])
{
    int64_t minutes = (ms + 30 * 1000) / (60 * 1000);
    if (minutes < 120)
        (void)snprintf(out, 40, "%lld minutes", (long long)minutes);
    else if (minutes < 2 * 24 * 60)
        (void)snprintf(out, 40, "%lld hours", (long long)(minutes / 60));
    else
        (void)snprintf(out, 40, "%lld days", (long long)(minutes / (24 * 60)));
    return out;
}

static bool is_skewed(const struct aws_refusal *f)
{
    return f->skew_ms >= SKEW_TOLD_MS || f->skew_ms <= -SKEW_TOLD_MS;
}

static int tell_skew(const struct aws_refusal *f, struct err *err)
{
    char words[40];
    bool behind = f->skew_ms > 0;
    (void)err_set(err, ERR_AWS_CREDENTIALS, f->status, "%s: %s: this machine's clock is %s %s AWS's", f->call,
                  f->words.code, duration_words(behind ? f->skew_ms : -f->skew_ms, words),
                  behind ? "behind" : "ahead of");
    err_hint(err, "Set the clock of the machine that made the call (`timedatectl set-ntp true`; on EC2, chrony with "
                  "169.254.169.123): AWS refuses signatures that are more than 5 minutes away from its own time.");
    return -ERR_AWS_CREDENTIALS;
}

/*
 * Why the credentials are not accepted. AWS's own words are left out where they quote what was signed: a session token
 * is among that.
 */
static int tell_credentials(const struct aws_refusal *f, enum error_class class, struct err *err)
{
    const char *source = f->credentials && *f->credentials->source ? f->credentials->source : "of this call";
    const char *code = f->words.code;
    switch ((int)class) { /* int: the other classes do not come here */
    case CLASS_SIGNATURE:
        (void)err_set(err, ERR_AWS_CREDENTIALS, f->status,
                      "%s: the secret access key does not fit its key id (%s; credentials: %s)", f->call, code, source);
        err_hint(err, "Copy the secret access key again, without blanks or line breaks around it. A proxy that changes "
                      "requests on their way has the same effect.");
        break;
    case CLASS_EXPIRED:
        (void)err_set(err, ERR_AWS_CREDENTIALS, f->status, "%s: the credentials have expired (%s; credentials: %s)",
                      f->call, code, source);
        err_hint(err, "Take temporary credentials right before this step, ask for a longer life of them, or set "
                      "role-to-assume: then they are renewed when they are needed.");
        break;
    case CLASS_KEY:
        (void)err_set(err, ERR_AWS_CREDENTIALS, f->status,
                      "%s: AWS does not know the access key or its session token (%s; credentials: %s)", f->call, code,
                      source);
        err_hint(err, "Check that the key exists and is active, that a key id which begins with ASIA comes with its "
                      "session token, and that the region is one of the key's partition and switched on.");
        break;
    default: /* a token, a time: AWS's words are the best there are */
        (void)err_set(err, ERR_AWS_CREDENTIALS, f->status, "%s: %s: %.160s", f->call, code, f->words.message);
        break;
    }
    return -ERR_AWS_CREDENTIALS;
}

/* What follows `before` up to the next blank, without the dots and commas at its end. */
static struct span word_after(const char *text, const char *before)
{
    const char *at = strstr(text, before);
    struct span word = { .ptr = at ? at + strlen(before) : "" };
    word.len = strcspn(word.ptr, " ");
    while (word.len > 0 && strchr(".,;", word.ptr[word.len - 1]))
        word.len--;
    return word;
}

static struct span shorter(struct span s, size_t max)
{
    return (struct span){ .ptr = s.ptr, .len = s.len < max ? s.len : max };
}

/*
 * AWS: "User: ARN is not authorized to perform: ACTION on resource: ARN because no identity-based policy allows the
 * ACTION action". Its action may be another one than the operation's (kms:Decrypt).
 */
static int tell_denied(const struct aws_refusal *f, struct err *err)
{
    const char *said = f->words.message;
    struct span who = shorter(word_after(said, "User: "), 110);
    struct span what = shorter(word_after(said, "is not authorized to perform: "), 60);
    struct span on = word_after(said, "on resource: ");
    bool by_deny = strstr(said, "explicit deny") != NULL;
    if (what.len == 0)
        what = span_of(f->op->action);
    if (who.len > 0 && what.len > 0)
        (void)err_set(err, ERR_AWS_DENIED, f->status, "%s: not allowed (%s): %.*s %s %.*s%s%.*s", f->call,
                      f->words.code, (int)who.len, who.ptr, by_deny ? "is denied" : "lacks", (int)what.len, what.ptr,
                      on.len ? " on " : "", (int)on.len, on.ptr);
    else
        (void)err_set(err, ERR_AWS_DENIED, f->status, "%s: not allowed%s%.*s: %s: %.160s", f->call,
                      what.len ? ", which needs " : "", (int)what.len, what.ptr, f->words.code, said);
    if (who.len == 0)
        who = SPAN_LIT("the role that was used");
    if (by_deny)
        err_hint(err,
                 "A policy denies %.*s explicitly: look at the role's policies, its permissions boundary, the "
                 "organisation's service control policies and the policy of a VPC endpoint.",
                 (int)what.len, what.ptr);
    else if (*f->op->action)
        err_hint(err, "Add %.*s to the policies of %.*s; docs/aws.md has the policy for each feature.", (int)what.len,
                 what.ptr, (int)who.len, who.ptr);
    return -ERR_AWS_DENIED;
}

static int tell_other(const struct aws_refusal *f, struct err *err)
{
    if (*f->words.code)
        return err_set(err, ERR_AWS, f->status, "%s: %s%s%.200s", f->call, f->words.code, *f->words.message ? ": " : "",
                       f->words.message);
    (void)err_set(err, ERR_AWS, f->status, "%s: answered with HTTP %d and no error of AWS's%s%.120s", f->call,
                  f->status, *f->words.message ? ": " : "", f->words.message);
    err_hint(err,
             "Something else may have answered: look for a proxy (https_proxy) on the way, and at AWS_ENDPOINT_URL "
             "if it is set.");
    return -ERR_AWS;
}

bool aws_refusal_is_of_time(const struct aws_refusal *refusal)
{
    return is_skewed(refusal) && strcmp(refusal->words.code, "RequestExpired") == 0;
}

int aws_refusal_tell(const struct aws_refusal *refusal, struct err *err)
{
    enum error_class class = class_of(refusal->words.code);
    switch (class) {
    case CLASS_SIGNATURE:
    case CLASS_TIME:
        return is_skewed(refusal) ? tell_skew(refusal, err) : tell_credentials(refusal, class, err);
    case CLASS_KEY:
        /* EC2 has this one code for an unknown key, a wrong secret and a wrong time. */
        if (strcmp(refusal->words.code, "AuthFailure") == 0 && is_skewed(refusal))
            return tell_skew(refusal, err);
        return tell_credentials(refusal, class, err);
    case CLASS_EXPIRED:
        return aws_refusal_is_of_time(refusal) ? tell_skew(refusal, err) : tell_credentials(refusal, class, err);
    case CLASS_IDENTITY:
        return tell_credentials(refusal, class, err);
    case CLASS_DENIED:
        return tell_denied(refusal, err);
    case CLASS_THROTTLED:
    case CLASS_PASSING:
    case CLASS_OTHER:
        return tell_other(refusal, err);
    }
    return tell_other(refusal, err);
}
