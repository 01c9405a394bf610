#include "shared/aws/ecr.h"

#include "aws_double.h"
#include "aws_env.h"
#include "shared/aws/aws_links.h"
#include "shared/clock.h"
#include "shared/crypto.h"
#include "shared/http.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define D(c) "sha256:" c c c c c c c c c c c c c c c c
#define INDEX_DIGEST D("0123")
#define AMD64 D("aaaa")
#define ARM64 D("bbbb")
#define CONFIG "{\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\"}"

static struct aws_double service;
static struct aws_env env;
static struct aws client;
static struct aws_chain *chain;
static struct ecr_registry registry;
static struct ecr_image image;
static struct err err;
static char text[2048], config_digest[80];

static int set_up(void **state)
{
    const struct aws_link links[] = { aws_link_environment() };
    (void)state;
    err_clear(&err);
    double_start(&service);
    memset(&env, 0, sizeof(env));
    client = aws_with_env(&env);
    assert_int_equal(aws_init(&client, NULL), 0);
    aws_env_set(&env, "AWS_ENDPOINT_URL", service.url);
    aws_env_set(&env, "AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
    aws_env_set(&env, "AWS_SECRET_ACCESS_KEY", "secret-of-the-test");
    assert_int_equal(aws_chain_new(&chain, &client, links, 1, NULL, 0, &err), 0);
    assert_true(ecr_registry_parse("123456789012.dkr.ecr.eu-central-1.amazonaws.com", &registry));
    memset(&image, 0, sizeof(image));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    aws_chain_free_p(&chain);
    aws_done(&client);
    double_stop(&service);
    return 0;
}

/* ECR's answer to an operation; `needs`: a word of the question, NULL any. */
static void ecr(const char *op, const char *needs, int status, const char *body)
{
    double_route(&service,
                 (struct double_route){ .request = "POST /", .needs = { op, needs }, .status = status, .body = body });
}

static void refuses(const char *op, const char *code)
{
    static char bodies[4][200];
    static unsigned turn;
    char *body = bodies[turn++ % 4];
    (void)snprintf(body, sizeof(bodies[0]), "{\"__type\":\"%s\",\"message\":\"words of AWS\"}", code);
    ecr(op, NULL, strcmp(code, "AccessDeniedException") == 0 ? 403 : 400, body);
}

#define TOKEN_CALL ".GetAuthorizationToken"
#define DESCRIBE ".DescribeImages"
#define BATCH ".BatchGetImage"
#define SCAN ".DescribeImageScanFindings"
#define DOWNLOAD ".GetDownloadUrlForLayer"

/* ---- the login ---- */

static int token_of(const char *body, struct ecr_token *token)
{
    ecr(TOKEN_CALL, NULL, 200, body);
    return ecr_token_get(&client, chain, &registry, token, &err);
}

static void the_token_is_user_and_password_and_both_are_secrets_before_use(void **state)
{
    struct ecr_token token = { 0 };
    (void)state;
    assert_int_equal(token_of("{\"authorizationData\":[{\"authorizationToken\":\"QVdTOnBhc3M6d29yZA==\",\"expiresAt\":"
                              "4102444800.5}]}",
                              &token),
                     0);
    assert_string_equal(token.username, "AWS");
    assert_string_equal(token.password, "pass:word");
    assert_int_equal(token.expires_wall_ms, 4102444800500);
    assert_non_null(strstr(env.secrets, "pass:word\n"));
    assert_null(strstr(env.secrets, "QVdTOnBhc3M6d29yZA==")); /* the redactor finds it by the password */
    ecr_token_done(&token);
    assert_null(token.password);
}

static void a_past_expiry_is_merely_unknown(void **state)
{
    struct ecr_token token = { 0 };
    (void)state;
    assert_int_equal(
        token_of("{\"authorizationData\":[{\"authorizationToken\":\"QVdTOng=\",\"expiresAt\":1420070400}]}", &token),
        0);
    assert_int_equal(token.expires_wall_ms, 0);
    ecr_token_done(&token);
}

static void the_public_registry_answers_with_an_object(void **state)
{
    struct ecr_token token = { 0 };
    _cleanup_(buf_done_p) struct buf seen = BUF_INIT(65536);
    (void)state;
    assert_true(ecr_registry_parse("public.ecr.aws", &registry));
    assert_int_equal(token_of("{\"authorizationData\":{\"authorizationToken\":\"QVdTOnB1Yg==\"}}", &token), 0);
    assert_string_equal(token.password, "pub");
    double_seen(&service, &seen);
    assert_non_null(strstr(buf_str(&seen), "SpencerFrontendService.GetAuthorizationToken"));
    assert_non_null(strstr(buf_str(&seen), "/us-east-1/ecr-public/aws4_request"));
    ecr_token_done(&token);
}

static void what_is_no_token_is_refused(void **state)
{
    static const char *const bodies[] = {
        "{}",
        "{\"authorizationData\":[]}",
        "{\"authorizationData\":[{\"authorizationToken\":7}]}",
        "{\"authorizationData\":[{\"authorizationToken\":\"***\"}]}",
        "{\"authorizationData\":[{\"authorizationToken\":\"QVdT\"}]}",     /* AWS */
        "{\"authorizationData\":[{\"authorizationToken\":\"OnBhc3M=\"}]}", /* :pass */
        "{\"authorizationData\":[{\"authorizationToken\":\"QVdTOg==\"}]}", /* AWS: */
        "{\"authorizationData\":[{\"authorizationToken\":\"QVdTOgBh\"}]}", /* a NUL */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct ecr_token token = { 0 };
        double_play(&service, NULL, 0);
        err_clear(&err);
        if (token_of(bodies[i], &token) != -ERR_PROTO)
            fail_msg("%s: %s", bodies[i], err_text(&err, text, sizeof(text)));
        assert_null(token.password);
    }
}

/* A chain whose second search gives other keys than the first. */
struct turns {
    int asked;
};

static int next_keys(void *ctx, struct aws *a, struct aws_credentials *ret, char *why, size_t why_size, struct err *e)
{
    struct turns *t = ctx;
    (void)a, (void)why, (void)why_size, (void)e;
    *ret = (struct aws_credentials){ 0 };
    (void)snprintf(ret->key_id, sizeof(ret->key_id), "ASIATURN%d", ++t->asked);
    ret->secret = strdup("secret-of-a-turn");
    ret->token = strdup("token-of-a-turn");
    return 0;
}

static void expired_credentials_are_fetched_anew_once(void **state)
{
    struct turns turns = { 0 };
    const struct aws_link link = { .name = "turns", .get = next_keys, .ctx = &turns };
    struct ecr_token token = { 0 };
    (void)state;
    aws_chain_free_p(&chain);
    assert_int_equal(aws_chain_new(&chain, &client, &link, 1, NULL, 0, &err), 0);
    ecr(TOKEN_CALL, "Credential=ASIATURN1", 400, "{\"__type\":\"ExpiredTokenException\",\"message\":\"expired\"}");
    assert_int_equal(token_of("{\"authorizationData\":[{\"authorizationToken\":\"QVdTOng=\"}]}", &token), 0);
    assert_int_equal(turns.asked, 2);
    ecr_token_done(&token);

    double_play(&service, NULL, 0);
    turns.asked = 0;
    refuses(TOKEN_CALL, "ExpiredTokenException");
    aws_chain_expired(chain);
    assert_int_equal(ecr_token_get(&client, chain, &registry, &token, &err), -ERR_AWS_CREDENTIALS);
    assert_in_range(turns.asked, 1, 3);
}

/* ---- the image ---- */

static int look(const char *tag, const char *digest, const char *platform, enum ecr_severity gate)
{
    const struct ecr_wanted wanted = {
        .repo = "team/app", .tag = tag, .digest = digest, .platform = platform, .gate = gate
    };
    err_clear(&err);
    int r = ecr_image_look(&client, chain, &registry, &wanted, &image, &err);
    (void)err_text(&err, text, sizeof(text));
    return r;
}

static void assert_text(const char *word)
{
    if (!strstr(text, word))
        fail_msg("'%s' is not in: %s", word, text);
}

/* A manifest as BatchGetImage has it: JSON in a string. `needs` as above. */
static void has_manifest(const char *needs, const char *digest, const char *manifest)
{
    static char bodies[4][4096];
    static unsigned turn;
    _cleanup_(buf_done_p) struct buf escaped = BUF_INIT(3000);
    char *body = bodies[turn++ % 4];
    for (const char *c = manifest; *c; c++)
        buf_addf(&escaped, "%s%c", *c == '"' ? "\\" : "", *c);
    (void)snprintf(body, sizeof(bodies[0]),
                   "{\"images\":[{\"imageId\":{\"imageDigest\":\"%s\"},\"imageManifest\":\"%s\"}],\"failures\":[]}",
                   digest, buf_str(&escaped));
    ecr(BATCH, needs, 200, body);
}

static void has_single_image(void)
{
    static char manifest[600], url[300];
    char hex[CRYPTO_SHA256_HEX_SIZE];
    assert_int_equal(crypto_sha256_hex(SPAN_LIT(CONFIG), hex, &err), 0);
    (void)snprintf(config_digest, sizeof(config_digest), "sha256:%s", hex);
    (void)snprintf(
        manifest, sizeof(manifest),
        "{\"schemaVersion\":2,\"config\":{\"digest\":\"%s\",\"size\":100},\"layers\":[{\"size\":1000},{\"size\":"
        "2000}]}",
        config_digest);
    has_manifest(NULL, AMD64, manifest);
    (void)snprintf(url, sizeof(url), "{\"downloadUrl\":\"%s/blob?X-Amz-Signature=presigned-secret\"}", service.url);
    ecr(DOWNLOAD, config_digest, 200, url);
}

#define BLOB(status_, body_)                                                                                           \
    double_route(&service, (struct double_route){ .request = "GET /blob", .status = (status_), .body = (body_) })

static void an_image_is_described_with_platform_size_and_findings(void **state)
{
    _cleanup_(buf_done_p) struct buf seen = BUF_INIT(65536);
    (void)state;
    ecr(DESCRIBE, "\"imageTag\":\"v1\"", 200,
        "{\"imageDetails\":[{\"imageDigest\":\"" AMD64 "\",\"imageSizeInBytes\":3100,\"imageStatus\":\"ACTIVE\","
        "\"imageScanStatus\":{\"status\":\"COMPLETE\"},\"imageScanFindingsSummary\":{\"findingSeverityCounts\":"
        "{\"CRITICAL\":2,\"HIGH\":11,\"UNDEFINED\":4,\"INFORMATIONAL\":1}}}]}");
    has_single_image();
    BLOB(200, CONFIG);
    assert_int_equal(look("v1", "", "", ECR_SEVERITY_NONE), 0);
    assert_string_equal(image.digest, AMD64);
    assert_int_equal(image.size_bytes, 3100);
    assert_int_equal(image.platform_count, 1);
    assert_string_equal(image.platforms[0], "linux/arm64/v8");
    assert_true(image.scanned);
    assert_int_equal(image.findings[ECR_CRITICAL], 2);
    assert_int_equal(image.findings[ECR_HIGH], 11);
    assert_int_equal(image.findings[ECR_SEVERITY_NONE], 5);
    assert_string_equal(image.notes, "");
    double_seen(&service, &seen);
    assert_non_null(strstr(buf_str(&seen), "\"registryId\":\"123456789012\",\"repositoryName\":\"team/app\""));
    assert_non_null(strstr(buf_str(&seen), "\"imageIds\":[{\"imageDigest\":\"" AMD64 "\"}]")); /* not the tag again */
    assert_null(strstr(buf_str(&seen), "DescribeImageScanFindings"));
}

static void a_role_that_may_only_pull_learns_what_the_manifest_tells(void **state)
{
    (void)state;
    refuses(DESCRIBE, "AccessDeniedException");
    refuses(SCAN, "AccessDeniedException");
    has_single_image();
    BLOB(200, CONFIG);
    assert_int_equal(look("v1", "", "", ECR_SEVERITY_NONE), 0);
    assert_string_equal(image.digest, AMD64);
    assert_int_equal(image.size_bytes, 3100);
    assert_int_equal(image.platform_count, 1);
    assert_false(image.scanned);
    assert_string_equal(image.scan_status, "not allowed");
    assert_non_null(strstr(image.notes, "ecr:DescribeImages"));
    assert_int_equal(ecr_findings_check(&image, ECR_CRITICAL, &err), -ERR_IMAGE_FINDINGS);
}

static void without_any_permission_it_is_denied(void **state)
{
    (void)state;
    refuses(DESCRIBE, "AccessDeniedException");
    refuses(BATCH, "AccessDeniedException");
    assert_int_equal(look("v1", "", "", ECR_SEVERITY_NONE), -ERR_AWS_DENIED);
    assert_text("ecr:BatchGetImage");
}

static void a_configuration_that_is_another_blob_is_not_believed(void **state)
{
    (void)state;
    refuses(DESCRIBE, "AccessDeniedException");
    refuses(SCAN, "ScanNotFoundException");
    has_single_image();
    BLOB(200, "{\"architecture\":\"amd64\",\"os\":\"linux\"}");
    assert_int_equal(look("v1", "", "", ECR_SEVERITY_NONE), 0);
    assert_int_equal(image.platform_count, 0);
    assert_non_null(strstr(image.notes, "the platform is not known"));
    assert_null(strstr(image.notes, "presigned-secret"));
}

static void the_address_of_the_configuration_is_a_secret(void **state)
{
    (void)state;
    refuses(DESCRIBE, "AccessDeniedException");
    refuses(SCAN, "ScanNotFoundException");
    has_single_image();
    BLOB(403, "<Error><Code>AccessDenied</Code></Error>");
    assert_int_equal(look("v1", "", "", ECR_SEVERITY_NONE), 0);
    assert_non_null(strstr(env.secrets, "/blob?X-Amz-Signature=presigned-secret\n"));
    assert_null(strstr(image.notes, "presigned-secret"));
    assert_int_equal(image.platform_count, 0);
}

/* ---- an index ---- */

#define INDEX                                                                                                          \
    "{\"manifests\":[{\"digest\":\"" AMD64 "\",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}},"           \
    "{\"digest\":\"" D("cccc") "\",\"platform\":{\"os\":\"unknown\",\"architecture\":\"unknown\"}},"                   \
                               "{\"digest\":\"" ARM64                                                                  \
                               "\",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\",\"variant\":\"v8\"}}]}"

static void has_index(void)
{
    ecr(DESCRIBE, NULL, 200, "{\"imageDetails\":[{\"imageDigest\":\"" INDEX_DIGEST "\",\"imageSizeInBytes\":9000}]}");
    has_manifest(INDEX_DIGEST, INDEX_DIGEST, INDEX);
}

static void an_index_has_the_platforms_of_its_images_without_attestations(void **state)
{
    (void)state;
    has_index();
    has_manifest(ARM64, ARM64, "{\"config\":{\"size\":1},\"layers\":[{\"size\":10},{\"size\":20}]}");
    refuses(SCAN, "ScanNotFoundException");
    assert_int_equal(look("v1", "", "linux/arm64", ECR_SEVERITY_NONE), 0);
    assert_int_equal(image.platform_count, 2);
    assert_string_equal(image.platforms[1], "linux/arm64/v8");
    assert_int_equal(image.size_bytes, 31); /* of the image for that platform */
    assert_string_equal(image.scan_status, "SCAN_NOT_FOUND");
}

#define FOUND(counts)                                                                                                  \
    "{\"imageScanStatus\":{\"status\":\"COMPLETE\"},\"imageScanFindings\":{\"findingSeverityCounts\":" counts "}}"

static void without_a_platform_an_index_is_as_bad_as_its_worst_image(void **state)
{
    (void)state;
    has_index();
    ecr(SCAN, AMD64, 200, FOUND("{\"HIGH\":3,\"LOW\":1}"));
    ecr(SCAN, ARM64, 200, FOUND("{\"HIGH\":1,\"LOW\":9}"));
    assert_int_equal(look("v1", "", "", ECR_HIGH), 0);
    assert_true(image.scanned);
    assert_int_equal(image.findings[ECR_HIGH], 3);
    assert_int_equal(image.findings[ECR_LOW], 9);
    assert_int_equal(image.size_bytes, 9000);
}

static void one_image_without_findings_leaves_the_index_unknown(void **state)
{
    (void)state;
    has_index();
    ecr(SCAN, AMD64, 400, "{\"__type\":\"ScanNotFoundException\",\"message\":\"no scan\"}");
    ecr(SCAN, ARM64, 200, FOUND("{}"));
    assert_int_equal(look("v1", "", "", ECR_HIGH), 0);
    assert_false(image.scanned);
    assert_string_equal(image.scan_status, "SCAN_NOT_FOUND");
}

static void only_the_image_of_the_platform_counts(void **state)
{
    (void)state;
    has_index();
    has_manifest(ARM64, ARM64, "{\"layers\":[]}");
    ecr(SCAN, ARM64, 200, FOUND("{\"LOW\":9}"));
    assert_int_equal(look("v1", "", "linux/arm64", ECR_HIGH), 0);
    assert_true(image.scanned);
    assert_int_equal(ecr_findings_check(&image, ECR_HIGH, &err), 0);
}

static void an_index_that_hides_an_image_from_the_gate_is_unknown(void **state)
{
    static char manifest[2600];
    size_t used = 0;
    (void)state;
    ecr(DESCRIBE, "v1", 200, "{\"imageDetails\":[{\"imageDigest\":\"" INDEX_DIGEST "\"}]}");
    has_manifest(INDEX_DIGEST, INDEX_DIGEST,
                 "{\"manifests\":[{\"digest\":\"" ARM64
                 "\",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\"}},{\"digest\":\"" AMD64 "\"}]}");
    has_manifest(ARM64, ARM64, "{\"layers\":[]}");
    ecr(SCAN, ARM64, 200, FOUND("{}"));
    assert_int_equal(look("v1", "", "", ECR_HIGH), 0);
    assert_false(image.scanned); /* an engine takes what tells no platform, too */
    assert_int_equal(look("v1", "", "linux/arm64", ECR_HIGH), 0);
    assert_true(image.scanned);

    used = (size_t)snprintf(manifest, sizeof(manifest), "{\"manifests\":[");
    for (int n = 0; n <= ECR_PLATFORMS_MAX; n++)
        used += (size_t)snprintf(
            manifest + used, sizeof(manifest) - used,
            "%s{\"digest\":\"" ARM64 "\",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\"}}", n ? "," : "");
    (void)snprintf(manifest + used, sizeof(manifest) - used, "]}");
    ecr(DESCRIBE, "v2", 200, "{\"imageDetails\":[{\"imageDigest\":\"" D("dddd") "\"}]}");
    has_manifest(D("dddd"), D("dddd"), manifest);
    assert_int_equal(look("v2", "", "", ECR_HIGH), 0);
    assert_int_equal(image.platform_count, ECR_PLATFORMS_MAX);
    assert_int_equal(ecr_findings_check(&image, ECR_HIGH, &err), -ERR_IMAGE_FINDINGS);
}

static void what_is_said_of_an_index_itself_is_no_answer_for_its_images(void **state)
{
    (void)state;
    ecr(DESCRIBE, NULL, 200,
        "{\"imageDetails\":[{\"imageDigest\":\"" INDEX_DIGEST "\",\"imageScanStatus\":{\"status\":\"COMPLETE\"},"
        "\"imageScanFindingsSummary\":{\"findingSeverityCounts\":{}}}]}");
    has_manifest(INDEX_DIGEST, INDEX_DIGEST, INDEX);
    ecr(SCAN, AMD64, 200, FOUND("{}"));
    ecr(SCAN, ARM64, 200, FOUND("{\"CRITICAL\":1}"));
    assert_int_equal(look("v1", "", "", ECR_HIGH), 0);
    assert_int_equal(ecr_findings_check(&image, ECR_HIGH, &err), -ERR_IMAGE_FINDINGS);
}

static void sizes_beyond_all_measure_do_not_overflow(void **state)
{
    static char layers[2800];
    size_t used = (size_t)snprintf(layers, sizeof(layers), "{\"layers\":[{\"size\":1}");
    (void)state;
    for (int n = 0; n < 100; n++)
        used += (size_t)snprintf(layers + used, sizeof(layers) - used, ",{\"size\":999999999999999}");
    (void)snprintf(layers + used, sizeof(layers) - used, "]}");
    refuses(DESCRIBE, "AccessDeniedException");
    refuses(SCAN, "ScanNotFoundException");
    has_manifest(NULL, AMD64, layers);
    assert_int_equal(look("v1", "", "", ECR_SEVERITY_NONE), 0);
    assert_in_range(image.size_bytes, 1, (int64_t)2e15);
}

/* ---- what is missing ---- */

static void a_missing_repository_is_told_with_region_and_account(void **state)
{
    (void)state;
    aws_env_set(&env, "AWS_REGION", "us-east-1");
    refuses(DESCRIBE, "RepositoryNotFoundException");
    refuses(BATCH, "RepositoryNotFoundException");
    assert_int_equal(look("v1", "", "", ECR_SEVERITY_NONE), -ERR_IMAGE_MISSING);
    assert_text("ECR has no repository 'team/app' in region eu-central-1 of account 123456789012");
    assert_non_null(strstr(err_hint_text(&err), "AWS_REGION is us-east-1"));
}

static void a_missing_tag_and_a_missing_digest_are_told_apart(void **state)
{
    (void)state;
    refuses(DESCRIBE, "ImageNotFoundException");
    ecr(BATCH, NULL, 200,
        "{\"images\":[],\"failures\":[{\"failureCode\":\"ImageNotFound\",\"failureReason\":\"Requested image not "
        "found\"}]}");
    assert_int_equal(look("v9", "", "", ECR_SEVERITY_NONE), -ERR_IMAGE_MISSING);
    assert_text("has no tag v9");
    assert_int_equal(look("", ARM64, "", ECR_SEVERITY_NONE), -ERR_IMAGE_MISSING);
    assert_text("has no image with the digest " ARM64);
}

static void an_image_that_only_its_manifest_brings_is_there(void **state)
{
    (void)state;
    refuses(DESCRIBE, "ImageNotFoundException"); /* a pull-through cache that does not hold it yet */
    refuses(SCAN, "ScanNotFoundException");
    refuses(DOWNLOAD, "LayersNotFoundException");
    has_single_image();
    assert_int_equal(look("v1", "", "", ECR_SEVERITY_NONE), 0);
    assert_string_equal(image.digest, AMD64);
}

static void a_missing_image_stays_missing_when_its_manifest_may_not_be_read(void **state)
{
    (void)state;
    refuses(DESCRIBE, "ImageNotFoundException");
    refuses(BATCH, "AccessDeniedException");
    assert_int_equal(look("v1", "", "", ECR_SEVERITY_NONE), -ERR_IMAGE_MISSING);
    assert_text("has no tag v1");
}

static void archived_images_are_no_images(void **state)
{
    (void)state;
    ecr(DESCRIBE, "v1", 200, "{\"imageDetails\":[{\"imageDigest\":\"" AMD64 "\",\"imageStatus\":\"ARCHIVED\"}]}");
    ecr(DESCRIBE, "v2", 200, "{\"imageDetails\":[{\"imageDigest\":\"" AMD64 "\",\"imageStatus\":\"ACTIVATING\"}]}");
    assert_int_equal(look("v1", "", "", ECR_SEVERITY_NONE), -ERR_IMAGE_MISSING);
    assert_text("archive");
    assert_int_equal(look("v2", "", "", ECR_SEVERITY_NONE), -ERR_IMAGE_MISSING);
    assert_text("restored");
}

/* ---- scans ---- */

static volatile sig_atomic_t cancelled;

static void *cancel_soon(void *ctx)
{
    (void)ctx;
    clock_sleep_ms(300);
    cancelled = 1;
    return NULL;
}

static int look_with_wait(int64_t wait_ms)
{
    const struct ecr_wanted wanted = {
        .repo = "team/app", .tag = "v1", .digest = "", .platform = "", .gate = ECR_HIGH, .scan_wait_ms = wait_ms
    };
    return ecr_image_look(&client, chain, &registry, &wanted, &image, &err);
}

static void a_gate_waits_for_a_scan_that_is_under_way(void **state)
{
    (void)state;
    ecr(DESCRIBE, NULL, 200, "{\"imageDetails\":[{\"imageDigest\":\"" AMD64 "\"}]}");
    has_manifest(NULL, AMD64, "{\"layers\":[]}");
    double_route(&service, (struct double_route){ .request = "POST /",
                                                  .needs = { SCAN },
                                                  .status = 200,
                                                  .body = "{\"imageScanStatus\":{\"status\":\"IN_PROGRESS\"}}",
                                                  .times = 1 });
    ecr(SCAN, NULL, 200, FOUND("{\"MEDIUM\":1}"));
    assert_int_equal(look_with_wait(300), 0);
    assert_true(image.scanned);
    assert_int_equal(image.findings[ECR_MEDIUM], 1);
    assert_non_null(strstr(env.notes, "waiting for ECR's scan"));
}

static void a_scan_that_does_not_end_stays_unknown(void **state)
{
    int64_t start = clock_mono_ms();
    (void)state;
    ecr(DESCRIBE, NULL, 200, "{\"imageDetails\":[{\"imageDigest\":\"" AMD64 "\"}]}");
    has_manifest(NULL, AMD64, "{\"layers\":[]}");
    ecr(SCAN, NULL, 200, "{\"imageScanStatus\":{\"status\":\"PENDING\"}}");
    assert_int_equal(look_with_wait(200), 0);
    assert_in_range(clock_mono_ms() - start, 150, 5000);
    assert_false(image.scanned);
    assert_string_equal(image.scan_status, "PENDING");
}

static void findings_of_enhanced_scanning_count(void **state)
{
    (void)state;
    ecr(DESCRIBE, NULL, 200,
        "{\"imageDetails\":[{\"imageDigest\":\"" AMD64 "\",\"imageScanStatus\":{\"status\":\"ACTIVE\"}}]}");
    has_manifest(NULL, AMD64, "{\"layers\":[]}");
    ecr(SCAN, NULL, 200,
        "{\"imageScanStatus\":{\"status\":\"ACTIVE\"},\"imageScanFindings\":{\"enhancedFindings\":[],"
        "\"findingSeverityCounts\":{\"CRITICAL\":1,\"UNTRIAGED\":2}}}");
    assert_int_equal(look("v1", "", "", ECR_HIGH), 0);
    assert_int_equal(image.findings[ECR_CRITICAL], 1);
    assert_int_equal(image.findings[ECR_SEVERITY_NONE], 2);
}

static void counts_of_a_scan_that_failed_are_no_findings(void **state)
{
    (void)state;
    ecr(DESCRIBE, NULL, 200,
        "{\"imageDetails\":[{\"imageDigest\":\"" AMD64 "\",\"imageScanStatus\":{\"status\":\"IN_PROGRESS\"},"
        "\"imageScanFindingsSummary\":{\"findingSeverityCounts\":{}}}]}");
    has_manifest(NULL, AMD64, "{\"layers\":[]}");
    ecr(SCAN, NULL, 200,
        "{\"imageScanStatus\":{\"status\":\"FAILED\"},\"imageScanFindings\":{\"findingSeverityCounts\":{}}}");
    assert_int_equal(look("v1", "", "", ECR_HIGH), 0);
    assert_false(image.scanned);
    assert_string_equal(image.scan_status, "FAILED");
    assert_int_equal(ecr_findings_check(&image, ECR_HIGH, &err), -ERR_IMAGE_FINDINGS);
}

static void a_wait_for_a_scan_ends_when_it_is_cancelled(void **state)
{
    pthread_t thread;
    int64_t start = clock_mono_ms();
    (void)state;
    ecr(DESCRIBE, NULL, 200, "{\"imageDetails\":[{\"imageDigest\":\"" AMD64 "\"}]}");
    has_manifest(NULL, AMD64, "{\"layers\":[]}");
    ecr(SCAN, NULL, 200, "{\"imageScanStatus\":{\"status\":\"PENDING\"}}");
    client.cancel = &cancelled;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    assert_int_equal(look_with_wait(20000), -ERR_CANCEL);
    assert_int_equal(pthread_join(thread, NULL), 0);
    client.cancel = NULL;
    assert_in_range(clock_mono_ms() - start, 0, 2000);
}

static void a_server_error_is_an_error(void **state)
{
    (void)state;
    refuses(DESCRIBE, "InvalidParameterException");
    assert_int_equal(look("v1", "", "", ECR_SEVERITY_NONE), -ERR_AWS);
    assert_text("InvalidParameterException");
    assert_int_equal(service.seen_count, 1); /* nothing is tried again that cannot help */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_token_is_user_and_password_and_both_are_secrets_before_use),
        CASE(a_past_expiry_is_merely_unknown),
        CASE(the_public_registry_answers_with_an_object),
        CASE(what_is_no_token_is_refused),
        CASE(expired_credentials_are_fetched_anew_once),
        CASE(an_image_is_described_with_platform_size_and_findings),
        CASE(a_role_that_may_only_pull_learns_what_the_manifest_tells),
        CASE(without_any_permission_it_is_denied),
        CASE(a_configuration_that_is_another_blob_is_not_believed),
        CASE(the_address_of_the_configuration_is_a_secret),
        CASE(an_index_has_the_platforms_of_its_images_without_attestations),
        CASE(without_a_platform_an_index_is_as_bad_as_its_worst_image),
        CASE(one_image_without_findings_leaves_the_index_unknown),
        CASE(only_the_image_of_the_platform_counts),
        CASE(an_index_that_hides_an_image_from_the_gate_is_unknown),
        CASE(what_is_said_of_an_index_itself_is_no_answer_for_its_images),
        CASE(sizes_beyond_all_measure_do_not_overflow),
        CASE(a_missing_repository_is_told_with_region_and_account),
        CASE(a_missing_tag_and_a_missing_digest_are_told_apart),
        CASE(an_image_that_only_its_manifest_brings_is_there),
        CASE(a_missing_image_stays_missing_when_its_manifest_may_not_be_read),
        CASE(archived_images_are_no_images),
        CASE(a_gate_waits_for_a_scan_that_is_under_way),
        CASE(a_scan_that_does_not_end_stays_unknown),
        CASE(findings_of_enhanced_scanning_count),
        CASE(counts_of_a_scan_that_failed_are_no_findings),
        CASE(a_wait_for_a_scan_ends_when_it_is_cancelled),
        CASE(a_server_error_is_an_error),
    };
    struct err ignored = { 0 };
    if (http_global_init(&ignored) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
