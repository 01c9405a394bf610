/*
 * What is to run: the settings of one deployment, as they travel from the action to the agent.
 *
 * One table (shared/spec.c) names every field once; encoding, strict decoding, the fingerprint and the copy without
 * secrets are loops over it. Units are in the names. Strings are never NULL after spec_init(); lists may be empty.
 */
#ifndef BLUEGREEN_SPEC_H
#define BLUEGREEN_SPEC_H

#include "json.h"
#include "kpi.h"
#include "strlist.h"

#define SPEC_APP_MAX 48 /* so that APP-blue and network names stay short; [a-z0-9][a-z0-9_.-]* */

struct spec {
    char *app;
    char *image; /* reference as the user gave it: [registry/]repo[:tag][@sha256:…] */
    char *registry_username;
    char *registry_password; /* secret */
    /*
     * Of an image in Amazon ECR: "auto" the host's own role, else registry_username and _password, which the runner then got from
     * ECR; "host-role"; "runner"; "" = as any other registry.
     */
    char *ecr_auth;
    char *fail_on_severity;   /* of the findings in ECR: off, low, medium, high, critical */
    int64_t image_size_bytes; /* to download, as the registry told the runner; 0 unknown */
    char *strategy;           /* "handover", "recreate" */
    int64_t port;             /* on the host */
    int64_t container_port;
    int64_t
        spare_port; /* handover: the candidate is checked there; port + 1 or port - 1; 0 = spec_spare_port() chooses */

    struct strlist env;        /* KEY=VALUE */
    struct strlist secret_env; /* KEY=VALUE; the values are secret */
    struct strlist volumes;    /* SRC:DST[:ro|rw] */
    struct strlist networks;   /* further networks to join, by name */
    struct strlist labels;     /* KEY=VALUE */
    struct strlist args;       /* command of the container; empty: the image's own */
    char *user;                /* "" = the image's */
    int64_t memory_bytes;      /* 0 = no limit */
    int64_t nano_cpus;         /* 10^-9 CPUs; 0 = no limit */
    bool read_only;
    char *restart_policy; /* no, always, unless-stopped, on-failure[:N] */
    int64_t stop_timeout_s;

    char *health_path;   /* "/health"; "" = a TCP connection is enough */
    int64_t health_port; /* in the container; 0 = container_port. Another port is asked at the container's address */
    char *health_status; /* "200", "200,204", "200-299" */
    char *health_body;   /* text the answer must contain; "" = any */
    int64_t health_retries;
    int64_t health_interval_ms;
    int64_t health_timeout_ms; /* for one probe */
    int64_t warm_up_ms;        /* the new version must answer this long without a failure before it is trusted */

    int64_t lock_timeout_ms;
    int64_t keep_hours;    /* green and old images are kept at least this long */
    int64_t keep_versions; /* images and records of so many good deployments are never pruned */
    int64_t log_retention_days;
    struct kpi_table kpi;
    char *run_link; /* who: link of the workflow run, or user@machine */
};

void spec_init(struct spec *s); /* defaults of every field; strings are allocated (no memory for that: abort) */
void spec_done(struct spec *s); /* zeroes every string; a zeroed or already ended spec is fine */
static inline void spec_done_p(struct spec *s)
{
    spec_done(s);
}

enum spec_secrets { SPEC_WITH_SECRETS, SPEC_WITHOUT_SECRETS };

/* spare_port, or when it is 0 the port after `port` (before it for 65535). */
int64_t spec_spare_port(const struct spec *s);

/* NULL-safe setter for the char * fields: frees the old value, copies the new. */
int spec_set_str(char **field, const char *value, struct err *err);

/* Without secrets: registry_password is left out and secret_env keeps its keys only ("KEY"). Owned by the caller. */
struct json *spec_to_json(const struct spec *s, enum spec_secrets secrets);

/*
 * Strict: unknown members, wrong types and out-of-range numbers are -ERR_INPUT naming the member; missing ones keep the
 * default, except app and image, which must be there. *s is initialised by this call; on failure it is done again.
 */
int spec_from_json(const struct json *j, struct spec *s, struct err *err);

/*
 * Hex SHA-256 over the fields that shape the container (image not included: the digest stands for it; timeouts,
 * thresholds and run_link neither). Equal fingerprints and digests mean `unchanged`. out: 65 bytes.
 */
int spec_fingerprint(const struct spec *s, char out[65], struct err *err);

/* Valid app name, KEY of KEY=VALUE lines, status list: used by inputs and by the agent's own check. */
bool spec_is_app_name(const char *s);
bool spec_is_env_line(const char *s); /* KEY=VALUE, KEY of [A-Za-z_][A-Za-z0-9_]*, value valid UTF-8 */
bool spec_is_status_list(
    const char *s); /* "200", "200,204", "200-299": codes 100 to 599, blanks around them are fine */
bool spec_status_matches(const char *list, int status);
bool spec_is_restart_policy(const char *s);
bool spec_is_image(const char *s); /* characters of an image reference only; its grammar is the engine's business */
bool spec_is_label(const char *s); /* KEY=VALUE, KEY not of io.bluegreen.* */
bool spec_is_network(const char *s);
bool spec_is_volume(const char *s); /* SRC:DST[:ro|rw], SRC an absolute path or a volume name, DST absolute, no ".." */

/* What spec_from_json() would refuse, for a spec made by hand: -ERR_INPUT naming the member. Secrets are not repeated. */
int spec_check(const struct spec *s, struct err *err);

/* Range of an integer field by its member name, for messages and for inputs. false: no such integer field. */
bool spec_int_range(const char *name, int64_t *min, int64_t *max);

/* Add every secret value of the spec (whole, and its lines) to the redactor. As redactor_add() when one does not fit. */
struct redactor;
int spec_register_secrets(const struct spec *s, struct redactor *r, struct err *err);

#endif
