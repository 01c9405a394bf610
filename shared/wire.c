#include "shared/wire.h"

#include "shared/clock.h"
#include "shared/crypto.h"

#define LENGTH_DIGITS_MAX 7           /* of WIRE_REQUEST_MAX */
#define NUMBER_MAX 9007199254740991.0 /* 2^53 - 1: what a JSON number holds */
#define LOCK_TIMEOUT_DEFAULT_MS 600000
#define LOCK_TIMEOUT_MAX_MS 86400000

/* Members beyond v, op and app, by op. */
enum member {
    M_DEPLOYMENT = 1,
    M_SPEC = 1 << 1,
    M_ONLY_IF_CURRENT = 1 << 2,
    M_REASON = 1 << 3,
    M_RUN_LINK = 1 << 4,
    M_LOCK_TIMEOUT = 1 << 5,
    M_FROM = 1 << 6,
    M_TO = 1 << 7,
    M_GIVEN = 1 << 8,
    M_TARGET = 1 << 9,
    M_TIME = 1 << 10,
    M_SINCE = 1 << 11,
    M_LINES = 1 << 12,
    M_FOLLOW = 1 << 13,
    M_VERIFY = 1 << 14,
    M_DRY_RUN = 1 << 15,
    M_KEEP = 1 << 16, /* the three limits of a prune */
};

static const struct {
    const char *name;
    unsigned needs, may;
} ops[WIRE_OPS] = {
    [WIRE_INVALID] = { "", 0, 0 },
    [WIRE_DEPLOY] = { "deploy", M_DEPLOYMENT | M_SPEC, 0 },
    [WIRE_ROLLBACK] = { "rollback", M_DEPLOYMENT,
                        M_ONLY_IF_CURRENT | M_REASON | M_RUN_LINK | M_LOCK_TIMEOUT | M_TO | M_GIVEN },
    [WIRE_STATUS] = { "status", 0, M_TIME },
    [WIRE_ATTACH] = { "attach", M_DEPLOYMENT | M_FROM, 0 },
    [WIRE_CANCEL] = { "cancel", M_DEPLOYMENT, 0 },
    [WIRE_BUNDLE] = { "bundle", M_DEPLOYMENT, 0 },
    [WIRE_HISTORY] = { "history", 0, M_LINES | M_VERIFY },
    [WIRE_LOGS] = { "logs", 0, M_TARGET | M_SINCE | M_LINES | M_FOLLOW },
    [WIRE_DIAGNOSE] = { "diagnose", 0, M_TIME | M_GIVEN },
    [WIRE_PRUNE] = { "prune", 0, M_DRY_RUN | M_RUN_LINK | M_LOCK_TIMEOUT | M_KEEP },
    [WIRE_PLAN] = { "plan", M_SPEC, 0 },
};

enum member_type { TYPE_OTHER, TYPE_TEXT, TYPE_WHOLE, TYPE_FLAG };

#define AT(field) offsetof(struct wire_request, field), sizeof(((struct wire_request *)0)->field)

static const struct member_row {
    const char *name;
    unsigned bit; /* 0: needed by every op */
    enum member_type type;
    size_t offset, size; /* texts, whole numbers and flags */
    double min, max;     /* whole numbers */
    double dflt;
} members[] = {
    { .name = "v" },
    { .name = "op" },
    { "app", 0, TYPE_TEXT, AT(app), 0, 0, 0 },
    { "deployment", M_DEPLOYMENT, TYPE_TEXT, AT(deployment), 0, 0, 0 },
    { .name = "spec", .bit = M_SPEC },
    { "only_if_current", M_ONLY_IF_CURRENT, TYPE_TEXT, AT(only_if_current), 0, 0, 0 },
    { "reason", M_REASON, TYPE_TEXT, AT(reason), 0, 0, 0 },
    { "run_link", M_RUN_LINK, TYPE_TEXT, AT(run_link), 0, 0, 0 },
    { "lock_timeout_ms", M_LOCK_TIMEOUT, TYPE_WHOLE, AT(lock_timeout_ms), 0, LOCK_TIMEOUT_MAX_MS,
      LOCK_TIMEOUT_DEFAULT_MS },
    { .name = "from", .bit = M_FROM },
    { "to", M_TO, TYPE_TEXT, AT(to), 0, 0, 0 },
    { .name = "given", .bit = M_GIVEN },
    { "target", M_TARGET, TYPE_TEXT, AT(target), 0, 0, 0 },
    { "time_ms", M_TIME, TYPE_WHOLE, AT(time_ms), 0, NUMBER_MAX, 0 },
    { "since_ms", M_SINCE, TYPE_WHOLE, AT(since_ms), 0, NUMBER_MAX, 0 },
    { "lines", M_LINES, TYPE_WHOLE, AT(lines), 0, WIRE_LINES_MAX, WIRE_LINES_DEFAULT },
    { "follow", M_FOLLOW, TYPE_FLAG, AT(follow), 0, 0, 0 },
    { "verify", M_VERIFY, TYPE_FLAG, AT(verify), 0, 0, 0 },
    { "dry_run", M_DRY_RUN, TYPE_FLAG, AT(dry_run), 0, 0, 0 },
    { "keep_hours", M_KEEP, TYPE_WHOLE, AT(keep_hours), -1, 8760, -1 },
    { "keep_versions", M_KEEP, TYPE_WHOLE, AT(keep_versions), -1, 1000, -1 },
    { "log_retention_days", M_KEEP, TYPE_WHOLE, AT(log_retention_days), -1, 3650, -1 },
};

#define MEMBERS (sizeof(members) / sizeof(members[0]))

static void *field(struct wire_request *r, const struct member_row *m)
{
    return (char *)r + m->offset;
}

static const void *field_of(const struct wire_request *r, const struct member_row *m)
{
    return (const char *)r + m->offset;
}

/* Has the op this member? */
static bool takes(enum wire_op op, const struct member_row *m)
{
    return m->bit == 0 || (m->bit & (ops[op].needs | ops[op].may));
}

const char *wire_op_name(enum wire_op op)
{
    return (unsigned)op < WIRE_OPS ? ops[op].name : "";
}

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
    *r = (struct wire_request){ .from = 1 };
    wire_request_defaults(r);
    spec_init(&r->spec);
}

void wire_request_defaults(struct wire_request *r)
{
    for (size_t i = 0; i < MEMBERS; i++)
        if (members[i].type == TYPE_WHOLE)
            *(int64_t *)field(r, &members[i]) = (int64_t)members[i].dflt;
}

void wire_request_done(struct wire_request *r)
{
    spec_done(&r->spec);
    *r = (struct wire_request){ 0 };
}

/* ---- encode ---- */

static const char *request_app(const struct wire_request *r)
{
    return (ops[r->op].needs & M_SPEC) && !r->app[0] ? r->spec.app : r->app;
}

/* A text that was cut in the middle of a character loses what is left of that, so that it never grows. */
static void put_text(struct json *j, const char *name, const char *text)
{
    _cleanup_(buf_done_p) struct buf clean = BUF_INIT(WIRE_TO_MAX);
    for (struct span rest = span_of(text); rest.len > 0;) {
        size_t n = span_utf8_next(rest);
        buf_add(&clean, rest.ptr, n);
        n = n ? n : 1;
        rest.ptr += n;
        rest.len -= n;
    }
    json_set_str(j, name, buf_str(&clean));
}

/* What a rollback was given anew: the members of a spec that it may have. */
static struct json *given_to_json(const struct spec *s)
{
    struct json *j = json_object(), *secrets = json_array();
    for (size_t i = 0; i < s->secret_env.len; i++)
        json_push_str(secrets, s->secret_env.items[i]);
    json_set(j, "secret_env", secrets);
    json_set_str(j, "registry_username", s->registry_username);
    json_set_str(j, "registry_password", s->registry_password);
    json_set_str(j, "ecr_auth", s->ecr_auth);
    return j;
}

static void put_member(struct json *j, const struct wire_request *r, const struct member_row *m)
{
    switch (m->type) {
    case TYPE_TEXT:
        put_text(j, m->name, field_of(r, m));
        return;
    case TYPE_WHOLE:
        json_set_int(j, m->name, *(const int64_t *)field_of(r, m));
        return;
    case TYPE_FLAG:
        json_set_bool(j, m->name, *(const bool *)field_of(r, m));
        return;
    case TYPE_OTHER:
        break;
    }
    if (m->bit == M_SPEC)
        json_set(j, m->name, spec_to_json(&r->spec, SPEC_WITH_SECRETS));
    else if (m->bit == M_GIVEN && (r->op != WIRE_ROLLBACK || r->to[0])) /* the kept container has everything */
        json_set(j, m->name, given_to_json(&r->spec));
    else if (m->bit == M_FROM)
        json_set_int(j, m->name, (int64_t)r->from);
}

static void put_members(struct json *j, const struct wire_request *r)
{
    json_set_int(j, "v", WIRE_VERSION);
    json_set_str(j, "op", ops[r->op].name);
    for (size_t i = 0; i < MEMBERS; i++)
        if (takes(r->op, &members[i]))
            put_member(j, r, &members[i]);
    json_set_str(j, "app", request_app(r));
}

int wire_encode(const struct wire_request *r, struct buf *out, struct err *err)
{
    if (r->op == WIRE_INVALID || (unsigned)r->op >= WIRE_OPS || (double)r->from > NUMBER_MAX ||
        !spec_is_app_name(request_app(r)) || ((ops[r->op].needs & M_DEPLOYMENT) && !wire_is_id(r->deployment)))
        return err_set(err, ERR_BUG, 0, "encode a request: its fields are not allowed");
    if ((ops[r->op].needs & M_SPEC) && spec_check(&r->spec, err) < 0)
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
    for (unsigned i = WIRE_INVALID + 1; i < WIRE_OPS; i++)
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
        bool fits = i < MEMBERS && takes(op, &members[i]);
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

static int read_flag(const struct json *j, const char *name, bool *flag, struct err *err)
{
    if (!json_get(j, name))
        return 0;
    if (!json_is_bool(json_get(j, name)))
        return wrong(err, name);
    *flag = json_bool(j, name, false);
    return 0;
}

static int read_member(const struct json *j, struct wire_request *r, const struct member_row *m, struct err *err)
{
    int64_t *whole = field(r, m);
    double n;
    switch (m->type) {
    case TYPE_TEXT:
        return read_text(j, m->name, field(r, m), m->size, err);
    case TYPE_WHOLE:
        n = (double)*whole;
        if (read_whole(j, m->name, m->min, m->max, &n, err) < 0)
            return -(int)err->kind;
        *whole = (int64_t)n;
        return 0;
    case TYPE_FLAG:
        return read_flag(j, m->name, field(r, m), err);
    case TYPE_OTHER:
        break;
    }
    return 0;
}

static int read_from(const struct json *j, struct wire_request *r, struct err *err)
{
    double from = (double)r->from;
    int n = read_whole(j, "from", 0, NUMBER_MAX, &from, err);
    r->from = (uint64_t)from;
    return n;
}

static int read_given(const struct json *j, struct wire_request *r, struct err *err)
{
    const struct json *given = json_get(j, "given");
    if (!given)
        return 0;
    if (!json_is_object(given))
        return wrong(err, "given");
    /* As a spec of which only these members count: its checks are the ones they need. */
    static const char *const known[] = { "secret_env", "registry_username", "registry_password", "ecr_auth" };
    _cleanup_(json_free_p) struct json *copy = json_object();
    for (const struct json *c = json_first(given); c; c = json_next(c)) {
        size_t i = 0;
        while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i], json_key(c)) != 0)
            i++;
        if (i == sizeof(known) / sizeof(known[0]))
            return wrong(err, "given");
        json_set(copy, json_key(c), json_copy(c));
    }
    json_set_str(copy, "app", r->app);
    json_set_str(copy, "image", "none");
    struct spec spec;
    if (spec_from_json(copy, &spec, err) < 0)
        return err_wrap(err, "request: given");
    spec_done(&r->spec);
    r->spec = spec;
    return 0;
}

static int read_members(const struct json *j, struct wire_request *r, struct err *err)
{
    int n = 0;
    for (size_t i = 0; n == 0 && i < MEMBERS; i++)
        n = read_member(j, r, &members[i], err);
    if (n < 0)
        return n;
    if (!spec_is_app_name(r->app))
        return wrong(err, "app");
    if ((ops[r->op].needs & M_DEPLOYMENT) && !wire_is_id(r->deployment))
        return wrong(err, "deployment");
    if (r->only_if_current[0] && !wire_is_id(r->only_if_current))
        return wrong(err, "only_if_current");
    if (r->target[0] && !wire_is_id(r->target))
        return wrong(err, "target");
    return read_from(j, r, err);
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
        n = read_members(j, r, err);
    if (n == 0 && (ops[r->op].needs & M_SPEC))
        n = read_spec(j, r, err);
    if (n == 0 && (ops[r->op].may & M_GIVEN))
        n = read_given(j, r, err);
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
