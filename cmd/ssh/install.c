#include "cmd/ssh/install.h"

#include "shared/clock.h"
#include "shared/crypto.h"

#include <fcntl.h>
#include <sys/stat.h>

#define PROBE_MS 30000
#define UPLOAD_MS 300000
#define OUTPUT_MAX (128 * 1024) /* noise of login scripts included */
#define AGENT_MAX (32 * 1024 * 1024)
#define COMMAND_MAX 4096
#define CHUNK (64 * 1024)

#define PROBE_MARK "BLUEGREEN-PROBE v1 "
#define UPLOAD_MARK "BLUEGREEN-UPLOAD v1 "

/*
 * The scripts travel in single quotes through whatever login shell the user has (bash, dash, busybox, zsh, fish, tcsh),
 * so they hold no single quote, no backslash, no exclamation mark and no line end.
 *
 * b state root, d its bin, u our uid.
 * o DIR: a directory of ours, not a link. k DIR: and for nobody else. h FILE: prints its SHA-256, or "none" where no tool
 * computes it. v FILE: a private executable of ours with hash w (without a tool: with size z).
 */
#define SH_COMMON                                                                                                      \
    "LC_ALL=C; export LC_ALL; u=$(id -u); b=\"${BLUEGREEN_HOME:-$HOME/.bluegreen}\"; "                                 \
    "d=\"$b/bin\"; "                                                                                                   \
    "o() { set -- $(ls -ldn \"$1\" 2>/dev/null); case \"$1\" in d*) test \"$3\" = \"$u\";; "                           \
    "*) false;; esac; }; "                                                                                             \
    "k() { set -- $(ls -ldn \"$1\" 2>/dev/null); case \"$1\" in drwx------*) test \"$3\" = "                           \
    "\"$u\";; *) false;; esac; }; "                                                                                    \
    "h() { if command -v sha256sum >/dev/null 2>&1; then sha256sum <\"$1\"; elif command -v "                          \
    "openssl >/dev/null 2>&1; then openssl dgst -sha256 <\"$1\"; elif command -v shasum "                              \
    ">/dev/null 2>&1; then shasum -a 256 <\"$1\"; else echo none; fi; }; "                                             \
    "v() { set -- \"$1\" $(ls -ldn \"$1\" 2>/dev/null); case \"$2\" in -rwx------*) test \"$4\" "                      \
    "= \"$u\" || return 1;; *) return 1;; esac; case \"$(h \"$1\")\" in *\"$w\"*) return 0;; "                         \
    "none*) test $(wc -c <\"$1\") -eq $z;; *) return 1;; esac; }; "

#define SH_PROBE                                                                                                       \
    "exec sh -c '" SH_COMMON "a=$(uname -m); w=none; z=0; case \"$a\" in x86_64|amd64) a=x86_64; w=%s; z=%lld;; "      \
    "aarch64|arm64) a=aarch64; w=%s; z=%lld;; esac; y=no; "                                                            \
    "if k \"$b\" && k \"$d\" && v \"$d/bluegreen-agent-$a-$w\"; then y=yes; fi; "                                      \
    "x=\"$b\"; test -d \"$x\" || x=\"$HOME\"; set -- $(df -Pk \"$x\" 2>/dev/null | tail -n 1); "                       \
    "echo; echo \"" PROBE_MARK "arch=$a have=$y free_kb=${4:-0} home=$b\"'"

/*
 * e WORDS: tell the result and end. The temporary name is made with mktemp, or exclusively with our pid where there is no
 * mktemp; nobody else can write into the directory either way. The agent is tried out before it gets its name, so that
 * "noexec" leaves nothing behind. Agents that nobody sent again for 30 days go.
 */
#define SH_UPLOAD                                                                                                      \
    "exec sh -c '" SH_COMMON "umask 077; set -f; w=%s; z=%lld; n=\"$d/bluegreen-agent-%s-$w\"; t=; "                   \
    "c() { test -z \"$t\" || rm -f \"$t\"; t=; }; "                                                                    \
    "e() { c; echo; echo " UPLOAD_MARK "$*; exit 0; }; "                                                               \
    "trap c 0; trap \"exit 1\" 1 2 13 15; "                                                                            \
    "case \"$b\" in /*) ;; *) e fail home $b;; esac; "                                                                 \
    "m=$(mkdir -p \"$d\" 2>&1) || e fail mkdir $m; "                                                                   \
    "for x in \"$b\" \"$d\"; do o \"$x\" || e fail owner $x; chmod 700 \"$x\"; k \"$x\" || "                           \
    "e fail mode $x; done; "                                                                                           \
    "if m=$(mktemp \"$d/.up-XXXXXXXXXX\" 2>&1); then t=$m; else t=\"$d/.up-$$\"; rm -f \"$t\"; "                       \
    "m=$( (set -C; : >\"$t\") 2>&1) || { t=; e fail create $m; }; fi; "                                                \
    "m=$(cat 2>&1 >\"$t\") || e fail write $m; "                                                                       \
    "s=$(wc -c <\"$t\"); test $s -eq $z || e fail size $s; "                                                           \
    "m=$(chmod 700 \"$t\" 2>&1) || e fail chmod $m; "                                                                  \
    "v \"$t\" || e fail hash $(h \"$t\"); "                                                                            \
    "m=$(\"$t\" version 2>&1 </dev/null); r=$?; test $r -lt 126 || e fail exec $r $m; "                                \
    "m=$(mv -f \"$t\" \"$n\" 2>&1) || e fail rename $m; t=; "                                                          \
    "find \"$d\" -type f -name \"bluegreen-agent-*\" -mtime +30 -exec rm -f {} + 2>/dev/null; "                        \
    "find \"$d\" -type f -name \".up-*\" -mtime +0 -exec rm -f {} + 2>/dev/null; "                                     \
    "e ok'"

/* ---- the agents in our image ---- */

#define DIR_MAX 1024

static const char *const ARCHS[] = { "x86_64", "aarch64" };
#define ARCHS_LEN 2

struct agent_file {
    int fd; /* -1: the image has none for this architecture */
    int64_t size;
    char sha256[CRYPTO_SHA256_HEX_SIZE];
};

/* Where the agents are: as the environment says, in the image's place, or ../lib/bluegreen as seen from this program. */
static const char *agents_dir(char out[DIR_MAX])
{
    const char *dir = getenv(INSTALL_DIR_ENV);
    char exe[DIR_MAX / 2];
    if (dir && *dir)
        return dir;
    ssize_t n = access(INSTALL_DIR_DEFAULT, F_OK) == 0 ? -1 : readlink("/proc/self/exe", exe, sizeof(exe));
    const char *slash = n > 0 && (size_t)n < sizeof(exe) ? memrchr(exe, '/', (size_t)n) : NULL;
    if (!slash)
        return INSTALL_DIR_DEFAULT;
    (void)snprintf(out, DIR_MAX, "%.*s/../lib/bluegreen", (int)(slash - exe), exe);
    return out;
}

static int open_agent(const char *arch, struct agent_file *f, struct err *err)
{
    char path[DIR_MAX + 64];
    struct stat st;
    char dir[DIR_MAX];
    (void)snprintf(path, sizeof(path), "%.1000s/bluegreen-agent-%s", agents_dir(dir), arch);
    (void)snprintf(f->sha256, sizeof(f->sha256), "none");
    f->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0 && errno == ENOENT)
        return 0;
    if (f->fd < 0 || fstat(f->fd, &st) < 0)
        return err_set(err, ERR_INSTALL, errno, "open the agent '%s': %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > AGENT_MAX)
        return err_set(err, ERR_INSTALL, 0, "'%s' is not an agent binary", path);
    f->size = st.st_size;
    return crypto_sha256_fd(f->fd, f->sha256, err);
}

static int open_agents(struct agent_file files[ARCHS_LEN], struct err *err)
{
    bool any = false;
    for (size_t i = 0; i < ARCHS_LEN; i++) {
        int r = open_agent(ARCHS[i], &files[i], err);
        if (r < 0)
            return r;
        any = any || files[i].fd >= 0;
    }
    if (any)
        return 0;
    int r = err_set(err, ERR_INSTALL, ENOENT, "this program comes without agents");
    err_hint(err, "Use the released image; or put its /usr/lib/bluegreen into ../lib beside the folder of this "
                  "program, or name its "
                  "place in " INSTALL_DIR_ENV ".");
    return r;
}

/* ---- reading what the scripts say ---- */

/* Last line that starts with mark; what follows it. false: none. */
static bool find_mark(struct span output, const char *mark, struct span *ret)
{
    struct span line;
    bool found = false;
    while (span_next_line(&output, &line)) {
        line = span_trim(line);
        if (!span_starts(line, mark))
            continue;
        *ret = (struct span){ line.ptr + strlen(mark), line.len - strlen(mark) };
        found = true;
    }
    return found;
}

/* Printable copy for a message. */
static void copy_words(struct span words, char *out, size_t out_size)
{
    size_t n = 0;
    for (size_t i = 0; i < words.len && n + 1 < out_size; i++) {
        unsigned char c = (unsigned char)words.ptr[i];
        out[n++] = c >= 0x20 && c != 0x7f ? (char)c : ' ';
    }
    out[n] = '\0';
}

static bool next_field(struct span *rest, const char *name, struct span *value)
{
    if (!span_starts(*rest, name))
        return false;
    *rest = (struct span){ rest->ptr + strlen(name), rest->len - strlen(name) };
    if (!span_split(rest, ' ', value))
        *value = (struct span){ "", 0 };
    return true;
}

int install_parse_probe(struct span output, struct install_probe *ret)
{
    struct span rest, value;
    *ret = (struct install_probe){ 0 };
    if (!find_mark(output, PROBE_MARK, &rest) || !next_field(&rest, "arch=", &value))
        return 1;
    copy_words(value, ret->arch, sizeof(ret->arch));
    if (!next_field(&rest, "have=", &value))
        return 1;
    ret->have = span_eq(value, "yes");
    if (!next_field(&rest, "free_kb=", &value))
        return 1;
    if (!span_to_int(value, 0, INT64_MAX / 1024, &ret->free_kb))
        ret->free_kb = 0;
    if (!span_starts(rest, "home=")) /* last, since it may hold blanks */
        return 1;
    copy_words((struct span){ rest.ptr + 5, rest.len - 5 }, ret->home, sizeof(ret->home));
    return 0;
}

#define HINT_HOME                                                                                                      \
    "Set BLUEGREEN_HOME for this user on the host to a directory of its own where that works, "                        \
    "for "                                                                                                             \
    "example with 'export BLUEGREEN_HOME=/opt/bluegreen' as first line of ~/.bashrc."

static int explain_upload(struct span stage, const char *words, const struct install_probe *probe, struct err *err)
{
    struct span said = span_of(words);
    int r;
    if (span_contains(said, "No space left") || span_contains(said, "quota exceeded")) {
        r = err_set(err, ERR_DISK_FULL, 0, "the agent does not fit on the host: %.100s (%lld KB free)", words,
                    (long long)probe->free_kb);
        err_hint(err, "Free some space in the home directory's file system (df -h ~; docker system df).");
    } else if (span_contains(said, "Read-only file system")) {
        r = err_set(err, ERR_INSTALL, 0, "%.100s is on a read-only file system", probe->home);
        err_hint(err, HINT_HOME);
    } else if (span_eq(stage, "exec") && span_contains(said, "format error")) {
        r = err_set(err, ERR_INSTALL, 0, "the host cannot run programs for %s, though it says it is one", probe->arch);
        err_hint(err, "Report this with the output of: uname -a");
    } else if (span_eq(stage, "exec") && span_contains(said, "ermission denied")) {
        r = err_set(err, ERR_INSTALL, 0, "the host does not let programs in %.100s run (noexec?)", probe->home);
        err_hint(err, HINT_HOME);
    } else if (span_eq(stage, "exec")) {
        r = err_set(err, ERR_INSTALL, 0, "the agent does not run on the host: exit status %.150s", words);
    } else if (span_eq(stage, "owner") || span_eq(stage, "mode")) {
        r = err_set(err, ERR_INSTALL, 0, "%.150s is a link, or not a directory that belongs to this user alone", words);
        err_hint(err, "Somebody else could swap the agent there. Look at it with ls -la and move it away.");
    } else if (span_eq(stage, "home")) {
        r = err_set(err, ERR_INSTALL, 0, "the state root '%.150s' on the host is not an absolute path", words);
        err_hint(err, "The user needs a home directory, or BLUEGREEN_HOME must be an absolute path.");
    } else if (span_eq(stage, "size") || span_eq(stage, "hash")) {
        r = err_set(err, ERR_INSTALL, 0, "the agent arrived changed or incomplete (%.*s %.100s)", (int)stage.len,
                    stage.ptr, words);
        err_hint(err, "Run the job again.");
    } else {
        r = err_set(err, ERR_INSTALL, 0, "the host failed at '%.*s': %.200s", (int)(stage.len < 20 ? stage.len : 20),
                    stage.ptr, words);
        err_hint(err, HINT_HOME);
    }
    return r;
}

int install_parse_upload(struct span output, const struct install_probe *probe, struct err *err)
{
    struct span rest, word, stage = { "", 0 };
    if (!find_mark(output, UPLOAD_MARK, &rest) || !span_split(&rest, ' ', &word))
        return 1;
    if (span_eq(word, "ok"))
        return 0;
    if (!span_eq(word, "fail") || !span_split(&rest, ' ', &stage))
        return 1;
    char words[256];
    copy_words(rest, words, sizeof(words));
    return explain_upload(stage, words, probe, err);
}

/* The host ran our line but its mark did not come: show what came instead. */
static int explain_no_mark(struct ssh_channel *c, struct span output, struct err *err)
{
    char words[200];
    int status = ssh_exit_status(c);
    struct span text = span_trim(output), line;
    if (text.len == 0)
        text = span_trim(ssh_stderr(c));
    if (!span_next_line(&text, &line))
        line = (struct span){ "", 0 };
    copy_words(span_trim(line), words, sizeof(words));
    int r;
    if (span_contains(output, "Please login as the user")) {
        r = err_set(err, ERR_AUTH, status, "the host says: %s", words);
        err_hint(err, "Set `user` to the name that it tells.");
        return r;
    }
    r = err_set(err, ERR_INSTALL, status, "the user's shell on the host does not run commands (exit status %d): %s",
                status, words[0] ? words : "it printed nothing");
    err_hint(err, "Try: ssh USER@HOST 'sh -c \"uname -m\"'. Look at the login shell (nologin?), "
                  "ForceCommand, command= in authorized_keys, and exits or prompts in ~/.bashrc.");
    return r;
}

/* ---- the two channels ---- */

static int read_all(struct ssh_channel *c, struct buf *out, int64_t deadline_ms, struct err *err)
{
    int r;
    while ((r = ssh_read(c, out, CHUNK, clock_left_ms(deadline_ms), err)) == 0)
        if (out->len > OUTPUT_MAX - CHUNK)
            return err_set(err, ERR_INSTALL, 0, "the user's login scripts print more than %d KB",
                           (OUTPUT_MAX - CHUNK) / 1024);
    return r < 0 ? r : 0;
}

static int probe(struct ssh *s, const struct agent_file files[ARCHS_LEN], struct install_probe *ret, struct err *err)
{
    _cleanup_(ssh_channel_free_p) struct ssh_channel *c = NULL;
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(OUTPUT_MAX);
    _cleanup_(buf_done_p) struct buf command = BUF_INIT(COMMAND_MAX);
    int64_t deadline = clock_mono_ms() + PROBE_MS;
    buf_addf(&command, SH_PROBE, files[0].sha256, (long long)files[0].size, files[1].sha256, (long long)files[1].size);
    int r = buf_check(&command, err);
    if (r < 0 || (r = ssh_exec(s, buf_str(&command), &c, err)) < 0 || (r = ssh_send_eof(c, err)) < 0 ||
        (r = read_all(c, &out, deadline, err)) < 0)
        return r;
    if (install_parse_probe(buf_span(&out), ret) != 0)
        return explain_no_mark(c, buf_span(&out), err);
    return 0;
}

static int send_file(struct ssh_channel *c, const struct agent_file *f, int64_t deadline_ms, struct err *err)
{
    _cleanup_(free_p) char *chunk = malloc(CHUNK);
    if (!chunk)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    for (off_t at = 0; at < f->size;) {
        ssize_t n = pread(f->fd, chunk, CHUNK, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(err, ERR_IO, errno, "read the agent: %s", n < 0 ? strerror(errno) : "it became shorter");
        int r = ssh_write(c, (struct span){ chunk, (size_t)n }, clock_left_ms(deadline_ms), err);
        if (r != 0)
            return r; /* 1: the script gave up early and says why */
        at += n;
    }
    return 0;
}

static int upload(struct ssh *s, const struct agent_file *f, const struct install_probe *found, struct err *err)
{
    _cleanup_(ssh_channel_free_p) struct ssh_channel *c = NULL;
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(OUTPUT_MAX);
    _cleanup_(buf_done_p) struct buf command = BUF_INIT(COMMAND_MAX);
    int64_t deadline = clock_mono_ms() + UPLOAD_MS;
    buf_addf(&command, SH_UPLOAD, f->sha256, (long long)f->size, found->arch);
    int r = buf_check(&command, err);
    if (r < 0 || (r = ssh_exec(s, buf_str(&command), &c, err)) < 0 || (r = send_file(c, f, deadline, err)) < 0 ||
        (r = ssh_send_eof(c, err)) < 0 || (r = read_all(c, &out, deadline, err)) < 0)
        return r;
    r = install_parse_upload(buf_span(&out), found, err);
    return r == 1 ? explain_no_mark(c, buf_span(&out), err) : r;
}

static const struct agent_file *choose(const struct agent_file files[ARCHS_LEN], const char *arch)
{
    for (size_t i = 0; i < ARCHS_LEN; i++)
        if (strcmp(ARCHS[i], arch) == 0 && files[i].fd >= 0)
            return &files[i];
    return NULL;
}

static int install_from(struct ssh *s, const struct agent_file files[ARCHS_LEN], struct install *ret, struct err *err)
{
    struct install_probe found;
    int r = probe(s, files, &found, err);
    if (r < 0)
        return err_wrap(err, "look for the agent on %s", ssh_where(s));
    const struct agent_file *f = choose(files, found.arch);
    if (!f) {
        r = err_set(err, ERR_INSTALL, 0, "there is no agent for the host's architecture '%s'", found.arch);
        err_hint(err, "Hosts with x86_64 and aarch64 (Graviton) processors are supported.");
        return r;
    }
    if (!found.have && (r = upload(s, f, &found, err)) < 0)
        return err_wrap(err, "send the agent to %s", ssh_where(s));
    *ret = (struct install){ .uploaded = !found.have, .size_bytes = f->size };
    (void)snprintf(ret->arch, sizeof(ret->arch), "%s", found.arch);
    (void)snprintf(ret->sha256, sizeof(ret->sha256), "%s", f->sha256);
    (void)snprintf(ret->home, sizeof(ret->home), "%s", found.home);
    (void)snprintf(ret->command, sizeof(ret->command),
                   "exec sh -c 'exec \"${BLUEGREEN_HOME:-$HOME/.bluegreen}/bin/bluegreen-agent-%s-%s\" serve'",
                   ret->arch, ret->sha256);
    return 0;
}

int install_agent(struct ssh *s, struct install *ret, struct err *err)
{
    struct agent_file files[ARCHS_LEN] = { { .fd = -1 }, { .fd = -1 } };
    int r = open_agents(files, err);
    if (r == 0)
        r = install_from(s, files, ret, err);
    for (size_t i = 0; i < ARCHS_LEN; i++)
        close_p(&files[i].fd);
    return r;
}
