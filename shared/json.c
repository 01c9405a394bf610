#include "shared/json.h"

#include <cjson/cJSON.h>
#include <math.h>

#define JSON_NESTING_MAX 64
#define JSON_EDIT_GROWTH 2 /* an edited string may become so many times as long */
/* A bit of cJSON's `type` that cJSON neither uses nor touches, and that its copies keep: an allocation failed here. */
#define JSON_FAILED (1 << 24)

/* The three places where the opaque name meets the library's. */
static const cJSON *in(const struct json *j)
{
    return (const cJSON *)(const void *)j;
}

static cJSON *mut(struct json *j)
{
    return (cJSON *)(void *)j;
}

static struct json *out_of(cJSON *c)
{
    return (struct json *)(void *)c;
}

/* ---- parse ---- */

/*
 * What cJSON does not refuse: deep nesting (its own limit is fixed when it is built), control bytes inside strings, and
 * NUL, raw or escaped, which would cut a string short without a word.
 */
static const char *scan(struct span text, size_t *at)
{
    int depth = 0;
    bool string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        *at = i;
        if (string) {
            if ((unsigned char)c < 0x20)
                return "control byte in a string";
            if (c == '"') {
                string = false;
            } else if (c == '\\') {
                struct span rest = { .ptr = text.ptr + i, .len = text.len - i };
                if (span_starts(rest, "\\u0000"))
                    return "NUL in a string";
                i++;
            }
        } else if (c == '"') {
            string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_NESTING_MAX)
                return "nested too deeply";
        } else if (c == '}' || c == ']') {
            depth--;
        } else if (c == '\0') {
            return "NUL byte";
        }
    }
    return NULL;
}

int json_parse(struct span text, struct json **ret, struct err *err)
{
    size_t at = 0;
    const char *wrong = scan(text, &at);
    if (wrong)
        return err_set(err, ERR_PROTO, 0, "JSON: %s at byte %zu", wrong, at);

    /* cJSON's own check for trailing bytes wants a NUL within the length; it is done by hand below instead. */
    const char *end = NULL;
    cJSON *c = text.len ? cJSON_ParseWithLengthOpts(text.ptr, text.len, &end, 0) : NULL;
    if (!c) {
        at = end && text.len ? (size_t)(end - text.ptr) : 0;
        return err_set(err, ERR_PROTO, 0, "JSON: unexpected text or end at byte %zu", at);
    }
    struct span rest = { .ptr = end, .len = text.len - (size_t)(end - text.ptr) };
    if (span_trim(rest).len > 0) {
        json_free(out_of(c));
        return err_set(err, ERR_PROTO, 0, "JSON: text after the end, at byte %zu", (size_t)(end - text.ptr));
    }
    *ret = out_of(c);
    return 0;
}

/* Requests carry secrets, so what a tree held never stays behind in the heap. */
static void wipe(cJSON *c)
{
    for (; c; c = c->next) {
        if (c->valuestring)
            explicit_bzero(c->valuestring, strlen(c->valuestring));
        wipe(c->child);
    }
}

void json_free(struct json *j)
{
    cJSON *c = mut(j);
    if (!c)
        return;
    if (c->valuestring)
        explicit_bzero(c->valuestring, strlen(c->valuestring));
    wipe(c->child);
    cJSON_Delete(c);
}

void json_free_p(struct json **j)
{
    json_free(*j);
    *j = NULL;
}

/* ---- print ---- */

/*
 * An own printer instead of cJSON's: integers stay integers, output is valid UTF-8 whatever went in, it is bounded by
 * the buf, and no copy of a secret is left in freed memory.
 */
struct printer {
    struct buf *out;
    bool pretty;
    bool failed; /* a setter had failed somewhere in the tree */
};

/*
 * Of the characters outside ASCII those that a terminal or an editor obeys: C1 controls, line and paragraph separators, marks of the
 * writing direction. 0: none of them.
 */
static unsigned control_of(struct span c)
{
    const unsigned char *p = (const unsigned char *)c.ptr;
    if (c.len == 2)
        return p[0] == 0xc2 && p[1] < 0xa0 ? p[1] : 0;
    if (c.len != 3 || p[0] != 0xe2)
        return 0;
    unsigned code = 0x2000u | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    bool is_control =
        code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    return is_control ? code : 0;
}

static void print_string(struct buf *out, const char *s)
{
    struct span rest = span_of(s);
    buf_addc(out, '"');
    while (rest.len > 0) {
        unsigned char c = (unsigned char)rest.ptr[0];
        size_t n = span_utf8_next(rest);
        unsigned code = 0;
        if (n == 0)
            buf_adds(out, "\xef\xbf\xbd"); /* U+FFFD */
        else if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", c);
        else if (c == '\n')
            buf_adds(out, "\\n");
        else if (c == '\r')
            buf_adds(out, "\\r");
        else if (c == '\t')
            buf_adds(out, "\\t");
        else if (c < 0x20 || c == 0x7f)
            buf_addf(out, "\\u%04x", c);
        else if ((code = control_of((struct span){ rest.ptr, n })) != 0)
            buf_addf(out, "\\u%04x", code);
        else
            buf_add(out, rest.ptr, n);
        n = n ? n : 1;
        rest.ptr += n;
        rest.len -= n;
    }
    buf_addc(out, '"');
}

static void print_number(struct buf *out, double d)
{
    if (!isfinite(d)) {
        buf_adds(out, "null");
    } else if (fabs(d) < 1e18 && d == (double)(long long)d) {
        buf_addf(out, "%lld", (long long)d); /* also makes -0 a 0 */
    } else {
        char text[40];
        (void)snprintf(text, sizeof(text), "%.15g", d);
        if (strtod(text, NULL) != d)
            (void)snprintf(text, sizeof(text), "%.17g", d);
        buf_adds(out, text);
    }
}

static void print_break(struct printer *p, int depth)
{
    if (!p->pretty)
        return;
    buf_addc(p->out, '\n');
    for (int i = 0; i < depth; i++)
        buf_adds(p->out, "  ");
}

static void print_value(struct printer *p, const cJSON *c, int depth)
{
    p->failed = p->failed || (c->type & JSON_FAILED);
    if (cJSON_IsObject(c) || cJSON_IsArray(c)) {
        bool object = cJSON_IsObject(c);
        buf_addc(p->out, object ? '{' : '[');
        for (const cJSON *i = c->child; i && !p->out->failed; i = i->next) {
            if (i != c->child)
                buf_addc(p->out, ',');
            print_break(p, depth + 1);
            if (object) {
                p->failed = p->failed || !i->string;
                print_string(p->out, i->string);
                buf_adds(p->out, p->pretty ? ": " : ":");
            }
            print_value(p, i, depth + 1);
        }
        if (c->child)
            print_break(p, depth);
        buf_addc(p->out, object ? '}' : ']');
    } else if (cJSON_IsString(c)) {
        print_string(p->out, c->valuestring);
    } else if (cJSON_IsNumber(c)) {
        print_number(p->out, c->valuedouble);
    } else if (cJSON_IsBool(c)) {
        buf_adds(p->out, cJSON_IsTrue(c) ? "true" : "false");
    } else {
        buf_adds(p->out, "null");
    }
}

static int print(const struct json *j, bool pretty, struct buf *out, struct err *err)
{
    size_t before = out->len;
    struct printer p = { .out = out, .pretty = pretty, .failed = !j };
    if (j)
        print_value(&p, in(j), 0);
    if (pretty)
        buf_addc(out, '\n');
    if (!p.failed && !out->failed)
        return 0;
    if (out->ptr && out->len > before) {
        explicit_bzero(out->ptr + before, out->len - before);
        out->len = before;
    }
    if (p.failed)
        return err_set(err, ERR_NOMEM, 0, "out of memory while JSON was put together");
    return buf_check(out, err);
}

int json_print(const struct json *j, struct buf *out, struct err *err)
{
    return print(j, false, out, err);
}

int json_print_pretty(const struct json *j, struct buf *out, struct err *err)
{
    return print(j, true, out, err);
}

/* ---- make ---- */

struct json *json_object(void)
{
    return out_of(cJSON_CreateObject());
}

struct json *json_array(void)
{
    return out_of(cJSON_CreateArray());
}

struct json *json_copy(const struct json *j)
{
    return out_of(cJSON_Duplicate(in(j), 1));
}

static void add(struct json *to, const char *key, cJSON *v)
{
    cJSON *c = mut(to);
    bool done = false;
    if (c && v && key && cJSON_IsObject(c)) {
        done = cJSON_GetObjectItemCaseSensitive(c, key) ? cJSON_ReplaceItemInObjectCaseSensitive(c, key, v)
                                                        : cJSON_AddItemToObject(c, key, v);
    } else if (c && v && !key && cJSON_IsArray(c)) {
        done = cJSON_AddItemToArray(c, v);
    }
    if (done)
        return;
    json_free(out_of(v));
    if (c)
        c->type |= JSON_FAILED;
}

void json_set(struct json *obj, const char *key, struct json *v)
{
    add(obj, key ? key : "", mut(v));
}

void json_set_str(struct json *obj, const char *key, const char *v)
{
    add(obj, key, v ? cJSON_CreateString(v) : cJSON_CreateNull());
}

void json_set_int(struct json *obj, const char *key, int64_t v)
{
    add(obj, key, cJSON_CreateNumber((double)v));
}

void json_set_num(struct json *obj, const char *key, double v)
{
    add(obj, key, cJSON_CreateNumber(v));
}

void json_set_bool(struct json *obj, const char *key, bool v)
{
    add(obj, key, cJSON_CreateBool(v));
}

void json_set_seconds(struct json *obj, const char *key, int64_t ms)
{
    json_set_num(obj, key, ms < 0 ? -1 : (double)ms / 1000);
}

void json_push(struct json *arr, struct json *v)
{
    add(arr, NULL, mut(v));
}

void json_push_str(struct json *arr, const char *v)
{
    add(arr, NULL, v ? cJSON_CreateString(v) : cJSON_CreateNull());
}

void json_push_num(struct json *arr, double v)
{
    add(arr, NULL, cJSON_CreateNumber(v));
}

void json_del(struct json *obj, const char *key)
{
    if (obj)
        json_free(out_of(cJSON_DetachItemFromObjectCaseSensitive(mut(obj), key)));
}

static void edit_string(cJSON *c, void (*edit)(void *ctx, struct span text, struct buf *out), void *ctx)
{
    struct span old = span_of(c->valuestring);
    _cleanup_(buf_wipe_done_p) struct buf out = BUF_INIT(old.len * JSON_EDIT_GROWTH + 64);
    edit(ctx, old, &out);
    if (!out.failed && span_eq(old, buf_str(&out)))
        return;
    explicit_bzero(c->valuestring, old.len); /* all that is left when there is no memory for the new text */
    if (out.failed || memchr(buf_str(&out), '\0', out.len))
        return;
    if (out.len <= old.len) {
        memcpy(c->valuestring, buf_str(&out), out.len + 1);
        return;
    }
    char *copy = cJSON_malloc(out.len + 1);
    if (!copy)
        return;
    memcpy(copy, buf_str(&out), out.len + 1);
    cJSON_free(c->valuestring);
    c->valuestring = copy;
}

void json_edit_strings(struct json *j, void (*edit)(void *ctx, struct span text, struct buf *out), void *ctx)
{
    if (!j)
        return;
    cJSON *c = mut(j);
    if (cJSON_IsString(c) && c->valuestring)
        edit_string(c, edit, ctx);
    for (cJSON *i = c->child; i; i = i->next)
        json_edit_strings(out_of(i), edit, ctx);
}

/* ---- look ---- */

bool json_is_object(const struct json *j)
{
    return cJSON_IsObject(in(j));
}

bool json_is_array(const struct json *j)
{
    return cJSON_IsArray(in(j));
}

bool json_is_string(const struct json *j)
{
    return cJSON_IsString(in(j));
}

bool json_is_number(const struct json *j)
{
    return cJSON_IsNumber(in(j)) && isfinite(in(j)->valuedouble);
}

bool json_is_bool(const struct json *j)
{
    return cJSON_IsBool(in(j));
}

const struct json *json_get(const struct json *j, const char *key)
{
    if (!json_is_object(j))
        return NULL;
    return out_of(cJSON_GetObjectItemCaseSensitive(in(j), key));
}

struct json *json_member(struct json *obj, const char *key)
{
    return json_is_object(obj) ? out_of(cJSON_GetObjectItemCaseSensitive(in(obj), key)) : NULL;
}

const struct json *json_path(const struct json *j, ...)
{
    va_list ap;
    va_start(ap, j);
    for (const char *key; j && (key = va_arg(ap, const char *)) != NULL;)
        j = json_get(j, key);
    va_end(ap);
    return j;
}

const char *json_str(const struct json *j, const char *key, const char *dflt)
{
    return json_value_str(json_get(j, key), dflt);
}

int64_t json_int(const struct json *j, const char *key, int64_t dflt)
{
    double d = json_value_num(json_get(j, key), NAN);
    /* The bounds are -2^63 and 2^63; NaN fails both comparisons. */
    return d >= -9223372036854775808.0 && d < 9223372036854775808.0 ? (int64_t)d : dflt;
}

double json_num(const struct json *j, const char *key, double dflt)
{
    return json_value_num(json_get(j, key), dflt);
}

bool json_bool(const struct json *j, const char *key, bool dflt)
{
    return json_value_bool(json_get(j, key), dflt);
}

const char *json_value_str(const struct json *j, const char *dflt)
{
    return json_is_string(j) ? in(j)->valuestring : dflt;
}

double json_value_num(const struct json *j, double dflt)
{
    return json_is_number(j) ? in(j)->valuedouble : dflt;
}

bool json_value_bool(const struct json *j, bool dflt)
{
    return json_is_bool(j) ? cJSON_IsTrue(in(j)) : dflt;
}

const struct json *json_first(const struct json *j)
{
    return json_is_object(j) || json_is_array(j) ? out_of(in(j)->child) : NULL;
}

const struct json *json_next(const struct json *child)
{
    return child ? out_of(in(child)->next) : NULL;
}

const char *json_key(const struct json *child)
{
    return child ? in(child)->string : NULL;
}

size_t json_len(const struct json *j)
{
    size_t n = 0;
    for (const struct json *c = json_first(j); c; c = json_next(c))
        n++;
    return n;
}
