/*
 * What ssh-agent answers: its list of keys. Every key that is taken is one of the bytes given, in their order, and what is shown of it is
 * plain text; a list that is cut is refused.
 */
#include "cmd/ssh/sshagent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_text(const char *text)
{
    for (; *text; text++)
        must(*text >= 0x20 && *text < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sshagent a;
    struct span message = { .ptr = (const char *)data, .len = size };
    a = (struct sshagent){ .fd = -1, .cancel_fd = -1 };
    int r = sshagent_parse_keys(message, &a, NULL);
    size_t used = 5; /* the kind and the number of keys */
    must(a.len <= SSHAGENT_KEYS_MAX);
    for (size_t i = 0; i < a.len; i++) {
        const struct sshagent_key *key = &a.keys[i];
        const char *at = size > used ? memmem(data + used, size - used, key->blob.ptr, key->blob.len) : NULL;
        must(at != NULL);
        used = (size_t)(at - message.ptr) + key->blob.len;
        check_text(key->type);
        check_text(key->comment);
        must(strncmp(key->fingerprint, "SHA256:", 7) == 0 && strlen(key->fingerprint) == 50);
    }
    sshagent_done(&a);
    if (r == 0) { /* the head of it alone promises keys that are not there */
        a = (struct sshagent){ .fd = -1, .cancel_fd = -1 };
        bool promises = data[1] || data[2] || data[3] || data[4];
        must((sshagent_parse_keys((struct span){ .ptr = message.ptr, .len = 5 }, &a, NULL) < 0) == promises);
        sshagent_done(&a);
    }
    return 0;
}
