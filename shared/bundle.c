#include "shared/bundle.h"

#include "shared/strlist.h"

#include <archive.h>
#include <archive_entry.h>
#include <ctype.h>
#include <strings.h>
#include <sys/stat.h>

#define BLOCK (64 * 1024)
#define REASON_SIZE 160
#define FILE_MODE 0644
#define PROGRAM_MODE 0755
/* Entries, their headers and the end: caps what the compressed bytes may grow to. */
#define STREAM_MAX (BUNDLE_BYTES_MAX + BUNDLE_ENTRIES_MAX * 4096LL + 1024 * 1024)

struct bundle_writer {
    struct archive *archive;
    int (*sink)(void *ctx, struct span data);
    void *ctx;
    struct strlist names;
    mode_t mode;  /* of the next file */
    size_t added; /* files added one by one, not copied */
    int failed;   /* -kind of the sink; sticky */
    char *block;  /* BLOCK bytes to copy through */
};

/* A hostile tar.gz: one reader unpacks gzip and counts, a second one reads tar from the first. */
struct unpacker {
    struct archive *gzip, *tar;
    int64_t unpacked; /* bytes that came out of gzip */
    int64_t total;    /* of these, bytes of files */
    struct strlist names;
    char block[BLOCK]; /* between the two */
    char data[BLOCK];  /* of an entry */
};

bool bundle_is_name(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > BUNDLE_NAME_MAX)
        return false;
    struct span rest = { .ptr = name, .len = len };
    while (rest.len > 0) {
        const char *slash = memchr(rest.ptr, '/', rest.len);
        struct span part = { .ptr = rest.ptr, .len = slash ? (size_t)(slash - rest.ptr) : rest.len };
        if (part.len == 0 || span_eq(part, ".") || span_eq(part, ".."))
            return false;
        for (size_t i = 0; i < part.len; i++) {
            unsigned char c = (unsigned char)part.ptr[i];
            if (c > 126 || (!isalnum(c) && c != '.' && c != '_' && c != '-'))
                return false;
        }
        if (slash && slash == name + len - 1)
            return false;
        size_t used = part.len + (slash ? 1 : 0);
        rest = (struct span){ .ptr = rest.ptr + used, .len = rest.len - used };
    }
    return true;
}

/* The same file, or one would be a directory above the other, where case does not count. */
static bool names_clash(const char *a, const char *b)
{
    size_t la = strlen(a);
    size_t lb = strlen(b);
    size_t n = la < lb ? la : lb;
    if (strncasecmp(a, b, n) != 0)
        return false;
    return la == lb || (la < lb ? b[n] : a[n]) == '/';
}

static const char *find_clash(const struct strlist *names, const char *name)
{
    for (size_t i = 0; i < names->len; i++)
        if (names_clash(names->items[i], name))
            return names->items[i];
    return NULL;
}

/* libarchive's words, which may quote the archive, made printable. */
static const char *reason(struct archive *a, char out[REASON_SIZE])
{
    const char *words = archive_error_string(a);
    (void)snprintf(out, REASON_SIZE, "%s", words ? words : "no reason given");
    for (char *c = out; *c; c++)
        if (!isprint((unsigned char)*c) || (unsigned char)*c > 126)
            *c = '?';
    return out;
}

/*
 * Never fails: libarchive does not free everything after a failure of its client. What cannot be handed over is
 * dropped, and each call of ours looks at `failed`.
 */
static la_ssize_t write_block(struct archive *a, void *ctx, const void *data, size_t len)
{
    struct bundle_writer *w = ctx;
    (void)a;
    if (w->failed == 0 && len > 0)
        w->failed = w->sink(w->ctx, (struct span){ .ptr = data, .len = len });
    return (la_ssize_t)len;
}

static int fail_write(struct bundle_writer *w, const char *what, struct err *err)
{
    char words[REASON_SIZE];
    if (w->failed == 0)
        return err_set(err, ERR_IO, archive_errno(w->archive), "%s: %s", what, reason(w->archive, words));
    enum err_kind kind = (enum err_kind) - w->failed;
    if (!err || err->kind != kind)
        return err_set(err, kind, 0, "%s: the receiver failed", what);
    return err_wrap(err, "%s", what);
}

int bundle_writer_new(struct bundle_writer **ret, int (*sink)(void *ctx, struct span data), void *ctx, struct err *err)
{
    _cleanup_(bundle_writer_free_p) struct bundle_writer *w = calloc(1, sizeof(*w));
    if (!w)
        return err_set(err, ERR_NOMEM, 0, "out of memory for a bundle");
    w->sink = sink;
    w->ctx = ctx;
    w->mode = FILE_MODE;
    w->block = malloc(BLOCK);
    w->archive = archive_write_new();
    if (!w->block || !w->archive)
        return err_set(err, ERR_NOMEM, 0, "out of memory for a bundle");
    struct archive *a = w->archive;
    /* ARCHIVE_WARN from the filter would mean that an external gzip is to be run: not wanted. */
    if (archive_write_set_format_pax_restricted(a) != ARCHIVE_OK || archive_write_add_filter_gzip(a) != ARCHIVE_OK ||
        archive_write_set_filter_option(a, "gzip", "timestamp", NULL) != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(a, BLOCK) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK ||
        archive_write_open(a, w, NULL, write_block, NULL) != ARCHIVE_OK || w->failed < 0)
        return fail_write(w, "begin a bundle", err);
    *ret = TAKE_PTR(w);
    return 0;
}

void bundle_writer_free(struct bundle_writer *w)
{
    if (!w)
        return;
    if (w->failed == 0)
        w->failed = -ERR_BUG;             /* free writes the rest: it is to be dropped */
    (void)archive_write_free(w->archive); /* NULL is fine */
    strlist_done(&w->names);
    free(w->block);
    free(w);
}

void bundle_writer_free_p(struct bundle_writer **w)
{
    bundle_writer_free(*w);
    *w = NULL;
}

static void entry_free_p(struct archive_entry **e)
{
    archive_entry_free(*e);
    *e = NULL;
}

static int write_header(struct bundle_writer *w, const char *name, int64_t size, int64_t mtime_s, struct err *err)
{
    _cleanup_(entry_free_p) struct archive_entry *e = archive_entry_new();
    if (!e)
        return err_set(err, ERR_NOMEM, 0, "out of memory for '%s' in the bundle", name);
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, w->mode);
    archive_entry_set_size(e, size);
    archive_entry_set_mtime(e, mtime_s > 0 ? (time_t)mtime_s : 0, 0);
    if (archive_write_header(w->archive, e) < ARCHIVE_WARN || w->failed < 0)
        return fail_write(w, "write a header of the bundle", err);
    return strlist_add(&w->names, span_of(name), err);
}

static int write_data(struct bundle_writer *w, struct span data, struct err *err)
{
    while (data.len > 0) {
        la_ssize_t n = archive_write_data(w->archive, data.ptr, data.len);
        if (n <= 0 || w->failed < 0)
            return fail_write(w, "write to the bundle", err);
        data.ptr += n;
        data.len -= (size_t)n;
    }
    return 0;
}

/* Begin a file of our own. */
static int begin_file(struct bundle_writer *w, const char *name, int64_t size, int64_t mtime_s, struct err *err)
{
    if (w->failed < 0)
        return fail_write(w, "write to the bundle", err);
    if (!bundle_is_name(name))
        return err_set(err, ERR_BUG, 0, "'%.80s' is no name for a file in a bundle", name);
    const char *clash = find_clash(&w->names, name);
    if (clash)
        return err_set(err, ERR_BUG, 0, "'%.80s' clashes with '%.80s' in the bundle", name, clash);
    if (w->added >= BUNDLE_ENTRIES_MAX)
        return err_set(err, ERR_NOMEM, 0, "a bundle holds %d files at most", BUNDLE_ENTRIES_MAX);
    w->added++;
    return write_header(w, name, size, mtime_s, err);
}

static int end_file(struct bundle_writer *w, struct err *err)
{
    /* also fills up what a shrinking file was short of */
    if (archive_write_finish_entry(w->archive) < ARCHIVE_WARN || w->failed < 0)
        return fail_write(w, "write to the bundle", err);
    return 0;
}

int bundle_add(struct bundle_writer *w, const char *name, struct span data, int64_t mtime_ms, struct err *err)
{
    int r = begin_file(w, name, (int64_t)data.len, mtime_ms / 1000, err);
    if (r == 0)
        r = write_data(w, data, err);
    return r < 0 ? r : end_file(w, err);
}

int bundle_add_program(struct bundle_writer *w, const char *name, int fd, struct err *err)
{
    w->mode = PROGRAM_MODE;
    int r = bundle_add_fd(w, name, fd, 0, err);
    w->mode = FILE_MODE;
    return r;
}

int bundle_add_fd(struct bundle_writer *w, const char *name, int fd, int64_t max_bytes, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_set(err, ERR_IO, errno, "look at '%.80s': %s", name, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_IO, 0, "'%.80s' is not a regular file", name);
    int64_t at = max_bytes > 0 && st.st_size > max_bytes ? st.st_size - max_bytes : 0;
    int64_t left = st.st_size - at;
    int r = begin_file(w, name, left, st.st_mtime, err);
    while (r == 0 && left > 0) {
        ssize_t n = pread(fd, w->block, left < BLOCK ? (size_t)left : BLOCK, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, ERR_IO, errno, "read '%.80s': %s", name, strerror(errno));
        if (n == 0)
            break;
        r = write_data(w, (struct span){ .ptr = w->block, .len = (size_t)n }, err);
        at += n;
        left -= n;
    }
    return r < 0 ? r : end_file(w, err);
}

int bundle_finish(struct bundle_writer *w, struct err *err)
{
    if (w->failed < 0 || archive_write_close(w->archive) < ARCHIVE_WARN || w->failed < 0)
        return fail_write(w, "end the bundle", err);
    return 0;
}

static void unpacker_free_p(struct unpacker **u)
{
    if (!*u)
        return;
    (void)archive_read_free((*u)->tar); /* only frees: nothing is lost */
    (void)archive_read_free((*u)->gzip);
    strlist_done(&(*u)->names);
    free(*u);
    *u = NULL;
}

static int refuse(struct err *err, const char *name, const char *why)
{
    if (name)
        (void)err_set(err, ERR_PROTO, 0, "the bundle is refused: '%.80s' %s", name, why);
    else
        (void)err_set(err, ERR_PROTO, 0, "the bundle is refused: %s", why);
    err_hint(err, "The archive is damaged or was not made by the agent. Look at the files on the host.");
    return -ERR_PROTO;
}

/* The next unpacked bytes, for the tar reader. */
static la_ssize_t read_block(struct archive *tar, void *ctx, const void **data)
{
    struct unpacker *u = ctx;
    la_ssize_t n = archive_read_data(u->gzip, u->block, sizeof(u->block));
    if (n < 0) {
        const char *words = archive_error_string(u->gzip);
        archive_set_error(tar, EIO, "%s", words ? words : "it cannot be unpacked");
        return ARCHIVE_FATAL;
    }
    u->unpacked += n;
    if (u->unpacked > STREAM_MAX) {
        archive_set_error(tar, EFBIG, "it unpacks to more than %lld bytes", (long long)STREAM_MAX);
        return ARCHIVE_FATAL;
    }
    *data = u->block;
    return n;
}

static int fail_read(struct archive *a, struct err *err)
{
    char words[REASON_SIZE];
    return refuse(err, NULL, reason(a, words));
}

static int open_gzip(struct unpacker *u, int fd, struct err *err)
{
    struct archive *a = u->gzip;
    struct archive_entry *e = NULL;
    if (archive_read_support_filter_gzip(a) != ARCHIVE_OK || /* WARN: by an external program */
        archive_read_support_format_raw(a) != ARCHIVE_OK)
        return err_set(err, ERR_BUG, 0, "libarchive cannot unpack gzip");
    if (archive_read_open_fd(a, fd, BLOCK) != ARCHIVE_OK)
        return fail_read(a, err);
    int r = archive_read_next_header(a, &e);
    if (r == ARCHIVE_EOF)
        return refuse(err, NULL, "it is empty");
    if (r < ARCHIVE_WARN)
        return fail_read(a, err);
    /* two: gzip and the file itself. gzip in gzip could grow without being counted */
    if (archive_filter_count(a) != 2 || archive_filter_code(a, 0) != ARCHIVE_FILTER_GZIP)
        return refuse(err, NULL, "it is not a gzip file");
    return 0;
}

static int open_unpacker(struct unpacker **ret, int fd, struct err *err)
{
    _cleanup_(unpacker_free_p) struct unpacker *u = calloc(1, sizeof(*u));
    if (!u)
        return err_set(err, ERR_NOMEM, 0, "out of memory for a bundle");
    u->gzip = archive_read_new();
    u->tar = archive_read_new();
    if (!u->gzip || !u->tar)
        return err_set(err, ERR_NOMEM, 0, "out of memory for a bundle");
    int r = open_gzip(u, fd, err);
    if (r < 0)
        return r;
    if (archive_read_support_format_tar(u->tar) != ARCHIVE_OK)
        return err_set(err, ERR_BUG, 0, "libarchive cannot read tar");
    if (archive_read_open(u->tar, u, NULL, read_block, NULL) != ARCHIVE_OK)
        return fail_read(u->tar, err);
    *ret = TAKE_PTR(u);
    return 0;
}

/* One entry's name, type and size against the rules. */
static int check_entry(struct unpacker *u, struct archive_entry *e, struct err *err)
{
    const char *name = archive_entry_pathname(e);
    if (!name || !bundle_is_name(name))
        return refuse(err, NULL, "it holds a name that is not a plain relative path");
    if (u->names.len >= BUNDLE_ENTRIES_MAX)
        return refuse(err, NULL, "it holds too many files");
    if (archive_entry_hardlink(e) || archive_entry_symlink(e))
        return refuse(err, name, "is a link");
    if (archive_entry_filetype(e) != AE_IFREG)
        return refuse(err, name, "is not a regular file");
    if (archive_entry_sparse_count(e) > 0)
        return refuse(err, name, "has holes");
    const char *clash = find_clash(&u->names, name);
    if (clash)
        return refuse(err, name, "is there twice");
    int64_t size = archive_entry_size_is_set(e) ? archive_entry_size(e) : -1;
    if (size < 0 || size > BUNDLE_BYTES_MAX - u->total)
        return refuse(err, name, "makes it too large");
    u->total += size;
    return strlist_add(&u->names, span_of(name), err);
}

/* What walk() does with the entries. */
struct copy {
    struct bundle_writer *w;
    const char *prefix;
    bool checks_only; /* nothing is written yet */
};

/* Read one entry to its end. */
static int copy_data(struct unpacker *u, int64_t left, const struct copy *c, struct err *err)
{
    int r = 0;
    while (r == 0) {
        la_ssize_t n = archive_read_data(u->tar, u->data, sizeof(u->data));
        if (n < 0)
            return fail_read(u->tar, err);
        if (n == 0)
            return left == 0 ? 0 : refuse(err, NULL, "a file in it is cut off");
        if (n > left)
            return refuse(err, NULL, "a file in it is longer than it says");
        left -= n;
        if (!c->checks_only)
            r = write_data(c->w, (struct span){ .ptr = u->data, .len = (size_t)n }, err);
    }
    return r;
}

static int copy_entry(struct unpacker *u, struct archive_entry *e, const struct copy *c, struct err *err)
{
    int r = check_entry(u, e, err);
    if (r < 0)
        return r;
    char name[2 * BUNDLE_NAME_MAX + 2];
    (void)snprintf(name, sizeof(name), "%s%s%s", c->prefix, *c->prefix ? "/" : "", archive_entry_pathname(e));
    int64_t size = archive_entry_size(e);
    if (!c->checks_only) {
        r = write_header(c->w, name, size, archive_entry_mtime(e), err);
        if (r == 0)
            r = copy_data(u, size, c, err);
        return r < 0 ? r : end_file(c->w, err);
    }
    if (!bundle_is_name(name))
        return refuse(err, name, "has too long a name");
    if (find_clash(&c->w->names, name))
        return refuse(err, name, "is in the new bundle already");
    return copy_data(u, size, c, err);
}

/* After the end of tar only the padding may follow, and gzip must come to its own end. */
static int check_end(struct unpacker *u, struct err *err)
{
    for (;;) {
        const void *data = NULL;
        la_ssize_t n = read_block(u->tar, u, &data);
        if (n < 0)
            return fail_read(u->tar, err);
        if (n == 0)
            return 0;
        const char *bytes = data;
        for (la_ssize_t i = 0; i < n; i++)
            if (bytes[i])
                return refuse(err, NULL, "more follows after its end");
    }
}

static int walk(int fd, const struct copy *c, struct err *err)
{
    _cleanup_(unpacker_free_p) struct unpacker *u = NULL;
    int r = open_unpacker(&u, fd, err);
    while (r == 0) {
        struct archive_entry *e = NULL;
        int a = archive_read_next_header(u->tar, &e);
        if (a == ARCHIVE_EOF)
            return check_end(u, err);
        if (a < ARCHIVE_WARN)
            return fail_read(u->tar, err);
        r = copy_entry(u, e, c, err);
    }
    return r;
}

int bundle_copy(struct bundle_writer *w, int fd, const char *prefix, struct err *err)
{
    struct copy c = { .w = w, .prefix = prefix, .checks_only = true };
    if (w->failed < 0)
        return fail_write(w, "write to the bundle", err);
    if (*prefix && !bundle_is_name(prefix))
        return err_set(err, ERR_BUG, 0, "'%.80s' is no name for a directory in a bundle", prefix);
    off_t start = lseek(fd, 0, SEEK_CUR);
    int r = start < 0 ? 0 : walk(fd, &c, err);
    if (r < 0)
        return r;
    if (start < 0 || lseek(fd, start, SEEK_SET) < 0)
        return err_set(err, ERR_IO, errno, "read a bundle: %s", strerror(errno));
    c.checks_only = false;
    return walk(fd, &c, err);
}
