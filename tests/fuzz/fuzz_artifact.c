/*
 * What the artifact service and the runner hand over: tokens, error answers, addresses. The first byte chooses. Ids are
 * whole words, shown words are printable and hold no token, an origin is the beginning of its address and has no path.
 */
#include "cmd/artifact/artifact_api.h"
#include "cmd/artifact/artifact_block.h"
#include "shared/crypto.h"

#define TOKEN "token-of-the-runner"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_id(const char *id)
{
    size_t len = strnlen(id, ARTIFACT_ID_SIZE);

    if (len == 0 || len == ARTIFACT_ID_SIZE || strpbrk(id, ": "))
        abort();
}

static void check_token(const char *token)
{
    struct artifact_ids ids;

    if (artifact_ids_from_token(token, &ids, NULL) < 0)
        return;
    check_id(ids.run);
    check_id(ids.job);
}

static void check_claims(struct span claims)
{
    _cleanup_(buf_done_p) struct buf token = BUF_INIT(1024 * 1024);

    buf_adds(&token, "h.");
    crypto_base64_encode(claims, CRYPTO_BASE64URL, &token);
    buf_adds(&token, ".s");
    check_token(buf_str(&token));
}

static void check_words(struct span answer)
{
    const struct artifact_options o = { .service.token = TOKEN };
    struct artifact_line line = { .o = &o };
    const struct artifact_api api = { .line = &line };
    _cleanup_(json_free_p) struct json *j = NULL;
    char words[200];

    if (json_parse(answer, &j, NULL) < 0)
        return;
    artifact_api_words(&api, j, words);
    if (strnlen(words, sizeof(words)) == sizeof(words) || strstr(words, TOKEN) || strcasestr(words, "sig="))
        abort();
    for (const char *c = words; *c; c++)
        if (*c < ' ' || *c > '~')
            abort();
}

static void check_address(const char *url)
{
    char origin[300];

    if (artifact_store_replaces(url) && (!strstr(url, "sv=") || !strstr(url, "sig=")))
        abort();
    if (!artifact_origin(url, origin, sizeof(origin)))
        return;
    const char *host = strstr(origin, "://");
    if (strncmp(url, origin, strlen(origin)) != 0 || !host || !host[3] || strpbrk(host + 3, "/?#"))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span rest = { .ptr = (const char *)data + 1, .len = size - 1 };
    _cleanup_(free_p) char *text = span_dup(rest);

    switch (data[0] % 4) {
    case 0:
        check_claims(rest);
        break;
    case 1:
        check_words(rest);
        break;
    case 2:
        if (text)
            check_token(text);
        break;
    default:
        if (text)
            check_address(text);
    }
    return 0;
}
