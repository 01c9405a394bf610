#include "cmd/state.h"

#include "shared/crypto.h"
#include "shared/fd.h"
#include "shared/json.h"

#include <fcntl.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX (16 * 1024)
#define FILE_NAME_MAX 64
#define IDENTITY_MAX 4096
#define VARIABLE_MAX 64

/* What main has told so far, or what post has read. One process is one stage of one step. */
static struct json *told;
static bool was_read;

/* Runners that start the post stage of a container action without its STATE_*. */
static bool runner_loses_state(void)
{
    static const char *const marks[] = { "ACT", "GITEA_ACTIONS", "FORGEJO_ACTIONS" };

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        const char *value = getenv(marks[i]);
        if (value && strcmp(value, "true") == 0)
            return true;
    }
    return false;
}

/*
 * Which step of which run this is; the same in main and in post, where inputs that the workflow does not give are missing.
 * Host and app are in it because jobs of a matrix share the names of job and step, and may share the workspace.
 */
static int identity(struct buf *out, struct err *err)
{
    static const char *const names[] = { "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB",
                                         "GITHUB_ACTION",     "INPUT_HOST",    "INPUT_APP" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        buf_addf(out, "%s=%s\n", names[i], value ? value : "");
    }
    return buf_check(out, err);
}

static int file_name(struct span id, char out[FILE_NAME_MAX], struct err *err)
{
    char hash[CRYPTO_SHA256_HEX_SIZE];
    int r = crypto_sha256_hex(id, hash, err);

    if (r < 0)
        return r;
    (void)snprintf(out, FILE_NAME_MAX, ".bluegreen-state-%.16s", hash);
    return 0;
}

/* The workspace, open as a directory; -1 with errno. */
static int open_workspace(void)
{
    const char *path = getenv("GITHUB_WORKSPACE");

    if (!path || *path != '/') {
        errno = ENOENT;
        return -1;
    }
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* ---- main ---- */

/*
 * A new file beside it, then renamed over it: post never sees half a file, and a link in its place is replaced. It belongs
 * to whom the workspace belongs: a file of root's would stop a step of theirs that packs the workspace.
 */
static int replace_file(int dir, const char *name, struct span text, struct err *err)
{
    char temporary[FILE_NAME_MAX + 16];
    _cleanup_(close_p) int fd = -1;
    struct stat owner;

    (void)snprintf(temporary, sizeof(temporary), "%s.new", name);
    (void)unlinkat(dir, temporary, 0);
    fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && fstat(dir, &owner) == 0)
        (void)!fchown(fd, owner.st_uid, owner.st_gid); /* only root can, and only root needs to */
    if (fd < 0 || fd_write(fd, text) < 0 || renameat(dir, temporary, dir, name) < 0) {
        int error = errno;
        if (fd >= 0)
            (void)unlinkat(dir, temporary, 0);
        return err_set(err, ERR_IO, error, "cannot write '%s' in the workspace: %s", name, strerror(error));
    }
    return 0;
}

static int write_file(struct err *err)
{
    _cleanup_(buf_done_p) struct buf id = BUF_INIT(IDENTITY_MAX), text = BUF_INIT(FILE_BYTES_MAX);
    _cleanup_(json_free_p) struct json *whole = json_object();
    _cleanup_(close_p) int dir = -1;
    char name[FILE_NAME_MAX];
    int r = identity(&id, err);

    if (r < 0)
        return err_wrap(err, "names of run and step");
    json_set_str(whole, "step", buf_str(&id));
    json_set(whole, "state", json_copy(told));
    if ((r = json_print(whole, &text, err)) < 0 || (r = file_name(buf_span(&id), name, err)) < 0)
        return r;
    dir = open_workspace();
    if (dir < 0)
        return err_set(err, ERR_IO, errno, "cannot open the workspace: %s", strerror(errno));
    return replace_file(dir, name, buf_span(&text), err);
}

int state_set(struct github *g, const char *name, const char *value, struct err *err)
{
    const char *file = getenv("GITHUB_STATE");
    struct err why = { 0 };
    char text[1024];
    int r = github_state(name, value, err);

    if (r < 0 || !runner_loses_state())
        return r;
    if (!told)
        told = json_object();
    json_set_str(told, name, value);
    r = write_file(&why);
    if (r < 0 && !(file && *file)) {
        *err = why;
        return err_wrap(err, "state for the post stage");
    }
    if (r < 0)
        github_line(g, "The post stage may not know of this deployment: %s", err_text(&why, text, sizeof(text)));
    return 0;
}

/* ---- post ---- */

/* The whole of a regular file of bounded size into out. False: there is none, or it is something else. */
static bool read_bounded(int fd, struct buf *out)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 && fd_read(fd, out) == 0;
}

/* The state in the file of this very step, or NULL. */
static struct json *read_file(void)
{
    _cleanup_(buf_done_p) struct buf id = BUF_INIT(IDENTITY_MAX), text = BUF_INIT(FILE_BYTES_MAX);
    _cleanup_(json_free_p) struct json *whole = NULL;
    _cleanup_(close_p) int dir = -1;
    _cleanup_(close_p) int fd = -1;
    char name[FILE_NAME_MAX];

    if (identity(&id, NULL) < 0 || file_name(buf_span(&id), name, NULL) < 0)
        return NULL;
    dir = open_workspace();
    if (dir >= 0)
        fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || !read_bounded(fd, &text) || json_parse(buf_span(&text), &whole, NULL) < 0)
        return NULL;
    if (strcmp(json_str(whole, "step", ""), buf_str(&id)) != 0)
        return NULL;
    return json_copy(json_get(whole, "state"));
}

const char *state_get(const char *name)
{
    char variable[VARIABLE_MAX];
    const char *value = NULL;

    (void)snprintf(variable, sizeof(variable), "STATE_%s", name);
    value = getenv(variable);
    if (value && *value)
        return value;
    if (!runner_loses_state())
        return "";
    if (!told && !was_read) {
        told = read_file();
        was_read = true;
    }
    return json_str(told, name, "");
}

void state_forget(void)
{
    _cleanup_(buf_done_p) struct buf id = BUF_INIT(IDENTITY_MAX);
    _cleanup_(close_p) int dir = -1;
    char name[FILE_NAME_MAX];

    json_free(told);
    told = NULL;
    was_read = false;
    if (!runner_loses_state() || identity(&id, NULL) < 0 || file_name(buf_span(&id), name, NULL) < 0)
        return;
    dir = open_workspace();
    if (dir >= 0)
        (void)unlinkat(dir, name, 0);
}
