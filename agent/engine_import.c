#include "agent/engine_internal.h"

#define IMPORT_TIMEOUT_MS 120000

int engine_image_import(struct engine *e, struct span archive, const char *repo, const char *tag, const char *entrypoint,
                        struct err *err)
{
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
    };
    struct engine_answer answer;
    int r = engine_call(e, &request, &answer, err);
    engine_answer_done(&answer);
    return r < 0 ? err_wrap(err, "import image '%s:%s'", repo, tag) : 0;
}
