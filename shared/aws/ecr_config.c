#include "shared/aws/ecr_internal.h"

#include "shared/crypto.h"
#include "shared/http.h"

#include <string.h>

#define CONFIG_MAX (4 * 1024 * 1024) /* the engine's own limit of an image's configuration */
#define FETCH_TIMEOUT_MS 20000
#define DIGEST_PREFIX "sha256:"

void ecr_platform(const struct json *from, char *out, size_t size)
{
    const char *os = json_str(from, "os", ""), *arch = json_str(from, "architecture", "");
    const char *variant = json_str(from, "variant", "");
    if (size)
        out[0] = '\0';
    if (!*os || !*arch || strcmp(os, "unknown") == 0 || strcmp(arch, "unknown") == 0)
        return;
    (void)snprintf(out, size, "%s/%s%s%s", os, arch, *variant ? "/" : "", variant);
}

bool ecr_platform_fits(const char *has, const char *wanted)
{
    size_t len = strlen(wanted);
    return strncmp(has, wanted, len) == 0 && (has[len] == '\0' || has[len] == '/');
}

/* The URL lets anybody read the blob for an hour. */
static int fetch(struct aws *a, const char *url, struct buf *out, struct err *err)
{
    struct http_response response;
    const struct http_request request = { .method = "GET",
                                          .url = url,
                                          .label = "the image's configuration in ECR's storage",
                                          .timeout_ms = FETCH_TIMEOUT_MS,
                                          .max_body = CONFIG_MAX };

    int r = http_perform(a->http, &request, &response, err);
    if (r == 0 && response.status != 200)
        r = err_set(err, ERR_AWS, response.status, "the image's configuration in ECR's storage: HTTP %d",
                    response.status);
    if (r == 0) {
        buf_add_span(out, buf_span(&response.body));
        r = buf_check(out, err);
    }
    http_response_done(&response);
    return r;
}

static int check(struct span blob, const char *digest, struct err *err)
{
    char hex[CRYPTO_SHA256_HEX_SIZE];
    if (crypto_sha256_hex(blob, hex, err) < 0)
        return -(int)err->kind;
    if (strncmp(digest, DIGEST_PREFIX, sizeof(DIGEST_PREFIX) - 1) != 0 ||
        strcmp(digest + sizeof(DIGEST_PREFIX) - 1, hex) != 0)
        return err_set(err, ERR_PROTO, 0,
                       "the image's configuration is not the one of the manifest: its digest is %s%s", DIGEST_PREFIX,
                       hex);
    return 0;
}

int ecr_config_platform(struct aws *a, struct aws_chain *chain, const struct ecr_registry *r, const char *repo,
                        const struct json *config, char *out, size_t size, struct err *err)
{
    _cleanup_(json_free_p) struct json *body = ecr_body(r, repo), *answer = NULL, *parsed = NULL;
    _cleanup_(buf_done_p) struct buf blob = BUF_INIT(CONFIG_MAX);
    const char *digest = json_str(config, "digest", "");

    json_set_str(body, "layerDigest", digest);
    if (ecr_call(a, chain, r, AWS_ECR_GET_DOWNLOAD_URL_FOR_LAYER, body, &answer, err) < 0)
        return err_wrap(err, "ask ECR for the image's configuration");
    const char *url = json_str(answer, "downloadUrl", "");
    if (!*url)
        return err_set(err, ERR_PROTO, 0, "ECR answered without the address of the image's configuration");
    if (aws_learn(a, span_of(url), err) < 0 || fetch(a, url, &blob, err) < 0 ||
        check(buf_span(&blob), digest, err) < 0 || json_parse(buf_span(&blob), &parsed, err) < 0)
        return err_wrap(err, "read the image's configuration");
    ecr_platform(parsed, out, size);
    return 0;
}
