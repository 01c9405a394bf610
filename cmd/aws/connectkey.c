#include "cmd/aws/connectkey.h"

#include "cmd/aws/accountcall.h"
#include "cmd/aws/instance.h"
#include "shared/clock.h"
#include "shared/crypto.h"
#include "shared/secret.h"

#define PEM_MAX 512
#define LINE_SIZE 128 /* "ssh-ed25519 " and 68 digits */
#define PUSH_TIMEOUT_MS 20000
#define BODY_MAX 4096

struct connectkey {
    char line[LINE_SIZE]; /* the public half, as authorized_keys has it */
};

void connectkey_free(struct connectkey *k)
{
    free(k);
}

/* ---- the key ---- */

/* RFC 8709, section 4: string "ssh-ed25519", string key. */
static int write_line(const unsigned char public_key[CRYPTO_ED25519_SIZE], char out[LINE_SIZE], struct err *err)
{
    static const char head[] = "\0\0\0\x0b"
                               "ssh-ed25519\0\0\0\x20";
    _cleanup_(buf_done_p) struct buf blob = BUF_INIT(64), text = BUF_INIT(LINE_SIZE);

    buf_add(&blob, head, sizeof(head) - 1);
    buf_add(&blob, public_key, CRYPTO_ED25519_SIZE);
    crypto_base64_encode(buf_span(&blob), CRYPTO_BASE64, &text);
    if (blob.failed || buf_check(&text, err) < 0)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    (void)snprintf(out, LINE_SIZE, "ssh-ed25519 %s", buf_str(&text));
    return 0;
}

/* The one line of the PEM that is the key: its frame is no secret. */
static struct span secret_line(struct span pem)
{
    struct span line = { "", 0 };

    (void)span_next_line(&pem, &line);
    (void)span_next_line(&pem, &line);
    return line;
}

int connectkey_make(struct stage *s, struct err *err)
{
    _cleanup_(buf_wipe_done_p) struct buf pem = BUF_INIT(PEM_MAX);
    unsigned char public_key[CRYPTO_ED25519_SIZE];
    struct ssh_target *t = &s->in.target;
    struct connectkey *k;
    int r;

    if (s->in.ssh_auth != SSH_AUTH_INSTANCE_CONNECT || s->connectkey)
        return 0;
    if (!s->instance)
        return err_set(err, ERR_INPUT, 0, "input 'ssh-auth': instance-connect wants an EC2 instance in input 'host'");
    k = s->connectkey = calloc(1, sizeof(*k));
    if (!k)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    r = crypto_ed25519_new(&pem, public_key, err);
    if (r == 0)
        r = write_line(public_key, k->line, err);
    if (r == 0) /* nobody is to see it, so nobody has to hide it; but then it is known */
        r = aws_learn(account_aws(s->account), secret_line(buf_span(&pem)), err);
    if (r == 0) {
        secret_free_p(&t->key);
        t->key = span_dup(buf_span(&pem));
        r = t->key ? spec_set_str(&t->passphrase, "", err) : err_set(err, ERR_NOMEM, 0, "out of memory");
    }
    t->instance_connect = r == 0;
    return r < 0 ? err_wrap(err, "make a key for EC2 Instance Connect") : 0;
}

/* ---- its public half to EC2 ---- */

static int write_body(const struct stage *s, struct buf *body, struct err *err)
{
    _cleanup_(json_free_p) struct json *j = json_object();

    json_set_str(j, "InstanceId", s->instance->id);
    json_set_str(j, "InstanceOSUser", s->in.target.user);
    json_set_str(j, "SSHPublicKey", s->connectkey->line);
    if (s->instance->zone[0])
        json_set_str(j, "AvailabilityZone", s->instance->zone);
    return json_print(j, body, err);
}

static int explain(struct stage *s, struct err *err)
{
    static const struct {
        const char *code;
        enum err_kind kind;
        const char *what, *hint;
    } rows[] = {
        { "EC2InstanceNotFoundException", ERR_INSTANCE, "does not know the instance",
          "Was it terminated meanwhile? Is it in the region and account of the credentials?" },
        { "EC2InstanceStateInvalidException", ERR_INSTANCE, "finds that the instance does not run",
          "Look at its state in the EC2 console; start it and run again." },
        { "EC2InstanceUnavailableException", ERR_INSTANCE, "cannot use the instance now",
          "It may be starting or under maintenance: run again in a minute." },
        { "EC2InstanceTypeInvalidException", ERR_INSTANCE, "does not support this type of instance",
          "Use ssh-auth: key for this host." },
        { "AuthException", ERR_AWS_DENIED, "does not let these credentials in",
          "Allow ec2-instance-connect:SendSSHPublicKey on the instance's ARN; a condition ec2:osuser has to name the "
          "input user." },
        { "InvalidArgsException", ERR_INPUT, "does not take the request",
          "The input user has to be a login name of the host's system, such as ec2-user or ubuntu." },
        { "ThrottlingException", ERR_AWS, "is asked too often",
          "Run fewer jobs for this account at a time, or run again in a minute." },
    };
    const char *code = aws_error_code(account_aws(s->account));
    char why[ERR_TEXT_MAX];

    if (err->kind == ERR_AWS_DENIED) {
        err->hint[0] = '\0'; /* what is said of any call: here more is known */
        err_hint(err,
                 "Allow ec2-instance-connect:SendSSHPublicKey on the instance's ARN for the role that was used; a "
                 "condition ec2:osuser there has to name '%.64s'. docs/aws.md has the policy.",
                 s->in.target.user);
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(code, rows[i].code) != 0)
            continue;
        (void)err_text(err, why, sizeof(why));
        (void)err_set(err, rows[i].kind, err->code, "EC2 Instance Connect %s (%s): %.200s", rows[i].what,
                      s->instance->id, why);
        err_hint(err, "%s", rows[i].hint);
        return -(int)err->kind;
    }
    return err_wrap(err, "let user '%s' in on %s", s->in.target.user, s->instance->id);
}

int connectkey_push(struct stage *s, int64_t deadline_ms, bool cancellable, struct err *err)
{
    _cleanup_(buf_done_p) struct buf body = BUF_INIT(BODY_MAX);
    _cleanup_(json_free_p) struct json *answer = NULL;
    int64_t left_ms = deadline_ms - clock_mono_ms();
    int r;

    if (!s->connectkey)
        return 0;
    if (left_ms <= 0)
        return err_set(err, ERR_TIMEOUT, 0, "no time is left for EC2 Instance Connect");
    if (!cancellable)
        account_ignore_cancel(s->account);
    r = write_body(s, &body, err);
    if (r < 0)
        return r;
    r = account_call(s,
                     &(struct aws_request){ .op = AWS_INSTANCE_CONNECT_SEND_SSH_PUBLIC_KEY,
                                            .region = s->instance->region,
                                            .body = buf_span(&body),
                                            .timeout_ms = left_ms < PUSH_TIMEOUT_MS ? left_ms : PUSH_TIMEOUT_MS },
                     &answer, err);
    if (r == -ERR_AWS || r == -ERR_AWS_DENIED)
        return explain(s, err);
    if (r < 0)
        return err_wrap(err, "let user '%s' in on %s", s->in.target.user, s->instance->id);
    if (!json_bool(answer, "Success", false))
        return err_set(err, ERR_AWS, 0, "EC2 Instance Connect did not take the key for %s", s->instance->id);
    return 0;
}
