#include "shared/wire.h"

#include "shared/clock.h"
#include "shared/crypto.h"

#define LENGTH_DIGITS_MAX 7 /* of WIRE_REQUEST_MAX */
#define FROM_MAX ((UINT64_C(1) << 53) - 1)
#define LOCK_TIMEOUT_DEFAULT_MS 600000
#define LOCK_TIMEOUT_MAX_MS 86400000

/* Members beyond v, op and app, by op. */
enum member {
    M_DEPLOYMENT = 1,
    M_SPEC = 2,
    M_ONLY_IF_CURRENT = 4,
    M_REASON = 8,
    M_RUN_LINK = 16,
    M_LOCK_TIMEOUT = 32,
    M_FROM = 64,
};

static const struct {
    const char *name;
    unsigned needs, may;
} ops[] = {
    [WIRE_INVALID] = { "", 0, 0 },
    [WIRE_DEPLOY] = { "deploy", M_DEPLOYMENT | M_SPEC, 0 },
    [WIRE_ROLLBACK] = { "rollback", M_DEPLOYMENT, M_ONLY_IF_CURRENT | M_REASON | M_RUN_LINK | M_LOCK_TIMEOUT },
    [WIRE_STATUS] = { "status", 0, 0 },
    [WIRE_ATTACH] = { "attach", M_DEPLOYMENT | M_FROM, 0 },
    [WIRE_CANCEL] = { "cancel", M_DEPLOYMENT, 0 },
    [WIRE_BUNDLE] = { "bundle", M_DEPLOYMENT, 0 },
};

static const struct {
    const char *name;
    unsigned bit; /* 0: needed by every op */
} members[] = {
    { "v", 0 },
    { "op", 0 },
    { "app", 0 },
    { "deployment", M_DEPLOYMENT },
    { "spec", M_SPEC },
    { "only_if_current", M_ONLY_IF_CURRENT },
    { "reason", M_REASON },
    { "run_link", M_RUN_LINK },
    { "lock_timeout_ms", M_LOCK_TIMEOUT },
    { "from", M_FROM },
};

#define OPS (sizeof(ops) / sizeof(ops[0]))
#define MEMBERS (sizeof(members) / sizeof(members[0]))

bool wire_is_id(const char *s)
{
    size_t len = strlen(s);
    return len > 0 && len <= WIRE_ID_MAX && s[0] != '-' && strspn(s, "0123456789abcdefghijklmnopqrstuvwxyz-") == len;
}

int wire_new_id(char out[WIRE_ID_MAX + 1], struct err *err)
{
    char stamp[CLOCK_STAMP_SIZE], random[7];
    if (crypto_random_hex(3, random, sizeof(random), err) < 0)
        return err_wrap(err, "make a deployment id");
    (void)snprintf(out, WIRE_ID_MAX + 1, "%s-%s", clock_format_stamp(clock_wall_ms(), stamp), random);
    return 0;
}

void wire_request_init(struct wire_request *r)
{
    *r = (struct wire_request){ .from = 1, .lock_timeout_ms = LOCK_TIMEOUT_DEFAULT_MS };
    spec_init(&r->spec);
}

void wire_request_done(struct wire_request *r)
{
    spec_done(&r->spec);
    *r = (struct wire_request){ 0 };
}

/* ---- encode ---- */

static const char *request_app(const struct wire_request *r)
{
    return r->op == WIRE_DEPLOY && !r->app[0] ? r->spec.app : r->app;
}

/* Texts that are only shown: a character that was cut in two is left out, so that the text never grows. */
static void put_text(struct json *j, const char *name, const char *text)
{
    _cleanup_(buf_done_p) struct buf clean = BUF_INIT(sizeof(((struct wire_request *)0)->run_link));
    for (struct span rest = span_of(text); rest.len > 0;) {
        size_t n = span_utf8_next(rest);
        buf_add(&clean, rest.ptr, n);
        n = n ? n : 1;
        rest.ptr += n;
        rest.len -= n;
    }
    json_set_str(j, name, buf_str(&clean));
}

static void put_members(struct json *j, const struct wire_request *r)
{
    unsigned has = ops[r->op].needs | ops[r->op].may;
    json_set_int(j, "v", WIRE_VERSION);
    json_set_str(j, "op", ops[r->op].name);
    json_set_str(j, "app", request_app(r));
    if (has & M_DEPLOYMENT)
        json_set_str(j, "deployment", r->deployment);
    if (has & M_SPEC)
        json_set(j, "spec", spec_to_json(&r->spec, SPEC_WITH_SECRETS));
    if (has & M_ONLY_IF_CURRENT)
        json_set_str(j, "only_if_current", r->only_if_current);
    if (has & M_REASON)
        put_text(j, "reason", r->reason);
    if (has & M_RUN_LINK)
        put_text(j, "run_link", r->run_link);
    if (has & M_LOCK_TIMEOUT)
        json_set_int(j, "lock_timeout_ms", r->lock_timeout_ms);
    if (has & M_FROM)
        json_set_int(j, "from", (int64_t)r->from);
}

int wire_encode(const struct wire_request *r, struct buf *out, struct err *err)
{
    if (r->op == WIRE_INVALID || (unsigned)r->op >= OPS || r->from > FROM_MAX || !spec_is_app_name(request_app(r)) ||
        ((ops[r->op].needs & M_DEPLOYMENT) && !wire_is_id(r->deployment)))
        return err_set(err, ERR_BUG, 0, "encode a request: its fields are not allowed");
    if (r->op == WIRE_DEPLOY && spec_check(&r->spec, err) < 0)
        return err_wrap(err, "settings");
    _cleanup_(json_free_p) struct json *j = json_object();
    _cleanup_(buf_wipe_done_p) struct buf text = BUF_INIT(WIRE_REQUEST_MAX);
    put_members(j, r);
    if (json_print(j, &text, err) < 0) {
        err_hint(err, "Make the settings smaller: a request holds at most 1 MiB.");
        return err_wrap(err, "encode request '%s'", ops[r->op].name);
    }
    buf_addf(out, "%zu\n", text.len);
    buf_add_span(out, buf_span(&text));
    return buf_check(out, err);
}

/* ---- decode ---- */

static int wrong(struct err *err, const char *name)
{
    return err_set(err, ERR_PROTO, 0, "request: '%.40s' is missing or not allowed", name);
}

static int read_text(const struct json *j, const char *name, char *out, size_t size, struct err *err)
{
    if (!json_get(j, name))
        return 0;
    const char *text = json_str(j, name, NULL);
    if (!text || strlen(text) >= size || !span_is_utf8(span_of(text)))
        return wrong(err, name);
    memcpy(out, text, strlen(text) + 1);
    return 0;
}

static int read_op(const struct json *j, enum wire_op *ret, struct err *err)
{
    const char *name = json_str(j, "op", "");
    for (unsigned i = WIRE_INVALID + 1; i < OPS; i++)
        if (strcmp(ops[i].name, name) == 0) {
            *ret = (enum wire_op)i;
            return 0;
        }
    return err_set(err, ERR_PROTO, 0, "request: unknown op '%.40s'", name);
}

/* Every member is known, fits the op and comes once; none that the op needs is missing. */
static int check_members(const struct json *j, enum wire_op op, struct err *err)
{
    bool seen[MEMBERS] = { false };
    for (const struct json *c = json_first(j); c; c = json_next(c)) {
        size_t i = 0;
        while (i < MEMBERS && strcmp(members[i].name, json_key(c)) != 0)
            i++;
        bool fits = i < MEMBERS && (members[i].bit == 0 || (members[i].bit & (ops[op].needs | ops[op].may)));
        if (!fits || seen[i])
            return wrong(err, json_key(c));
        seen[i] = true;
    }
    for (size_t i = 0; i < MEMBERS; i++)
        if (!seen[i] && (members[i].bit == 0 || (members[i].bit & ops[op].needs)))
            return wrong(err, members[i].name);
    return 0;
}

static int read_whole(const struct json *j, const char *name, double min, double max, double *n, struct err *err)
{
    if (!json_get(j, name))
        return 0;
    double d = json_num(j, name, -1);
    if (!(d >= min && d <= max) || d != (double)(int64_t)d)
        return wrong(err, name);
    *n = d;
    return 0;
}

static int read_numbers(const struct json *j, struct wire_request *r, struct err *err)
{
    double lock = (double)r->lock_timeout_ms, from = (double)r->from;
    int n = read_whole(j, "lock_timeout_ms", 0, LOCK_TIMEOUT_MAX_MS, &lock, err);
    if (n == 0)
        n = read_whole(j, "from", 0, (double)FROM_MAX, &from, err);
    if (n < 0)
        return n;
    r->lock_timeout_ms = (int64_t)lock;
    r->from = (uint64_t)from;
    return 0;
}

static int read_texts(const struct json *j, struct wire_request *r, struct err *err)
{
    int n = read_text(j, "app", r->app, sizeof(r->app), err);
    if (n == 0)
        n = read_text(j, "deployment", r->deployment, sizeof(r->deployment), err);
    if (n == 0)
        n = read_text(j, "only_if_current", r->only_if_current, sizeof(r->only_if_current), err);
    if (n == 0)
        n = read_text(j, "reason", r->reason, sizeof(r->reason), err);
    if (n == 0)
        n = read_text(j, "run_link", r->run_link, sizeof(r->run_link), err);
    if (n < 0)
        return n;
    if (!spec_is_app_name(r->app))
        return wrong(err, "app");
    if ((ops[r->op].needs & M_DEPLOYMENT) && !wire_is_id(r->deployment))
        return wrong(err, "deployment");
    if (r->only_if_current[0] && !wire_is_id(r->only_if_current))
        return wrong(err, "only_if_current");
    return 0;
}

static int read_spec(const struct json *j, struct wire_request *r, struct err *err)
{
    struct spec spec;
    if (spec_from_json(json_get(j, "spec"), &spec, err) < 0)
        return err_wrap(err, "request: spec");
    spec_done(&r->spec);
    r->spec = spec;
    return strcmp(r->spec.app, r->app) == 0 ? 0 : wrong(err, "app");
}

static int decode(struct span text, struct wire_request *r, struct err *err)
{
    _cleanup_(json_free_p) struct json *j = NULL;
    if (text.len > WIRE_REQUEST_MAX)
        return err_set(err, ERR_PROTO, 0, "request: %zu bytes, at most %d are allowed", text.len, WIRE_REQUEST_MAX);
    if (json_parse(text, &j, err) < 0)
        return err_wrap(err, "request");
    if (!json_is_object(j))
        return err_set(err, ERR_PROTO, 0, "request: not an object");
    double version = json_num(j, "v", -1);
    if (version != WIRE_VERSION)
        return err_set(err, ERR_PROTO, 0, "request: version %g, wants %d", version, WIRE_VERSION);
    int n = read_op(j, &r->op, err);
    if (n == 0)
        n = check_members(j, r->op, err);
    if (n == 0)
        n = read_texts(j, r, err);
    if (n == 0)
        n = read_numbers(j, r, err);
    if (n == 0 && r->op == WIRE_DEPLOY)
        n = read_spec(j, r, err);
    return n;
}

int wire_decode(struct span text, struct wire_request *r, struct err *err)
{
    wire_request_init(r);
    int n = decode(text, r, err);
    if (n < 0)
        wire_request_done(r);
    return n;
}

int wire_next_frame(const struct buf *in, struct span *text, size_t *used, struct err *err)
{
    struct span all = buf_span(in);
    size_t digits = 0;
    while (digits < all.len && all.ptr[digits] != '\n')
        if (all.ptr[digits] < '0' || all.ptr[digits] > '9' || ++digits > LENGTH_DIGITS_MAX)
            return err_set(err, ERR_PROTO, 0, "request: wants a length and a line feed first");
    if (digits == all.len)
        return 1;
    int64_t len = 0;
    if (!span_to_int((struct span){ .ptr = all.ptr, .len = digits }, 1, WIRE_REQUEST_MAX, &len) || all.ptr[0] == '0')
        return err_set(err, ERR_PROTO, 0, "request: length '%.*s', wants 1 to %d", (int)digits, all.ptr,
                       WIRE_REQUEST_MAX);
    if (all.len - digits - 1 < (size_t)len)
        return 1;
    *text = (struct span){ .ptr = all.ptr + digits + 1, .len = (size_t)len };
    *used = digits + 1 + (size_t)len;
    return 0;
}
