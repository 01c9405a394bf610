#include "cmd/inputs/inputs_reading.h"

#include "cmd/aws/instance.h"
#include "cmd/inputs/inputs_check.h"
#include "cmd/inputs/inputs_parse.h"
#include "shared/clock.h"
#include "shared/secret.h"

#include <inttypes.h>

#define QUOTED_MAX 60    /* bytes of a wrong value that are shown */
#define PROBLEM_MAX 1024 /* bytes of one line of problems */
#define WANTS_MAX 256

static void *field(const struct inputs_reading *rd, const struct inputs_row *row)
{
    return (char *)rd->in + row->at;
}

/* ---- problems ---- */

void inputs_problem(struct inputs_reading *rd, enum err_kind kind, const char *id, unsigned line, const char *fmt, ...)
{
    char where[24] = "";
    char text[PROBLEM_MAX];
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
    buf_addf(rd->problems, "input '%s'%s: %s\n", id, where, text);
    rd->told++;
    if (rd->result == 0)
        rd->result = err_set(rd->err, kind, 0, "input '%s'%s: %s", id, where, text);
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

void inputs_refuse(struct inputs_reading *rd, const struct inputs_row *row, unsigned line, struct span value,
                   const char *wants)
{
    _cleanup_(buf_done) struct buf got = BUF_INIT(PROBLEM_MAX);
    if (row->secret)
        buf_addf(&got, "(secret value of %zu characters)", value.len);
    else
        add_quoted(&got, value);
    inputs_problem(rd, ERR_INPUT, row->id, line, "got %s, wants %s", buf_str(&got), wants);
}

static void refuse(struct inputs_reading *rd, const struct inputs_row *row, const char *value, const char *wants)
{
    inputs_refuse(rd, row, 0, span_of(value), wants);
}

/* Refuse, naming the range; `form` says what kind of value, `format` prints a limit. */
static void refuse_range(struct inputs_reading *rd, const struct inputs_row *row, const char *value, const char *form,
                         void (*format)(int64_t, struct buf *))
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

static bool in_range(const struct inputs_row *row, int64_t value)
{
    return value >= row->min && value <= row->max;
}

/* ---- scalars ---- */

int inputs_read_text(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    if (row->check && !row->check(value)) {
        refuse(rd, row, value, row->wants);
        return 0;
    }
    return spec_set_str(field(rd, row), value, rd->err);
}

int inputs_read_number(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
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

int inputs_read_ssh_port(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    int64_t number;
    if (span_to_int(span_of(value), 1, 65535, &number))
        *(int *)field(rd, row) = (int)number;
    else
        refuse(rd, row, value, "a whole number from 1 to 65535");
    return 0;
}

#define DURATION_FORM "a duration such as 500ms, 2s or 1m30s"

int inputs_read_duration(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    int64_t ms;
    if (inputs_parse_duration(span_of(value), &ms) && in_range(row, ms))
        *(int64_t *)field(rd, row) = ms;
    else
        refuse_range(rd, row, value, DURATION_FORM, inputs_format_duration);
    return 0;
}

int inputs_read_seconds(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    int64_t ms;
    if (inputs_parse_duration(span_of(value), &ms) && in_range(row, ms) && ms % 1000 == 0)
        *(int64_t *)field(rd, row) = ms / 1000;
    else
        refuse_range(rd, row, value, "a duration of whole seconds such as 10s or 1m30s", inputs_format_duration);
    return 0;
}

int inputs_read_since(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    int64_t ms;
    if (inputs_parse_duration(span_of(value), &ms))
        *(int64_t *)field(rd, row) = clock_wall_ms() - ms;
    else if ((ms = inputs_parse_time(value)) > 0)
        *(int64_t *)field(rd, row) = ms;
    else
        refuse(rd, row, value, "how long ago, such as 10m or 2h30m, or a time such as 2026-01-29T03:10:00Z");
    return 0;
}

int inputs_read_size(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    int64_t bytes;
    if (inputs_parse_size(span_of(value), &bytes) && in_range(row, bytes))
        *(int64_t *)field(rd, row) = bytes;
    else
        refuse_range(rd, row, value, "a size such as 512m or 1g", inputs_format_size);
    return 0;
}

int inputs_read_cpus(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    int64_t nano;
    if (inputs_parse_cpus(span_of(value), &nano) && in_range(row, nano))
        *(int64_t *)field(rd, row) = nano;
    else
        refuse_range(rd, row, value, "a number of CPUs such as 0.5 or 2", inputs_format_cpus);
    return 0;
}

int inputs_read_bool(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    if (!inputs_parse_bool(span_of(value), field(rd, row)))
        refuse(rd, row, value, "true or false");
    return 0;
}

int inputs_read_kpi(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    struct err err = { 0 };
    char text[ERR_TEXT_MAX];
    if (kpi_parse(span_of(value), field(rd, row), &err) < 0)
        inputs_problem(rd, ERR_INPUT, row->id, 0,
                       "%s; wants lines such as 'total: 600/900/1200' (target/warning/critical, seconds)",
                       err_text(&err, text, sizeof(text)));
    return 0;
}

/* i-… is a name like any other; tag:KEY=VALUE is none, and only `host` may be an instance. */
static int read_instance(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    if (strcmp(row->id, "host") != 0)
        refuse(rd, row, value, "a host name or IP address: only input 'host' may name an instance by its tag");
    else if (!instance_name_is_valid(value))
        refuse(rd, row, value, "tag:KEY=VALUE, both not empty, at most 200 bytes together");
    else
        return spec_set_str(field(rd, row), value, rd->err);
    return 0;
}

int inputs_read_host(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    struct span text = span_of(value);
    if (span_starts(text, "tag:"))
        return read_instance(rd, row, value);
    if (text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']' && strchr(value, ':')) {
        text.ptr++;
        text.len -= 2;
    }
    _cleanup_(free_p) char *host = span_dup(text);
    if (!host)
        return err_set(rd->err, ERR_NOMEM, 0, "read input '%s': out of memory", row->id);
    if (inputs_is_host(host))
        return spec_set_str(field(rd, row), host, rd->err);
    if (strstr(value, "://"))
        refuse(rd, row, value, "a host name or IP address without a scheme");
    else if (strchr(value, '@'))
        refuse(rd, row, value, "a host name or IP address; the user has an input of its own");
    else if (strchr(value, ':') && strchr(value, ':') == strrchr(value, ':'))
        refuse(rd, row, value, "a host name or IP address; the port has an input of its own");
    else
        refuse(rd, row, value, "a host name, an IPv4 address or an IPv6 address");
    return 0;
}

/* ---- lists ---- */

struct list_state {
    struct inputs_reading *rd;
    const struct inputs_row *row;
    struct strlist *list; /* where items go */
};

static int list_item(void *ctx, unsigned line, struct span item)
{
    struct list_state *st = ctx;
    _cleanup_(free_p) char *text = span_dup(item);
    if (!text)
        return err_set(st->rd->err, ERR_NOMEM, 0, "read input '%s': out of memory", st->row->id);
    if (st->row->check && !st->row->check(text)) {
        inputs_refuse(st->rd, st->row, line, item, st->row->wants);
        return 0;
    }
    return strlist_add(st->list, item, st->rd->err);
}

static void list_complain(void *ctx, unsigned line, struct span text, const char *what)
{
    struct list_state *st = ctx;
    (void)text; /* the number of the line is enough, and values of env may be private */
    inputs_problem(st->rd, ERR_INPUT, st->row->id, line, "%s", what);
}

int inputs_read_list(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    struct list_state st = { .rd = rd, .row = row, .list = field(rd, row) };
    struct inputs_list_visitor v = { .ctx = &st, .item = list_item, .complain = list_complain };
    return inputs_parse_list(span_of(value), &v);
}

/* ---- KEY=VALUE ---- */

struct span inputs_key_of(const char *item)
{
    return (struct span){ .ptr = item, .len = strcspn(item, "=") };
}

size_t inputs_find_key(const struct strlist *list, struct span key)
{
    size_t i = 0;
    for (; i < list->len; i++) {
        struct span other = inputs_key_of(list->items[i]);
        if (other.len == key.len && memcmp(other.ptr, key.ptr, key.len) == 0)
            break;
    }
    return i;
}

static int env_entry(void *ctx, unsigned line, struct span key, struct span value)
{
    struct list_state *st = ctx;
    if (inputs_find_key(st->list, key) < st->list->len) {
        inputs_problem(st->rd, ERR_INPUT, st->row->id, line, "sets %.*s a second time", (int)key.len, key.ptr);
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

int inputs_read_env_text(struct inputs_reading *rd, const struct inputs_row *row, struct span text, bool is_file,
                         struct strlist *into)
{
    struct list_state st = { .rd = rd, .row = row, .list = into };
    struct inputs_env_visitor v = { .ctx = &st, .entry = env_entry, .complain = list_complain };
    int r = inputs_parse_env(text, is_file ? INPUTS_ENV_FILE : INPUTS_ENV_LINES, &v);
    if (r == -ERR_NOMEM)
        return err_set(rd->err, ERR_NOMEM, 0, "read input '%s': out of memory", row->id);
    return r;
}

int inputs_read_env(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    return inputs_read_env_text(rd, row, span_of(value), false, field(rd, row));
}
