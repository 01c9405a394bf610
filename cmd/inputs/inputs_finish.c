#include "cmd/inputs/inputs_finish.h"

#include "cmd/aws/instance.h"
#include "cmd/inputs/inputs_aws.h"
#include "cmd/inputs/inputs_parse.h"
#include "cmd/ssh/hostpin.h"
#include "cmd/ssh/sshkey.h"
#include "shared/fd.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>

#define ENV_FILE_MAX (128 * 1024)
#define LINK_MAX 290 /* of run_link: WIRE_REQUEST's field is 300 */

static void require(struct inputs_reading *rd, const char *id, const char *value, const char *wants)
{
    if (value[0] == '\0' && !inputs_is_wrong(rd, id))
        inputs_problem(rd, ERR_INPUT, id, 0, "got nothing, wants %s", wants);
}

/* ---- SSH ---- */

/*
 * Tell what a parser of pins or keys said. Its text begins with the name of the input as it knows it; here it may be the
 * jump host's.
 */
static void tell(struct inputs_reading *rd, const struct err *e, const char *known_as, const char *id)
{
    char text[ERR_TEXT_MAX];
    const char *rest = err_text(e, text, sizeof(text));
    bool first = rd->result == 0;
    unsigned line = 0;
    if (strncmp(rest, known_as, strlen(known_as)) == 0) {
        rest += strlen(known_as);
        int used = 0;
        if (sscanf(rest, " line %9u%n", &line, &used) == 1)
            rest += used;
        rest += strspn(rest, ": ");
    }
    inputs_problem(rd, e->kind, id, line, "%s", rest);
    if (first && e->hint[0])
        err_hint(rd->err, "%s", e->hint);
}

struct pin_ids {
    const char *fingerprint, *known_hosts;
};

static void refuse_no_pin(struct inputs_reading *rd, const struct ssh_target *t, const struct pin_ids *ids,
                          const struct hostpins *pins)
{
    bool first = rd->result == 0;
    if (pins->given)
        inputs_problem(rd, ERR_NO_PIN, t->fingerprints[0] ? ids->fingerprint : ids->known_hosts, 0,
                       "holds no key of %.100s port %d; wants a line for exactly this host", t->host, t->port);
    else
        inputs_problem(rd, ERR_NO_PIN, ids->fingerprint, 0,
                       "got nothing, and %s is empty too; wants the SHA256 fingerprint of the "
                       "host's key (without a pin "
                       "nobody can tell the host from an impostor)",
                       ids->known_hosts);
    if (first)
        err_hint(rd->err,
                 "On the host, `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints it; an "
                 "EC2 instance prints it "
                 "at first boot (console output). From a network you trust: `ssh-keyscan -p %d "
                 "%.64s | ssh-keygen -lf "
                 "-`. Put the SHA256:… into %s.",
                 t->port, t->host[0] && !instance_is_named(t->host) ? t->host : "HOST", ids->fingerprint);
}

/*
 * The pins as the connection will read them: both inputs are well-formed, and one of them is for this host, unless pins
 * are fetched later.
 */
static int check_pins(struct inputs_reading *rd, const struct ssh_target *t, const struct pin_ids *ids, bool may_lack)
{
    struct hostpins pins;
    struct err e = { 0 };
    const char *host = t->host[0] ? t->host : "host.invalid"; /* form can be checked without it */
    int r = hostpins_parse(span_of(t->fingerprints), span_of(t->known_hosts), host, t->port, &pins, &e);
    if (r == -ERR_INPUT) {
        bool of_fingerprint = strncmp(e.frame[0].text, "host-fingerprint", 16) == 0;
        tell(rd, &e, of_fingerprint ? "host-fingerprint" : "known-hosts",
             of_fingerprint ? ids->fingerprint : ids->known_hosts);
        r = 0;
    } else if (r == 0 && pins.len == 0 && !may_lack && (t->host[0] || !pins.given)) {
        refuse_no_pin(rd, t, ids, &pins);
    }
    hostpins_done(&pins);
    return r < 0 ? err_set(rd->err, ERR_NOMEM, 0, "read the host key pins: out of memory") : 0;
}

static int check_key(struct inputs_reading *rd, const struct ssh_target *t, const char *id)
{
    struct sshkey key;
    struct err e = { 0 };
    int r = sshkey_parse(span_of(t->key), t->passphrase[0] != '\0', &key, &e);
    sshkey_done(&key);
    if (r == -ERR_NOMEM)
        return err_set(rd->err, ERR_NOMEM, 0, "read input '%s': out of memory", id);
    if (r < 0)
        tell(rd, &e, "ssh-key", id);
    return 0;
}

static int copy_if_empty(char **field, const char *from, struct err *err)
{
    return (*field)[0] ? 0 : spec_set_str(field, from, err);
}

static int finish_jump(struct inputs_reading *rd)
{
    const struct ssh_target *target = &rd->in->target;
    struct ssh_target *jump = &rd->in->jump;
    if (jump->host[0] == '\0')
        return 0;
    static const struct pin_ids ids = { "jump-fingerprint", "jump-known-hosts" };
    int r = copy_if_empty(&jump->user, target->user, rd->err);
    if (r == 0 && jump->key[0]) {
        r = check_key(rd, jump, "jump-key");
    } else if (r == 0) {
        /* the passphrase belongs to the key: it comes along unless another is given */
        r = spec_set_str(&jump->key, target->key, rd->err);
        if (r == 0)
            r = copy_if_empty(&jump->passphrase, target->passphrase, rd->err);
    }
    if (r == 0 && jump->fingerprints[0] == '\0')
        r = copy_if_empty(&jump->known_hosts, target->known_hosts, rd->err);
    return r < 0 ? r : check_pins(rd, jump, &ids, false);
}

static int finish_ssh(struct inputs_reading *rd)
{
    static const struct pin_ids ids = { "host-fingerprint", "known-hosts" };
    const struct ssh_target *t = &rd->in->target;
    require(rd, "host", t->host, "the name or address of the host to deploy to");
    int r = t->key[0] ? check_key(rd, t, "ssh-key") : 0;
    if (r == 0)
        r = check_pins(rd, t, &ids, inputs_pins_from_aws(rd->in));
    if (r == 0)
        inputs_finish_aws(rd); /* before the jump host takes over what is the host's */
    return r < 0 ? r : finish_jump(rd);
}

/* ---- ports, registry ---- */

static void finish_ports(struct inputs_reading *rd)
{
    struct spec *s = &rd->in->spec;
    bool deploy = inputs_has_settings(rd->in);
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
    if (deploy && !fits && !inputs_is_wrong(rd, "port") && !inputs_is_wrong(rd, "spare-port"))
        inputs_problem(rd, ERR_INPUT, "spare-port", 0,
                       "got '%" PRId64 "', wants a neighbour of port: %" PRId64 " or %" PRId64, s->spare_port,
                       s->port + 1, s->port - 1);
}

static void finish_registry(struct inputs_reading *rd)
{
    const struct spec *s = &rd->in->spec;
    if (s->registry_username[0] && !s->registry_password[0])
        require(rd, "registry-password", "", "the password or token that belongs to registry-username");
    if (!s->registry_username[0] && s->registry_password[0])
        require(rd, "registry-username", "", "the user that belongs to registry-password");
}

/* ---- environment of the container ---- */

/* Path of the env file with every link resolved, heap. NULL: not there or outside (told). */
static char *resolve_env_file(struct inputs_reading *rd, const char *path)
{
    char joined[PATH_MAX];
    const char *base = rd->env(rd->ctx, "GITHUB_WORKSPACE");
    if (!base || base[0] == '\0')
        base = ".";
    int n = snprintf(joined, sizeof(joined), "%s%s%s", path[0] == '/' ? "" : base, path[0] == '/' ? "" : "/", path);
    _cleanup_(free_p) char *root = realpath(base, NULL);
    _cleanup_(free_p) char *real = n > 0 && (size_t)n < sizeof(joined) ? realpath(joined, NULL) : NULL;
    if (!root || !real) {
        inputs_problem(rd, ERR_INPUT, "env-file", 0,
                       "got '%.200s': %s; wants a file of the workspace (is there a checkout step "
                       "before this one?)",
                       path, strerror(errno));
        return NULL;
    }
    size_t len = strlen(root);
    bool inside = strncmp(real, root, len) == 0 && (real[len] == '/' || strcmp(root, "/") == 0);
    if (!inside) { /* a link in a checked-out branch must not reach the runner's own files */
        inputs_problem(rd, ERR_INPUT, "env-file", 0,
                       "got '%.200s', which leads out of the workspace; wants a file in it", path);
        return NULL;
    }
    return TAKE_PTR(real);
}

/* The whole file, bounded. 1: not readable (told). */
static int slurp_env_file(struct inputs_reading *rd, const char *real, struct buf *text)
{
    struct stat st;
    _cleanup_(close_p) int fd = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0) {
        inputs_problem(rd, ERR_INPUT, "env-file", 0, "got '%.200s': %s; wants a readable file", rd->in->env_file,
                       strerror(errno));
        return 1;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > ENV_FILE_MAX) {
        inputs_problem(rd, ERR_INPUT, "env-file", 0, "got '%.200s', wants a regular file of at most %d bytes",
                       rd->in->env_file, ENV_FILE_MAX);
        return 1;
    }
    if (fd_read(fd, text) < 0) {
        inputs_problem(rd, ERR_INPUT, "env-file", 0, "got '%.200s', which cannot be read: %s", rd->in->env_file,
                       text->failed ? "it grows while it is read" : strerror(errno));
        return 1;
    }
    return 0;
}

/* env wins over the file, secret-env too: the file holds what is usual, the inputs what is meant now. */
static int merge_env_file(struct inputs_reading *rd, const struct strlist *from_file)
{
    struct spec *s = &rd->in->spec;
    struct strlist merged = { 0 };
    int r = 0;
    for (size_t i = 0; r == 0 && i < from_file->len; i++) {
        struct span key = inputs_key_of(from_file->items[i]);
        bool set_again =
            inputs_find_key(&s->env, key) < s->env.len || inputs_find_key(&s->secret_env, key) < s->secret_env.len;
        if (!set_again)
            r = strlist_add(&merged, span_of(from_file->items[i]), rd->err);
    }
    for (size_t i = 0; r == 0 && i < s->env.len; i++)
        r = strlist_add(&merged, span_of(s->env.items[i]), rd->err);
    if (r < 0) {
        strlist_done(&merged);
        return r;
    }
    if (merged.len > INPUTS_LIST_MAX)
        inputs_problem(rd, ERR_INPUT, "env-file", 0, "together with env sets %zu variables, wants at most %d",
                       merged.len, INPUTS_LIST_MAX);
    strlist_done(&s->env);
    s->env = merged;
    return 0;
}

static int read_env_file(struct inputs_reading *rd)
{
    _cleanup_(free_p) char *real = resolve_env_file(rd, rd->in->env_file);
    if (!real)
        return 0;
    _cleanup_(buf_done) struct buf text = BUF_INIT(ENV_FILE_MAX);
    if (slurp_env_file(rd, real, &text) > 0)
        return 0;
    if (!span_is_utf8(buf_span(&text))) {
        inputs_problem(rd, ERR_INPUT, "env-file", 0, "got '%.200s', whose content is not UTF-8 text", rd->in->env_file);
        return 0;
    }
    struct strlist from_file = { 0 };
    int r = inputs_read_env_text(rd, inputs_row_of("env-file"), buf_span(&text), true, &from_file);
    if (r == 0)
        r = merge_env_file(rd, &from_file);
    strlist_done(&from_file);
    return r;
}

static int finish_env(struct inputs_reading *rd)
{
    const struct spec *s = &rd->in->spec;
    for (size_t i = 0; i < s->secret_env.len; i++) {
        struct span key = inputs_key_of(s->secret_env.items[i]);
        if (inputs_find_key(&s->env, key) < s->env.len)
            inputs_problem(rd, ERR_INPUT, "secret-env", 0, "sets %.*s, which env sets too; keep it in one of them",
                           (int)key.len, key.ptr);
    }
    if (rd->in->env_file[0] && inputs_has_settings(rd->in))
        return read_env_file(rd);
    return 0;
}

/* ---- who runs this ---- */

/* Value of a variable when it is plain enough for a log line; "" otherwise. */
static const char *plain_env(struct inputs_reading *rd, const char *name)
{
    const char *value = rd->env(rd->ctx, name);
    size_t len = value ? strlen(value) : 0;
    if (len == 0 || len > 200)
        return "";
    for (size_t i = 0; i < len; i++)
        if (value[i] <= ' ' || value[i] >= 0x7f)
            return "";
    return value;
}

static int finish_origin(struct inputs_reading *rd)
{
    const char *server = plain_env(rd, "GITHUB_SERVER_URL");
    const char *repository = plain_env(rd, "GITHUB_REPOSITORY");
    const char *run = plain_env(rd, "GITHUB_RUN_ID");
    const char *actor = plain_env(rd, "GITHUB_ACTOR");
    char link[LINK_MAX] = "";
    if (!actor[0])
        actor = plain_env(rd, "USER");
    if (repository[0] && run[0]) {
        (void)snprintf(link, sizeof(link), "%s/%s/actions/runs/%s", server[0] ? server : "https://github.com",
                       repository, run); /* cut when overlong: it is for people */
    } else {
        char machine[HOST_NAME_MAX + 1] = "";
        if (gethostname(machine, sizeof(machine) - 1) < 0)
            machine[0] = '\0';
        (void)snprintf(link, sizeof(link), "%s@%s", actor[0] ? actor : "someone", machine[0] ? machine : "unknown");
    }
    int r = spec_set_str(&rd->in->run_link, link, rd->err);
    if (r == 0)
        r = spec_set_str(&rd->in->spec.run_link, link, rd->err);
    if (r == 0)
        r = spec_set_str(&rd->in->actor, actor, rd->err);
    return r;
}

int inputs_finish(struct inputs_reading *rd)
{
    const struct spec *s = &rd->in->spec;
    int r = finish_ssh(rd);
    if (r < 0)
        return r;
    require(rd, "app", s->app, "the name of the application, such as shop-api");
    if (rd->in->command == COMMAND_DEPLOY)
        require(rd, "image", s->image, "the image to deploy, such as registry.example.com/team/app:1.4.2");
    if (rd->in->command == COMMAND_PLAN)
        require(rd, "image", s->image, "the image whose deployment is to be planned");
    if (rd->in->command == COMMAND_BUNDLE)
        require(rd, "of", rd->in->of, "the id of the deployment whose bundle is wanted");
    finish_ports(rd);
    finish_registry(rd);
    r = finish_env(rd);
    return r < 0 ? r : finish_origin(rd);
}
