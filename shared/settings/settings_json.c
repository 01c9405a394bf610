#include "shared/settings/settings_json.h"

#include "shared/fd.h"
#include "shared/secret.h"

#include <inttypes.h>
#include <math.h>

#define KEY_SHOWN 40
#define WORD_SIZE 24

struct settings_json {
    struct {
        const char *id;
        char *value; /* owned, may be secret */
    } items[SETTINGS_ROWS_MAX];
    size_t len;
};

void settings_json_free(struct settings_json *j)
{
    if (!j)
        return;
    for (size_t i = 0; i < j->len; i++)
        secret_free_p(&j->items[i].value);
    free(j);
}

void settings_json_free_p(struct settings_json **j)
{
    settings_json_free(*j);
    *j = NULL;
}

const char *settings_json_get(const struct settings_json *j, const char *id)
{
    for (size_t i = 0; j && i < j->len; i++)
        if (strcmp(j->items[i].id, id) == 0)
            return j->items[i].value;
    return NULL;
}

/* ---- values ---- */

/* A value that is one: text, as an input would have it. NULL, or what is wrong with it. */
static const char *add_scalar(const struct json *v, struct buf *out)
{
    if (json_is_string(v)) {
        buf_adds(out, json_value_str(v, ""));
        return NULL;
    }
    if (json_is_bool(v)) {
        buf_adds(out, json_value_bool(v, false) ? "true" : "false");
        return NULL;
    }
    if (!json_is_number(v))
        return "wants a string, a number or a boolean";
    double number = json_value_num(v, 0);
    if (number == floor(number) && fabs(number) < 1e15)
        buf_addf(out, "%" PRId64, (int64_t)number);
    else
        buf_addf(out, "%.9g", number);
    return NULL;
}

/* A word that is no line of the text. */
static void choose_word(struct span text, char out[WORD_SIZE])
{
    for (unsigned n = 0;; n++) {
        (void)snprintf(out, WORD_SIZE, "END_%u", n);
        if (!span_contains(text, out))
            return;
    }
}

/* KEY=VALUE, or of a value with several lines KEY<<WORD, the lines, WORD. */
static void add_variable(struct span key, struct span value, struct buf *out)
{
    char word[WORD_SIZE];
    buf_add_span(out, key);
    if (!span_contains(value, "\n") && !(value.len > 0 && value.ptr[value.len - 1] == '\r')) {
        buf_addc(out, '=');
        buf_add_span(out, value);
        return;
    }
    choose_word(value, word);
    buf_addf(out, "<<%s\n", word);
    buf_add_span(out, value);
    buf_addf(out, "\n%s", word);
}

/* One entry of a list as a line. */
static const char *add_entry(const struct settings_row *row, const struct json *v, struct buf *out)
{
    _cleanup_(buf_wipe_done) struct buf text = BUF_INIT(SETTINGS_VALUE_MAX);
    const char *why = add_scalar(v, &text);
    struct span entry = buf_span(&text);
    if (why)
        return why;
    if (row->read == settings_read_env && span_contains(entry, "=") && span_contains(entry, "\n")) {
        struct span value = entry, key;
        (void)span_split(&value, '=', &key);
        add_variable(key, value, out);
        return NULL;
    }
    if (span_contains(entry, "\n"))
        return "has an entry of several lines";
    struct span trimmed = span_trim(entry);
    if (trimmed.len == 0 || trimmed.ptr[0] == '#')
        return "has an entry that is empty or begins with #";
    buf_add_span(out, entry);
    return NULL;
}

static const char *add_member(const struct settings_row *row, const struct json *v, struct buf *out)
{
    _cleanup_(buf_wipe_done) struct buf text = BUF_INIT(SETTINGS_VALUE_MAX);
    const char *why = add_scalar(v, &text);
    if (why)
        return why;
    struct span key = span_of(json_key(v));
    if (key.len == 0 || key.ptr[0] == '#' || span_contains(key, "\n") || span_contains(key, "="))
        return "has a member whose name is none";
    if (row->read == settings_read_env) {
        add_variable(key, buf_span(&text), out);
        return NULL;
    }
    if (span_contains(buf_span(&text), "\n"))
        return "has a member of several lines";
    buf_add_span(out, key);
    buf_adds(out, row->read == settings_read_kpi ? ": " : "=");
    buf_add_span(out, buf_span(&text));
    return NULL;
}

static const char *add_value(const struct settings_row *row, const struct json *v, struct buf *out)
{
    bool is_array = json_is_array(v), is_object = json_is_object(v);
    if (!is_array && !is_object)
        return add_scalar(v, out);
    if (is_array && !settings_is_list(row))
        return "wants one value, not an array";
    if (is_object && !settings_is_map(row))
        return settings_is_list(row) ? "wants an array" : "wants one value, not an object";
    const char *why = NULL;
    for (const struct json *c = json_first(v); c && !why; c = json_next(c)) {
        if (out->len)
            buf_addc(out, '\n');
        why = is_array ? add_entry(row, c, out) : add_member(row, c, out);
    }
    return why;
}

/* ---- the object ---- */

/* A key may be anything, a secret that went astray among it: only what has the form of a name is shown. */
static const char *shown_key(const char *key, char out[KEY_SHOWN + 3])
{
    size_t n = strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789-_");
    if (n == 0 || n > KEY_SHOWN || key[n])
        return "a key";
    (void)snprintf(out, KEY_SHOWN + 3, "\"%s\"", key);
    return out;
}

static int read_member(struct settings_json *j, const struct json *v, const char *what, settings_table table,
                       enum settings_json_kind kind, struct err *err)
{
    char shown[KEY_SHOWN + 3];
    const char *key = json_key(v);
    const struct settings_row *row = settings_table_find(table, key);
    if (!row || (!row->secret && row->commands == 0)) {
        err_set(err, ERR_INPUT, 0, "%s: %s is not the name of a setting", what, shown_key(key, shown));
        err_hint(err, "Settings are called as the options of the command line, without the dashes in front: "
                      "`bluegreen help deploy` lists them.");
        return -ERR_INPUT;
    }
    if (row->secret && kind == SETTINGS_JSON_PLAIN) {
        err_set(err, ERR_INPUT, 0, "%s: \"%s\" is a secret, and no file of settings may hold one", what, row->id);
        err_hint(err,
                 "Hand it over on standard input: --secrets-stdin, with {\"%s\": \"...\"}. If it was saved or "
                 "committed, make a new one.",
                 row->id);
        return -ERR_INPUT;
    }
    if (!row->secret && kind == SETTINGS_JSON_SECRET)
        return err_set(err, ERR_INPUT, 0, "%s: \"%s\" is no secret; wants it as an option or in the file of settings",
                       what, row->id);
    if (settings_json_get(j, row->id))
        return err_set(err, ERR_INPUT, 0, "%s: \"%s\" is there twice", what, row->id);
    _cleanup_(buf_wipe_done) struct buf value = BUF_INIT(SETTINGS_JSON_MAX);
    const char *why = add_value(row, v, &value);
    if (why)
        return err_set(err, ERR_INPUT, 0, "%s: \"%s\" %s", what, row->id, why);
    int r = buf_check(&value, err);
    char *copy = r == 0 ? span_dup(buf_span(&value)) : NULL;
    if (!copy)
        return err_set(err, ERR_NOMEM, 0, "%s: out of memory", what);
    j->items[j->len].id = row->id;
    j->items[j->len++].value = copy;
    return 0;
}

int settings_json_parse(struct span text, const char *what, settings_table table, enum settings_json_kind kind,
                        struct settings_json **ret, struct err *err)
{
    _cleanup_(json_free_p) struct json *root = NULL;
    _cleanup_(settings_json_free_p) struct settings_json *j = calloc(1, sizeof(*j));
    struct err why = { 0 };
    char reason[200];
    if (!j)
        return err_set(err, ERR_NOMEM, 0, "%s: out of memory", what);
    if (json_parse(text, &root, &why) < 0)
        return err_set(err, why.kind == ERR_NOMEM ? ERR_NOMEM : ERR_INPUT, 0, "%s: %s", what,
                       err_text(&why, reason, sizeof(reason)));
    if (!json_is_object(root))
        return err_set(err, ERR_INPUT, 0, "%s: wants one JSON object, { \"app\": \"shop\", ... }", what);
    for (const struct json *c = json_first(root); c; c = json_next(c)) {
        if (kind == SETTINGS_JSON_PLAIN && strcmp(json_key(c), "$schema") == 0)
            continue;
        int r = read_member(j, c, what, table, kind, err);
        if (r < 0)
            return r;
    }
    *ret = TAKE_PTR(j);
    return 0;
}

int settings_json_read(int fd, const char *what, settings_table table, enum settings_json_kind kind,
                       struct settings_json **ret, struct err *err)
{
    _cleanup_(buf_wipe_done) struct buf text = BUF_INIT(SETTINGS_JSON_MAX);
    if (isatty(fd))
        return err_set(err, ERR_INPUT, 0, "%s: is a terminal, wants a file or a pipe with a JSON object", what);
    if (fd_read(fd, &text) < 0)
        return err_set(err, ERR_INPUT, text.failed ? 0 : errno, "%s: %s", what,
                       text.failed ? "is longer than 512 KiB" : strerror(errno));
    return settings_json_parse(buf_span(&text), what, table, kind, ret, err);
}
