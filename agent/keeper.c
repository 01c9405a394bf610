#include "agent/keeper.h"

#include "agent/request.h"
#include "agent/strategy.h"
#include "shared/bundle.h"
#include "shared/crypto.h"

#include <fcntl.h>
#include <signal.h>

#define KEEPER_REPO "bluegreen-keeper"
#define KEEPER_CONTAINER_PORT "9/tcp" /* discard: nobody listens */
#define KEEPER_TAG_DIGITS 16
#define IMAGE_BYTES_MAX (8 * 1024 * 1024)

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
    return engine_image_import(run->engine, buf_span(&archive), KEEPER_REPO, tag, "[\"/bluegreen-agent\",\"keep\"]", err);
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

static struct json *list_of(const char *item)
{
    struct json *a = json_array();
    json_push_str(a, item);
    return a;
}

static struct json *create_body(const struct run *run, const char *image, int port)
{
    char text[16];
    struct json *body = json_object(), *host = json_object(), *labels = json_object(), *exposed = json_object();
    struct json *bindings = json_object(), *all = json_array(), *binding = json_object(), *policy = json_object();
    (void)snprintf(text, sizeof(text), "%d", port);
    json_set_str(binding, "HostPort", text);
    json_push(all, binding);
    json_set(bindings, KEEPER_CONTAINER_PORT, all);
    json_set_str(policy, "Name", "always");
    json_set(host, "PortBindings", bindings);
    json_set(host, "RestartPolicy", policy);
    json_set_str(host, "NetworkMode", run->names.network);
    json_set_bool(host, "ReadonlyRootfs", true);
    json_set(host, "CapDrop", list_of("ALL"));
    json_set(host, "SecurityOpt", list_of("no-new-privileges"));
    json_set_int(host, "Memory", 16 * 1024 * 1024);
    json_set_int(host, "PidsLimit", 8);
    json_set_str(labels, CONTAINER_LABEL_APP, run->app);
    json_set_str(labels, CONTAINER_LABEL_ROLE, KEEPER_ROLE);
    json_set(exposed, KEEPER_CONTAINER_PORT, json_object());
    json_set_str(body, "Image", image);
    json_set_str(body, "User", "65534:65534"); /* nobody */
    json_set(body, "Labels", labels);
    json_set(body, "ExposedPorts", exposed);
    json_set(body, "HostConfig", host);
    return body;
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
    err_hint(err, "Rename or remove that container; the name is needed to hold the spare port.");
    return err_set(err, ERR_DOCKER, 409, "a container named '%s' exists and is not ours", run->names.keeper);
}

/* A running keeper that stepped aside takes its port again with its network. 0 it has it, 1 it cannot be used. */
static int take_again(struct run *run, struct run_version *keeper, int port, struct err *err)
{
    int first, last;
    if (!keeper->c.running || !traffic_wanted_ports(&keeper->c, port, &first, &last))
        return 1;
    if (traffic_holds_port(&keeper->c, port))
        return 0;
    if (engine_network_connect(run->engine, run->names.network, keeper->c.id, "", NULL, err) < 0)
        return err_wrap(err, "hold the spare port %d", port);
    return 0;
}

int keeper_release(struct run *run, struct err *err)
{
    struct run_version keeper = { 0 };
    int r = find(run, &keeper, err);
    if (r == 0 && keeper.c.running)
        r = engine_network_disconnect(run->engine, run->names.network, keeper.c.id, err);
    run_version_done(&keeper);
    return r < 0 ? err_wrap(err, "let go of the spare port") : 0;
}

int keeper_ensure(struct run *run, int port, struct err *err)
{
    char image[128], id[ENGINE_ID_MAX];
    struct run_version keeper = { 0 };
    int r = find(run, &keeper, err);
    if (r == 0)
        r = take_again(run, &keeper, port, err);
    if (r == 1 && keeper.exists && engine_container_remove(run->engine, keeper.c.id, err) < 0)
        r = -(int)err->kind;
    run_version_done(&keeper);
    if (r != 1)
        return r;
    if (ensure_image(run, image, sizeof(image), err) < 0)
        return -(int)err->kind;
    _cleanup_(json_free_p) struct json *body = create_body(run, image, port);
    r = engine_container_create(run->engine, run->names.keeper, body, id, err);
    if (r == 0 && (r = engine_container_start(run->engine, id, err)) < 0) {
        struct err ignored = { 0 };
        (void)engine_container_remove(run->engine, id, &ignored);
    }
    return r < 0 ? err_wrap(err, "hold the spare port %d", port) : 0;
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

/* The production port of a version: the run at hand may be about another one. */
static int port_of(struct run *run, const struct engine_container *c)
{
    struct spec own;
    struct err ignored = { 0 };
    const char *id = engine_container_label(c, CONTAINER_LABEL_DEPLOYMENT);
    spec_init(&own);
    bool known = id[0] && request_load_spec(run->app_fd, id, &own, &ignored) == 0;
    int port = (int)(known ? own.port : run->spec.port);
    spec_done(&own);
    return port;
}

/* The spare port of a version that asks for a range; left alone when it asks for one port. */
static int spare_of(struct run *run, const char *name, int *spare, struct err *err)
{
    struct run_version v = { 0 };
    int first, last, port = 0;
    int r = run_find(run, name, &v, err);
    if (r == 0)
        port = port_of(run, &v.c);
    if (r == 0 && traffic_wanted_ports(&v.c, port, &first, &last) && first != last)
        *spare = first == port ? last : first;
    run_version_done(&v);
    return r < 0 ? r : 0;
}

int keeper_settle(struct run *run, struct err *err)
{
    int spare = 0;
    if (spare_of(run, run->names.green, &spare, err) < 0 || spare_of(run, run->names.blue, &spare, err) < 0)
        return -(int)err->kind;
    return spare ? keeper_ensure(run, spare, err) : keeper_remove(run, err);
}

void keeper_settle_or_warn(struct run *run)
{
    struct err err = { 0 };
    char text[1024];
    if (keeper_settle(run, &err) < 0)
        run_log(run, "warning", "agent", "the spare port is not held, a restart may move the app to it: %s",
                err_text(&err, text, sizeof(text)));
}

int keeper_make_way(struct run *run, const struct engine_container *c, struct err *err)
{
    int first, last, port = (int)run->spec.port;
    struct run_version keeper = { 0 };
    if (!traffic_wanted_ports(c, port, &first, &last))
        return 0;
    if (first != last)
        return keeper_ensure(run, first == port ? last : first, err);
    int r = run_find(run, run->names.keeper, &keeper, err);
    bool in_the_way = r == 0 && is_ours(run, &keeper.c) && traffic_holds_port(&keeper.c, port);
    run_version_done(&keeper);
    return r < 0 ? r : in_the_way ? keeper_remove(run, err) : 0;
}

int keeper_main(struct err *err)
{
    sigset_t set;
    int caught;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    int r = sigwait(&set, &caught);
    return r == 0 ? 0 : err_set(err, ERR_BUG, r, "wait for a signal: %s", strerror(r));
}
