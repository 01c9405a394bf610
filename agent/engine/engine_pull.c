#include "agent/engine/engine_internal.h"
#include "shared/clock.h"

#define PROGRESS_EVERY_MS 250

void engine_pull_init(struct engine_pull *p)
{
    memset(p, 0, sizeof(*p));
    buf_init(&p->object, ENGINE_PULL_OBJECT_MAX);
}

void engine_pull_done(struct engine_pull *p)
{
    buf_done(&p->object);
}

/* Words that only a layer is given; others ("Pulling from", "Digest:") carry the tag or nothing as their id. */
enum layer_event { LAYER_NONE, LAYER_SEEN, LAYER_MOVING, LAYER_LOADED, LAYER_DONE };

static enum layer_event layer_event(const char *status)
{
    static const struct {
        const char *status;
        enum layer_event event;
    } table[] = {
        { "Pulling fs layer", LAYER_SEEN },    { "Waiting", LAYER_SEEN },
        { "Downloading", LAYER_MOVING },       { "Verifying Checksum", LAYER_LOADED },
        { "Download complete", LAYER_LOADED }, { "Extracting", LAYER_LOADED },
        { "Pull complete", LAYER_DONE },       { "Already exists", LAYER_DONE },
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(table[i].status, status) == 0)
            return table[i].event;
    return LAYER_NONE;
}

/* The layer of that id, made when it is new; NULL when the table is full. */
static struct engine_layer *find_layer(struct engine_pull *p, const char *id)
{
    char key[sizeof(p->layers[0].id)];
    engine_copy(key, sizeof(key), id);
    for (unsigned i = 0; i < p->progress.layers; i++)
        if (strcmp(p->layers[i].id, key) == 0)
            return &p->layers[i];
    if (p->progress.layers == ENGINE_LAYERS_MAX)
        return NULL;
    struct engine_layer *l = &p->layers[p->progress.layers++];
    memcpy(l->id, key, sizeof(l->id));
    return l;
}

static int64_t clamp_bytes(int64_t v)
{
    const int64_t max = INT64_C(1) << 48; /* so that the sum over all layers cannot overflow */
    return v < 0 ? 0 : v > max ? max : v;
}

static void note_layer(struct engine_pull *p, const struct json *j, const char *status)
{
    enum layer_event event = layer_event(status);
    const char *id = json_str(j, "id", "");
    struct engine_layer *l = event != LAYER_NONE && *id ? find_layer(p, id) : NULL;
    if (!l)
        return;
    if (event == LAYER_MOVING) {
        const struct json *detail = json_get(j, "progressDetail");
        int64_t total = clamp_bytes(json_int(detail, "total", 0));
        l->current = clamp_bytes(json_int(detail, "current", l->current));
        if (total > l->total)
            l->total = total;
        if (l->current > l->total)
            l->total = l->current;
    } else if (event == LAYER_LOADED || event == LAYER_DONE) {
        l->current = l->total;
    }
    if (event == LAYER_DONE)
        l->done = true;
    p->progress.current = p->progress.total = 0;
    p->progress.layers_done = 0;
    for (unsigned i = 0; i < p->progress.layers; i++) {
        p->progress.current += p->layers[i].current;
        p->progress.total += p->layers[i].total;
        p->progress.layers_done += p->layers[i].done ? 1 : 0;
    }
}

static void note_status(struct engine_pull *p, const char *status)
{
    engine_copy(p->progress.status, sizeof(p->progress.status), status);
    for (char *c = p->progress.status; *c; c++)
        if (*c < ' ' || *c > '~') /* signedness of char does not matter: bytes above 126 are filtered either way */
            *c = '?';
}

static void tell(struct engine_pull *p)
{
    int64_t now = clock_mono_ms();
    if (!p->on_progress || (p->told_at_ms && now - p->told_at_ms < PROGRESS_EVERY_MS))
        return;
    p->told_at_ms = now;
    p->on_progress(p->ctx, &p->progress);
}

static int take_object(struct engine_pull *p)
{
    _cleanup_(json_free_p) struct json *j = NULL;
    int r = json_parse(buf_span(&p->object), &j, p->err);
    if (r < 0)
        return err_wrap(p->err, "progress of the pull");
    p->objects++;

    /* `error` is the older form; Podman sends a null errorDetail. */
    const char *error = json_str(json_get(j, "errorDetail"), "message", NULL);
    if (!error || !*error)
        error = json_str(j, "error", "");
    if (*error && !p->error[0])
        engine_copy(p->error, sizeof(p->error), error);
    const char *status = json_str(j, "status", "");
    if (*status) {
        note_layer(p, j, status);
        note_status(p, status);
        tell(p);
    }
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Follow strings and braces only; json_parse() judges the rest. */
static void scan(struct engine_pull *p, char c)
{
    if (p->in_string) {
        if (p->escaped)
            p->escaped = false;
        else if (c == '\\')
            p->escaped = true;
        else if (c == '"')
            p->in_string = false;
    } else if (c == '"') {
        p->in_string = true;
    } else if (c == '{') {
        p->depth++;
    } else if (c == '}') {
        p->depth--; /* never below 0: nothing is scanned outside an object */
    }
}

int engine_pull_feed(void *pull, struct span data)
{
    struct engine_pull *p = pull;
    for (size_t i = 0; i < data.len; i++) {
        char c = data.ptr[i];
        if (p->depth == 0 && c != '{') {
            if (is_blank(c))
                continue;
            return err_set(p->err, ERR_PROTO, 0,
                           "the Docker Engine's progress stream holds something that is not an object");
        }
        buf_addc(&p->object, c);
        scan(p, c);
        if (p->object.failed)
            return err_set(p->err, ERR_PROTO, 0,
                           "an object of the Docker Engine's progress stream is longer than %zu bytes",
                           ENGINE_PULL_OBJECT_MAX);
        if (p->depth == 0) {
            int r = take_object(p);
            if (r < 0)
                return r;
            buf_reset(&p->object);
        }
    }
    return 0;
}

int engine_pull_finish(struct engine_pull *p, struct err *err)
{
    if (p->error[0])
        return engine_words_error(engine_words_pull, 0, p->error, err);
    if (p->depth)
        return err_set(err, ERR_PROTO, 0, "the Docker Engine's progress stream ends in the middle");
    return 0;
}
