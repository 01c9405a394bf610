#include "cmd/artifact/artifact_block.h"

#include "cmd/artifact/artifact_api.h"
#include "shared/crypto.h"

#include <ctype.h>

#define LIST_MAX (1024 * 1024)

bool artifact_store_replaces(const char *url)
{
    const char *query = strchr(url, '?');
    bool version = false, signature = false;

    for (const char *c = query; c; c = strpbrk(c + 1, "&#")) {
        if (*c == '#')
            break;
        version = version || strncmp(c + 1, "sv=", 3) == 0;
        signature = signature || strncmp(c + 1, "sig=", 4) == 0;
    }
    return version && signature;
}

const char *artifact_block_id(size_t i, char out[ARTIFACT_BLOCK_ID_SIZE])
{
    _cleanup_(buf_done_p) struct buf code = BUF_INIT(ARTIFACT_BLOCK_ID_SIZE);
    char digits[32];
    int len = snprintf(digits, sizeof(digits), "%09zu", i);

    crypto_base64_encode((struct span){ digits, (size_t)len }, CRYPTO_BASE64, &code);
    (void)snprintf(out, ARTIFACT_BLOCK_ID_SIZE, "%s", buf_str(&code));
    return out;
}

/* Azure's <Code> of an error; "" when there is none. */
static void error_code(struct span body, char out[64])
{
    const char *at = body.len ? memmem(body.ptr, body.len, "<Code>", 6) : NULL;
    size_t n = 0;

    if (at)
        for (at += 6; n < 63 && at < body.ptr + body.len && isalnum((unsigned char)*at); at++)
            out[n++] = *at;
    out[n] = '\0';
}

static int put(const struct artifact_store *store, const struct artifact_call *call, struct err *err)
{
    struct artifact_answer a;
    char code[64];
    int r = artifact_call(store->line, call, &a, err);

    error_code(buf_span(&a.http.body), code);
    int status = a.http.status;
    bool good = r == 0 && artifact_answer_is_good(&a);
    artifact_answer_done(&a);
    if (good || r == -ERR_CANCEL)
        return r;
    if (r == 0)
        r = err_set(err, ERR_ARTIFACT, status, "%s: HTTP %d%s%s", call->what, status, *code ? " " : "", code);
    if (status >= 400 && status < 500 && status != 408 && status != 429)
        return r; /* refused for good */
    return store->replaces ? r : 1;
}

static void address(const struct artifact_store *store, const char *comp, struct buf *out)
{
    buf_addf(out, "%s%ccomp=%s", store->url, strchr(store->url, '?') ? '&' : '?', comp);
}

int artifact_store_put(const struct artifact_store *store, size_t i, struct span data, struct err *err)
{
    _cleanup_(buf_wipe_done_p) struct buf url = BUF_INIT(ARTIFACT_URL_MAX + 100);
    char id[ARTIFACT_BLOCK_ID_SIZE], what[64];

    (void)snprintf(what, sizeof(what), "block %zu of %zu", i + 1, store->blocks);
    address(store, "block", &url);
    buf_addf(&url, "&blockid=%s", artifact_block_id(i, id));
    if (buf_check(&url, err) < 0)
        return err_wrap(err, "%s", what);
    const struct artifact_call call = {
        .what = what,
        .request = { .method = "PUT",
                     .url = buf_str(&url),
                     .body = data,
                     .content_type = "application/octet-stream",
                     .once = !store->replaces },
        .attempts = store->replaces ? ARTIFACT_ATTEMPTS : 1,
    };
    return put(store, &call, err);
}

int artifact_store_commit(const struct artifact_store *store, struct err *err)
{
    static const char *const headers[] = { "x-ms-blob-content-type: application/zip", NULL };
    _cleanup_(buf_wipe_done_p) struct buf url = BUF_INIT(ARTIFACT_URL_MAX + 100);
    _cleanup_(buf_done_p) struct buf list = BUF_INIT(LIST_MAX);
    char id[ARTIFACT_BLOCK_ID_SIZE];

    address(store, "blocklist", &url);
    buf_adds(&list, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    for (size_t i = 0; i < store->blocks; i++)
        buf_addf(&list, "<Latest>%s</Latest>", artifact_block_id(i, id));
    buf_adds(&list, "</BlockList>");
    if (buf_check(&url, err) < 0 || buf_check(&list, err) < 0)
        return err_wrap(err, "block list");
    const struct artifact_call call = {
        .what = "block list",
        .request = { .method = "PUT",
                     .url = buf_str(&url),
                     .headers = headers,
                     .body = buf_span(&list),
                     .content_type = "application/xml" },
        .attempts = ARTIFACT_ATTEMPTS, /* the same list twice is the same file */
    };
    return put(store, &call, err);
}
