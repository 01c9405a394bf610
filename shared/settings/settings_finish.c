#include "shared/settings/settings.h"

#include "shared/fd.h"
#include "shared/settings/settings_parse.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>

#define ENV_FILE_MAX (128 * 1024)

static struct spec *spec_of(const struct settings_reading *rd)
{
    return rd->into[SETTINGS_OF_SPEC];
}

void settings_require(struct settings_reading *rd, const char *id, const char *value, const char *wants)
{
    if (value[0] == '\0' && !settings_is_wrong(rd, id))
        settings_problem(rd, ERR_INPUT, id, 0, "got nothing, wants %s", wants);
}

bool settings_op_has_spec(enum wire_op op)
{
    return op == WIRE_DEPLOY || op == WIRE_PLAN;
}

/* ---- ports, registry ---- */

static void finish_ports(struct settings_reading *rd, enum wire_op op)
{
    struct spec *s = spec_of(rd);
    bool deploy = settings_op_has_spec(op);
    if (s->container_port == 0)
        s->container_port = s->port;
    if (s->spare_port == 0) {
        s->spare_port = s->port + 1;
        if (s->spare_port <= 65535)
            return;
        s->spare_port = s->port - 1;
        return;
    }
    bool fits = s->spare_port == s->port + 1 || s->spare_port == s->port - 1;
    if (deploy && !fits && !settings_is_wrong(rd, "port") && !settings_is_wrong(rd, "spare-port"))
        settings_problem(rd, ERR_INPUT, "spare-port", 0,
                         "got '%" PRId64 "', wants a neighbour of port: %" PRId64 " or %" PRId64, s->spare_port,
                         s->port + 1, s->port - 1);
}

/* What does without a registry, or may, is not kept from its work by a login of which half is missing: it is none then. */
static int finish_registry(struct settings_reading *rd, enum wire_op op)
{
    struct spec *s = spec_of(rd);
    bool has_username = s->registry_username[0], has_password = s->registry_password[0];
    if (has_username == has_password)
        return 0;
    if (!settings_op_has_spec(op))
        return spec_set_str(&s->registry_username, "", rd->err) < 0 ||
                       spec_set_str(&s->registry_password, "", rd->err) < 0
                   ? -ERR_NOMEM
                   : 0;
    if (has_username)
        settings_require(rd, "registry-password", "", "the password or token that belongs to registry-username");
    else
        settings_require(rd, "registry-username", "", "the user that belongs to registry-password");
    return 0;
}

/* ---- environment of the container ---- */

/* A link in a checked-out branch must not reach the runner's own files. */
static bool is_inside(const char *real, const char *root)
{
    size_t len = strlen(root);
    return strncmp(real, root, len) == 0 && (real[len] == '/' || strcmp(root, "/") == 0);
}

/* Path of the env file with every link resolved, heap. NULL: not there or outside (told). */
static char *resolve_env_file(struct settings_reading *rd, const char *path)
{
    char joined[PATH_MAX];
    const char *inside = rd->workspace ? rd->workspace : rd->folder;
    const char *base = inside ? inside : ".";
    int n = snprintf(joined, sizeof(joined), "%s%s%s", path[0] == '/' ? "" : base, path[0] == '/' ? "" : "/", path);
    _cleanup_(free_p) char *root = realpath(base, NULL);
    _cleanup_(free_p) char *real = n > 0 && (size_t)n < sizeof(joined) ? realpath(joined, NULL) : NULL;
    if (!root || !real) {
        settings_problem(rd, ERR_INPUT, "env-file", 0, "got '%.200s': %s; wants %s", path, strerror(errno),
                         rd->workspace ? "a file of the workspace (is there a checkout step before this one?)"
                                       : "a readable file");
        return NULL;
    }
    if (inside && !is_inside(real, root)) {
        settings_problem(rd, ERR_INPUT, "env-file", 0, "got '%.200s', which leads out of %s; wants a file in it", path,
                         rd->workspace ? "the workspace" : "the configuration's folder");
        return NULL;
    }
    return TAKE_PTR(real);
}

/* The whole file, bounded. 1: not readable (told). */
static int slurp_env_file(struct settings_reading *rd, const char *real, struct buf *text)
{
    struct stat st;
    _cleanup_(close_p) int fd = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0) {
        settings_problem(rd, ERR_INPUT, "env-file", 0, "got '%.200s': %s; wants a readable file", rd->env_file,
                         strerror(errno));
        return 1;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > ENV_FILE_MAX) {
        settings_problem(rd, ERR_INPUT, "env-file", 0, "got '%.200s', wants a regular file of at most %d bytes",
                         rd->env_file, ENV_FILE_MAX);
        return 1;
    }
    if (fd_read(fd, text) < 0) {
        settings_problem(rd, ERR_INPUT, "env-file", 0, "got '%.200s', which cannot be read: %s", rd->env_file,
                         text->failed ? "it grows while it is read" : strerror(errno));
        return 1;
    }
    return 0;
}

/* env wins over the file, secret-env too: the file holds what is usual, the inputs what is meant now. */
static int merge_env_file(struct settings_reading *rd, const struct strlist *from_file)
{
    struct spec *s = spec_of(rd);
    struct strlist merged = { 0 };
    int r = 0;
    for (size_t i = 0; r == 0 && i < from_file->len; i++) {
        struct span key = settings_key_of(from_file->items[i]);
        bool set_again =
            settings_find_key(&s->env, key) < s->env.len || settings_find_key(&s->secret_env, key) < s->secret_env.len;
        if (!set_again)
            r = strlist_add(&merged, span_of(from_file->items[i]), rd->err);
    }
    for (size_t i = 0; r == 0 && i < s->env.len; i++)
        r = strlist_add(&merged, span_of(s->env.items[i]), rd->err);
    if (r < 0) {
        strlist_done(&merged);
        return r;
    }
    if (merged.len > SETTINGS_LIST_MAX)
        settings_problem(rd, ERR_INPUT, "env-file", 0, "together with env sets %zu variables, wants at most %d",
                         merged.len, SETTINGS_LIST_MAX);
    strlist_done(&s->env);
    s->env = merged;
    return 0;
}

static int read_env_file(struct settings_reading *rd)
{
    _cleanup_(free_p) char *real = resolve_env_file(rd, rd->env_file);
    if (!real)
        return 0;
    _cleanup_(buf_done) struct buf text = BUF_INIT(ENV_FILE_MAX);
    if (slurp_env_file(rd, real, &text) > 0)
        return 0;
    if (!span_is_utf8(buf_span(&text))) {
        settings_problem(rd, ERR_INPUT, "env-file", 0, "got '%.200s', whose content is not UTF-8 text", rd->env_file);
        return 0;
    }
    struct strlist from_file = { 0 };
    int r = settings_read_env_text(rd, buf_span(&text), &from_file);
    if (r == 0)
        r = merge_env_file(rd, &from_file);
    strlist_done(&from_file);
    return r;
}

static int finish_env(struct settings_reading *rd, enum wire_op op)
{
    const struct spec *s = spec_of(rd);
    for (size_t i = 0; i < s->secret_env.len; i++) {
        struct span key = settings_key_of(s->secret_env.items[i]);
        if (settings_find_key(&s->env, key) < s->env.len)
            settings_problem(rd, ERR_INPUT, "secret-env", 0, "sets %.*s, which env sets too; keep it in one of them",
                             (int)key.len, key.ptr);
    }
    if (rd->env_file && settings_op_has_spec(op))
        return read_env_file(rd);
    return 0;
}

/* ---- all of it ---- */

int settings_finish(struct settings_reading *rd, enum wire_op op)
{
    const struct spec *s = spec_of(rd);
    const struct settings_ask *ask = rd->into[SETTINGS_OF_ASK];
    settings_require(rd, "app", s->app, "the name of the application, such as shop-api");
    if (op == WIRE_DEPLOY)
        settings_require(rd, "image", s->image, "the image to deploy, such as registry.example.com/team/app:1.4.2");
    if (op == WIRE_PLAN)
        settings_require(rd, "image", s->image, "the image whose deployment is to be planned");
    if (op == WIRE_BUNDLE)
        settings_require(rd, "of", ask->of, "the id of the deployment whose bundle is wanted");
    finish_ports(rd, op);
    int r = finish_registry(rd, op);
    return r < 0 ? r : finish_env(rd, op);
}
