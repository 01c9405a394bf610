#include "cmd/ssh/sshkey.h"

#include "cmd/ssh/hostpin.h"
#include "shared/crypto.h"
#include "shared/secret.h"

#include <ctype.h>
#include <stdint.h>

#define PEM_LINE 64
#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"

/* Labels of PEM blocks that hold a private key; kind "" when the label does not tell. */
static const struct label {
    const char *text;
    const char *kind;
} LABELS[] = {
    { "OPENSSH PRIVATE KEY", "" }, { "RSA PRIVATE KEY", "RSA" },    { "EC PRIVATE KEY", "ECDSA" },
    { "PRIVATE KEY", "" },         { "ENCRYPTED PRIVATE KEY", "" },
};

/* Ciphers of OpenSSH's own format that the SSH library opens (libssh2 1.11.1 with OpenSSL). */
static const char *const OPENSSH_CIPHERS[] = {
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
    "aes256-cbc",
    "aes192-cbc",
    "aes128-cbc",
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
};

static const struct key_type {
    const char *name;
    const char *kind;
} KEY_TYPES[] = {
    { "ssh-ed25519", "Ed25519" },       { "ssh-rsa", "RSA" },
    { "ecdsa-sha2-nistp256", "ECDSA" }, { "ecdsa-sha2-nistp384", "ECDSA" },
    { "ecdsa-sha2-nistp521", "ECDSA" },
};

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

#define HINT_WHOLE                                                                                                     \
    "Put the whole private key file into the secret, from the BEGIN line to the END line; for "                        \
    "example: gh secret set SSH_KEY < ~/.ssh/id_ed25519"
#define HINT_CONVERT "Make a copy that can be used: cp KEY KEY.new && ssh-keygen -p -f KEY.new -Z aes256-ctr"

static int refuse(struct err *err, const char *hint, const char *what)
{
    int r = err_set(err, ERR_KEY, 0, "ssh-key: %s", what);
    err_hint(err, "%s", hint);
    return r;
}

static struct span find(struct span s, const char *needle)
{
    const char *at = s.len ? memmem(s.ptr, s.len, needle, strlen(needle)) : NULL;
    if (!at)
        return (struct span){ NULL, 0 };
    return (struct span){ at, s.len - (size_t)(at - s.ptr) };
}

static struct span skip(struct span s, size_t n)
{
    return (struct span){ s.ptr + n, s.len - n };
}

static bool label_is_private(struct span label)
{
    static const char tail[] = "PRIVATE KEY";
    size_t n = sizeof(tail) - 1;
    return label.len >= n && memcmp(label.ptr + label.len - n, tail, n) == 0;
}

/* ---- text that holds no private key: say what it is ---- */

static bool is_base64_of_pem(struct span text)
{
    _cleanup_(buf_done_p) struct buf joined = BUF_INIT(SSHKEY_TEXT_MAX);
    _cleanup_(buf_wipe_done) struct buf raw = BUF_INIT(SSHKEY_TEXT_MAX);
    struct err ignored = { 0 };
    for (size_t i = 0; i < text.len; i++)
        if (!isspace((unsigned char)text.ptr[i]))
            buf_addc(&joined, text.ptr[i]);
    bool yes = crypto_base64_decode(buf_span(&joined), &raw, &ignored) == 0 && span_contains(buf_span(&raw), BEGIN);
    buf_wipe_done(&joined);
    return yes;
}

static int explain_no_key(struct span text, struct err *err)
{
    static const char *const publics[] = { "ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-" };
    for (size_t i = 0; i < LEN(publics); i++)
        if (span_starts(text, publics[i]))
            return refuse(err, HINT_WHOLE,
                          "this is a public key; the private one is wanted (the file "
                          "without .pub)");
    if (span_contains(text, "PUBLIC KEY"))
        return refuse(err, HINT_WHOLE, "this is a public key; the private one is wanted");
    if (span_starts(text, "PuTTY-User-Key-File"))
        return refuse(err,
                      "Convert it with: puttygen KEY.ppk -O private-openssh -o KEY (in PuTTYgen: "
                      "Conversions, Export OpenSSH key)",
                      "this is a PuTTY key (.ppk), which is not supported");
    if (span_contains(text, "BEGIN SSH2 "))
        return refuse(err, "Convert it with: ssh-keygen -i -f KEY > KEY.new",
                      "this key has the format of ssh.com, which is not supported");
    if (span_contains(text, BEGIN "CERTIFICATE"))
        return refuse(err, HINT_WHOLE, "this is a certificate, not a private key");
    if (span_contains(text, END))
        return refuse(err, HINT_WHOLE, "the BEGIN line of the key is missing");
    if (span_starts(text, "b3BlbnNzaC1rZXktdjE") || span_starts(text, "MII"))
        return refuse(err, HINT_WHOLE, "the BEGIN and END lines of the key are missing");
    if (is_base64_of_pem(text))
        return refuse(err, "Store the key file as it is; secrets may have several lines.",
                      "this is a private key encoded in base64 once more");
    if (text.len < 300 && !memchr(text.ptr, '\n', text.len) &&
        (text.ptr[0] == '/' || text.ptr[0] == '~' || text.ptr[0] == '.' || span_contains(text, ".pem")))
        return refuse(err, HINT_WHOLE, "this looks like a file name; the content of the key is wanted");
    return refuse(err, HINT_WHOLE, "this is not a private key");
}

/* ---- the PEM block ---- */

struct block {
    struct span label;
    struct span body;
};

/* Find the first block with a private key; other blocks (EC PARAMETERS, certificates) are passed over. */
static int find_block(struct span text, struct block *ret, struct err *err)
{
    struct span rest = text, at;
    while ((at = find(rest, BEGIN)).ptr) {
        struct span label = skip(at, strlen(BEGIN));
        struct span dashes = find(label, DASHES);
        if (!dashes.ptr)
            return refuse(err, HINT_WHOLE, "the key is cut off within its BEGIN line");
        label.len -= dashes.len;
        if (label.len > 60)
            return refuse(err, HINT_WHOLE, "the BEGIN line of the key is damaged");
        rest = skip(dashes, strlen(DASHES));
        if (!label_is_private(label))
            continue;
        struct span body = rest, end = find(rest, END);
        if (!end.ptr)
            return refuse(err, HINT_WHOLE, "the key is cut off: its END line is missing");
        body.len -= end.len;
        struct span tail = skip(end, strlen(END));
        if (tail.len < label.len || memcmp(tail.ptr, label.ptr, label.len) != 0 ||
            !span_starts(skip(tail, label.len), DASHES))
            return refuse(err, HINT_WHOLE,
                          "the key is damaged: its END line does not belong to its "
                          "BEGIN line");
        *ret = (struct block){ .label = label, .body = body };
        return 0;
    }
    return explain_no_key(text, err);
}

/* Words of the body; blanks, line ends and a literal \n or \r part them. */
static bool next_word(struct span *rest, struct span *word)
{
    size_t i = 0, start;
    for (; i < rest->len; i++) {
        if (rest->ptr[i] == '\\' && i + 1 < rest->len && strchr("nrt", rest->ptr[i + 1]) && rest->ptr[i + 1]) {
            i++;
            continue;
        }
        if (!isspace((unsigned char)rest->ptr[i]))
            break;
    }
    for (start = i; i < rest->len; i++)
        if (isspace((unsigned char)rest->ptr[i]) || rest->ptr[i] == '\\')
            break;
    *word = (struct span){ rest->ptr + start, i - start };
    if (i == start && i < rest->len) { /* a backslash of its own: let the base64 check see it */
        word->len = 1;
        i++;
    }
    *rest = skip(*rest, i);
    return word->len > 0;
}

struct body {
    struct buf base64;  /* secret */
    char dek_info[100]; /* "AES-128-CBC,0123…" of an old encrypted PEM; "" none */
    bool proc_encrypted;
};

/* Part the headers of old encrypted PEM from the base64 text, wherever the line ends went. */
static int read_body(struct span text, struct body *ret, struct err *err)
{
    struct span word;
    while (next_word(&text, &word)) {
        if (span_eq(word, "Proc-Type:")) {
            ret->proc_encrypted = next_word(&text, &word) && span_contains(word, "ENCRYPTED");
        } else if (span_eq(word, "DEK-Info:")) {
            if (!next_word(&text, &word) || word.len >= sizeof(ret->dek_info))
                return refuse(err, HINT_WHOLE, "the key's DEK-Info line is damaged");
            memcpy(ret->dek_info, word.ptr, word.len);
            ret->dek_info[word.len] = '\0';
        } else {
            buf_add_span(&ret->base64, word);
        }
    }
    return buf_check(&ret->base64, err);
}

static int write_pem(const struct block *block, const struct body *body, struct buf *out, struct err *err)
{
    int label_len = (int)block->label.len;
    buf_addf(out, BEGIN "%.*s" DASHES "\n", label_len, block->label.ptr);
    if (body->proc_encrypted)
        buf_addf(out, "Proc-Type: 4,ENCRYPTED\nDEK-Info: %s\n\n", body->dek_info);
    for (size_t i = 0; i < body->base64.len; i += PEM_LINE) {
        size_t n = body->base64.len - i < PEM_LINE ? body->base64.len - i : PEM_LINE;
        buf_add(out, body->base64.ptr + i, n);
        buf_addc(out, '\n');
    }
    buf_addf(out, END "%.*s" DASHES "\n", label_len, block->label.ptr);
    return buf_check(out, err);
}

/* ---- what is inside ---- */

static int need_passphrase(bool has_passphrase, struct err *err)
{
    if (has_passphrase)
        return 0;
    return refuse(err, "Give ssh-key-passphrase, or use a key without one.",
                  "the key is encrypted and no passphrase was given");
}

/* A string of the SSH wire format: 4 bytes of length, then the bytes. */
static bool next_string(struct span *rest, struct span *ret)
{
    if (rest->len < 4)
        return false;
    const unsigned char *b = (const unsigned char *)rest->ptr;
    size_t n = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
    if (n > rest->len - 4)
        return false;
    *ret = (struct span){ rest->ptr + 4, n };
    *rest = skip(*rest, 4 + n);
    return true;
}

static int openssh_cipher(struct span cipher, struct sshkey *k, bool has_passphrase, struct err *err)
{
    if (span_eq(cipher, "none"))
        return 0;
    k->encrypted = true;
    bool known = false;
    for (size_t i = 0; i < LEN(OPENSSH_CIPHERS); i++)
        known = known || span_eq(cipher, OPENSSH_CIPHERS[i]);
    if (!known) {
        char what[120];
        (void)snprintf(what, sizeof(what), "the key is encrypted with a cipher that is not supported (%.*s)",
                       (int)(cipher.len < 40 ? cipher.len : 40), cipher.ptr);
        return refuse(err, HINT_CONVERT, what);
    }
    return need_passphrase(has_passphrase, err);
}

static int openssh_type(struct span public_key, struct sshkey *k, struct err *err)
{
    struct span type;
    if (!next_string(&public_key, &type))
        return refuse(err, HINT_WHOLE, "the key is damaged");
    for (size_t i = 0; i < LEN(KEY_TYPES); i++)
        if (span_eq(type, KEY_TYPES[i].name))
            (void)snprintf(k->kind, sizeof(k->kind), "%s", KEY_TYPES[i].kind);
    if (k->kind[0])
        return 0;
    if (span_starts(type, "sk-"))
        return refuse(err, "Make a key for the deployment: ssh-keygen -t ed25519 -N '' -f deploy_key",
                      "the key lives in a hardware token and cannot be used here");
    return refuse(err, "Make a new key: ssh-keygen -t ed25519 -N '' -f deploy_key",
                  "the key's type is not supported (Ed25519, ECDSA and RSA are)");
}

static void set_fingerprint(struct span public_key, struct sshkey *k)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    struct err ignored = { 0 };
    if (crypto_sha256(public_key, digest, &ignored) == 0)
        hostpin_fingerprint(digest, k->fingerprint);
}

static int check_openssh(struct span raw, struct sshkey *k, bool has_passphrase, struct err *err)
{
    static const char magic[] = "openssh-key-v1"; /* with its NUL */
    if (raw.len < sizeof(magic) || memcmp(raw.ptr, magic, sizeof(magic)) != 0)
        return refuse(err, HINT_WHOLE, "the key is damaged: it does not start as an OpenSSH key does");
    struct span rest = skip(raw, sizeof(magic)), cipher, kdf, kdf_options, public_key, private_part;
    if (!next_string(&rest, &cipher) || !next_string(&rest, &kdf) || !next_string(&rest, &kdf_options) || rest.len < 4)
        return refuse(err, HINT_WHOLE, "the key is cut off");
    int r = openssh_cipher(cipher, k, has_passphrase, err);
    if (r < 0)
        return r;
    rest = skip(rest, 4); /* number of keys */
    if (!next_string(&rest, &public_key) || !next_string(&rest, &private_part))
        return refuse(err, HINT_WHOLE, "the key is cut off: lines are missing from its middle or end");
    set_fingerprint(public_key, k);
    return openssh_type(public_key, k, err);
}

/* The outermost DER SEQUENCE must be as long as it says. */
static bool der_is_whole(struct span raw)
{
    if (raw.len < 2 || (unsigned char)raw.ptr[0] != 0x30)
        return false;
    const unsigned char *b = (const unsigned char *)raw.ptr;
    if (b[1] < 0x80)
        return raw.len == 2u + b[1];
    size_t n = b[1] & 0x7f, len = 0;
    if (n == 0 || n > 4 || raw.len < 2 + n)
        return false;
    for (size_t i = 0; i < n; i++)
        len = len << 8 | b[2 + i];
    return raw.len - 2 - n == len;
}

/* Key type of an unencrypted PKCS#8 key, by its algorithm's object identifier. */
static void pkcs8_kind(struct span raw, struct sshkey *k)
{
    static const struct {
        const char *der;
        size_t len;
        const char *kind;
    } oids[] = {
        { "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 11, "RSA" },
        { "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", 9, "ECDSA" },
        { "\x06\x03\x2b\x65\x70", 5, "Ed25519" },
    };
    for (size_t i = 0; i < LEN(oids); i++)
        if (memmem(raw.ptr, raw.len < 40 ? raw.len : 40, oids[i].der, oids[i].len))
            (void)snprintf(k->kind, sizeof(k->kind), "%s", oids[i].kind);
}

static int check_old_encrypted(const struct body *body, struct span raw, struct sshkey *k, bool has_passphrase,
                               struct err *err)
{
    k->encrypted = true;
    if (!body->dek_info[0])
        return refuse(err, HINT_WHOLE, "the key is encrypted but its DEK-Info line is missing");
    if (span_starts(span_of(body->dek_info), "DES-CBC"))
        return refuse(err, HINT_CONVERT, "the key is encrypted with a cipher that is not supported (DES)");
    if (raw.len == 0 || raw.len % 8 != 0)
        return refuse(err, HINT_WHOLE, "the key is cut off: lines are missing from its middle or end");
    return need_passphrase(has_passphrase, err);
}

static int check_content(const struct block *block, const struct body *body, struct span raw, struct sshkey *k,
                         bool has_passphrase, struct err *err)
{
    const struct label *label = NULL;
    for (size_t i = 0; i < LEN(LABELS) && !label; i++)
        if (span_eq(block->label, LABELS[i].text))
            label = &LABELS[i];
    if (!label)
        return refuse(err, "Make a new key: ssh-keygen -t ed25519 -N '' -f deploy_key",
                      "the key's type is not supported (Ed25519, ECDSA and RSA are)");
    bool old_form = span_starts(block->label, "RSA") || span_starts(block->label, "EC ");
    if (!old_form && (body->proc_encrypted || body->dek_info[0]))
        return refuse(err, HINT_WHOLE, "the key is damaged: parts of two keys are mixed");
    if (span_starts(block->label, "OPENSSH"))
        return check_openssh(raw, k, has_passphrase, err);
    (void)snprintf(k->kind, sizeof(k->kind), "%s", label->kind);
    if (body->proc_encrypted)
        return check_old_encrypted(body, raw, k, has_passphrase, err);
    if (!der_is_whole(raw))
        return refuse(err, HINT_WHOLE, "the key is cut off: lines are missing from its middle or end");
    if (span_starts(block->label, "ENCRYPTED")) {
        k->encrypted = true;
        return need_passphrase(has_passphrase, err);
    }
    if (!k->kind[0])
        pkcs8_kind(raw, k);
    return 0;
}

static int parse_block(const struct block *block, bool has_passphrase, struct sshkey *k, struct err *err)
{
    struct body body = { .base64 = BUF_INIT(SSHKEY_TEXT_MAX) };
    _cleanup_(buf_wipe_done) struct buf raw = BUF_INIT(SSHKEY_TEXT_MAX);
    struct err ignored = { 0 };
    int r = read_body(block->body, &body, err);
    if (r == 0 && body.base64.len == 0)
        r = refuse(err, HINT_WHOLE, "there is nothing between the BEGIN and END lines of the key");
    struct span digits = buf_span(&body.base64);
    bool other_alphabet = digits.len && (memchr(digits.ptr, '-', digits.len) || memchr(digits.ptr, '_', digits.len));
    if (r == 0 && (other_alphabet || crypto_base64_decode(digits, &raw, &ignored) < 0))
        r = refuse(err, HINT_WHOLE,
                   "the key is damaged: there are characters in it that do not belong "
                   "there, or some are missing");
    if (r == 0)
        r = check_content(block, &body, buf_span(&raw), k, has_passphrase, err);
    if (r == 0)
        r = write_pem(block, &body, &k->pem, err);
    buf_wipe_done(&body.base64);
    return r;
}

int sshkey_parse(struct span text, bool has_passphrase, struct sshkey *ret, struct err *err)
{
    *ret = (struct sshkey){ .pem = BUF_INIT(2 * SSHKEY_TEXT_MAX) };
    text = span_trim(text);
    if (span_starts(text, "\xef\xbb\xbf")) /* a byte order mark */
        text = span_trim(skip(text, 3));
    if (text.len == 0)
        return refuse(err,
                      "Is the secret visible to this job? Secrets of the repository are not there in "
                      "runs of pull requests from forks.",
                      "the key is empty");
    if (text.len > SSHKEY_TEXT_MAX)
        return refuse(err, HINT_WHOLE, "the key is longer than any private key");
    struct block block;
    int r = find_block(text, &block, err);
    return r < 0 ? r : parse_block(&block, has_passphrase, ret, err);
}

void sshkey_done(struct sshkey *k)
{
    buf_wipe_done(&k->pem);
    k->encrypted = false;
    k->kind[0] = '\0';
}
