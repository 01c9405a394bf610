#include "cmd/aws/hostkeytext.h"

#include "cmd/ssh/hostpin.h"

#define LINE_MAX_BYTES (16 * 1024)

static struct span next_word(struct span *rest)
{
    size_t n = 0;
    *rest = span_trim(*rest);
    while (n < rest->len && rest->ptr[n] != ' ' && rest->ptr[n] != '\t')
        n++;
    struct span word = { rest->ptr, n };
    *rest = (struct span){ rest->ptr + n, rest->len - n };
    return word;
}

static bool is_key_type(struct span word)
{
    return span_starts(word, "ssh-") || span_starts(word, "ecdsa-") || span_starts(word, "sk-");
}

/* "!PATTERN" that names the host, by whichever of its names: the line is not for it, whatever else it says. */
static bool is_excluded(struct span names, const struct hostkeytext_host *host)
{
    struct span one;
    while (span_split(&names, ',', &one)) {
        if (one.len < 2 || one.ptr[0] != '!')
            continue;
        one = (struct span){ one.ptr + 1, one.len - 1 };
        for (size_t i = 0; i < HOSTKEYTEXT_NAMES_MAX; i++)
            if (host->names[i] && host->names[i][0] && hostpin_names_match(one, host->names[i], host->port))
                return true;
    }
    return false;
}

static bool is_for(struct span names, const struct hostkeytext_host *host)
{
    if (is_excluded(names, host))
        return false;
    for (size_t i = 0; i < HOSTKEYTEXT_NAMES_MAX; i++)
        if (host->names[i] && host->names[i][0] && hostpin_names_match(names, host->names[i], host->port))
            return true;
    return false;
}

enum kind { LINE_OF_HOST, LINE_OF_OTHERS, LINE_STRANGE };

/* "[@MARKER] [NAMES] TYPE KEY": the same for any name. */
static enum kind any_name(struct span line, const struct hostkeytext_host *host, struct buf *out)
{
    struct span rest = line, word = next_word(&rest);
    if (word.len && word.ptr[0] == '@') {
        buf_addf(out, "%.*s ", (int)word.len, word.ptr);
        line = rest = span_trim(rest);
        word = next_word(&rest);
    }
    if (!is_key_type(word)) {
        struct span after = rest;
        if (!is_key_type(next_word(&after)))
            return LINE_STRANGE;
        if (!is_for(word, host))
            return LINE_OF_OTHERS;
        line = span_trim(rest);
    }
    buf_addf(out, "* %.*s", (int)line.len, line.ptr);
    return LINE_OF_HOST;
}

static int refuse_strange(struct span line, size_t number, struct err *err)
{
    char shown[44];
    size_t n = 0;
    for (; n < line.len && n + 4 < sizeof(shown); n++)
        shown[n] = line.ptr[n] >= 0x20 && line.ptr[n] < 0x7f ? line.ptr[n] : '?';
    (void)snprintf(shown + n, sizeof(shown) - n, "%s", n < line.len ? "..." : "");
    return err_set(err, ERR_NO_PIN, 0, "line %zu: '%s' is no fingerprint (SHA256:...), public key or known_hosts line",
                   number, shown);
}

/* The words of the parser of pins, without its name for the text and its own number of the line. */
static int refuse_line(size_t number, const struct err *why, struct err *err)
{
    char text[ERR_TEXT_MAX];
    const char *rest = strstr(err_text(why, text, sizeof(text)), " line 1");
    rest = rest ? rest + 7 : text;
    rest += strspn(rest, ": ");
    return err_set(err, ERR_NO_PIN, 0, "line %zu: %s", number, rest);
}

/* Does it pass the check that the connection will make? */
static int check(struct span line, bool is_fingerprint, size_t number, bool *usable, struct err *err)
{
    struct err why = { 0 };
    struct hostpins pins;
    struct span none = { "", 0 };
    int r = hostpins_parse(is_fingerprint ? line : none, is_fingerprint ? none : line, "host", 22, &pins, &why);
    *usable = r == 0 && hostpins_usable(&pins);
    hostpins_done(&pins);
    if (r == -ERR_NOMEM)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    return r < 0 ? refuse_line(number, &why, err) : 0;
}

static int add_line(struct span line, size_t number, const struct hostkeytext_host *host, struct buf *fingerprints,
                    struct buf *known_hosts, bool *usable, struct err *err)
{
    _cleanup_(buf_done_p) struct buf known = BUF_INIT(LINE_MAX_BYTES);
    bool is_fingerprint = span_contains(line, "SHA256:");
    enum kind kind = is_fingerprint ? LINE_OF_HOST : any_name(line, host, &known);
    int r;
    *usable = false;
    if (kind == LINE_STRANGE)
        return refuse_strange(line, number, err);
    if (kind == LINE_OF_OTHERS)
        return 0;
    if (known.failed)
        return err_set(err, ERR_NO_PIN, 0, "line %zu is longer than any key", number);
    struct span text = is_fingerprint ? line : buf_span(&known);
    if ((r = check(text, is_fingerprint, number, usable, err)) < 0)
        return r;
    struct buf *out = is_fingerprint ? fingerprints : known_hosts;
    buf_add_span(out, text);
    buf_addc(out, '\n');
    return buf_check(out, err);
}

int hostkeytext_parse(struct span text, const struct hostkeytext_host *host, struct buf *fingerprints,
                      struct buf *known_hosts, struct err *err)
{
    struct span line;
    bool any = false, usable = false;
    if (text.len > HOSTKEYTEXT_MAX || memchr(text.ptr ? text.ptr : "", '\0', text.len))
        return err_set(err, ERR_NO_PIN, 0, "it is no text of at most %d bytes", HOSTKEYTEXT_MAX);
    for (size_t number = 1; span_next_line(&text, &line); number++) {
        line = span_trim(line);
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        int r = add_line(line, number, host, fingerprints, known_hosts, &usable, err);
        if (r < 0)
            return r;
        any = any || usable;
    }
    return any ? 0 : err_set(err, ERR_NO_PIN, 0, "it holds no key of this host");
}
