#include "shared/buf.h"

#include <string.h>

#define BUF_FIRST_CAP 64

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf)BUF_INIT(max);
}

void buf_done(struct buf *b)
{
    free(b->ptr);
    buf_init(b, b->max);
}

void buf_wipe_done(struct buf *b)
{
    if (b->ptr)
        explicit_bzero(b->ptr, b->cap);
    buf_done(b);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->ptr)
        b->ptr[0] = '\0';
}

/* Room for `more` bytes and the terminator. No realloc(): what is left behind may hold secrets and is zeroed. */
static bool buf_reserve(struct buf *b, size_t more)
{
    if (b->failed)
        return false;
    if (more > b->max - b->len || more >= SIZE_MAX - b->len) {
        b->failed = true;
        return false;
    }
    size_t need = b->len + more + 1;
    if (need <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : BUF_FIRST_CAP;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (cap - 1 > b->max)
        cap = b->max + 1;
    char *ptr = malloc(cap);
    if (!ptr) {
        b->failed = true;
        return false;
    }
    if (b->ptr) {
        memcpy(ptr, b->ptr, b->len);
        explicit_bzero(b->ptr, b->cap);
        free(b->ptr);
    }
    ptr[b->len] = '\0';
    b->ptr = ptr;
    b->cap = cap;
    return true;
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
    if (len == 0 || !buf_reserve(b, len))
        return;
    memcpy(b->ptr + b->len, bytes, len);
    b->len += len;
    b->ptr[b->len] = '\0';
}

void buf_add_span(struct buf *b, struct span s)
{
    buf_add(b, s.ptr, s.len);
}

void buf_adds(struct buf *b, const char *s)
{
    if (s)
        buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(b, fmt, ap);
    va_end(ap);
}

void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0) {
        b->failed = true;
        return;
    }
    if (n == 0 || !buf_reserve(b, (size_t)n))
        return;
    (void)vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, ap); /* measured above: it fits */
    b->len += (size_t)n;
}

void buf_consume(struct buf *b, size_t n)
{
    if (n > b->len)
        n = b->len;
    if (n == 0)
        return;
    memmove(b->ptr, b->ptr + n, b->len - n);
    b->len -= n;
    explicit_bzero(b->ptr + b->len, n); /* also terminates */
}

int buf_check(const struct buf *b, struct err *err)
{
    if (!b->failed)
        return 0;
    return err_set(err, ERR_NOMEM, 0, "text does not fit: limit of %zu bytes or out of memory", b->max);
}

const char *buf_str(const struct buf *b)
{
    return b->ptr ? b->ptr : "";
}

struct span buf_span(const struct buf *b)
{
    return (struct span){ .ptr = buf_str(b), .len = b->len };
}

char *buf_detach(struct buf *b)
{
    if (b->failed) {
        buf_wipe_done(b);
        return NULL;
    }
    char *s = b->ptr ? b->ptr : calloc(1, 1);
    buf_init(b, b->max);
    return s;
}

const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

struct span span_of(const char *s)
{
    return (struct span){ .ptr = s ? s : "", .len = s ? strlen(s) : 0 };
}

bool span_eq(struct span a, const char *s)
{
    size_t len = strlen(s);
    return a.len == len && (len == 0 || memcmp(a.ptr, s, len) == 0);
}

bool span_starts(struct span a, const char *prefix)
{
    size_t len = strlen(prefix);
    return a.len >= len && (len == 0 || memcmp(a.ptr, prefix, len) == 0);
}

bool span_contains(struct span a, const char *needle)
{
    size_t len = strlen(needle);
    return len == 0 || (a.len >= len && memmem(a.ptr, a.len, needle, len) != NULL);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span a)
{
    while (a.len > 0 && is_blank(a.ptr[0])) {
        a.ptr++;
        a.len--;
    }
    while (a.len > 0 && is_blank(a.ptr[a.len - 1]))
        a.len--;
    return a;
}

bool span_next_line(struct span *rest, struct span *line)
{
    return span_split(rest, '\n', line);
}

bool span_split(struct span *rest, char sep, struct span *part)
{
    if (rest->len == 0)
        return false;
    const char *end = memchr(rest->ptr, sep, rest->len);
    size_t len = end ? (size_t)(end - rest->ptr) : rest->len;
    size_t used = end ? len + 1 : len;
    *part = (struct span){ .ptr = rest->ptr, .len = len };
    rest->ptr += used;
    rest->len -= used;
    return true;
}

char *span_dup(struct span a)
{
    if (a.len > 0 && memchr(a.ptr, '\0', a.len))
        return NULL;
    char *s = malloc(a.len + 1);
    if (!s)
        return NULL;
    if (a.len > 0)
        memcpy(s, a.ptr, a.len);
    s[a.len] = '\0';
    return s;
}

bool span_to_int(struct span a, int64_t min, int64_t max, int64_t *ret)
{
    if (a.len == 0)
        return false;
    int64_t v = 0;
    for (size_t i = 0; i < a.len; i++) {
        if (a.ptr[i] < '0' || a.ptr[i] > '9')
            return false;
        int digit = a.ptr[i] - '0';
        if (v > (INT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    if (v < min || v > max)
        return false;
    *ret = v;
    return true;
}

size_t span_utf8_next(struct span s)
{
    if (s.len == 0)
        return 0;
    unsigned char c = (unsigned char)s.ptr[0];
    if (c < 0x80)
        return 1;
    size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || s.len < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if (((unsigned char)s.ptr[i] & 0xc0) != 0x80)
            return 0;
    unsigned char second = (unsigned char)s.ptr[1];
    bool overlong = (c == 0xe0 && second < 0xa0) || (c == 0xf0 && second < 0x90);
    bool beyond = (c == 0xed && second > 0x9f) || (c == 0xf4 && second > 0x8f);
    return overlong || beyond ? 0 : len;
}

bool span_is_utf8(struct span s)
{
    while (s.len > 0) {
        size_t n = span_utf8_next(s);
        if (n == 0)
            return false;
        s.ptr += n;
        s.len -= n;
    }
    return true;
}
