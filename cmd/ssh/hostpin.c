#include "cmd/ssh/hostpin.h"

#include <ctype.h>
#include <strings.h>

#define HOST_NAME_MAX_BYTES 300

static const struct type_row {
    enum hostpin_type type;
    const char *name;    /* in keys and known_hosts lines */
    const char *methods; /* what to negotiate for it */
    const char *title;
} TYPES[] = {
    { HOSTPIN_ED25519, "ssh-ed25519", "ssh-ed25519", "ED25519" },
    { HOSTPIN_ECDSA256, "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", "ECDSA" },
    { HOSTPIN_ECDSA384, "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", "ECDSA" },
    { HOSTPIN_ECDSA521, "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521", "ECDSA" },
    { HOSTPIN_RSA, "ssh-rsa", "rsa-sha2-512,rsa-sha2-256", "RSA" },
};
#define TYPES_LEN (sizeof(TYPES) / sizeof(TYPES[0]))

static unsigned type_from_name(struct span name)
{
    for (size_t i = 0; i < TYPES_LEN; i++)
        if (span_eq(name, TYPES[i].name))
            return TYPES[i].type;
    return 0;
}

const char *hostpin_type_name(unsigned types)
{
    for (size_t i = 0; i < TYPES_LEN; i++)
        if (types & TYPES[i].type)
            return TYPES[i].name;
    return "unknown";
}

void hostpin_describe_types(unsigned types, struct buf *out)
{
    const char *last = "";
    for (size_t i = 0; i < TYPES_LEN; i++) {
        if (!(types & TYPES[i].type) || strcmp(last, TYPES[i].title) == 0)
            continue;
        buf_addf(out, "%s%s", last[0] ? ", " : "", TYPES[i].title);
        last = TYPES[i].title;
    }
}

void hostpin_methods(unsigned types, struct buf *out)
{
    bool first = true;
    for (size_t i = 0; i < TYPES_LEN; i++) {
        if (!(types & TYPES[i].type))
            continue;
        buf_addf(out, "%s%s", first ? "" : ",", TYPES[i].methods);
        first = false;
    }
}

void hostpin_fingerprint(const unsigned char sha256[CRYPTO_SHA256_SIZE], char out[HOSTPIN_FINGERPRINT_SIZE])
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(64);
    crypto_base64_encode((struct span){ (const char *)sha256, CRYPTO_SHA256_SIZE }, CRYPTO_BASE64, &text);
    size_t len = text.len;
    while (len > 0 && text.ptr[len - 1] == '=') /* OpenSSH prints no padding */
        len--;
    (void)snprintf(out, HOSTPIN_FINGERPRINT_SIZE, "SHA256:%.*s", (int)len, buf_str(&text));
}

unsigned hostpin_blob_type(struct span blob)
{
    if (blob.len < 4)
        return 0;
    const unsigned char *b = (const unsigned char *)blob.ptr;
    size_t len = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
    if (len > blob.len - 4)
        return 0;
    return type_from_name((struct span){ blob.ptr + 4, len });
}

/* ---- the set of pins ---- */

static int pins_add(struct hostpins *p, const struct hostpin *pin, struct err *err)
{
    for (size_t i = 0; i < p->len; i++) {
        struct hostpin *old = &p->items[i];
        if (memcmp(old->sha256, pin->sha256, sizeof(old->sha256)) != 0)
            continue;
        old->revoked |= pin->revoked;
        if (old->types == 0)
            old->types = pin->types; /* the same key once with and once without a type */
        return 0;
    }
    if (p->len == HOSTPIN_MAX)
        return err_set(err, ERR_INPUT, 0, "more than %d host key pins", HOSTPIN_MAX);
    if (p->len == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 8;
        struct hostpin *items = realloc(p->items, cap * sizeof(*items));
        if (!items)
            return err_set(err, ERR_NOMEM, 0, "out of memory");
        p->items = items;
        p->cap = cap;
    }
    p->items[p->len++] = *pin;
    return 0;
}

void hostpins_done(struct hostpins *p)
{
    free(p->items);
    *p = (struct hostpins){ 0 };
}

unsigned hostpins_types(const struct hostpins *p)
{
    unsigned types = 0;
    for (size_t i = 0; i < p->len; i++)
        if (!p->items[i].revoked)
            types |= p->items[i].types;
    return types;
}

bool hostpins_untyped(const struct hostpins *p)
{
    for (size_t i = 0; i < p->len; i++)
        if (!p->items[i].revoked && p->items[i].types == 0)
            return true;
    return false;
}

bool hostpins_usable(const struct hostpins *p)
{
    return hostpins_types(p) != 0 || hostpins_untyped(p);
}

enum hostpin_verdict hostpins_judge(const struct hostpins *p, const unsigned char sha256[CRYPTO_SHA256_SIZE])
{
    enum hostpin_verdict verdict = HOSTPIN_MISMATCH;
    for (size_t i = 0; i < p->len; i++) {
        if (memcmp(p->items[i].sha256, sha256, CRYPTO_SHA256_SIZE) != 0)
            continue;
        if (p->items[i].revoked)
            return HOSTPIN_REVOKED;
        verdict = HOSTPIN_MATCH;
    }
    return verdict;
}

/* ---- words ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Cut the next word off *rest; `also` ends a word too when it is not 0. false: none left. */
static bool next_word(struct span *rest, char also, struct span *word)
{
    size_t i = 0;
    while (i < rest->len && (is_blank(rest->ptr[i]) || (also && rest->ptr[i] == also)))
        i++;
    size_t start = i;
    while (i < rest->len && !is_blank(rest->ptr[i]) && !(also && rest->ptr[i] == also))
        i++;
    *word = (struct span){ rest->ptr + start, i - start };
    *rest = (struct span){ rest->ptr + i, rest->len - i };
    return word->len > 0;
}

/* A word of the user's for an error text: short, printable. */
static const char *show(struct span word, char out[64])
{
    size_t n = word.len < 40 ? word.len : 40;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)word.ptr[i];
        out[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
    }
    (void)snprintf(out + n, 64 - n, "%s", word.len > n ? "..." : "");
    return out;
}

static bool is_digits(struct span s)
{
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!isdigit((unsigned char)s.ptr[i]))
            return false;
    return true;
}

static bool starts_nocase(struct span s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.len >= n && strncasecmp(s.ptr, prefix, n) == 0;
}

/* ---- fingerprints ---- */

/* "(ED25519)" at the end of a line of `ssh-keygen -l`; *known false: a type that we do not speak. */
static unsigned type_from_title(struct span title, int64_t bits, bool *known)
{
    *known = true;
    if (span_eq(title, "(ED25519)"))
        return HOSTPIN_ED25519;
    if (span_eq(title, "(RSA)"))
        return HOSTPIN_RSA;
    if (span_eq(title, "(ECDSA)")) {
        if (bits == 256)
            return HOSTPIN_ECDSA256;
        if (bits == 384)
            return HOSTPIN_ECDSA384;
        return bits == 521 ? HOSTPIN_ECDSA521 : HOSTPIN_ECDSA;
    }
    *known = false;
    return 0;
}

/* Key type or signature algorithm, as people copy it from `ssh -v`. */
static unsigned type_from_algorithm(struct span word)
{
    if (span_eq(word, "rsa-sha2-512") || span_eq(word, "rsa-sha2-256"))
        return HOSTPIN_RSA;
    return type_from_name(word);
}

static int fingerprint_bytes(struct span word, size_t line_no, unsigned char out[CRYPTO_SHA256_SIZE], struct err *err)
{
    char shown[64];
    struct span digits = { word.ptr + 7, word.len - 7 }; /* behind "SHA256:" */
    _cleanup_(buf_done_p) struct buf raw = BUF_INIT(256);
    struct err ignored = { 0 };
    if (digits.len > 100 || crypto_base64_decode(digits, &raw, &ignored) < 0 || raw.len != CRYPTO_SHA256_SIZE) {
        int r = err_set(err, ERR_INPUT, 0, "host-fingerprint line %zu: '%s' is not a whole SHA256 fingerprint", line_no,
                        show(word, shown));
        err_hint(err, "A fingerprint is SHA256: and 43 characters, as printed on the host by: ssh-keygen "
                      "-lf /etc/ssh/ssh_host_ed25519_key.pub");
        return r;
    }
    memcpy(out, raw.ptr, CRYPTO_SHA256_SIZE);
    return 0;
}

static int fingerprint_unknown_word(struct span word, size_t line_no, struct err *err)
{
    char shown[64];
    show(word, shown);
    int r;
    if (starts_nocase(word, "MD5:") || (word.len == 47 && memchr(word.ptr, ':', word.len)))
        r = err_set(err, ERR_INPUT, 0, "host-fingerprint line %zu: '%s' is an MD5 fingerprint, which is not safe",
                    line_no, shown);
    else if (span_starts(word, "AAAA"))
        r = err_set(err, ERR_INPUT, 0,
                    "host-fingerprint line %zu: this is a public key, which belongs into known-hosts", line_no);
    else
        r = err_set(err, ERR_INPUT, 0, "host-fingerprint line %zu: '%s' is not a fingerprint; wanted SHA256:...",
                    line_no, shown);
    err_hint(err, "On the host run: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub and paste the line.");
    return r;
}

/* One line: any number of [BITS] [TYPE] SHA256:… [comment] [(TYPE)], separated by commas or blanks. */
static int fingerprint_line(struct hostpins *p, struct span line, size_t line_no, struct err *err)
{
    struct span rest = line;
    struct span word;
    unsigned type = 0, said; /* type: said before the fingerprint */
    int r;
    int64_t bits = 0;
    bool have = false, listing = false; /* listing: a whole line of ssh-keygen, so comments are allowed */
    struct hostpin pin = { 0 };
    bool drop = false;

    while (next_word(&rest, ',', &word)) {
        int64_t number;
        if (starts_nocase(word, "SHA256:")) {
            if (have && !drop && (r = pins_add(p, &pin, err)) < 0)
                return r;
            pin = (struct hostpin){ .types = type };
            if ((r = fingerprint_bytes(word, line_no, pin.sha256, err)) < 0)
                return r;
            have = true;
            drop = false;
            type = 0;
        } else if ((said = type_from_algorithm(word)) != 0) {
            type = said;
        } else if (span_to_int(word, 256, 65536, &number)) {
            listing = true;
            bits = number;
        } else if (have && word.ptr[0] == '(' && word.ptr[word.len - 1] == ')') {
            bool known;
            unsigned titled = type_from_title(word, bits, &known);
            if (known)
                pin.types = titled;
            else if (listing)
                drop = true; /* a DSA or hardware key among the host's keys: it can never match */
        } else if (!(listing && have) && !span_eq(word, "ec2:")) {
            return fingerprint_unknown_word(word, line_no, err);
        }
    }
    if (!have)
        return err_set(err, ERR_INPUT, 0, "host-fingerprint line %zu holds no SHA256: fingerprint", line_no);
    return drop ? 0 : pins_add(p, &pin, err);
}

/* Blank, a comment, or one of the frame lines that cloud-init prints around the fingerprints on the EC2 console. */
static bool is_decoration(struct span line)
{
    if (span_starts(line, "ec2:"))
        line = span_trim((struct span){ line.ptr + 4, line.len - 4 });
    return line.len == 0 || line.ptr[0] == '#' || span_starts(line, "-----");
}

static int parse_fingerprints(struct hostpins *p, struct span text, struct err *err)
{
    struct span line;
    for (size_t line_no = 1; span_next_line(&text, &line); line_no++) {
        line = span_trim(line);
        if (is_decoration(line))
            continue;
        p->given = true;
        int r = fingerprint_line(p, line, line_no, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- known_hosts ---- */

static char lower(char c)
{
    return (char)tolower((unsigned char)c);
}

/* * and ? over the whole name, without regard to case. Linear in practice: only the last * is gone back to. */
static bool glob_match(struct span pattern, const char *name)
{
    size_t p = 0, n = 0, star = SIZE_MAX, mark = 0;
    while (name[n]) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            mark = n;
        } else if (p < pattern.len && (pattern.ptr[p] == '?' || lower(pattern.ptr[p]) == lower(name[n]))) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

/* The name as known_hosts writes it: lower case, [host]:port unless the port is 22. */
static bool canonical_name(const char *host, int port, char out[HOST_NAME_MAX_BYTES])
{
    int n = port == 22 ? snprintf(out, HOST_NAME_MAX_BYTES, "%s", host)
                       : snprintf(out, HOST_NAME_MAX_BYTES, "[%s]:%d", host, port);
    if (n < 0 || n >= HOST_NAME_MAX_BYTES)
        return false;
    for (char *c = out; *c; c++)
        *c = lower(*c);
    return true;
}

/* |1|base64(salt)|base64(HMAC-SHA1(salt, name)); *valid tells whether it has that form. */
static bool hashed_match(struct span names, const char *name, bool *valid)
{
    *valid = false;
    if (!span_starts(names, "|1|"))
        return false;
    struct span rest = { names.ptr + 3, names.len - 3 };
    const char *bar = memchr(rest.ptr, '|', rest.len);
    if (!bar)
        return false;
    struct span salt64 = { rest.ptr, (size_t)(bar - rest.ptr) };
    struct span hash64 = { bar + 1, rest.len - salt64.len - 1 };
    _cleanup_(buf_done_p) struct buf salt = BUF_INIT(64);
    _cleanup_(buf_done_p) struct buf hash = BUF_INIT(64);
    struct err ignored = { 0 };
    if (salt64.len > 80 || hash64.len > 80 || crypto_base64_decode(salt64, &salt, &ignored) < 0 ||
        crypto_base64_decode(hash64, &hash, &ignored) < 0 || salt.len != 20 || hash.len != 20)
        return false;
    *valid = true;
    unsigned char mac[20];
    if (crypto_hmac_sha1(buf_span(&salt), span_of(name), mac, &ignored) < 0)
        return false;
    return memcmp(mac, hash.ptr, sizeof(mac)) == 0;
}

bool hostpin_names_match(struct span names, const char *host, int port)
{
    char name[HOST_NAME_MAX_BYTES];
    if (names.len == 0 || !canonical_name(host, port, name))
        return false;
    bool valid;
    if (names.ptr[0] == '|')
        return hashed_match(names, name, &valid);
    bool found = false;
    struct span one;
    while (span_split(&names, ',', &one)) {
        bool negated = one.len > 0 && one.ptr[0] == '!';
        if (negated)
            one = (struct span){ one.ptr + 1, one.len - 1 };
        if (one.len == 0 || !glob_match(one, name))
            continue;
        if (negated)
            return false; /* wins over every other name of the line */
        found = true;
    }
    return found;
}

enum marker { MARKER_NONE, MARKER_REVOKED, MARKER_CA };

struct known_line {
    enum marker marker;
    struct span names;
    struct span type;
    struct span key; /* base64 */
};

static int known_line_error(size_t line_no, struct err *err, const char *what, struct span word)
{
    char shown[64];
    int r = err_set(err, ERR_INPUT, 0, "known-hosts line %zu: %s%s%s%s", line_no, what, word.len ? " '" : "",
                    word.len ? show(word, shown) : "", word.len ? "'" : "");
    err_hint(err, "Each line is: NAME TYPE KEY, as printed by `ssh-keyscan HOST` on a machine you trust; "
                  "compare with the host's own keys before you use it.");
    return r;
}

static int split_known_line(struct span line, size_t line_no, struct known_line *ret, struct err *err)
{
    struct span rest = line, word, none = { "", 0 };
    *ret = (struct known_line){ 0 };
    if (!next_word(&rest, 0, &word))
        return known_line_error(line_no, err, "is empty", none);
    if (word.ptr[0] == '@') {
        if (span_eq(word, "@revoked"))
            ret->marker = MARKER_REVOKED;
        else if (span_eq(word, "@cert-authority"))
            ret->marker = MARKER_CA;
        else
            return known_line_error(line_no, err, "unknown marker", word);
        if (!next_word(&rest, 0, &word))
            return known_line_error(line_no, err, "host name, key type and key are missing", none);
    }
    ret->names = word;
    if (!next_word(&rest, 0, &ret->type))
        return known_line_error(line_no, err, "key type and key are missing behind", ret->names);
    if (!next_word(&rest, 0, &ret->key))
        return known_line_error(line_no, err, "the key is missing behind", ret->type);
    return 0;
}

/* The key's bytes; checks that it is of the type that the line says. */
static int known_line_key(const struct known_line *l, size_t line_no, struct buf *blob, struct err *err)
{
    struct err ignored = { 0 };
    if (is_digits(l->type))
        return known_line_error(line_no, err, "keys of SSH protocol 1 are not supported; found", l->type);
    if (crypto_base64_decode(l->key, blob, &ignored) < 0 || blob->len < 4)
        return known_line_error(line_no, err, "the key is damaged (not base64):", l->key);
    const unsigned char *b = (const unsigned char *)blob->ptr;
    size_t n = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
    if (n != l->type.len || n > blob->len - 4 || memcmp(blob->ptr + 4, l->type.ptr, n) != 0)
        return known_line_error(line_no, err, "the key is not of the type that stands before it,", l->type);
    if (blob->len < 4 + n + 4 + 32)
        return known_line_error(line_no, err, "the key is cut off:", l->key);
    return 0;
}

static int known_line_add(struct hostpins *p, struct span line, size_t line_no, const char *host, int port,
                          struct err *err)
{
    struct known_line l;
    int r = split_known_line(line, line_no, &l, err);
    if (r < 0)
        return r;
    if (l.names.ptr[0] == '|') {
        bool valid;
        (void)hashed_match(l.names, "", &valid);
        if (!valid)
            return known_line_error(line_no, err, "damaged hashed host name", l.names);
    }
    _cleanup_(buf_done_p) struct buf blob = BUF_INIT(16 * 1024);
    if ((r = known_line_key(&l, line_no, &blob, err)) < 0)
        return r;
    if (l.marker == MARKER_CA)
        return 0;
    if (!hostpin_names_match(l.names, host, port)) {
        p->other_lines++;
        return 0;
    }
    struct hostpin pin = { .types = type_from_name(l.type), .revoked = l.marker == MARKER_REVOKED };
    if (pin.types == 0 && !pin.revoked)
        return 0; /* a type that is never negotiated, such as ssh-dss */
    if ((r = crypto_sha256(buf_span(&blob), pin.sha256, err)) < 0)
        return r;
    return pins_add(p, &pin, err);
}

static int parse_known_hosts(struct hostpins *p, struct span text, const char *host, int port, struct err *err)
{
    struct span line;
    for (size_t line_no = 1; span_next_line(&text, &line); line_no++) {
        line = span_trim(line);
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        p->given = true;
        int r = known_line_add(p, line, line_no, host, port, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_text(struct span text, const char *input, struct err *err)
{
    if (text.len > HOSTPIN_TEXT_MAX)
        return err_set(err, ERR_INPUT, 0, "%s is longer than %d bytes", input, HOSTPIN_TEXT_MAX);
    if (text.len && memchr(text.ptr, '\0', text.len))
        return err_set(err, ERR_INPUT, 0, "%s holds a NUL byte", input);
    return 0;
}

int hostpins_parse(struct span fingerprints, struct span known_hosts, const char *host, int port, struct hostpins *ret,
                   struct err *err)
{
    *ret = (struct hostpins){ 0 };
    int r;
    if ((r = check_text(fingerprints, "host-fingerprint", err)) < 0 ||
        (r = check_text(known_hosts, "known-hosts", err)) < 0 || (r = parse_fingerprints(ret, fingerprints, err)) < 0)
        return r;
    return parse_known_hosts(ret, known_hosts, host, port, err);
}
