#include "cmd/inputs/inputs_finish.h"

#include "cmd/aws/instance.h"
#include "cmd/inputs/inputs_aws.h"
#include "cmd/ssh/hostpin.h"
#include "cmd/ssh/sshkey.h"
#include "shared/fd.h"
#include "shared/settings/settings_parse.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>

#define LINK_MAX 290 /* of run_link: WIRE_REQUEST's field is 300 */

/* ---- SSH ---- */

/*
 * Tell what a parser of pins or keys said. Its text begins with the name of the input as it knows it; here it may be the
 * jump host's.
 */
static void tell(struct settings_reading *rd, const struct err *e, const char *known_as, const char *id)
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
    settings_problem(rd, e->kind, id, line, "%s", rest);
    if (first && e->hint[0])
        err_hint(rd->err, "%s", e->hint);
}

struct pin_ids {
    const char *fingerprint, *known_hosts;
    const char *file; /* a person's own, which was looked into; NULL none */
};

static void refuse_no_pin(struct settings_reading *rd, const struct ssh_target *t, const struct pin_ids *ids,
                          const struct hostpins *pins)
{
    bool first = rd->result == 0;
    if (ids->file && t->host[0])
        settings_problem(
            rd, ERR_NO_PIN, ids->fingerprint, 0,
            "got nothing, and '%.200s' has no line for %.100s port %d; wants the SHA256 fingerprint of the host's "
            "key (without a pin nobody can tell the host from an impostor)",
            ids->file, t->host, t->port);
    else if (pins->given)
        settings_problem(rd, ERR_NO_PIN, t->fingerprints[0] ? ids->fingerprint : ids->known_hosts, 0,
                         "holds no key of %.100s port %d; wants a line for exactly this host", t->host, t->port);
    else
        settings_problem(rd, ERR_NO_PIN, ids->fingerprint, 0,
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
static int check_pins(struct settings_reading *rd, const struct ssh_target *t, const struct pin_ids *ids, bool may_lack)
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

static int check_key(struct settings_reading *rd, const struct ssh_target *t, const char *id)
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

static int finish_jump(struct settings_reading *rd, const char *pins_file)
{
    const struct ssh_target *target = &inputs_of(rd)->target;
    struct ssh_target *jump = &inputs_of(rd)->jump;
    if (jump->host[0] == '\0')
        return 0;
    const struct pin_ids ids = { "jump-fingerprint", "jump-known-hosts", pins_file };
    int r = copy_if_empty(&jump->user, target->user, rd->err);
    if (r == 0 && jump->key[0]) {
        r = check_key(rd, jump, "jump-key");
    } else if (r == 0) {
        /* the passphrase belongs to the key: it comes along unless another is given */
        r = spec_set_str(&jump->key, target->key, rd->err);
        if (r == 0)
            r = spec_set_str(&jump->agent, target->agent, rd->err);
        if (r == 0)
            r = copy_if_empty(&jump->passphrase, target->passphrase, rd->err);
    }
    if (r == 0 && jump->fingerprints[0] == '\0')
        r = copy_if_empty(&jump->known_hosts, target->known_hosts, rd->err);
    return r < 0 ? r : check_pins(rd, jump, &ids, false);
}

static int finish_ssh(struct settings_reading *rd, const char *pins_file)
{
    const struct pin_ids ids = { "host-fingerprint", "known-hosts", pins_file };
    const struct ssh_target *t = &inputs_of(rd)->target;
    settings_require(rd, "host", t->host, "the name or address of the host to deploy to");
    int r = t->key[0] ? check_key(rd, t, "ssh-key") : 0;
    if (r == 0)
        r = check_pins(rd, t, &ids, inputs_pins_from_aws(inputs_of(rd)));
    if (r == 0)
        inputs_finish_aws(rd); /* before the jump host takes over what is the host's */
    return r < 0 ? r : finish_jump(rd, pins_file);
}

/* ---- who runs this ---- */

/* Value of a variable when it is plain enough for a log line; "" otherwise. */
static const char *plain_env(const struct inputs_source *source, const char *name)
{
    const char *value = source->env(source->ctx, name);
    size_t len = value ? strlen(value) : 0;
    if (len == 0 || len > 200)
        return "";
    for (size_t i = 0; i < len; i++)
        if (value[i] <= ' ' || value[i] >= 0x7f)
            return "";
    return value;
}

static int finish_origin(struct settings_reading *rd, const struct inputs_source *source)
{
    const char *server = plain_env(source, "GITHUB_SERVER_URL");
    const char *repository = plain_env(source, "GITHUB_REPOSITORY");
    const char *run = plain_env(source, "GITHUB_RUN_ID");
    const char *actor = plain_env(source, "GITHUB_ACTOR");
    char link[LINK_MAX] = "";
    if (!actor[0])
        actor = plain_env(source, "USER");
    if (repository[0] && run[0]) {
        (void)snprintf(link, sizeof(link), "%s/%s/actions/runs/%s", server[0] ? server : "https://github.com",
                       repository, run); /* cut when overlong: it is for people */
    } else {
        char machine[HOST_NAME_MAX + 1] = "";
        if (gethostname(machine, sizeof(machine) - 1) < 0)
            machine[0] = '\0';
        (void)snprintf(link, sizeof(link), "%s@%s", actor[0] ? actor : "someone", machine[0] ? machine : "unknown");
    }
    int r = spec_set_str(&inputs_of(rd)->run_link, link, rd->err);
    if (r == 0)
        r = spec_set_str(&inputs_of(rd)->spec.run_link, link, rd->err);
    if (r == 0)
        r = spec_set_str(&inputs_of(rd)->actor, actor, rd->err);
    return r;
}

int inputs_finish(struct settings_reading *rd, const struct inputs_source *source)
{
    const char *workspace = source->env(source->ctx, "GITHUB_WORKSPACE");
    int r = spec_set_str(&inputs_of(rd)->target.agent, source->agent ? source->agent : "", rd->err);
    if (r == 0)
        r = finish_ssh(rd, source->pins_path);
    if (r < 0)
        return r;
    if (!source->by_hand)
        rd->workspace = workspace && *workspace ? workspace : ".";
    else
        rd->folder = source->env_folder;
    r = settings_finish(rd, inputs_op(inputs_of(rd)->command));
    return r < 0 ? r : finish_origin(rd, source);
}
