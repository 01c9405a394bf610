#include "cmd/aws/hostkeys.h"

#include "cmd/aws/accountcall.h"
#include "cmd/aws/consolekeys.h"
#include "cmd/aws/hostkeytext.h"
#include "cmd/aws/instance.h"
#include "cmd/ssh/hostpin.h"

#define PARAMETER_NAME_MAX 1100 /* 1011 characters, or an ARN of as many and some */
#define PARAMETER_VALUE_MAX 16384
#define WHY_MAX 90
#define CALL_TIMEOUT_MS 20000
#define SHOWN_MAX 16 /* pins in the log */

struct search {
    struct stage *stage;
    struct hostkeytext_host host;
    struct buf fingerprints, known_hosts;
    char parameter[PARAMETER_NAME_MAX]; /* its name */
    char why[WHY_MAX];                  /* of a place where nothing is */
};

/* 0: there they are; 1: not there, `why` says in a few words how; -kind: something else is there, or nobody knows. */
typedef int look_fn(struct search *search, struct err *err);

/* ---- tag ---- */

static int look_at_tag(struct search *search, struct err *err)
{
    const struct instance *i = search->stage->instance;

    if (!i->host_keys[0]) {
        (void)snprintf(search->why, sizeof(search->why), "not set");
        return 1;
    }
    return hostkeytext_parse(span_of(i->host_keys), &search->host, &search->fingerprints, &search->known_hosts, err);
}

/* ---- parameter ---- */

static int read_parameter(struct search *search, const struct json *answer, struct err *err)
{
    const struct json *parameter = json_get(answer, "Parameter");
    const char *type = json_str(parameter, "Type", ""), *value = json_str(parameter, "Value", "");

    if (strcmp(type, "SecureString") == 0) {
        (void)err_set(err, ERR_NO_PIN, 0, "it is of type SecureString, whose value is encrypted");
        err_hint(err, "Fingerprints are no secret: publish them with --type String (aws ssm delete-parameter first).");
        return -ERR_NO_PIN;
    }
    if (strlen(value) > PARAMETER_VALUE_MAX)
        return err_set(err, ERR_NO_PIN, 0, "it has more than %d bytes", PARAMETER_VALUE_MAX);
    return hostkeytext_parse(span_of(value), &search->host, &search->fingerprints, &search->known_hosts, err);
}

static int look_at_parameter(struct search *search, struct err *err)
{
    _cleanup_(json_free_p) struct json *question = json_object(), *answer = NULL;
    _cleanup_(buf_done_p) struct buf body = BUF_INIT(4 * PARAMETER_NAME_MAX);
    int r;

    json_set_str(question, "Name", search->parameter);
    json_set_bool(question, "WithDecryption", false);
    r = json_print(question, &body, err);
    if (r == 0)
        r = account_call(search->stage,
                         &(struct aws_request){ .op = AWS_SSM_GET_PARAMETER,
                                                .region = search->stage->instance->region,
                                                .body = buf_span(&body),
                                                .timeout_ms = CALL_TIMEOUT_MS },
                         &answer, err);
    if (r == -ERR_AWS && aws_error_is(account_aws(search->stage->account), "ParameterNotFound")) {
        err_clear(err);
        (void)snprintf(search->why, sizeof(search->why), "there is none");
        return 1;
    }
    return r < 0 ? r : read_parameter(search, answer, err);
}

/* ---- console ---- */

static void without_blanks(const char *text, struct buf *out)
{
    for (; *text; text++)
        if (!strchr(" \t\r\n", *text))
            buf_addc(out, *text);
}

/* The text, appended to out; nothing when there is none yet. */
static int get_console(struct search *search, bool latest, struct buf *out, struct err *err)
{
    const struct instance *i = search->stage->instance;
    _cleanup_(buf_done_p) struct buf base64 = BUF_INIT(2 * CONSOLEKEYS_TEXT_MAX);
    _cleanup_(xml_free_p) struct xml *answer = NULL;
    struct aws_form form;
    int r;

    aws_form_init(&form, AWS_EC2_GET_CONSOLE_OUTPUT);
    aws_form_add(&form, "InstanceId", i->id);
    if (latest)
        aws_form_add(&form, "Latest", "true");
    r = account_query(search->stage,
                      &(struct aws_request){ .op = AWS_EC2_GET_CONSOLE_OUTPUT,
                                             .region = i->region,
                                             .body = buf_span(&form.text),
                                             .timeout_ms = CALL_TIMEOUT_MS },
                      &answer, err);
    aws_form_done(&form);
    if (r < 0)
        return r;
    without_blanks(xml_str(xml_root(answer), "output"), &base64);
    if (buf_check(&base64, err) < 0 || crypto_base64_decode(buf_span(&base64), out, err) < 0)
        return err_wrap(err, "read the console's text");
    return 0;
}

/* As consolekeys_parse(). */
static int read_console(struct search *search, bool latest, struct err *err)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(CONSOLEKEYS_TEXT_MAX);
    int r = get_console(search, latest, &text, err);

    return r < 0 ? r : consolekeys_parse(buf_span(&text), &search->fingerprints, err);
}

/*
 * What the console shows now, which EC2 has of Nitro instances only; else what it kept of the last boot, which may reach
 * further back.
 */
static int look_at_console(struct search *search, struct err *err)
{
    int r = read_console(search, true, err);

    if (r == 1 || r == -ERR_AWS) {
        err_clear(err);
        r = read_console(search, false, err);
    }
    if (r == 1)
        (void)snprintf(search->why, sizeof(search->why), "no host keys in it");
    if (r == -ERR_PROTO)
        err->kind = ERR_NO_PIN;
    return err->kind == ERR_NO_PIN ? -ERR_NO_PIN : r;
}

/* ---- places ---- */

static const struct place {
    const char *word; /* of input aws-host-keys */
    const char *title;
    look_fn *look;
    bool parameter;
} PLACES[] = {
    { "tag", "tag " INSTANCE_HOST_KEYS_TAG, look_at_tag, false },
    { "parameter", "parameter", look_at_parameter, true },
    { "console", "console output", look_at_console, false },
};
#define PLACES_LEN (sizeof(PLACES) / sizeof(PLACES[0]))

/* What only means that this place cannot be asked: the next one may have them. It may be weaker: a warning tells. */
static bool may_go_on(int result)
{
    return result == -ERR_AWS_DENIED || result == -ERR_AWS || result == -ERR_UNREACHABLE || result == -ERR_TIMEOUT ||
           result == -ERR_NET;
}

static void describe(const struct search *search, const struct place *place, char *out, size_t size)
{
    (void)snprintf(out, size, "%s%s%.60s", place->title, place->parameter ? " " : "",
                   place->parameter ? search->parameter : "");
}

/* The place's errors are told in the log, since the search goes on. */
static void note_failure(struct search *search, const char *what, struct err *err)
{
    char text[600];

    github_annotate(search->stage->g, GITHUB_WARNING, "Host keys",
                    "The %s %s, so the next place decides: %s. Name the place that counts in aws-host-keys.", what,
                    err->kind == ERR_AWS_DENIED ? "may not be read" : "cannot be read",
                    err_text(err, text, sizeof(text)));
    (void)snprintf(search->why, sizeof(search->why), "%s",
                   err->kind == ERR_AWS_DENIED ? "may not be read" : "cannot be read");
    err_clear(err);
}

static void hint_publish(const struct search *search, struct err *err)
{
    const struct instance *i = search->stage->instance;

    err_hint(err,
             "Once, on the host: aws ssm put-parameter --region %s --name %s%s --type String --value \"$(cat "
             "/etc/ssh/ssh_host_*_key.pub | ssh-keygen -lf -)\" (then the role needs ssm:GetParameter). Or put what "
             "ssh-keygen prints into host-fingerprint.",
             i->region, HOSTKEYS_PARAMETER_PREFIX, i->id);
}

static int refuse_none(const struct search *search, const char *looked_at, struct err *err)
{
    (void)err_set(err, ERR_NO_PIN, 0, "nothing pins the host key of %s; looked at: %s", search->stage->instance->id,
                  looked_at);
    hint_publish(search, err);
    return -ERR_NO_PIN;
}

/* One of the places, or all of them in order. *ret: where they were. */
static int search_places(struct search *search, const char *only, const struct place **ret, struct err *err)
{
    char looked_at[280] = "", what[90];
    size_t used = 0;

    for (size_t k = 0; k < PLACES_LEN; k++) {
        const struct place *place = &PLACES[k];
        if (only && strcmp(only, place->word) != 0)
            continue;
        describe(search, place, what, sizeof(what));
        int r = place->look(search, err);
        if (r == 0) {
            *ret = place;
            return 0;
        }
        if (r < 0 && (only || !may_go_on(r))) {
            if (r == -ERR_NO_PIN)
                hint_publish(search, err);
            return err_wrap(err, "host keys from the %s", what);
        }
        if (r < 0)
            note_failure(search, what, err);
        if (used < sizeof(looked_at))
            used += (size_t)snprintf(looked_at + used, sizeof(looked_at) - used, "%s%s (%s)", used ? ", " : "", what,
                                     search->why);
    }
    return refuse_none(search, looked_at, err);
}

/* ---- the pins ---- */

static void show(const struct search *search, const struct place *place, const struct hostpins *pins)
{
    char what[90], text[HOSTPIN_FINGERPRINT_SIZE];

    describe(search, place, what, sizeof(what));
    github_line(search->stage->g, "host keys from the %s of %s:", what, search->stage->instance->id);
    for (size_t i = 0; i < pins->len && i < SHOWN_MAX; i++) {
        const struct hostpin *pin = &pins->items[i];
        hostpin_fingerprint(pin->sha256, text);
        github_line(search->stage->g, "  %s%s%s", text, pin->types ? " " : "",
                    pin->revoked ? "(revoked)"
                    : pin->types ? hostpin_type_name(pin->types)
                                 : "");
    }
    if (pins->len > SHOWN_MAX)
        github_line(search->stage->g, "  and %zu more", pins->len - SHOWN_MAX);
}

static int take(struct search *search, const struct place *place, struct err *err)
{
    struct ssh_target *t = &search->stage->in.target;
    struct hostpins pins;
    int r = buf_check(&search->fingerprints, err);

    if (r == 0)
        r = buf_check(&search->known_hosts, err);
    if (r == 0)
        r = hostpins_parse(buf_span(&search->fingerprints), buf_span(&search->known_hosts), t->host, t->port, &pins,
                           err);
    else
        pins = (struct hostpins){ 0 };
    if (r == 0 && !hostpins_usable(&pins))
        r = err_set(err, ERR_NO_PIN, 0, "what is published for %s holds no key that may be used",
                    search->stage->instance->id);
    if (r == 0)
        show(search, place, &pins);
    hostpins_done(&pins);
    if (r == 0)
        r = spec_set_str(&t->fingerprints, buf_str(&search->fingerprints), err);
    return r == 0 ? spec_set_str(&t->known_hosts, buf_str(&search->known_hosts), err) : r;
}

/* "auto" and "parameter" of parameter:NAME; the name into search->parameter. */
static const char *which_place(struct search *search, const char *input)
{
    static const char word[] = "parameter:";
    bool named = strncmp(input, word, sizeof(word) - 1) == 0;

    if (named)
        (void)snprintf(search->parameter, sizeof(search->parameter), "%s", input + sizeof(word) - 1);
    else
        (void)snprintf(search->parameter, sizeof(search->parameter), HOSTKEYS_PARAMETER_PREFIX "%s",
                       search->stage->instance->id);
    return named ? "parameter" : !*input || strcmp(input, "auto") == 0 ? NULL : input;
}

/* Does known-hosts say something of a host of this name? */
static int is_known(const struct search *search, const char *name, bool *ret, struct err *err)
{
    const struct ssh_target *t = &search->stage->in.target;
    struct hostpins pins;
    int r = hostpins_parse(span_of(""), span_of(t->known_hosts), name, t->port, &pins, err);

    *ret = pins.len > 0;
    hostpins_done(&pins);
    return r;
}

/*
 * The instance's lines in known-hosts, given for its id or for the address that is connected to, count for this connection,
 * what they revoke too. 1: there are none, only the jump host's.
 */
static int take_known_hosts(struct search *search, struct err *err)
{
    struct ssh_target *t = &search->stage->in.target;
    const struct hostkeytext_host host = { .names = { t->host, search->stage->instance->id, t->address },
                                           .port = t->port };
    bool by_name = false, otherwise = false;
    int r = is_known(search, t->host, &by_name, err);

    for (size_t i = 1; r == 0 && !otherwise && i < HOSTKEYTEXT_NAMES_MAX; i++)
        if (host.names[i] && *host.names[i])
            r = is_known(search, host.names[i], &otherwise, err);
    if (r < 0 || !otherwise)
        return r < 0 ? r : !by_name;
    r = hostkeytext_parse(span_of(t->known_hosts), &host, &search->fingerprints, &search->known_hosts, err);
    if (r == -ERR_NO_PIN && t->fingerprints[0]) { /* they revoke only: host-fingerprint has the key */
        err_clear(err);
        r = 0;
    }
    if (r < 0)
        return err_wrap(err, "known-hosts for %s", search->stage->instance->id);
    return spec_set_str(&t->known_hosts, buf_str(&search->known_hosts), err);
}

int hostkeys_fetch(struct stage *s, struct err *err)
{
    const struct ssh_target *t = &s->in.target;
    struct search search = { .stage = s,
                             .fingerprints = BUF_INIT(HOSTPIN_TEXT_MAX / 2),
                             .known_hosts = BUF_INIT(HOSTPIN_TEXT_MAX / 2) };
    const struct place *place = NULL;
    int r;

    if (!s->instance)
        return 0;
    search.host = (struct hostkeytext_host){ .names = { t->host, s->instance->id, s->instance->public_ip,
                                                        s->instance->private_ip, s->instance->ipv6 },
                                             .port = t->port };
    r = *t->known_hosts ? take_known_hosts(&search, err) : 1;
    if (r == 1 && !t->fingerprints[0] && strcmp(s->in.aws.host_keys, "off") != 0) {
        r = search_places(&search, which_place(&search, s->in.aws.host_keys), &place, err);
        if (r == 0)
            r = take(&search, place, err);
    }
    buf_done(&search.fingerprints);
    buf_done(&search.known_hosts);
    return r < 0 ? r : 0;
}
