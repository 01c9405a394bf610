#include "shared/reference.h"

#define DIGEST_PREFIX "sha256:"
#define DIGEST_HEX 64

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

static bool is_hex(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!((s.ptr[i] >= '0' && s.ptr[i] <= '9') || (s.ptr[i] >= 'a' && s.ptr[i] <= 'f')))
            return false;
    return s.len > 0;
}

static struct span span_cut(struct span s, size_t from, size_t to)
{
    return (struct span){ .ptr = s.ptr + from, .len = to - from };
}

/* Position of the first (or last) c; s.len when there is none. */
static size_t find_first(struct span s, char c)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == c)
            return i;
    return s.len;
}

static size_t find_last(struct span s, char c)
{
    for (size_t i = s.len; i-- > 0;)
        if (s.ptr[i] == c)
            return i;
    return s.len;
}

bool reference_is_digest(struct span s)
{
    return span_starts(s, DIGEST_PREFIX) && s.len == sizeof(DIGEST_PREFIX) - 1 + DIGEST_HEX &&
           is_hex(span_cut(s, sizeof(DIGEST_PREFIX) - 1, s.len));
}

/* Copy into a field whose size the caller has checked to be enough; cut otherwise. */
static void put(char *out, size_t size, struct span s)
{
    size_t n = s.len < size ? s.len : size - 1;
    memcpy(out, s.ptr, n);
    out[n] = '\0';
}

/* Letters and digits joined by "-" inside labels and "." between them. */
static bool is_host(struct span s)
{
    char before = '.';
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool joint = c == '.' || c == '-';
        if (!is_alnum(c) && !joint)
            return false;
        if (c == '.' && !is_alnum(before))
            return false;
        if (c == '-' && before == '.')
            return false;
        before = c;
    }
    return s.len > 0 && is_alnum(before);
}

static bool is_registry(struct span s)
{
    size_t colon = find_first(s, ':');
    int64_t port = 0;
    if (colon < s.len && !span_to_int(span_cut(s, colon + 1, s.len), 1, 65535, &port))
        return false;
    return is_host(span_cut(s, 0, colon));
}

/* [a-z0-9]+ joined by ".", "_", "__" or any number of "-". */
static bool is_path_component(struct span s)
{
    size_t i = 0;
    while (i < s.len && is_lower_alnum(s.ptr[i])) {
        while (i < s.len && is_lower_alnum(s.ptr[i]))
            i++;
        if (i == s.len)
            return true;
        if (s.ptr[i] == '.') {
            i++;
        } else if (s.ptr[i] == '_') {
            i++;
            if (i < s.len && s.ptr[i] == '_')
                i++;
        } else {
            while (i < s.len && s.ptr[i] == '-')
                i++;
        }
    }
    return false;
}

static bool is_tag(struct span s)
{
    if (s.len == 0 || s.len > REFERENCE_TAG_MAX || s.ptr[0] == '.' || s.ptr[0] == '-')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_alnum(s.ptr[i]) && s.ptr[i] != '_' && s.ptr[i] != '.' && s.ptr[i] != '-')
            return false;
    return true;
}

static int wrong(struct err *err, const char *text, const char *what)
{
    int r = err_set(err, ERR_INPUT, 0, "image '%.120s': %s", text, what);
    err_hint(err, "Write it as [registry[:port]/]name[:tag][@sha256:digest], for example "
                  "ghcr.io/org/app:1.4.2.");
    return r;
}

/* Cut "@sha256:…" and ":tag" off the end of *rest. */
static int parse_tail(const char *text, struct span *rest, struct reference *r, struct err *err)
{
    size_t at = find_first(*rest, '@');
    if (at < rest->len) {
        struct span digest = span_cut(*rest, at + 1, rest->len);
        if (!reference_is_digest(digest))
            return wrong(err, text, "the digest after '@' is not sha256: and 64 lower-case hex digits");
        put(r->digest, sizeof(r->digest), digest);
        *rest = span_cut(*rest, 0, at);
    }
    size_t slash = find_last(*rest, '/');
    size_t colon = find_last(*rest, ':');
    bool has_tag = colon < rest->len && (slash == rest->len || colon > slash);
    if (has_tag) {
        struct span tag = span_cut(*rest, colon + 1, rest->len);
        if (!is_tag(tag))
            return wrong(err, text,
                         "the tag after ':' must be 1 to 128 letters, digits, '_', '.' or '-', and "
                         "not start "
                         "with '.' or '-'");
        put(r->tag, sizeof(r->tag), tag);
        *rest = span_cut(*rest, 0, colon);
    } else if (!r->digest[0]) {
        put(r->tag, sizeof(r->tag), SPAN_LIT(REFERENCE_DEFAULT_TAG));
    }
    return 0;
}

/* Docker's rule: the part before the first '/' is a host when it holds a '.' or ':' or upper case, or is "localhost". */
static bool looks_like_registry(struct span s)
{
    if (span_eq(s, "localhost"))
        return true;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '.' || s.ptr[i] == ':' || (s.ptr[i] >= 'A' && s.ptr[i] <= 'Z'))
            return true;
    return false;
}

static bool is_path(struct span path)
{
    struct span part;
    if (path.len == 0 || path.ptr[path.len - 1] == '/')
        return false;
    while (span_split(&path, '/', &part))
        if (!is_path_component(part))
            return false;
    return true;
}

static int parse_name(const char *text, struct span name, struct reference *r, struct err *err)
{
    struct span path = name;
    struct span registry = SPAN_LIT(REFERENCE_DEFAULT_REGISTRY);
    size_t slash = find_first(name, '/');

    if (slash < name.len && looks_like_registry(span_cut(name, 0, slash))) {
        registry = span_cut(name, 0, slash);
        path = span_cut(name, slash + 1, name.len);
        if (!is_registry(registry))
            return wrong(err, text, "the registry before the first '/' is not a host name with an optional port");
    }
    if (span_eq(registry, "index.docker.io"))
        registry = SPAN_LIT(REFERENCE_DEFAULT_REGISTRY);
    if (path.len == 0)
        return wrong(err, text, "the name is missing");
    if (!is_path(path))
        return wrong(err, text,
                     "the name must be lower-case letters and digits, joined by '.', '_', '__' or "
                     "'-', in parts "
                     "between single '/'");
    if (name.len > REFERENCE_NAME_MAX)
        return wrong(err, text, "registry and name together are longer than 255 bytes");

    bool hub = span_eq(registry, REFERENCE_DEFAULT_REGISTRY);
    bool official = hub && find_first(path, '/') == path.len;
    if (official && (span_eq(path, "sha256") || (path.len == DIGEST_HEX && is_hex(path))))
        return wrong(err, text, "this is an image id; a name in a registry is needed");

    put(r->registry, sizeof(r->registry), registry);
    (void)snprintf(r->repo, sizeof(r->repo), "%s/%s%.*s", r->registry, official ? "library/" : "", (int)path.len,
                   path.ptr); /* fits: at most 18 bytes are put in front of a name */
    return 0;
}

int reference_parse(const char *text, struct reference *ret, struct err *err)
{
    struct reference r = { 0 };
    struct span rest = span_of(text);

    if (rest.len == 0)
        return err_set(err, ERR_INPUT, 0, "the image reference is empty");
    if (rest.len > REFERENCE_NAME_MAX + 1 + REFERENCE_TAG_MAX + 1 + REFERENCE_DIGEST_SIZE)
        return wrong(err, text, "it is too long");
    for (size_t i = 0; i < rest.len; i++)
        if (rest.ptr[i] <= ' ' || rest.ptr[i] >= 0x7f)
            return wrong(err, "(not shown)", "it holds a blank, control or non-ASCII character");
    if (span_contains(rest, "://"))
        return wrong(err, text, "it starts with a URL scheme; leave out http:// or https://");
    if (parse_tail(text, &rest, &r, err) < 0 || parse_name(text, rest, &r, err) < 0)
        return -(int)ERR_INPUT;
    *ret = r;
    return 0;
}

const char *reference_wanted(const struct reference *r)
{
    return r->digest[0] ? r->digest : r->tag;
}

void reference_format(const struct reference *r, struct buf *out)
{
    if (r->digest[0])
        reference_format_digest(r, r->digest, out);
    else
        buf_addf(out, "%s:%s", r->repo, r->tag);
}

void reference_format_digest(const struct reference *r, const char *digest, struct buf *out)
{
    buf_addf(out, "%s@%s", r->repo, digest);
}

/* The short form of a Docker Hub name; others as they are. */
static struct span familiar(struct span s)
{
    static const char *const prefixes[] = { "docker.io/", "index.docker.io/" };
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (span_starts(s, prefixes[i])) {
            s = span_cut(s, strlen(prefixes[i]), s.len);
            break;
        }
    }
    size_t first = find_first(s, '/');
    if (span_starts(s, "library/") && first == find_last(s, '/'))
        s = span_cut(s, first + 1, s.len);
    return s;
}

bool reference_same_repo(struct span a, struct span b)
{
    a = familiar(a);
    b = familiar(b);
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}
