#include "agent/watch/diagnosis.h"

#include <ctype.h>
#include <inttypes.h>
#include <strings.h>

#define PHRASES_MAX 24
#define ENDED_LINES 40   /* of the log of an app that ended: a stack trace may follow the line that matters */
#define RUNNING_LINES 12 /* of one that runs: older words may have been dealt with */

#define KIND(k) (UINT64_C(1) << (k))
#define APP (KIND(ERR_APP_EXITED) | KIND(ERR_UNHEALTHY))
#define START (KIND(ERR_DOCKER) | KIND(ERR_APP_EXITED) | KIND(ERR_PLATFORM))
#define EXITED KIND(ERR_APP_EXITED)
#define UNHEALTHY KIND(ERR_UNHEALTHY)

/* What a row wants; what it leaves out does not matter. */
struct rule {
    const char *code;
    const char *cause, *next; /* {port} {found} {status} {exit} {signal} {owner} are filled in */
    uint64_t kinds;           /* of the error; every row has some */
    const char *step;
    int exit_code;
    bool (*holds)(const struct diagnosis_facts *f);
    const char *error[PHRASES_MAX]; /* one of them in the error's text */
    const char *log[PHRASES_MAX];   /* one of them in the telling line of the app's log */
};

/* ---- conditions that no word tells ---- */

static enum probe_result last_probe(const struct diagnosis_facts *f)
{
    return f->probes ? f->probes->last : PROBE_NONE;
}

static int last_status(const struct diagnosis_facts *f)
{
    return last_probe(f) == PROBE_STATUS ? f->probes->last_status : 0;
}

static bool no_http_answer(const struct diagnosis_facts *f)
{
    return last_probe(f) != PROBE_STATUS && last_probe(f) != PROBE_BODY;
}

static bool out_of_memory(const struct diagnosis_facts *f)
{
    return f->container && f->container->oom_killed;
}

static bool restarted(const struct diagnosis_facts *f)
{
    return f->container && f->container->restart_count > 0;
}

static bool is_404(const struct diagnosis_facts *f)
{
    return f->cause->code == 404;
}

static bool redirects(const struct diagnosis_facts *f)
{
    return last_status(f) >= 300 && last_status(f) < 400;
}

static bool asks_for_login(const struct diagnosis_facts *f)
{
    return last_status(f) == 401 || last_status(f) == 403;
}

static bool has_no_such_path(const struct diagnosis_facts *f)
{
    return last_status(f) == 404 || last_status(f) == 410;
}

static bool refuses_the_request(const struct diagnosis_facts *f)
{
    return last_status(f) >= 400 && last_status(f) < 500 && last_status(f) != 429;
}

static bool reports_failure(const struct diagnosis_facts *f)
{
    return last_status(f) >= 500;
}

static bool answers_otherwise(const struct diagnosis_facts *f)
{
    return last_status(f) != 0;
}

static bool lacks_the_text(const struct diagnosis_facts *f)
{
    return last_probe(f) == PROBE_BODY;
}

static bool speaks_tls(const struct diagnosis_facts *f)
{
    return f->speaks_tls;
}

static bool is_no_http(const struct diagnosis_facts *f)
{
    return last_probe(f) == PROBE_NOT_HTTP;
}

static const struct socket_listener *listener(const struct diagnosis_facts *f)
{
    return f->listens && f->listens->known ? sockets_on(f->listens, f->port) : NULL;
}

static bool only_on_loopback(const struct diagnosis_facts *f)
{
    const struct socket_listener *l = listener(f);
    return no_http_answer(f) && l && l->loopback;
}

static const struct socket_listener *other_listener(const struct diagnosis_facts *f)
{
    bool known = f->listens && f->listens->known && !sockets_on(f->listens, f->port);
    const struct socket_listener *l = known && no_http_answer(f) ? sockets_elsewhere(f->listens, f->port) : NULL;
    return l && !l->loopback ? l : NULL; /* what only listens on loopback is a debugger or the like */
}

static bool on_another_port(const struct diagnosis_facts *f)
{
    return other_listener(f) != NULL;
}

static bool listens_nowhere(const struct diagnosis_facts *f)
{
    return f->listens && f->listens->known && f->listens->len == 0 && no_http_answer(f);
}

static bool answers_too_slowly(const struct diagnosis_facts *f)
{
    return last_probe(f) == PROBE_TIMEOUT;
}

static bool gets_no_answer(const struct diagnosis_facts *f)
{
    return last_probe(f) == PROBE_CLOSED || last_probe(f) == PROBE_REFUSED;
}

static bool owned_by_container(const struct diagnosis_facts *f)
{
    return f->port_owner && strncmp(f->port_owner, "container ", 10) == 0;
}

static bool owned_by_process(const struct diagnosis_facts *f)
{
    return f->port_owner && strstr(f->port_owner, "process ") != NULL;
}

static bool ended_well(const struct diagnosis_facts *f)
{
    return f->container && f->container->exit_code == 0 && strcmp(f->container->status, "exited") == 0;
}

static bool ended_by_signal(const struct diagnosis_facts *f)
{
    return f->container && diagnosis_signal(f->container->exit_code) != NULL;
}

/* ---- the table: the first row that fits wins, so the precise ones stand before the general ones ---- */

#define TIMEOUT_CAUSE "the registry does not answer in time: the way to it is closed or very slow"
#define NEXT_TOKEN                                                                                                     \
    "For an image in ECR leave 'registry-username' out: the action then makes its own token, and a new one when it "   \
    "expires. For another registry make one right before the deployment and hand it over as 'registry-password'."
#define NEXT_ROUTE                                                                                                     \
    "Check the host's outgoing firewall rules, proxy and route (a private subnet needs a NAT or a VPC endpoint)."
#define NEXT_ARCH                                                                                                      \
    "Build the image for the host's architecture, for example with 'docker buildx build --platform linux/amd64'; a "   \
    "script as ENTRYPOINT needs a first line with '#!'."
#define NEXT_MOUNT                                                                                                     \
    "Check each line of the input 'volumes': the path must exist on the host (a file onto a file, a folder onto a "    \
    "folder) and Docker must be allowed to make it."
#define NEXT_PROGRAM                                                                                                   \
    "Check ENTRYPOINT and CMD of the image and the input 'args'; look inside with 'docker run --entrypoint sh'."
#define NEXT_EXECUTABLE                                                                                                \
    "Make the file executable ('COPY --chmod=0755', 'chmod +x' before COPY) and check the input 'container-user'."

/* clang-format off */
static const struct rule rules[] = {
    /* the engine and the host */
    { .code = "docker_denied", .kinds = KIND(ERR_DOCKER_DENIED),
      .cause = "the SSH user may not use Docker: the engine's socket refuses this user",
      .next = "On the host run 'sudo usermod -aG docker USER' for the user of the input 'user', then run again." },
    { .code = "docker_missing", .kinds = KIND(ERR_DOCKER_MISSING),
      .cause = "no Docker Engine answers on the host: it is not installed or not running",
      .next = "On the host run 'sudo systemctl enable --now docker'; 'sudo journalctl -u docker -n 50' tells why it "
              "does not start." },
    { .code = "engine_too_old", .kinds = KIND(ERR_DOCKER),
      .error = { "is too old: it speaks API", "client version" },
      .cause = "the Docker Engine of the host is too old for this action",
      .next = "Update Docker on the host (20.10 or newer)." },
    { .code = "image_no_space", .kinds = KIND(ERR_DISK_FULL), .step = "image_pull",
      .cause = "the host has no space left for the new image",
      .next = "On the host run 'docker image prune -a' (keeps what runs) or enlarge the disk; 'docker system df' shows "
              "what Docker uses." },
    { .code = "image_no_space", .kinds = KIND(ERR_DISK_FULL), .step = "image_check",
      .cause = "the host has no space left for the new image",
      .next = "On the host run 'docker image prune -a' (keeps what runs) or enlarge the disk; 'docker system df' shows "
              "what Docker uses." },
    { .code = "disk_full", .kinds = KIND(ERR_DISK_FULL),
      .cause = "the host's disk is full",
      .next = "Free space on the host: 'docker system df' and 'docker image prune -a', old logs, or a larger disk." },
    { .code = "spare_port_taken", .kinds = KIND(ERR_PORT_TAKEN), .error = { "needs the spare port" },
      .cause = "the spare port, on which the new version is checked first, belongs to something else",
      .next = "Set the input 'spare-port' to a free port next to 'port', or use 'strategy: recreate'." },
    { .code = "port_taken_by_container", .kinds = KIND(ERR_PORT_TAKEN), .holds = owned_by_container,
      .cause = "another container has the app's port: {owner}",
      .next = "Stop that container with 'docker stop', or give the app another port with the input 'port'. If it is an "
              "earlier version of this app, rename it to APP-blue and it is taken over." },
    { .code = "port_taken_by_process", .kinds = KIND(ERR_PORT_TAKEN), .holds = owned_by_process,
      .cause = "a program on the host, not in a container, has the app's port: {owner}",
      .next = "Stop that program ('sudo ss -ltnp' shows it), or give the app another port with the input 'port'." },
    { .code = "port_taken", .kinds = KIND(ERR_PORT_TAKEN),
      .cause = "something had the port at that moment",
      .next = "Look with 'docker ps' and 'sudo ss -ltnp' on the host, stop it, or choose another 'port'." },
    { .code = "name_taken", .kinds = KIND(ERR_DOCKER), .error = { "and is not ours" },
      .cause = "a container that this action did not make has a name that the app needs",
      .next = "Rename or remove that container on the host ('docker rename', 'docker rm')." },
    { .code = "no_way_back", .kinds = KIND(ERR_DOCKER), .error = { "there would be no way back to it" },
      .cause = "the container that serves was started in a way that allows no rollback to it",
      .next = "Start it anew without '--rm' and '--network host', then deploy again." },

    /* the image and its registry */
    { .code = "token_expired", .kinds = KIND(ERR_REGISTRY_AUTH),
      .error = { "token has expired", "token is expired", "token expired", "ExpiredToken" },
      .cause = "the registry's login token has expired",
      .next = NEXT_TOKEN },
    { .code = "token_expired", .kinds = KIND(ERR_REGISTRY_EXPIRED),
      .cause = "the registry's login token has expired", .next = NEXT_TOKEN },
    { .code = "host_clock", .kinds = KIND(ERR_AWS_CREDENTIALS), .error = { "this machine's clock is" },
      .cause = "the host's clock is wrong, so AWS accepts nothing that it signs",
      .next = "Set it: 'sudo timedatectl set-ntp true', on EC2 with chrony and 169.254.169.123 as its server; then run again." },
    { .code = "host_role_missing", .kinds = KIND(ERR_AWS_CREDENTIALS),
      .cause = "nobody can log in to ECR: the host has no AWS credentials that work, and the runner sent no login",
      .next = "Give the instance a role that may pull (AmazonEC2ContainerRegistryPullOnly), or the job credentials "
              "('role-to-assume' with 'permissions: id-token: write')." },
    { .code = "host_role_denied", .kinds = KIND(ERR_AWS_DENIED),
      .cause = "the host's own AWS role may not do what the pull from ECR needs",
      .next = "Add the action that the message names to the role's policy (AmazonEC2ContainerRegistryPullOnly has all "
              "that a pull needs), or set 'ecr-auth' to runner." },
    { .code = "image_archived", .kinds = KIND(ERR_IMAGE_MISSING), .error = { "ECR's archive" },
      .cause = "the image is in ECR's archive: it is there, and cannot be pulled",
      .next = "Restore it in the ECR console, wait until it is active, then run again." },
    { .code = "image_findings", .kinds = KIND(ERR_IMAGE_FINDINGS),
      .cause = "ECR's scan of the image found what 'fail-on-severity' does not allow, or there is no scan to ask",
      .next = "Rebuild the image on a newer base, let ECR scan the repository on push, or set 'fail-on-severity' to what "
              "you can live with." },
    { .code = "login_missing", .kinds = KIND(ERR_REGISTRY_AUTH), .error = { "no basic auth credentials" },
      .cause = "the registry wants a login and none was given",
      .next = "Set 'registry-username' and 'registry-password'." },
    { .code = "pull_denied", .kinds = KIND(ERR_REGISTRY_AUTH),
      .error = { "not authorized to perform", "requested access to the resource is denied", "insufficient_scope",
                 "insufficient scope", "403 Forbidden", "denied: " },
      .cause = "the login works, but may not pull this image",
      .next = "Give that user or role the right to read the repository (ECR: ecr:BatchGetImage and "
              "ecr:GetDownloadUrlForLayer; GHCR: packages: read)." },
    { .code = "login_refused", .kinds = KIND(ERR_REGISTRY_AUTH),
      .cause = "the registry refused user name or password",
      .next = "Check 'registry-username' and 'registry-password': name, scope and age of the token." },
    { .code = "repository_missing", .kinds = KIND(ERR_IMAGE_MISSING),
      .error = { "name unknown", "NAME_UNKNOWN", "repository does not exist", "repository name not known",
                 "pull access denied", "ECR has no repository" },
      .cause = "the registry has no such repository, or does not show it to this login",
      .next = "Check the repository's name in 'image', make the repository (ECR: 'aws ecr create-repository'), and set "
              "'registry-username' for a private one." },
    { .code = "tag_missing", .kinds = KIND(ERR_IMAGE_MISSING),
      .error = { "manifest unknown", "manifest for", "not found", " has no tag ", " has no image with the digest" },
      .cause = "the repository has no image with this tag or digest",
      .next = "Check that the job that pushes ran before this one ('needs:') and pushed exactly the tag in 'image'." },
    { .code = "image_missing", .kinds = KIND(ERR_IMAGE_MISSING),
      .cause = "the registry has no such image, or does not show it to this login",
      .next = "Check name and tag in 'image', that it was pushed, and the registry login." },
    { .code = "registry_rate_limit", .kinds = KIND(ERR_REGISTRY), .error = { "toomanyrequests", "too many requests", "rate limit" },
      .cause = "the registry limits how often may be pulled, and the limit is reached",
      .next = "Wait, log in with 'registry-username' (a higher limit), or pull from a registry of your own." },
    { .code = "registry_name", .kinds = KIND(ERR_REGISTRY),
      .error = { "no such host", "server misbehaving", "temporary failure in name resolution" },
      .cause = "the host cannot resolve the registry's name",
      .next = "Check the registry's name in 'image' for a typing mistake, then DNS on the host ('getent hosts NAME')." },
    { .code = "registry_untrusted", .kinds = KIND(ERR_REGISTRY), .error = { "x509:", "tls: failed to verify" },
      .cause = "the host does not trust the registry's certificate",
      .next = "Put the certificate of its authority on the host as /etc/docker/certs.d/REGISTRY/ca.crt; check the "
              "certificate's date and name." },
    { .code = "registry_plain_http", .kinds = KIND(ERR_REGISTRY),
      .error = { "HTTP response to HTTPS client", "does not look like a TLS handshake" },
      .cause = "the registry speaks plain HTTP, which Docker refuses",
      .next = "Give the registry a certificate, or list it under \"insecure-registries\" in /etc/docker/daemon.json and "
              "restart Docker." },
    { .code = "registry_refused", .kinds = KIND(ERR_REGISTRY), .error = { "connection refused" },
      .cause = "nothing listens at the registry's address: the connection was refused",
      .next = "Check the port in 'image' and that the registry is up." },
    { .code = "registry_timeout", .kinds = KIND(ERR_REGISTRY),
      .error = { "timeout", "timed out", "deadline exceeded", "request canceled", "no route to host",
                 "network is unreachable" },
      .cause = TIMEOUT_CAUSE, .next = NEXT_ROUTE },
    { .code = "registry_timeout", .kinds = KIND(ERR_TIMEOUT), .step = "ecr_login", .cause = TIMEOUT_CAUSE,
      .next = NEXT_ROUTE },
    { .code = "registry_timeout", .kinds = KIND(ERR_TIMEOUT), .step = "image_check", .cause = TIMEOUT_CAUSE,
      .next = NEXT_ROUTE },
    { .code = "registry_timeout", .kinds = KIND(ERR_TIMEOUT), .step = "image_pull", .cause = TIMEOUT_CAUSE,
      .next = NEXT_ROUTE },
    { .code = "registry_failed", .kinds = KIND(ERR_REGISTRY),
      .cause = "the registry cannot be used: it failed, or the connection to it broke",
      .next = "Look at the registry's own status page or log, then run again." },

    /* what the engine cannot start */
    { .code = "wrong_architecture", .kinds = KIND(ERR_PLATFORM),
      .cause = "the image holds a program for another processor architecture than the host's", .next = NEXT_ARCH },
    { .code = "wrong_architecture", .kinds = START | UNHEALTHY, .error = { "exec format error" },
      .cause = "the image holds a program for another processor architecture than the host's", .next = NEXT_ARCH },
    { .code = "wrong_architecture", .kinds = APP, .log = { "exec format error" },
      .cause = "the image holds a program for another processor architecture than the host's", .next = NEXT_ARCH },
    { .code = "network_missing", .kinds = KIND(ERR_DOCKER), .holds = is_404, .error = { "join network", ": network " },
      .cause = "a network named in the input 'networks' does not exist on the host",
      .next = "Make it with 'docker network create NAME', or correct the name ('docker network ls')." },
    { .code = "mount_invalid", .kinds = START,
      .error = { "error mounting", "mount source path", "bind mount source", "invalid mount config",
                 "are you trying to mount a directory" },
      .cause = "a volume cannot be mounted: its path on the host is missing or of the wrong type", .next = NEXT_MOUNT },
    { .code = "no_such_user", .kinds = START,
      .error = { "unable to find user", "unable to find group", "no matching entries in" },
      .cause = "the user that the container is to run as does not exist in the image",
      .next = "Correct the input 'container-user' or the image's USER; numbers such as 1000:1000 always work." },
    { .code = "no_such_program", .kinds = START,
      .error = { "executable file not found", "no such file or directory: unknown", ": no such file or directory" },
      .cause = "the program that the container is to start is not in the image", .next = NEXT_PROGRAM },
    { .code = "not_executable", .kinds = START, .error = { "permission denied", "is a directory" },
      .cause = "the program that the container is to start may not be executed", .next = NEXT_EXECUTABLE },
    { .code = "memory_limit_too_small", .kinds = START,
      .error = { "minimum memory limit", "memory limit too low", "oom-killed" },
      .cause = "the memory limit is too small even to start a container",
      .next = "Raise the input 'memory' (at least 16m, most apps need far more)." },
    { .code = "too_many_cpus", .kinds = START, .error = { "range of cpus is from" },
      .cause = "the input 'cpus' asks for more processors than the host has",
      .next = "Lower 'cpus', or leave it out for no limit." },
    { .code = "no_free_subnet", .kinds = KIND(ERR_DOCKER),
      .error = { "address pools have been", "non-overlapping" },
      .cause = "Docker has no free address range left for the app's network",
      .next = "Remove unused networks on the host with 'docker network prune'." },

    /* how the app ended */
    { .code = "out_of_memory", .kinds = APP, .holds = out_of_memory,
      .cause = "the container used more memory than it may and was killed for it",
      .next = "Raise the input 'memory', or look for a leak or a cache that is too large at start." },
    { .code = "killed", .kinds = EXITED, .exit_code = 137,
      .cause = "the app was killed from outside (SIGKILL), not for its own memory limit",
      .next = "Look who did: 'sudo dmesg | tail' (the host itself out of memory?), 'docker events', other scripts." },
    { .code = "crashed", .kinds = EXITED, .exit_code = 139,
      .cause = "the app crashed: it touched memory that is not its own (SIGSEGV)",
      .next = "Run the same image locally with the same settings; check native libraries, and musl against glibc." },
    { .code = "crashed", .kinds = EXITED, .exit_code = 135,
      .cause = "the app crashed: it touched memory that is not there (SIGBUS)",
      .next = "Run the same image locally; a file that shrank or a full /dev/shm does this too." },
    { .code = "illegal_instruction", .kinds = EXITED, .exit_code = 132,
      .cause = "the app was built for a newer processor than the host's (SIGILL)",
      .next = "Build without 'target-cpu=native' or '-march=native', or take a newer instance type." },
    { .code = "not_executable", .kinds = EXITED, .exit_code = 126,
      .cause = "the image's start script calls a program that may not be executed", .next = NEXT_EXECUTABLE },
    { .code = "restart_loop", .kinds = APP, .holds = restarted,
      .cause = "the app ends and is started again, over and over",
      .next = "Read the last lines of its log: they tell why it ends." },


    /* certain, whatever the log says */
    { .code = "only_loopback", .kinds = UNHEALTHY, .holds = only_on_loopback,
      .cause = "the app listens on port {port} only on 127.0.0.1 inside its container, where nobody else reaches it",
      .next = "Let it listen on 0.0.0.0 (often HOST, BIND or a flag such as --host 0.0.0.0, through 'env' or 'args')." },
    { .code = "speaks_tls", .kinds = UNHEALTHY, .holds = speaks_tls,
      .cause = "the app speaks HTTPS on port {port}; the health check asks with plain HTTP",
      .next = "Let the app serve plain HTTP on the container's port, with TLS in front of it, or give it a plain "
              "'health-port'." },
    /* what the app says: the last line of its log that one of these rows knows */
    { .code = "missing_environment", .kinds = APP,
      .log = { "missing environment variable", "missing required environment", "missing required env",
               "environment variable not", "environment variable missing", "environment variable is missing",
               "environment variable is required", "environment variable is not", "environment variables are",
               "must be set", "is not set", "env var is", "VarError", "NotPresent", "os.environ",
               "missing configuration", "config value missing" },
      .cause = "an environment variable that the app needs is not set",
      .next = "Add it to the input 'env', or to 'secret-env' when it is a secret; the line of the log names it." },
    { .code = "aws_credentials", .kinds = APP,
      .log = { "unable to locate credentials", "NoCredentialProviders", "valid providers in chain",
               "CredentialsNotLoaded", "could not load credentials", "failed to refresh cached credentials",
               "CredentialsProviderError", "ExpiredToken", "security token included in the request",
               "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "SignatureDoesNotMatch",
               "credentials provider was not enabled", "dispatch failure: no credentials" },
      .cause = "the app has no valid AWS credentials",
      .next = "Attach an IAM role to the EC2 instance with a metadata hop limit of 2 (containers are one hop away), or "
              "hand keys over in 'secret-env'; check AWS_REGION." },
    { .code = "aws_denied", .kinds = APP, .log = { "AccessDenied", "not authorized to perform" },
      .cause = "AWS knows the app, but its role may not do what it tries",
      .next = "Add the action named in the log to the policy of the instance's IAM role." },
    { .code = "store_missing", .kinds = APP,
      .log = { "ResourceNotFoundException", "requested resource not found", "NoSuchBucket", "unknown database",
               "FATAL: database", "no such table", "relation \"" },
      .cause = "the database, table or bucket that the app uses does not exist",
      .next = "Check its name and region in 'env', make it, or run the migrations before the deployment." },
    { .code = "dependency_login", .kinds = APP,
      .log = { "password authentication failed", "access denied for user", "authentication failed", "NOAUTH",
               "WRONGPASS", "invalid username-password", "login failed for user", "FATAL: role", "ORA-01017",
               "auth failed", "not authenticated" },
      .cause = "a database or service refused the app's user name or password",
      .next = "Check the user and the password in 'secret-env', and that they belong to this environment's database." },
    { .code = "tls_certificate", .kinds = APP,
      .log = { "certificate verify failed", "unknown authority", "x509:", "local issuer certificate",
               "self-signed certificate", "self signed certificate", "certificate has expired",
               "invalid peer certificate", "PKIX path", "UnknownIssuer", "CERT_HAS_EXPIRED", "certificate is not valid",
               "verify the first certificate", "certificate verification failed", "CertificateExpired" },
      .cause = "the app does not trust the certificate of a service that it calls",
      .next = "Put the right CA certificates into the image (package ca-certificates, or your own CA), check the "
              "service's certificate and the host's clock." },
    { .code = "dependency_name", .kinds = APP,
      .log = { "no such host", "could not resolve", "could not translate host name", "name or service not known",
               "name resolution", "getaddrinfo", "ENOTFOUND", "EAI_AGAIN", "failed to lookup address",
               "name does not resolve", "UnknownHostException", "unknown host", "server misbehaving", "bad address" },
      .cause = "the app cannot resolve the name of a service that it needs",
      .next = "Check the name in 'env'; a container's name resolves only on a network that both share (input "
              "'networks')." },
    { .code = "address_in_use", .kinds = APP,
      .log = { "address already in use", "address in use", "EADDRINUSE", "port is already in use" },
      .cause = "inside the container two programs want the same port",
      .next = "Give one of them another port; look at the image's start script and at variables such as PORT in 'env'." },
    { .code = "dependency_timeout", .kinds = APP,
      .log = { "connection timed out", "connect timed out", "ETIMEDOUT", "i/o timeout", "operation timed out",
               "connection timeout", "timeout expired", "deadline has elapsed", "deadline exceeded",
               "no route to host", "EHOSTUNREACH", "network is unreachable", "ENETUNREACH", "host is unreachable",
               "timed out connecting", "timed out while connecting" },
      .cause = "a service that the app needs does not answer: packets are dropped on the way",
      .next = "Open the security group or firewall between this host and that service; check the address in 'env' and "
              "the route (VPC endpoint, NAT)." },
    { .code = "dependency_refused", .kinds = APP,
      .log = { "connection refused", "ECONNREFUSED", "could not connect", "unable to connect", "failed to connect",
               "cannot connect", "can't connect" },
      .cause = "a service that the app needs refuses the connection: nothing listens there",
      .next = "Check that the service in the log runs and its address in 'env'. In a container, localhost is the "
              "container itself: use the service's name and the input 'networks'." },
    { .code = "library_missing", .kinds = APP,
      .log = { "error while loading shared libraries", "error loading shared library", "cannot open shared object",
               "version `GLIBC", "version `CXXABI", "error relocating" },
      .cause = "the program and the libraries in the image do not fit together",
      .next = "Build on the same base image as the one it runs on, or link statically (musl)." },
    { .code = "app_out_of_memory", .kinds = APP,
      .log = { "OutOfMemoryError", "heap out of memory", "cannot allocate memory", "memory allocation of", "ENOMEM",
               "std::bad_alloc", "out of memory" },
      .cause = "the app itself ran out of memory",
      .next = "Raise the input 'memory', or the runtime's own limit (-Xmx, --max-old-space-size)." },
    { .code = "no_space_inside", .kinds = APP, .log = { "no space left on device", "ENOSPC", "disk quota exceeded" },
      .cause = "a disk that the app writes to is full",
      .next = "Free space on the host ('df -h', 'docker system df') or enlarge the volume or tmpfs that the log names." },
    { .code = "read_only", .kinds = APP, .log = { "read-only file system", "EROFS" },
      .cause = "the app writes to a file system that is read-only",
      .next = "Mount a folder for it with 'volumes' (without ':ro'), or set 'read-only: false'." },
    { .code = "privileged_port", .kinds = APP,
      .log = { "bind: permission denied", "bind() to 0.0.0.0", "listen EACCES", "listen: permission denied",
               "binding: permission denied" },
      .cause = "the app wants a port below 1024, which its user may not have",
      .next = "Let it listen on a port such as 8080 and set 'container-port' to it." },
    { .code = "permission_denied", .kinds = APP,
      .log = { "permission denied", "EACCES", "operation not permitted", "EPERM", "access is denied" },
      .cause = "the app may not read or write something that it needs",
      .next = "Check 'container-user' and the owner of what 'volumes' mounts ('sudo chown' on the host)." },
    { .code = "file_missing", .kinds = APP,
      .log = { "no such file or directory", "ENOENT", "FileNotFoundError", "FileNotFoundException", "cannot find module",
               "ModuleNotFoundError" },
      .cause = "the app does not find a file that it needs",
      .next = "Check that the image holds it (.dockerignore, COPY, WORKDIR) or that 'volumes' mounts it." },

    /* how it ended, when its log said nothing that is known */
    { .code = "no_such_program", .kinds = EXITED, .exit_code = 127,
      .cause = "the image's start script calls a program that is not there", .next = NEXT_PROGRAM },
    { .code = "aborted", .kinds = EXITED, .exit_code = 134,
      .cause = "the app ended itself after a mistake that it found (SIGABRT: failed assertion, panic)",
      .next = "The lines before the end of its log say which; run the same image locally with the same settings." },
    { .code = "terminated", .kinds = EXITED, .exit_code = 143,
      .cause = "somebody asked the app to end (SIGTERM) while it was being checked",
      .next = "Look who stops containers on the host: another deployment, a script, a shutdown ('docker events')." },
    { .code = "killed_by_signal", .kinds = EXITED, .holds = ended_by_signal,
      .cause = "the app was ended by a signal ({signal})",
      .next = "Look who sends it: 'docker events' and 'sudo dmesg | tail' on the host, or the app itself." },
    { .code = "one_shot", .kinds = EXITED, .holds = ended_well,
      .cause = "the app did its work and ended with exit code 0: it is no service that keeps running",
      .next = "Start the server, not a one-off command (input 'args', CMD of the image), in the foreground." },
    { .code = "exited", .kinds = EXITED,
      .cause = "the app ended by itself with exit code {exit}",
      .next = "Its last log lines should say why; run the same image locally with the same settings." },

    /* what the health check saw of an app that runs */
    { .code = "image_healthcheck", .kinds = UNHEALTHY, .error = { "HEALTHCHECK" },
      .cause = "the image's own HEALTHCHECK says that the app is unhealthy",
      .next = "See its output with 'docker inspect' under State.Health; correct or remove HEALTHCHECK in the image." },
    { .code = "health_redirect", .kinds = UNHEALTHY, .holds = redirects,
      .cause = "the health path redirects elsewhere (HTTP status {status})",
      .next = "Point the input 'health-path' at the final address (a trailing slash, a login page, a forced HTTPS are the "
              "usual reasons), or accept the status with 'health-status'." },
    { .code = "health_login", .kinds = UNHEALTHY, .holds = asks_for_login,
      .cause = "the health path asks for a login (HTTP status {status})",
      .next = "Let the app answer its health path without one, or set 'health-path' to one that is open." },
    { .code = "health_path", .kinds = UNHEALTHY, .holds = has_no_such_path,
      .cause = "the app answers, but has no such health path (HTTP status {status})",
      .next = "Check the input 'health-path' against the app's routes and its base path." },
    { .code = "health_refused", .kinds = UNHEALTHY, .holds = refuses_the_request,
      .cause = "the app refuses the health check's request (HTTP status {status})",
      .next = "Let it accept a plain GET with the host name 127.0.0.1 (allowed hosts, method, client certificate), or "
              "accept the status with 'health-status'." },
    { .code = "health_body", .kinds = UNHEALTHY, .holds = lacks_the_text,
      .cause = "the health path answers, but without the text of the input 'health-body'",
      .next = "Compare 'health-body' with the answer below; case and blanks count." },
    { .code = "other_port", .kinds = UNHEALTHY, .holds = on_another_port,
      .cause = "the app listens on port {found}, but is asked on port {port}",
      .next = "Set the input 'container-port' to {found} (or 'health-port'), or let the app listen on {port} (often PORT "
              "in 'env')." },
    { .code = "health_not_http", .kinds = UNHEALTHY, .holds = is_no_http,
      .cause = "what answers on port {port} does not speak HTTP",
      .next = "Check 'container-port' and 'health-port'; for a service without HTTP leave 'health-path' empty." },
    { .code = "not_listening", .kinds = UNHEALTHY, .holds = listens_nowhere,
      .cause = "the app runs, but does not listen on any port yet: it boots slowly or hangs in its start",
      .next = "If it only needs longer, raise 'health-retries' or 'health-interval'; else see in its log what it waits "
              "for." },
    { .code = "slow_answers", .kinds = UNHEALTHY, .holds = answers_too_slowly,
      .cause = "the app takes the connection, but does not answer in time",
      .next = "Raise 'health-timeout', or see what the health path waits for (a database, a cold cache)." },
    { .code = "not_listening", .kinds = UNHEALTHY, .holds = gets_no_answer,
      .cause = "nothing answers inside the container on port {port}",
      .next = "Check that the app listens on 0.0.0.0 (not 127.0.0.1) and on the port given as 'container-port'; if it "
              "only boots slowly, raise 'health-retries'." },
    { .code = "flapping", .kinds = UNHEALTHY, .error = { "it was healthy, then" },
      .cause = "the app was healthy and then stopped being so within the warm-up",
      .next = "Its log around that moment should say why; a later crash of a worker or a lost connection is usual." },
    { .code = "app_reports_failure", .kinds = UNHEALTHY, .holds = reports_failure,
      .cause = "the app answers that it is not healthy (HTTP status {status})",
      .next = "The answer and the log below should say which of its own checks fails." },
    { .code = "health_status", .kinds = UNHEALTHY, .holds = answers_otherwise,
      .cause = "the health path answers with HTTP status {status}, which is not wanted",
      .next = "Correct the app, or accept the status with the input 'health-status'." },
    { .code = "slow_start", .kinds = UNHEALTHY,
      .cause = "the app did not get healthy in time",
      .next = "If it only needs longer to boot, raise 'health-retries' or 'health-interval'; else see its log." },
};
/* clang-format on */

#define RULES (sizeof(rules) / sizeof(rules[0]))

/* ---- looking at the facts ---- */

static bool is_capital_or_digit(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* "EACCES" and its like are names, and not a part of "createAccessToken". */
static bool is_name(const char *phrase)
{
    while (is_capital_or_digit(*phrase) || *phrase == '_')
        phrase++;
    return !*phrase;
}

static bool is_in_word(struct span text, size_t at)
{
    return at < text.len && isalnum((unsigned char)text.ptr[at]);
}

static bool stands_at(struct span text, size_t at, const char *phrase, size_t len)
{
    if (!is_name(phrase))
        return strncasecmp(text.ptr + at, phrase, len) == 0;
    return memcmp(text.ptr + at, phrase, len) == 0 && !(at > 0 && is_in_word(text, at - 1)) &&
           !is_in_word(text, at + len);
}

static bool has_phrase(struct span text, const char *const phrases[PHRASES_MAX])
{
    for (size_t p = 0; p < PHRASES_MAX && phrases[p]; p++) {
        size_t n = strlen(phrases[p]);
        for (size_t i = 0; text.ptr && i + n <= text.len; i++)
            if (stands_at(text, i, phrases[p], n))
                return true;
    }
    return false;
}

static bool is_of_kind(const struct rule *r, const struct diagnosis_facts *f)
{
    return r->kinds & KIND(f->cause->kind);
}

/*
 * The last line of the log that a row knows: later words count more than earlier ones, and old ones not at all. An app
 * that answers in its own words (a status below 500) runs well enough: its log is not asked.
 */
static struct span telling_line(const struct diagnosis_facts *f)
{
    size_t left = f->cause->kind == ERR_APP_EXITED ? ENDED_LINES : RUNNING_LINES;
    struct span rest = f->log;
    if (!(KIND(f->cause->kind) & APP) || last_probe(f) == PROBE_BODY || (last_status(f) && last_status(f) < 500))
        return (struct span){ 0 };
    while (rest.len && left-- > 0) {
        size_t end = rest.len - (rest.ptr[rest.len - 1] == '\n'), at = end;
        while (at > 0 && rest.ptr[at - 1] != '\n')
            at--;
        struct span line = { rest.ptr + at, end - at };
        for (size_t i = 0; i < RULES; i++)
            if (rules[i].log[0] && is_of_kind(&rules[i], f) && has_phrase(line, rules[i].log))
                return line;
        rest.len = at;
    }
    return (struct span){ 0 };
}

static bool fits(const struct rule *r, const struct diagnosis_facts *f, struct span error, struct span line)
{
    if (!is_of_kind(r, f))
        return false;
    if (r->step && strcmp(r->step, f->step ? f->step : "") != 0)
        return false;
    if (r->exit_code && !(f->container && f->container->exit_code == r->exit_code))
        return false;
    if (r->holds && !r->holds(f))
        return false;
    if (r->error[0] && !has_phrase(error, r->error))
        return false;
    return !r->log[0] || has_phrase(line, r->log);
}

/* ---- telling ---- */

const char *diagnosis_signal(int64_t exit_code)
{
    static const char *const names[] = {
        NULL,      "SIGHUP",  "SIGINT",         "SIGQUIT",        "SIGILL",        "SIGTRAP", "SIGABRT",
        "SIGBUS",  "SIGFPE",  "SIGKILL",        "SIGUSR1",        "SIGSEGV",       "SIGUSR2", "SIGPIPE",
        "SIGALRM", "SIGTERM", [24] = "SIGXCPU", [25] = "SIGXFSZ", [31] = "SIGSYS",
    };
    int64_t n = exit_code - 128; /* as shells and engines tell it */
    return n > 0 && n < (int64_t)(sizeof(names) / sizeof(names[0])) ? names[n] : NULL;
}

const char *diagnosis_code(size_t row)
{
    return row < RULES ? rules[row].code : NULL;
}

static void add_value(const struct diagnosis_facts *f, struct span name, struct buf *out)
{
    const struct socket_listener *other = other_listener(f);
    const char *signal = f->container ? diagnosis_signal(f->container->exit_code) : NULL;
    if (span_eq(name, "port"))
        buf_addf(out, "%d", f->port);
    else if (span_eq(name, "found"))
        buf_addf(out, "%d", other ? other->port : 0);
    else if (span_eq(name, "status"))
        buf_addf(out, "%d", last_status(f));
    else if (span_eq(name, "exit"))
        buf_addf(out, "%" PRId64, f->container ? f->container->exit_code : (int64_t)f->cause->code);
    else if (span_eq(name, "signal"))
        buf_adds(out, signal ? signal : "");
    else if (span_eq(name, "owner"))
        buf_adds(out, f->port_owner);
}

/* A template of the table with its values; cut when the owner of a port has a very long name. */
static void fill_in(const struct diagnosis_facts *f, const char *template, char *out, size_t size)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(4096);
    struct span rest = span_of(template), part;
    while (span_split(&rest, '{', &part)) {
        buf_add_span(&text, part);
        if (rest.len && span_split(&rest, '}', &part))
            add_value(f, part, &text);
    }
    (void)snprintf(out, size, "%s", buf_str(&text));
}

bool diagnose(const struct diagnosis_facts *f, struct diagnosis *ret)
{
    char error[2048];
    (void)err_text(f->cause, error, sizeof(error));
    struct span line = telling_line(f);
    for (size_t i = 0; i < RULES; i++) {
        const struct rule *r = &rules[i];
        if (!fits(r, f, span_of(error), line))
            continue;
        ret->code = r->code;
        fill_in(f, r->cause, ret->cause, sizeof(ret->cause));
        fill_in(f, r->next, ret->next, sizeof(ret->next));
        ret->line = r->log[0] ? line : (struct span){ 0 };
        return true;
    }
    return false;
}
