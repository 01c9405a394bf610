#include "shared/cli/cli.h"
#include "shared/outcome.h"

/* Contract: README "Exit codes" has the same words; codes and names are those of shared/err.c and shared/outcome.c. */
/* clang-format off */
static const struct {
    int kind; /* enum err_kind; below 0: -1 - enum outcome */
    const char *meaning;
} meanings[] = {
#define OF(outcome) (-1 - (int)(outcome))
    { OF(OUTCOME_DEPLOYED), "The new version serves, or nothing was to be done. Also a rollback that was asked for and worked." },
    { ERR_INPUT, "An input is missing or wrong; nothing was connected to." },
    { ERR_NO_PIN, "Neither host-fingerprint nor known-hosts holds a key of the host, nor does AWS (aws-host-keys)." },
    { ERR_HOST_KEY, "The host showed a key that matches no pin or is revoked; no login was attempted." },
    { ERR_UNREACHABLE, "No connection to the host." },
    { ERR_TIMEOUT, "The host stayed silent." },
    { ERR_AUTH, "The host refused user and key." },
    { ERR_KEY, "The private key cannot be used: form or passphrase." },
    { ERR_INSTALL, "The agent cannot be put on the host: home is noexec or full, or the architecture is unknown." },
    { OF(OUTCOME_ROLLED_BACK), "The deployment failed; the previous version serves again." },
    { OF(OUTCOME_FAILED_UNTOUCHED), "The deployment failed before production was touched, for a cause without a code of its own." },
    { OF(OUTCOME_ROLLBACK_FAILED), "The deployment failed and so did the way back: a person is needed." },
    { OF(OUTCOME_UNKNOWN), "The connection was lost for good before the end was told: ask with command: status." },
    { ERR_LOCKED, "Another deployment of this app holds the lock." },
    { ERR_NET, "An established connection failed." },
    { ERR_PROTO, "The other side said something that the protocol does not allow." },
    { ERR_IO, "A file could not be read or written." },
    { ERR_NOMEM, "Out of memory, or something was larger than its limit." },
    { ERR_CANCEL, "Cancelled before anything was changed." },
    { ERR_DOCKER_MISSING, "No Docker Engine answers on the host." },
    { ERR_DOCKER_DENIED, "The user may not use the Docker Engine." },
    { ERR_DOCKER, "The Docker Engine answered with an error." },
    { ERR_DISK_FULL, "Not enough free space on the host." },
    { ERR_IMAGE_MISSING, "The registry has no such image, or does not show it to us." },
    { ERR_REGISTRY_AUTH, "The registry refused the credentials." },
    { ERR_REGISTRY, "The registry cannot be reached or failed." },
    { ERR_PORT_TAKEN, "The port belongs to something else." },
    { ERR_PLATFORM, "The image is for another architecture." },
    { ERR_APP_EXITED, "The new container ended by itself." },
    { ERR_UNHEALTHY, "The new container runs but does not pass its checks." },
    { ERR_VERIFY, "verify-url did not answer as wanted." },
    { ERR_NO_PREVIOUS, "There is nothing to roll back to." },
    { ERR_KPI, "The new version serves; a duration is critical and fail-on-kpi is true." },
    { ERR_REMOTE, "The agent failed in another way." },
    { ERR_ARTIFACT, "The new version serves; its bundle could not be uploaded and upload-artifact is required." },
    { ERR_AWS, "An AWS service answered with an error." },
    { ERR_AWS_CREDENTIALS, "No AWS credentials were found, or AWS does not accept them." },
    { ERR_AWS_DENIED, "The AWS credentials may not do what is needed." },
    { ERR_INSTANCE, "The EC2 instance does not exist, does not run, or several match." },
    { ERR_IMAGE_FINDINGS, "The scan of the image found what fail-on-severity does not allow." },
    { ERR_REGISTRY_EXPIRED, "The registry's token had expired." },
    { ERR_AUDIT, "The audit log on the host is not whole." },
    { ERR_NOT_FOUND, "The container or the deployment that was asked for is not on the host." },
    { ERR_BUG, "A mistake of the action itself; please report it." },
#undef OF
};
/* clang-format on */

static int code_of(int kind)
{
    return kind < 0 ? outcome_exit_code((enum outcome)(-1 - kind), false, ERR_OK)
                    : err_kind_exit_code((enum err_kind)kind);
}

static void add_name(struct buf *names, const char *name)
{
    buf_addf(names, "%s%s", names->len ? ", " : "", name);
}

bool cli_exit_code(size_t i, int *code, struct buf *names, const char **meaning)
{
    if (i >= sizeof(meanings) / sizeof(meanings[0]))
        return false;
    *code = code_of(meanings[i].kind);
    *meaning = meanings[i].meaning;
    for (int o = OUTCOME_UNKNOWN; o <= OUTCOME_REPORTED; o++)
        if (code_of(-1 - o) == *code)
            add_name(names, outcome_name((enum outcome)o));
    for (int k = ERR_OK + 1; k < ERR_KINDS; k++)
        if (code_of(k) == *code)
            add_name(names, err_kind_name((enum err_kind)k));
    return true;
}
