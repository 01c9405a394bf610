#include "cmd/cli/handpins.h"

#include "cmd/ssh/hostpin.h"
#include "shared/fd.h"

#include <fcntl.h>

#define FILE_MAX (8 * 1024 * 1024)

/* The first word, blanks in front of it dropped. */
static struct span cut_word(struct span *line)
{
    *line = span_trim(*line);
    size_t n = 0;
    while (n < line->len && line->ptr[n] != ' ' && line->ptr[n] != '\t')
        n++;
    struct span word = { line->ptr, n };
    line->ptr += n;
    line->len -= n;
    return word;
}

void handpins_choose(struct span text, const char *host, int port, bool revoked_only, struct buf *out)
{
    struct span line;
    while (span_next_line(&text, &line)) {
        struct span rest = line, names = cut_word(&rest);
        if (revoked_only && !span_eq(names, "@revoked"))
            continue;
        if (names.len > 0 && names.ptr[0] == '@')
            names = cut_word(&rest);
        if (names.len == 0 || names.ptr[0] == '#' || !hostpin_names_match(names, host, port))
            continue;
        buf_add_span(out, span_trim(line));
        buf_addc(out, '\n');
    }
}

int handpins_read(const char *path, const char *host, int port, bool revoked_only, struct buf *out, struct err *err)
{
    _cleanup_(buf_done) struct buf text = BUF_INIT(FILE_MAX);
    _cleanup_(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT)
        return 1;
    if (fd < 0 || fd_read(fd, &text) < 0)
        return err_set(err, ERR_INPUT, errno, "known-hosts-file: '%.200s' cannot be read: %s", path,
                       text.failed ? "it is longer than 8 MiB" : strerror(errno));
    handpins_choose(buf_span(&text), host, port, revoked_only, out);
    return buf_check(out, err);
}
