#include "agent/keeper/keeper.h"

#include "agent/request.h"
#include "agent/state/store.h"
#include "agent/traffic/strategy.h"
#include "shared/bundle.h"
#include "shared/crypto.h"

#include <fcntl.h>
#include <sys/stat.h>

#define KEEPER_REPO "bluegreen-keeper"
#define KEEPER_TAG_DIGITS 16
#define IMAGE_BYTES_MAX (8 * 1024 * 1024)
#define STATE_IN_KEEPER "/state"

static int append(void *ctx, struct span data)
{
    buf_add_span(ctx, data);
    return 0;
}

static int import_self(struct run *run, int self, const char *tag, struct err *err)
{
    _cleanup_(buf_done_p) struct buf archive = BUF_INIT(IMAGE_BYTES_MAX);
    _cleanup_(bundle_writer_free_p) struct bundle_writer *w = NULL;
    if (bundle_writer_new(&w, append, &archive, err) < 0 || bundle_add_program(w, "bluegreen-agent", self, err) < 0 ||
        bundle_finish(w, err) < 0 || buf_check(&archive, err) < 0)
        return err_wrap(err, "make the keeper's image");
    return engine_image_import(run->engine, buf_span(&archive), KEEPER_REPO, tag, "[\"/bluegreen-agent\",\"keep\"]",
                               err);
}

/* The image of this very binary, by content. */
static int ensure_image(struct run *run, char *ref, size_t size, struct err *err)
{
    char sha[CRYPTO_SHA256_HEX_SIZE];
    struct engine_image image;
    _cleanup_(close_p) int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (self < 0)
        return err_set(err, ERR_IO, errno, "open our own binary: %s", strerror(errno));
    if (crypto_sha256_fd(self, sha, err) < 0)
        return -(int)err->kind;
    sha[KEEPER_TAG_DIGITS] = '\0';
    (void)snprintf(ref, size, "%s:%s", KEEPER_REPO, sha);
    int r = engine_image_inspect(run->engine, ref, NULL, &image, err);
    if (r == 0)
        engine_image_done(&image);
    return r == 1 ? import_self(run, self, sha, err) : r;
}

static struct json *list_of(const char *a, const char *b)
{
    struct json *list = json_array();
    json_push_str(list, a);
    if (b)
        json_push_str(list, b);
    return list;
}

static int host_config(const struct run *run, struct json *host, struct err *err)
{
    char socket[256];
    _cleanup_(buf_done_p) struct buf state = BUF_INIT(4096);
    struct json *policy = json_object();
    (void)snprintf(socket, sizeof(socket), "%s:%s", engine_socket_path(run->engine), ENGINE_SOCKET);
    json_set_str(policy, "Name", "always");
    json_set(host, "RestartPolicy", policy);
    if (store_root_path(&state, err) < 0)
        return -(int)err->kind;
    buf_adds(&state, ":" STATE_IN_KEEPER);
    json_set(host, "Binds", list_of(socket, buf_str(&state)));
    json_set_str(host, "NetworkMode", run->names.network);
    json_set_bool(host, "ReadonlyRootfs", true);
    json_set(host, "CapDrop", list_of("ALL", NULL));
    json_set(host, "SecurityOpt",
             list_of("no-new-privileges", "label=disable")); /* SELinux: labels of what is mounted */
    json_set_int(host, "Memory", 32 * 1024 * 1024);
    json_set_int(host, "PidsLimit", 16);
    return buf_check(&state, err);
}

/* Our own user, who owns the state root, in the group that may use the socket. */
static void user_of(const struct run *run, char *out, size_t size)
{
    struct stat st;
    gid_t group = stat(engine_socket_path(run->engine), &st) == 0 ? st.st_gid : getegid();
    (void)snprintf(out, size, "%u:%u", (unsigned)geteuid(), (unsigned)group);
}

static int create_body(const struct run *run, const char *image, struct json **ret, struct err *err)
{
    char user[32];
    struct json *body = json_object(), *labels = json_object(), *host = json_object();
    int r = host_config(run, host, err);
    user_of(run, user, sizeof(user));
    json_set_str(labels, CONTAINER_LABEL_APP, run->app);
    json_set_str(labels, CONTAINER_LABEL_ROLE, KEEPER_ROLE);
    json_set_str(body, "Image", image);
    json_set_str(body, "User", user);
    json_set(body, "Cmd", list_of(run->app, NULL));
    json_set(body, "Env", list_of("BLUEGREEN_HOME=" STATE_IN_KEEPER, NULL));
    json_set(body, "Labels", labels);
    json_set(body, "HostConfig", host);
    if (r < 0)
        json_free(body);
    else
        *ret = body;
    return r;
}

static bool is_ours(const struct run *run, const struct engine_container *c)
{
    return strcmp(engine_container_label(c, CONTAINER_LABEL_APP), run->app) == 0 &&
           strcmp(engine_container_label(c, CONTAINER_LABEL_ROLE), KEEPER_ROLE) == 0;
}

/* 0 found, 1 there is none. Somebody else's container of that name is an error. */
static int find(struct run *run, struct run_version *keeper, struct err *err)
{
    int r = run_find(run, run->names.keeper, keeper, err);
    if (r != 0 || is_ours(run, &keeper->c))
        return r;
    err_hint(err, "Rename or remove that container; the name is needed for the app's keeper.");
    return err_set(err, ERR_DOCKER, 409, "a container named '%s' exists and is not ours", run->names.keeper);
}

static int make_keeper(struct run *run, const char *image, struct err *err)
{
    char id[ENGINE_ID_MAX];
    _cleanup_(json_free_p) struct json *body = NULL;
    if (create_body(run, image, &body, err) < 0)
        return -(int)err->kind;
    int r = engine_container_create(run->engine, run->names.keeper, body, id, err);
    if (r == 0 && (r = engine_container_start(run->engine, id, err)) < 0) {
        struct err ignored = { 0 };
        (void)engine_container_remove(run->engine, id, &ignored);
    }
    return r;
}

int keeper_ensure(struct run *run, struct err *err)
{
    char image[128];
    struct run_version keeper = { 0 };
    int r = ensure_image(run, image, sizeof(image), err);
    if (r == 0)
        r = find(run, &keeper, err);
    bool fits = r == 0 && keeper.c.running && strcmp(keeper.c.image, image) == 0;
    if (r == 0 && !fits)
        r = engine_container_remove(run->engine, keeper.c.id, err);
    run_version_done(&keeper);
    if (r >= 0 && !fits)
        r = make_keeper(run, image, err);
    return r < 0 ? err_wrap(err, "start '%s'", run->names.keeper) : 0;
}

int keeper_remove(struct run *run, struct err *err)
{
    struct run_version keeper = { 0 };
    int r = find(run, &keeper, err);
    if (r == 0)
        r = engine_container_remove(run->engine, keeper.c.id, err);
    run_version_done(&keeper);
    return r < 0 ? err_wrap(err, "remove '%s'", run->names.keeper) : 0;
}

bool keeper_ports_of(int app_fd, const struct engine_container *c, int *port, int *first, int *last)
{
    struct spec own;
    struct err ignored = { 0 };
    const char *id = engine_container_label(c, CONTAINER_LABEL_DEPLOYMENT);
    spec_init(&own);
    bool known = id[0] && request_load_spec(app_fd, id, &own, &ignored) == 0;
    *port = (int)own.port;
    spec_done(&own);
    return known && traffic_wanted_ports(c, *port, first, last) && *first != *last;
}

void keeper_ensure_or_warn(struct run *run)
{
    struct err err = { 0 };
    char text[1024];
    if (keeper_ensure(run, &err) < 0)
        run_log(run, "warning", "agent", "nobody puts the app back on its port after a restart: %s",
                err_text(&err, text, sizeof(text)));
}
