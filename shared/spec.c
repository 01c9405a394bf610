#include "shared/spec.h"

#include "shared/aws/ecr.h"
#include "shared/crypto.h"
#include "shared/redact.h"

#define TEXT_MAX 4096             /* bytes of a string field */
#define ITEM_MAX (128 * 1024 - 1) /* bytes of a list item: Linux takes no longer argument or variable */
#define ITEMS_MAX 1024
#define FINGERPRINT_MAX (8 * 1024 * 1024)

enum field_type { FIELD_STR, FIELD_INT, FIELD_BOOL, FIELD_LIST, FIELD_KPI };

enum field_flags {
    REQUIRED = 1,
    SECRET = 2,        /* the whole value */
    SECRET_VALUES = 4, /* what follows = in each item */
    FINGERPRINT = 8,
    ORDERED = 16, /* the order of the items means something */
};

struct field {
    const char *name; /* of the JSON member */
    enum field_type type;
    size_t offset;
    unsigned flags;
    int64_t min, max;            /* integers: value; strings and list items: bytes */
    int64_t default_int;         /* integers and booleans */
    const char *default_text;    /* strings */
    bool (*check)(const char *); /* strings and list items; NULL: any */
    const char *wants;           /* what check looks for, in words */
};

static bool is_strategy(const char *s)
{
    return strcmp(s, "handover") == 0 || strcmp(s, "recreate") == 0;
}

static bool is_ecr_auth(const char *s)
{
    return !*s || strcmp(s, "auto") == 0 || strcmp(s, "host-role") == 0 || strcmp(s, "runner") == 0;
}

static bool is_severity(const char *s)
{
    return strcmp(s, "off") == 0 || ecr_severity_from_name(s) != ECR_SEVERITY_NONE;
}

static bool is_user(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s <= ' ' || *s == 0x7f)
            return false;
    return true;
}

static bool is_health_path(const char *s)
{
    return !*s || (*s == '/' && is_user(s)); /* no blanks, no control bytes */
}

#define STR(member, flag_bits, longest, dflt, check_fn, words)                                                         \
    { .name = #member,                                                                                                 \
      .type = FIELD_STR,                                                                                               \
      .offset = offsetof(struct spec, member),                                                                         \
      .flags = (flag_bits),                                                                                            \
      .max = (longest),                                                                                                \
      .default_text = (dflt),                                                                                          \
      .check = (check_fn),                                                                                             \
      .wants = (words) }
#define INT(member, flag_bits, least, most, dflt)                                                                      \
    { .name = #member,                                                                                                 \
      .type = FIELD_INT,                                                                                               \
      .offset = offsetof(struct spec, member),                                                                         \
      .flags = (flag_bits),                                                                                            \
      .min = (least),                                                                                                  \
      .max = (most),                                                                                                   \
      .default_int = (dflt) }
#define LIST(member, flag_bits, check_fn, words)                                                                       \
    { .name = #member,                                                                                                 \
      .type = FIELD_LIST,                                                                                              \
      .offset = offsetof(struct spec, member),                                                                         \
      .flags = (flag_bits),                                                                                            \
      .max = ITEM_MAX,                                                                                                 \
      .check = (check_fn),                                                                                             \
      .wants = (words) }

/* clang-format off */
static const struct field fields[] = {
    STR(app, REQUIRED, SPEC_APP_MAX, "", spec_is_app_name,
        "lower-case letters, digits, '_', '.' or '-', a letter or digit first, at most 48"),
    STR(image, REQUIRED, 512, "", spec_is_image, "an image reference such as registry/repository:tag"),
    STR(registry_username, 0, 256, "", is_user, "a name without blanks"),
    STR(registry_password, SECRET, 65536, "", NULL, NULL),
    STR(ecr_auth, 0, 16, "", is_ecr_auth, "auto, host-role, runner, or nothing"),
    STR(fail_on_severity, 0, 16, "off", is_severity, "off, low, medium, high or critical"),
    INT(image_size_bytes, 0, 0, INT64_C(1) << 50, 0),
    STR(strategy, FINGERPRINT, 32, "handover", is_strategy, "handover or recreate"),
    INT(port, FINGERPRINT, 1, 65535, 8080),
    INT(container_port, FINGERPRINT, 1, 65535, 8080),
    INT(spare_port, FINGERPRINT, 0, 65535, 0),
    LIST(env, FINGERPRINT, spec_is_env_line, "KEY=VALUE"),
    LIST(secret_env, FINGERPRINT | SECRET_VALUES, spec_is_env_line, "KEY=VALUE"),
    LIST(volumes, FINGERPRINT, spec_is_volume, "SOURCE:/TARGET, with :ro or :rw behind it if wanted"),
    LIST(networks, FINGERPRINT, spec_is_network, "the name of a Docker network"),
    LIST(labels, FINGERPRINT, spec_is_label, "KEY=VALUE, KEY not of io.bluegreen.*"),
    LIST(args, FINGERPRINT | ORDERED, NULL, NULL),
    STR(user, FINGERPRINT, 128, "", is_user, "a user or user:group without blanks"),
    INT(memory_bytes, FINGERPRINT, 0, INT64_C(1) << 50, 0),
    INT(nano_cpus, FINGERPRINT, 0, INT64_C(1024000000000), 0),
    { .name = "read_only", .type = FIELD_BOOL, .offset = offsetof(struct spec, read_only), .flags = FINGERPRINT },
    STR(restart_policy, FINGERPRINT, 32, "unless-stopped", spec_is_restart_policy,
        "no, always, unless-stopped or on-failure[:N]"),
    INT(stop_timeout_s, 0, 0, 3600, 10),
    STR(health_path, 0, 1024, "/health", is_health_path, "a path that begins with / and has no blanks, or nothing"),
    INT(health_port, 0, 0, 65535, 0),
    STR(health_status, 0, 256, "200", spec_is_status_list, "status codes such as 200, 200,204 or 200-299"),
    STR(health_body, 0, TEXT_MAX, "", NULL, NULL),
    INT(health_retries, 0, 1, 10000, 30),
    INT(health_interval_ms, 0, 10, 600000, 2000),
    INT(health_timeout_ms, 0, 10, 600000, 5000),
    INT(warm_up_ms, 0, 0, 600000, 2000),
    INT(lock_timeout_ms, 0, 0, 86400000, 600000),
    INT(keep_hours, 0, 0, 87600, 24),
    INT(keep_versions, 0, 0, 1000, 3),
    INT(log_retention_days, 0, 0, 3650, 7),
    { .name = "kpi", .type = FIELD_KPI, .offset = offsetof(struct spec, kpi) },
    STR(run_link, 0, 299, "", NULL, NULL),
};
/* clang-format on */

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* The member of *s that f describes; the table's offsets carry the type. */
static void *at(struct spec *s, const struct field *f)
{
    return (char *)s + f->offset;
}

static const void *at_const(const struct spec *s, const struct field *f)
{
    return (const char *)s + f->offset;
}

static const char *str_at(const struct spec *s, const struct field *f)
{
    const char *const *p = at_const(s, f);
    return *p ? *p : "";
}

static int64_t int_at(const struct spec *s, const struct field *f)
{
    const int64_t *p = at_const(s, f);
    return *p;
}

static bool bool_at(const struct spec *s, const struct field *f)
{
    const bool *p = at_const(s, f);
    return *p;
}

static const struct strlist *list_at(const struct spec *s, const struct field *f)
{
    return at_const(s, f);
}

static void wipe_str(char **field)
{
    if (*field)
        explicit_bzero(*field, strlen(*field));
    free_p(field);
}

void spec_init(struct spec *s)
{
    *s = (struct spec){ .kpi = kpi_defaults() };
    for (const struct field *f = fields; f < fields + FIELDS; f++) {
        if (f->type == FIELD_STR) {
            char **p = at(s, f);
            *p = strdup(f->default_text);
            if (!*p)
                abort(); /* a few bytes: nothing could be reported any more */
        } else if (f->type == FIELD_INT) {
            *(int64_t *)at(s, f) = f->default_int;
        } else if (f->type == FIELD_BOOL) {
            *(bool *)at(s, f) = f->default_int != 0;
        }
    }
}

void spec_done(struct spec *s)
{
    for (const struct field *f = fields; f < fields + FIELDS; f++) {
        if (f->type == FIELD_STR)
            wipe_str(at(s, f));
        else if (f->type == FIELD_LIST)
            strlist_wipe_done(at(s, f));
    }
    *s = (struct spec){ 0 };
}

int spec_set_str(char **field, const char *value, struct err *err)
{
    char *copy = strdup(value ? value : "");
    if (!copy)
        return err_set(err, ERR_NOMEM, 0, "copy a setting: out of memory");
    wipe_str(field);
    *field = copy;
    return 0;
}

/* ---- to JSON ---- */

static struct json *list_to_json(const struct strlist *l, bool keys_only)
{
    struct json *arr = json_array();
    for (size_t i = 0; i < l->len; i++) {
        if (!keys_only) {
            json_push_str(arr, l->items[i]);
            continue;
        }
        _cleanup_(free_p) char *key = strndup(l->items[i], strcspn(l->items[i], "="));
        json_push_str(arr, key);
    }
    return arr;
}

struct json *spec_to_json(const struct spec *s, enum spec_secrets secrets)
{
    struct json *j = json_object();
    bool hide = secrets == SPEC_WITHOUT_SECRETS;
    for (const struct field *f = fields; f < fields + FIELDS; f++) {
        if (hide && (f->flags & SECRET))
            continue;
        switch (f->type) {
        case FIELD_STR:
            json_set_str(j, f->name, str_at(s, f));
            break;
        case FIELD_INT:
            json_set_int(j, f->name, int_at(s, f));
            break;
        case FIELD_BOOL:
            json_set_bool(j, f->name, bool_at(s, f));
            break;
        case FIELD_LIST:
            json_set(j, f->name, list_to_json(list_at(s, f), hide && (f->flags & SECRET_VALUES)));
            break;
        case FIELD_KPI:
            json_set(j, f->name, kpi_to_json(&s->kpi));
            break;
        }
    }
    return j;
}

/* ---- from JSON ---- */

/* Text that is a secret, or may contain one, never becomes part of a message. */
static int check_text(const struct field *f, const char *text, size_t item, struct err *err)
{
    bool list = f->type == FIELD_LIST;
    char where[80];
    if (list)
        (void)snprintf(where, sizeof(where), "%s, line %zu", f->name, item + 1);
    else
        (void)snprintf(where, sizeof(where), "%s", f->name);
    if (strlen(text) > (size_t)f->max)
        return err_set(err, ERR_INPUT, 0, "%s: %zu bytes, at most %lld are allowed", where, strlen(text),
                       (long long)f->max);
    if (!span_is_utf8(span_of(text))) /* JSON cannot carry it unchanged */
        return err_set(err, ERR_INPUT, 0, "%s: wants text in UTF-8", where);
    if (!f->check || f->check(text))
        return 0;
    if (list || (f->flags & SECRET))
        return err_set(err, ERR_INPUT, 0, "%s: wants %s", where, f->wants);
    return err_set(err, ERR_INPUT, 0, "%s: got '%.100s', wants %s", where, text, f->wants);
}

static int read_str(const struct field *f, const struct json *j, struct spec *s, struct err *err)
{
    const char *text = json_value_str(j, NULL);
    if (!text)
        return err_set(err, ERR_INPUT, 0, "%s: wants a text", f->name);
    int r = check_text(f, text, 0, err);
    return r < 0 ? r : spec_set_str(at(s, f), text, err);
}

static int out_of_range(const struct field *f, struct err *err)
{
    return err_set(err, ERR_INPUT, 0, "%s: wants a whole number from %lld to %lld", f->name, (long long)f->min,
                   (long long)f->max);
}

static int read_int(const struct field *f, const struct json *j, struct spec *s, struct err *err)
{
    double d = json_value_num(j, 0);
    if (!json_is_number(j) || d < (double)f->min || d > (double)f->max || d != (double)(int64_t)d)
        return out_of_range(f, err);
    *(int64_t *)at(s, f) = (int64_t)d;
    return 0;
}

static int read_list(const struct field *f, const struct json *j, struct spec *s, struct err *err)
{
    if (!json_is_array(j) || json_len(j) > ITEMS_MAX)
        return err_set(err, ERR_INPUT, 0, "%s: wants a list of at most %d texts", f->name, ITEMS_MAX);
    size_t i = 0;
    for (const struct json *c = json_first(j); c; c = json_next(c), i++) {
        const char *text = json_value_str(c, NULL);
        if (!text)
            return err_set(err, ERR_INPUT, 0, "%s, line %zu: wants a text", f->name, i + 1);
        int r = check_text(f, text, i, err);
        if (r == 0)
            r = strlist_add(at(s, f), span_of(text), err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_field(const struct field *f, const struct json *j, struct spec *s, struct err *err)
{
    switch (f->type) {
    case FIELD_STR:
        return read_str(f, j, s, err);
    case FIELD_INT:
        return read_int(f, j, s, err);
    case FIELD_BOOL:
        if (!json_is_bool(j))
            return err_set(err, ERR_INPUT, 0, "%s: wants true or false", f->name);
        *(bool *)at(s, f) = json_value_bool(j, false);
        return 0;
    case FIELD_LIST:
        return read_list(f, j, s, err);
    case FIELD_KPI:
        return kpi_from_json(j, &s->kpi, err) < 0 ? err_wrap(err, "%s", f->name) : 0;
    }
    return err_set(err, ERR_BUG, 0, "%s: field of no type", f->name);
}

static const struct field *find_field(const char *name)
{
    for (const struct field *f = fields; name && f < fields + FIELDS; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

int64_t spec_spare_port(const struct spec *s)
{
    if (s->spare_port)
        return s->spare_port;
    return s->port < 65535 ? s->port + 1 : s->port - 1;
}

/* Rules between fields. */
static int check_together(const struct spec *s, struct err *err)
{
    /* The engine knows ranges only, and the keeper (agent/keeper/keeper.h) holds one port. */
    if (s->spare_port != 0 && s->spare_port != s->port + 1 && s->spare_port != s->port - 1)
        return err_set(err, ERR_INPUT, 0, "spare_port: got %lld, wants a neighbour of port %lld",
                       (long long)s->spare_port, (long long)s->port);
    return 0;
}

static int read_all(const struct json *j, struct spec *s, struct err *err)
{
    bool seen[FIELDS] = { false };
    if (!json_is_object(j))
        return err_set(err, ERR_INPUT, 0, "spec: wants an object");
    for (const struct json *c = json_first(j); c; c = json_next(c)) {
        const struct field *f = find_field(json_key(c));
        if (!f)
            return err_set(err, ERR_INPUT, 0, "'%.60s': no such setting", json_key(c));
        if (seen[f - fields])
            return err_set(err, ERR_INPUT, 0, "%s: is given twice", f->name);
        seen[f - fields] = true;
        int r = read_field(f, c, s, err);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < FIELDS; i++)
        if ((fields[i].flags & REQUIRED) && !seen[i])
            return err_set(err, ERR_INPUT, 0, "%s: is missing", fields[i].name);
    return check_together(s, err);
}

int spec_from_json(const struct json *j, struct spec *s, struct err *err)
{
    spec_init(s);
    int r = read_all(j, s, err);
    if (r < 0)
        spec_done(s);
    return r;
}

static int check_list(const struct field *f, const struct strlist *l, struct err *err)
{
    if (l->len > ITEMS_MAX)
        return err_set(err, ERR_INPUT, 0, "%s: %zu lines, at most %d are allowed", f->name, l->len, ITEMS_MAX);
    int r = 0;
    for (size_t i = 0; i < l->len && r == 0; i++)
        r = check_text(f, l->items[i], i, err);
    return r;
}

int spec_check(const struct spec *s, struct err *err)
{
    int r = 0;
    for (const struct field *f = fields; f < fields + FIELDS && r == 0; f++) {
        if (f->type == FIELD_STR)
            r = check_text(f, str_at(s, f), 0, err);
        else if (f->type == FIELD_LIST)
            r = check_list(f, list_at(s, f), err);
        else if (f->type == FIELD_INT && (int_at(s, f) < f->min || int_at(s, f) > f->max))
            r = out_of_range(f, err);
    }
    return r < 0 ? r : check_together(s, err);
}

bool spec_int_range(const char *name, int64_t *min, int64_t *max)
{
    const struct field *f = find_field(name);
    if (!f || f->type != FIELD_INT)
        return false;
    *min = f->min;
    *max = f->max;
    return true;
}

/* ---- fingerprint ---- */

static int by_text(const void *a, const void *b)
{
    const char *const *sa = a, *const *sb = b;
    return strcmp(*sa, *sb);
}

/* Lengths stand before the texts, so that no two different specs give the same bytes. */
static void add_text(struct buf *b, const char *text)
{
    buf_addf(b, "%zu:", strlen(text));
    buf_adds(b, text);
}

static int add_list(struct buf *b, const struct strlist *l, bool ordered, struct err *err)
{
    buf_addf(b, "%zu[", l->len);
    if (l->len == 0)
        return 0;
    _cleanup_(free_p) const char **items = calloc(l->len, sizeof(*items));
    if (!items)
        return err_set(err, ERR_NOMEM, 0, "fingerprint: out of memory");
    for (size_t i = 0; i < l->len; i++)
        items[i] = l->items[i];
    if (!ordered)
        qsort(items, l->len, sizeof(*items), by_text);
    for (size_t i = 0; i < l->len; i++)
        add_text(b, items[i]);
    return 0;
}

int spec_fingerprint(const struct spec *s, char out[65], struct err *err)
{
    _cleanup_(buf_wipe_done_p) struct buf b = BUF_INIT(FINGERPRINT_MAX);
    for (const struct field *f = fields; f < fields + FIELDS; f++) {
        if (!(f->flags & FINGERPRINT))
            continue;
        buf_addf(&b, "%s=", f->name);
        if (f->type == FIELD_STR) {
            add_text(&b, str_at(s, f));
        } else if (f->type == FIELD_INT) {
            buf_addf(&b, "%lld;", (long long)int_at(s, f));
        } else if (f->type == FIELD_BOOL) {
            buf_addf(&b, "%d;", bool_at(s, f));
        } else if (f->type == FIELD_LIST) {
            int r = add_list(&b, list_at(s, f), f->flags & ORDERED, err);
            if (r < 0)
                return r;
        }
    }
    int r = buf_check(&b, err);
    if (r == 0)
        r = crypto_sha256_hex(buf_span(&b), out, err);
    return r < 0 ? err_wrap(err, "fingerprint of the settings") : 0;
}

static int register_values(const struct strlist *l, struct redactor *r, struct err *err)
{
    int e = 0;
    for (size_t i = 0; i < l->len && e == 0; i++) {
        const char *eq = strchr(l->items[i], '=');
        if (eq)
            e = redactor_add(r, span_of(eq + 1), err);
    }
    return e;
}

int spec_register_secrets(const struct spec *s, struct redactor *r, struct err *err)
{
    int e = 0;
    for (const struct field *f = fields; f < fields + FIELDS && e == 0; f++) {
        if (f->flags & SECRET)
            e = redactor_add(r, span_of(str_at(s, f)), err);
        else if (f->flags & SECRET_VALUES)
            e = register_values(list_at(s, f), r, err);
        if (e < 0)
            e = err_wrap(err, "register the secrets of %s", f->name);
    }
    return e;
}
