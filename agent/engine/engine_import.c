#include "agent/engine/engine_internal.h"

#define IMPORT_TIMEOUT_MS 120000

int engine_image_import(struct engine *e, struct span archive, const char *repo, const char *tag,
                        const char *entrypoint, struct err *err)
{
    struct engine_pull stream;
    _cleanup_(buf_done_p) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    _cleanup_(buf_done_p) struct buf change = BUF_INIT(1024);
    buf_addf(&change, "ENTRYPOINT %s", entrypoint);
    buf_addf(&path, "/images/create?fromSrc=-&repo=%s&tag=%s&changes=", repo, tag);
    http_escape(buf_span(&change), &path);
    if (buf_check(&path, err) < 0)
        return err_wrap(err, "import image '%s:%s'", repo, tag);
    const struct engine_request request = {
        .method = "POST",
        .path = buf_str(&path),
        .body = archive,
        .content_type = "application/x-tar",
        .timeout_ms = IMPORT_TIMEOUT_MS,
        .on_data = engine_pull_feed, /* the same stream as a pull's: an error may come inside a 200 */
        .ctx = &stream,
    };
    engine_pull_init(&stream);
    stream.err = err;
    int r = engine_call(e, &request, NULL, err);
    if (r == 0)
        r = engine_pull_finish(&stream, err);
    engine_pull_done(&stream);
    return r < 0 ? err_wrap(err, "import image '%s:%s'", repo, tag) : 0;
}
