#include "agent/cli/selfcheck.h"

#include "agent/container.h"
#include "agent/state/journal.h"
#include "agent/state/store.h"
#include "shared/bundle.h"
#include "shared/clock.h"
#include "shared/crypto.h"
#include "shared/http.h"
#include "shared/reference.h"
#include "shared/wire.h"

#include <fcntl.h>
#include <sys/stat.h>

/* A deployment as far as it goes without an engine: request in, settings checked, container request out. */
static int try_deployment(struct err *err)
{
    static const char text[] = "{\"v\":1,\"op\":\"deploy\",\"app\":\"check\",\"deployment\":\"20260101-000000-check\","
                               "\"spec\":{\"app\":\"check\",\"image\":\"registry.example/check:1\"}}";
    struct wire_request request;
    struct reference ref;
    char fingerprint[CRYPTO_SHA256_HEX_SIZE];
    _cleanup_(json_free_p) struct json *body = NULL;
    if (wire_decode(span_of(text), &request, err) < 0)
        return -(int)err->kind;
    struct container_plan plan = { .spec = &request.spec,
                                   .image_ref = request.spec.image,
                                   .deployment = "check",
                                   .fingerprint = fingerprint,
                                   .network = "check",
                                   .port_first = 8080,
                                   .port_last = 8081 };
    int r = reference_parse(request.spec.image, &ref, err);
    if (r == 0)
        r = spec_fingerprint(&request.spec, fingerprint, err);
    if (r == 0)
        r = container_plan_to_json(&plan, &body, err);
    wire_request_done(&request);
    return r;
}

static int swallow(void *ctx, struct span data)
{
    *(size_t *)ctx += data.len;
    return 0;
}

static int try_bundle(struct err *err)
{
    size_t bytes = 0;
    _cleanup_(bundle_writer_free_p) struct bundle_writer *w = NULL;
    if (bundle_writer_new(&w, swallow, &bytes, err) < 0 ||
        bundle_add(w, "check.txt", SPAN_LIT("check\n"), clock_wall_ms(), err) < 0 || bundle_finish(w, err) < 0)
        return -(int)err->kind;
    return bytes > 0 ? 0 : err_set(err, ERR_BUG, 0, "the bundle is empty");
}

static int try_journal(struct err *err)
{
    char dir[] = "/tmp/bluegreen-check-XXXXXX";
    struct journal j;
    _cleanup_(json_free_p) struct json *records = NULL;
    if (!mkdtemp(dir))
        return err_set(err, ERR_IO, errno, "make a folder in /tmp: %s", strerror(errno));
    _cleanup_(close_p) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = journal_open(&j, fd, err);
    if (r == 0)
        r = journal_append(&j, "intent", "check", NULL, err);
    if (r == 0)
        r = journal_read(fd, &records, NULL, err);
    if (r == 0 && json_len(records) != 1)
        r = err_set(err, ERR_BUG, 0, "the journal lost its record");
    journal_close(&j);
    (void)unlinkat(fd, JOURNAL_FILE, 0);
    (void)rmdir(dir);
    return r;
}

static int try_http(struct err *err)
{
    _cleanup_(http_free_p) struct http *h = NULL;
    return http_new(&h, NULL, err);
}

int selfcheck(struct err *err)
{
    static const struct {
        const char *name;
        int (*run)(struct err *err);
    } parts[] = {
        { "deployment request", try_deployment },
        { "bundle", try_bundle },
        { "journal", try_journal },
        { "http", try_http },
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].run(err) < 0)
            return err_wrap(err, "self-check of %s", parts[i].name);
        (void)printf("%s: ok\n", parts[i].name);
    }
    return 0;
}
