#include "cmd/log/github.h"

#include "cmd/log/logcopy.h"
#include "shared/crypto.h"
#include "shared/safetext.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/stat.h>

#define OWN_TEXT_MAX (64 * 1024) /* formatted text of one call, before it is made safe */
#define TITLE_MAX 300            /* bytes, of a group or an annotation, before it is made safe */
#define WRITE_PATIENCE_MS 5000   /* a reader that takes nothing for this long is gone */

struct github {
    github_write_fn *write_fn;
    void *ctx;
    int fd; /* of write_fd() */
    bool on_actions;
    bool group_open;
    bool broken; /* a write failed: nothing more is printed, the copy goes on */
    const struct redactor *redactor;
    unsigned annotations[GITHUB_ERROR + 1];
    uint64_t remote_lines, remote_bytes, remote_dropped;
    struct logcopy copy;
    char file[256]; /* where annotations point; "" nowhere */
    int line;
};

/* Write everything, also to a descriptor that does not block. 0, or -1 with errno. */
static int write_whole(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            struct pollfd p = { .fd = fd, .events = POLLOUT };
            if (poll(&p, 1, WRITE_PATIENCE_MS) == 0)
                return -1;
            continue;
        }
        if (n < 0)
            return -1;
        bytes.ptr += n;
        bytes.len -= (size_t)n;
    }
    return 0;
}

int github_new_writer(struct github **ret, github_write_fn *write_fn, void *ctx, bool on_actions,
                      const struct redactor *redactor, struct err *err)
{
    struct github *g = calloc(1, sizeof(*g));

    if (!g)
        return err_set(err, ERR_NOMEM, 0, "no memory for the log");
    g->write_fn = write_fn;
    g->ctx = ctx;
    g->fd = -1;
    g->on_actions = on_actions;
    g->redactor = redactor;
    logcopy_init(&g->copy);
    *ret = g;
    return 0;
}

static int write_fd(void *ctx, struct span bytes)
{
    const struct github *g = ctx;
    return write_whole(g->fd, bytes);
}

int github_new(struct github **ret, int fd, bool on_actions, const struct redactor *redactor, struct err *err)
{
    struct github *g = NULL;
    int r = github_new_writer(&g, write_fd, NULL, on_actions, redactor, err);

    if (r < 0)
        return r;
    g->fd = fd;
    g->ctx = g;
    *ret = g;
    return 0;
}

void github_free(struct github *g)
{
    if (!g)
        return;
    github_tell_dropped(g);
    github_endgroup(g);
    logcopy_done(&g->copy);
    free(g);
}

void github_free_p(struct github **g)
{
    github_free(*g);
    *g = NULL;
}

/* `line` ends with LF and is safe, or is a command composed here. */
static void print(struct github *g, const struct buf *line)
{
    if (g->broken || line->failed)
        return;
    if (g->write_fn(g->ctx, buf_span(line)) != 0)
        g->broken = true;
}

/* Print `prefix` (ours) and one line of text, made safe; into the copy too. */
static void print_text(struct github *g, const char *prefix, struct span text)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(text.len * 4 + 256);

    buf_adds(&line, prefix);
    safetext_line(text, &line);
    logcopy_add(&g->copy, buf_span(&line));
    buf_addc(&line, '\n');
    print(g, &line);
}

/* The words of a call, redacted, then cut: a secret must not slip through at the seam. */
static void format_own(const struct github *g, struct buf *out, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
static void format_own(const struct github *g, struct buf *out, const char *fmt, va_list ap)
{
    char *text = NULL;
    int n = vasprintf(&text, fmt, ap);

    if (n < 0)
        return;
    if ((size_t)n > out->max) { /* only a mistake of ours can be that long */
        free(text);
        buf_adds(out, "[text too long to be shown]");
        return;
    }
    redactor_apply_cut(g->redactor, (struct span){ text, (size_t)n }, out); /* an error's text may have been cut */
    free(text);
    out->len = safetext_cut(buf_span(out), OWN_TEXT_MAX).len;
}

static void print_own(struct github *g, const char *first_prefix, struct span text)
{
    const char *prefix = first_prefix;
    struct span line;

    if (!text.len)
        print_text(g, prefix, text);
    while (safetext_next_line(&text, &line)) {
        print_text(g, prefix, line);
        prefix = "    ";
    }
}

void github_line(struct github *g, const char *fmt, ...)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT((size_t)OWN_TEXT_MAX * 4);
    va_list ap;

    va_start(ap, fmt);
    format_own(g, &text, fmt, ap);
    va_end(ap);
    print_own(g, "", buf_span(&text));
}

static bool remote_budget(struct github *g, size_t bytes)
{
    if (g->remote_lines >= GITHUB_REMOTE_LINES_MAX || g->remote_bytes + bytes > GITHUB_REMOTE_BYTES_MAX) {
        g->remote_dropped++;
        return false;
    }
    g->remote_lines++;
    g->remote_bytes += bytes;
    return true;
}

static void remote_one(struct github *g, const char *prefix, struct span line)
{
    _cleanup_(buf_done_p) struct buf shown = BUF_INIT(GITHUB_REMOTE_LINE_MAX + 64);
    struct span cut = safetext_cut(line, GITHUB_REMOTE_LINE_MAX);

    if (!remote_budget(g, cut.len))
        return;
    buf_add_span(&shown, cut);
    if (cut.len < line.len)
        buf_addf(&shown, " [%zu more bytes]", line.len - cut.len);
    print_text(g, prefix, buf_span(&shown));
}

void github_remote_line(struct github *g, const char *prefix, struct span text)
{
    _cleanup_(buf_done_p) struct buf redacted = BUF_INIT(text.len + 16); /* "***" is shorter than any secret */
    char head[40];
    struct span rest, line;

    (void)snprintf(head, sizeof(head), "%s | ", prefix && *prefix ? prefix : "remote");
    /* whole text before it is split or cut: a secret must not slip through at a seam */
    redactor_apply(g->redactor, text, &redacted);
    rest = buf_span(&redacted);
    if (!rest.len)
        remote_one(g, head, rest);
    while (safetext_next_line(&rest, &line))
        remote_one(g, head, line);
}

void github_tell_dropped(struct github *g)
{
    if (!g->remote_dropped)
        return;
    github_line(g, "%" PRIu64 " lines from the host dropped here: the log shows at most %d lines and %d MiB of them",
                g->remote_dropped, GITHUB_REMOTE_LINES_MAX, GITHUB_REMOTE_BYTES_MAX / (1024 * 1024));
    g->remote_dropped = 0;
}

/* ---- commands ---- */

static void add_escaped(struct buf *out, struct span data, bool property)
{
    for (size_t i = 0; i < data.len; i++) {
        char c = data.ptr[i];
        if (c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ',')))
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)c);
        else
            buf_addc(out, c);
    }
}

/* ",file=…,line=…" of an annotation. */
static void add_position(const struct github *g, struct buf *out)
{
    if (!g->file[0])
        return;
    buf_adds(out, ",file=");
    add_escaped(out, span_of(g->file), true);
    if (g->line > 0)
        buf_addf(out, ",line=%d", g->line);
}

/* ::name title=…::data, or nothing away from Actions. title NULL: no property. */
static void print_command(struct github *g, const char *name, const char *title, struct span data)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(data.len * 3 + 4096);

    if (!g->on_actions)
        return;
    buf_addf(&line, "::%s", name);
    if (title) {
        buf_adds(&line, " title=");
        add_escaped(&line, span_of(title), true);
        add_position(g, &line);
    }
    buf_adds(&line, "::");
    add_escaped(&line, data, false);
    buf_addc(&line, '\n');
    print(g, &line);
}

void github_set_position(struct github *g, const char *file, int line)
{
    bool fits = strlen(file) < sizeof(g->file) && !strpbrk(file, "#[]\r\n");

    (void)snprintf(g->file, sizeof(g->file), "%s", fits ? file : "");
    g->line = line;
}

void github_mask(struct github *g, const char *value)
{
    struct span whole = span_trim(span_of(value)), rest = whole, line;

    while (safetext_next_line(&rest, &line)) {
        bool only = line.len == whole.len; /* a key may be written as one line, with "\\n" */
        line = span_trim(line);
        if (line.len >= (only ? REDACT_MIN : REDACT_LINE_MIN) && (only || !span_starts(line, "-----")))
            print_command(g, "add-mask", NULL, line);
    }
}

/* A title as one line: redacted, cut, made safe. */
static void safe_title(const struct github *g, const char *title, struct buf *out)
{
    struct span text = span_of(title);
    _cleanup_(buf_done_p) struct buf redacted = BUF_INIT(text.len + 16);

    redactor_apply(g->redactor, text, &redacted);
    safetext_line(safetext_cut(buf_span(&redacted), TITLE_MAX), out);
}

void github_group(struct github *g, const char *title)
{
    _cleanup_(buf_done_p) struct buf safe = BUF_INIT(OWN_TEXT_MAX);

    github_endgroup(g);
    safe_title(g, title, &safe);
    if (!g->on_actions) {
        print_text(g, "== ", buf_span(&safe));
    } else {
        print_command(g, "group", NULL, buf_span(&safe));
        logcopy_add(&g->copy, buf_span(&safe));
    }
    g->group_open = true;
}

void github_endgroup(struct github *g)
{
    if (g->group_open)
        print_command(g, "endgroup", NULL, SPAN_LIT(""));
    g->group_open = false;
}

/* At most max characters (not bytes) of valid UTF-8. */
static struct span cut_chars(struct span text, size_t max)
{
    for (size_t i = 0, chars = 0; i < text.len; i++)
        if (((unsigned char)text.ptr[i] & 0xc0) != 0x80 && chars++ == max)
            return (struct span){ text.ptr, i };
    return text;
}

static void safe_lines(struct span text, struct buf *out)
{
    struct span line;

    for (bool first = true; safetext_next_line(&text, &line); first = false) {
        if (!first)
            buf_addc(out, '\n');
        safetext_line(line, out);
    }
}

void github_annotate(struct github *g, enum github_level level, const char *title, const char *fmt, ...)
{
    static const char *const names[] = { "notice", "warning", "error" };
    _cleanup_(buf_done_p) struct buf text = BUF_INIT((size_t)OWN_TEXT_MAX * 4);
    _cleanup_(buf_done_p) struct buf safe = BUF_INIT((size_t)OWN_TEXT_MAX * 16);
    _cleanup_(buf_done_p) struct buf plain = BUF_INIT((size_t)OWN_TEXT_MAX * 16);
    _cleanup_(buf_done_p) struct buf head = BUF_INIT(OWN_TEXT_MAX);
    va_list ap;

    safe_title(g, title, &head);
    va_start(ap, fmt);
    format_own(g, &text, fmt, ap);
    va_end(ap);
    safe_lines(buf_span(&text), &safe);
    struct span message = cut_chars(buf_span(&safe), GITHUB_ANNOTATION_CHARS);
    buf_addf(&plain, "%s: %s: ", names[level], buf_str(&head));
    buf_add_span(&plain, message);
    if (!g->on_actions || g->annotations[level] >= GITHUB_ANNOTATIONS_MAX) {
        print_own(g, "", buf_span(&plain));
        return;
    }
    g->annotations[level]++;
    print_command(g, names[level], buf_str(&head), message);
    struct span rest = buf_span(&plain), line;
    while (safetext_next_line(&rest, &line))
        logcopy_add(&g->copy, line);
}

void github_debug(struct github *g, const char *fmt, ...)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT((size_t)OWN_TEXT_MAX * 4);
    _cleanup_(buf_done_p) struct buf safe = BUF_INIT((size_t)OWN_TEXT_MAX * 16);
    const char *debug = getenv("RUNNER_DEBUG");
    va_list ap;

    if (!debug || strcmp(debug, "1") != 0)
        return;
    va_start(ap, fmt);
    format_own(g, &text, fmt, ap);
    va_end(ap);
    if (!remote_budget(g, text.len))
        return;
    safe_lines(buf_span(&text), &safe);
    print_command(g, "debug", NULL, buf_span(&safe));
}

/* ---- file commands ---- */

/* Append to the file that the variable names, in one write. No such variable: nothing. */
static int append_file(const char *variable, struct span bytes, struct err *err)
{
    const char *path = getenv(variable);
    _cleanup_(close_p) int fd = -1;

    if (!path || !*path || !bytes.len)
        return 0;
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
    if (fd < 0 || write_whole(fd, bytes) < 0)
        return err_set(err, ERR_IO, errno, "%s: cannot append to '%s': %s", variable, path, strerror(errno));
    return 0;
}

/* A value as words of the host may be in it: redacted, each line made safe. */
static void add_value(const struct redactor *redactor, const char *value, struct buf *out)
{
    _cleanup_(buf_done_p) struct buf redacted = BUF_INIT(strlen(value) + 16);

    redactor_apply(redactor, span_of(value), &redacted);
    safe_lines(buf_span(&redacted), out);
}

/*
 * NAME=VALUE, or for several lines NAME<<DELIMITER, lines, DELIMITER. The delimiter is unguessable, so nobody can have put
 * it into the value.
 */
static int append_entry(const struct redactor *redactor, const char *variable, const char *name, const char *value,
                        struct err *err)
{
    _cleanup_(buf_done_p) struct buf safe = BUF_INIT(GITHUB_VALUE_MAX), entry = BUF_INIT(GITHUB_VALUE_MAX + 1024);
    char delimiter[33];

    add_value(redactor, value, &safe);
    if (buf_check(&safe, err) < 0 || crypto_random_hex(16, delimiter, sizeof(delimiter), err) < 0)
        return err_wrap(err, "%s: value of '%s'", variable, name);
    if (span_contains(buf_span(&safe), "\n"))
        buf_addf(&entry, "%s<<bluegreen_%s\n%s\nbluegreen_%s\n", name, delimiter, buf_str(&safe), delimiter);
    else
        buf_addf(&entry, "%s=%s\n", name, buf_str(&safe));
    if (buf_check(&entry, err) < 0)
        return err_wrap(err, "%s: value of '%s'", variable, name);
    return append_file(variable, buf_span(&entry), err);
}

int github_output(struct github *g, const char *name, const char *value, struct err *err)
{
    return append_entry(g->redactor, "GITHUB_OUTPUT", name, value, err);
}

int github_state(const char *name, const char *value, struct err *err)
{
    return append_entry(NULL, "GITHUB_STATE", name, value, err);
}

int github_summary(struct github *g, struct span markdown, struct err *err)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(markdown.len * 2 + 1024);
    struct span cut;

    redactor_apply(g->redactor, markdown, &text);
    if (buf_check(&text, err) < 0)
        return err_wrap(err, "job summary");
    cut = safetext_cut(buf_span(&text), GITHUB_SUMMARY_MAX);
    if (cut.len < text.len) {
        text.len = cut.len;
        buf_adds(&text, "\n\nThe summary was cut: the runner takes at most 1 MiB.\n");
    }
    return append_file("GITHUB_STEP_SUMMARY", buf_span(&text), err);
}

/* ---- the copy ---- */

void github_log(const struct github *g, struct buf *out)
{
    logcopy_print(&g->copy, out);
}

void github_log_tail(const struct github *g, size_t lines, struct buf *out)
{
    logcopy_tail(&g->copy, lines, out);
}

void github_redact(const struct github *g, struct span text, struct buf *out)
{
    redactor_apply(g->redactor, text, out);
}
