#include "shared/settings/settings.h"

#include "shared/clock.h"
#include "shared/secret.h"
#include "shared/settings/settings_parse.h"

#include <inttypes.h>

#define QUOTED_MAX 60    /* bytes of a wrong value that are shown */
#define PROBLEM_MAX 1024 /* bytes of one line of problems */
#define WANTS_MAX 256

static void *field(const struct settings_reading *rd, const struct settings_row *row)
{
    return (char *)rd->base + row->at;
}

/* ---- problems ---- */

void settings_problem(struct settings_reading *rd, enum err_kind kind, const char *id, unsigned line, const char *fmt,
                      ...)
{
    char name[SETTINGS_NAME_MAX];
    char where[24] = "";
    char text[PROBLEM_MAX];
    rd->source->name(rd->source->ctx, id, name);
    if (line > 0)
        (void)snprintf(where, sizeof(where), " line %u", line); /* fits */
    va_list ap;
    va_start(ap, fmt);
    if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
        text[0] = '\0';
    va_end(ap);
    for (char *p = text; *p; p++) /* one problem, one line */
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    buf_addf(rd->problems, "%s%s: %s\n", name, where, text);
    rd->told++;
    if (rd->result == 0)
        rd->result = err_set(rd->err, kind, 0, "%s%s: %s", name, where, text);
}

int settings_no_memory(struct settings_reading *rd, const char *id)
{
    char name[SETTINGS_NAME_MAX];
    rd->source->name(rd->source->ctx, id, name);
    return err_set(rd->err, ERR_NOMEM, 0, "read %s: out of memory", name);
}

/* The value in quotes, one line, cut; control bytes become '?'. */
static void add_quoted(struct buf *out, struct span value)
{
    size_t len = value.len;
    if (len > QUOTED_MAX) {
        len = QUOTED_MAX;
        while (len > 0 && ((unsigned char)value.ptr[len] & 0xc0) == 0x80) /* not within a character */
            len--;
    }
    buf_addc(out, '\'');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c == '\n')
            buf_adds(out, "\\n");
        else
            buf_addc(out, c < ' ' || c == 0x7f ? '?' : value.ptr[i]);
    }
    buf_adds(out, len < value.len ? "…'" : "'");
}

void settings_refuse(struct settings_reading *rd, const struct settings_row *row, unsigned line, struct span value,
                     const char *wants)
{
    _cleanup_(buf_done) struct buf got = BUF_INIT(PROBLEM_MAX);
    if (row->secret)
        buf_addf(&got, "(secret value of %zu characters)", value.len);
    else
        add_quoted(&got, value);
    settings_problem(rd, ERR_INPUT, row->id, line, "got %s, wants %s", buf_str(&got), wants);
}

static void refuse(struct settings_reading *rd, const struct settings_row *row, const char *value, const char *wants)
{
    settings_refuse(rd, row, 0, span_of(value), wants);
}

/* Refuse, naming the range; `form` says what kind of value, `format` prints a limit. */
static void refuse_range(struct settings_reading *rd, const struct settings_row *row, const char *value,
                         const char *form, void (*format)(int64_t, struct buf *))
{
    _cleanup_(buf_done) struct buf wants = BUF_INIT(WANTS_MAX);
    buf_addf(&wants, "%s, from ", form);
    format(row->min, &wants);
    buf_adds(&wants, " to ");
    format(row->max, &wants);
    refuse(rd, row, value, buf_str(&wants));
}

static void format_number(int64_t number, struct buf *out)
{
    buf_addf(out, "%" PRId64, number);
}

static bool in_range(const struct settings_row *row, int64_t value)
{
    return value >= row->min && value <= row->max;
}

/* ---- scalars ---- */

int settings_read_text(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    if (row->check && !row->check(value)) {
        refuse(rd, row, value, row->wants);
        return 0;
    }
    return spec_set_str(field(rd, row), value, rd->err);
}

int settings_read_lines(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    return spec_set_str(field(rd, row), value, rd->err);
}

int settings_read_number(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    int64_t number;
    if (span_to_int(span_of(value), row->min, row->max, &number)) {
        *(int64_t *)field(rd, row) = number;
        return 0;
    }
    _cleanup_(buf_done) struct buf wants = BUF_INIT(WANTS_MAX);
    buf_adds(&wants, "a whole number from ");
    format_number(row->min, &wants);
    buf_adds(&wants, " to ");
    format_number(row->max, &wants);
    refuse(rd, row, value, buf_str(&wants));
    return 0;
}

#define DURATION_FORM "a duration such as 500ms, 2s or 1m30s"

int settings_read_duration(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    int64_t ms;
    if (settings_parse_duration(span_of(value), &ms) && in_range(row, ms))
        *(int64_t *)field(rd, row) = ms;
    else
        refuse_range(rd, row, value, DURATION_FORM, settings_format_duration);
    return 0;
}

int settings_read_seconds(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    int64_t ms;
    if (settings_parse_duration(span_of(value), &ms) && in_range(row, ms) && ms % 1000 == 0)
        *(int64_t *)field(rd, row) = ms / 1000;
    else
        refuse_range(rd, row, value, "a duration of whole seconds such as 10s or 1m30s", settings_format_duration);
    return 0;
}

int settings_read_since(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    int64_t ms;
    if (settings_parse_duration(span_of(value), &ms))
        *(int64_t *)field(rd, row) = clock_wall_ms() - ms;
    else if ((ms = settings_parse_time(value)) > 0)
        *(int64_t *)field(rd, row) = ms;
    else
        refuse(rd, row, value, "how long ago, such as 10m or 2h30m, or a time such as 2026-01-29T03:10:00Z");
    return 0;
}

int settings_read_size(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    int64_t bytes;
    if (settings_parse_size(span_of(value), &bytes) && in_range(row, bytes))
        *(int64_t *)field(rd, row) = bytes;
    else
        refuse_range(rd, row, value, "a size such as 512m or 1g", settings_format_size);
    return 0;
}

int settings_read_cpus(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    int64_t nano;
    if (settings_parse_cpus(span_of(value), &nano) && in_range(row, nano))
        *(int64_t *)field(rd, row) = nano;
    else
        refuse_range(rd, row, value, "a number of CPUs such as 0.5 or 2", settings_format_cpus);
    return 0;
}

int settings_read_bool(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    if (!settings_parse_bool(span_of(value), field(rd, row)))
        refuse(rd, row, value, "true or false");
    return 0;
}

int settings_read_kpi(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    struct err err = { 0 };
    char text[ERR_TEXT_MAX];
    if (kpi_parse(span_of(value), field(rd, row), &err) < 0)
        settings_problem(rd, ERR_INPUT, row->id, 0,
                         "%s; wants lines such as 'total: 600/900/1200' (target/warning/critical, seconds)",
                         err_text(&err, text, sizeof(text)));
    return 0;
}

/* ---- lists ---- */

struct list_state {
    struct settings_reading *rd;
    const struct settings_row *row;
    struct strlist *list; /* where items go */
};

static int list_item(void *ctx, unsigned line, struct span item)
{
    struct list_state *st = ctx;
    _cleanup_(free_p) char *text = span_dup(item);
    if (!text)
        return settings_no_memory(st->rd, st->row->id);
    if (st->row->check && !st->row->check(text)) {
        settings_refuse(st->rd, st->row, line, item, st->row->wants);
        return 0;
    }
    return strlist_add(st->list, item, st->rd->err);
}

static void list_complain(void *ctx, unsigned line, struct span text, const char *what)
{
    struct list_state *st = ctx;
    (void)text; /* the number of the line is enough, and values of env may be private */
    settings_problem(st->rd, ERR_INPUT, st->row->id, line, "%s", what);
}

int settings_read_list(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    struct list_state st = { .rd = rd, .row = row, .list = field(rd, row) };
    struct settings_list_visitor v = { .ctx = &st, .item = list_item, .complain = list_complain };
    return settings_parse_list(span_of(value), &v);
}

/* ---- KEY=VALUE ---- */

struct span settings_key_of(const char *item)
{
    return (struct span){ .ptr = item, .len = strcspn(item, "=") };
}

size_t settings_find_key(const struct strlist *list, struct span key)
{
    size_t i = 0;
    for (; i < list->len; i++) {
        struct span other = settings_key_of(list->items[i]);
        if (other.len == key.len && memcmp(other.ptr, key.ptr, key.len) == 0)
            break;
    }
    return i;
}

static int env_entry(void *ctx, unsigned line, struct span key, struct span value)
{
    struct list_state *st = ctx;
    if (settings_find_key(st->list, key) < st->list->len) {
        settings_problem(st->rd, ERR_INPUT, st->row->id, line, "sets %.*s a second time", (int)key.len, key.ptr);
        return 0;
    }
    struct buf item;
    buf_init(&item, key.len + 1 + value.len);
    buf_add_span(&item, key);
    buf_addc(&item, '=');
    buf_add_span(&item, value);
    int r = buf_check(&item, st->rd->err);
    if (r == 0)
        r = strlist_add(st->list, buf_span(&item), st->rd->err);
    buf_wipe_done(&item);
    return r;
}

static int read_env(struct settings_reading *rd, const char *id, struct span text, enum settings_env_form form,
                    struct list_state *st)
{
    struct settings_env_visitor v = { .ctx = st, .entry = env_entry, .complain = list_complain };
    int r = settings_parse_env(text, form, &v);
    return r == -ERR_NOMEM ? settings_no_memory(rd, id) : r;
}

int settings_read_env(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    struct list_state st = { .rd = rd, .row = row, .list = field(rd, row) };
    return read_env(rd, row->id, span_of(value), SETTINGS_ENV_LINES, &st);
}

int settings_read_env_text(struct settings_reading *rd, struct span text, struct strlist *into)
{
    static const struct settings_row row = { .id = "env-file" };
    struct list_state st = { .rd = rd, .row = &row, .list = into };
    return read_env(rd, row.id, text, SETTINGS_ENV_FILE, &st);
}
