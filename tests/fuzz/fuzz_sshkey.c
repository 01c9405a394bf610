/*
 * A key that is accepted is accepted again in the form it was given, to a fixed point, holds no carriage return, and
 * without a passphrase is not encrypted. A refusal leaves no bytes of the key behind.
 */
#include "cmd/ssh/sshkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct span text, bool has_passphrase)
{
    struct sshkey k, again;
    if (sshkey_parse(text, has_passphrase, &k, NULL) < 0) {
        if (k.pem.len != 0)
            abort();
        sshkey_done(&k);
        return;
    }
    if ((k.encrypted && !has_passphrase) || memchr(k.pem.ptr, '\r', k.pem.len) ||
        !span_starts(buf_span(&k.pem), "-----BEGIN "))
        abort();
    if (sshkey_parse(buf_span(&k.pem), has_passphrase, &again, NULL) < 0 ||
        strcmp(buf_str(&k.pem), buf_str(&again.pem)) != 0 || k.encrypted != again.encrypted)
        abort();
    sshkey_done(&again);
    sshkey_done(&k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check((struct span){ (const char *)data, size }, false);
    check((struct span){ (const char *)data, size }, true);
    return 0;
}
