/*
 * Bodies of AWS's errors: a code has the letters of a code, a message is one line of UTF-8, and what is told of them
 * is an error of one of three kinds that names the call. The first byte chooses operation, status and clock.
 */
#include "shared/aws/aws_error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static bool is_one_line(const char *text)
{
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            return false;
    return true;
}

static void check_words(const struct aws_error_words *w)
{
    check(memchr(w->code, '\0', sizeof(w->code)) && memchr(w->message, '\0', sizeof(w->message)));
    check(w->code[strspn(w->code, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0');
    check(span_is_utf8(span_of(w->message)) && is_one_line(w->message));
}

static void check_told(uint8_t choice, const struct aws_error_words *words)
{
    static const struct aws_credentials credentials = { .source = "a fuzzer" };
    const struct aws_refusal refusal = {
        .call = "EC2 Instance Connect AssumeRoleWithWebIdentity in us-isob-east-1",
        .op = aws_op_info((enum aws_op)(choice % AWS_OPS)),
        .credentials = choice & 32 ? &credentials : NULL,
        .status = choice & 64 ? 403 : 400,
        .skew_ms = choice & 128 ? -3600 * 1000 : 0,
        .words = *words,
    };
    struct err err = { 0 };
    int r = aws_refusal_tell(&refusal, &err);
    check(r == -(int)err.kind && err.depth == 1 && err.code == refusal.status);
    check(err.kind == ERR_AWS || err.kind == ERR_AWS_CREDENTIALS || err.kind == ERR_AWS_DENIED);
    check(strstr(err.frame[0].text, refusal.call) && is_one_line(err.frame[0].text) && is_one_line(err.hint));
    check(*err_hint_text(&err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span body = { .ptr = (const char *)data + 1, .len = size - 1 };
    struct aws_error_words words[3] = { 0 };
    bool found = aws_error_read_json(body, &words[0]);
    check(found == (*words[0].code || *words[0].message));
    found = aws_error_scan_xml(body, &words[1]);
    check(found == (*words[1].code != '\0'));
    aws_error_words_copy(body, words[2].message, sizeof(words[2].message));
    aws_error_code_copy(body, words[2].code, sizeof(words[2].code));
    for (size_t i = 0; i < 3; i++) {
        check_words(&words[i]);
        check_told(data[0], &words[i]);
    }
    return 0;
}
