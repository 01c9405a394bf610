#include "agent/engine/engine.h"

#include "agent/engine/engine_internal.h"

#include <pwd.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#define PING_TIMEOUT_MS 10000

const char *engine_socket_path(const struct engine *e)
{
    return e->socket_path;
}

void engine_limit(struct engine *e, int64_t timeout_ms)
{
    e->limit_ms = timeout_ms;
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    http_free(e->http);
    free(e);
}

void engine_free_p(struct engine **e)
{
    engine_free(*e);
    *e = NULL;
}

void engine_copy(char *out, size_t size, const char *text)
{
    (void)snprintf(out, size, "%s", text ? text : ""); /* cut at the size on purpose */
}

int engine_api_minor(const char *api)
{
    struct span rest = span_of(api), major;
    int64_t minor = 0;
    if (!span_split(&rest, '.', &major) || !span_eq(major, "1") || !span_to_int(rest, 0, 9999, &minor))
        return -1;
    return (int)minor;
}

void engine_path_add(struct buf *path, const char *name)
{
    static const char hex[] = "0123456789ABCDEF";
    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("._:@/-", c);
        if (plain) {
            buf_addc(path, (char)c);
        } else {
            buf_addc(path, '%');
            buf_addc(path, hex[c >> 4]);
            buf_addc(path, hex[c & 15]);
        }
    }
}

int engine_path(struct buf *path, const char *prefix, const char *name, const char *suffix, struct err *err)
{
    struct span s = span_of(name);
    /* An empty name would ask for the whole list, and the engine's router resolves dots. */
    if (s.len == 0 || s.ptr[0] == '/' || s.ptr[0] == '.' || span_contains(s, "//") || span_contains(s, "/."))
        return err_set(err, ERR_INPUT, 0, "'%.120s' is not a name that Docker knows", name ? name : "");
    buf_adds(path, prefix);
    engine_path_add(path, name);
    buf_adds(path, suffix);
    return buf_check(path, err);
}

void engine_answer_done(struct engine_answer *a)
{
    json_free_p(&a->json);
}

/* The errno of a plain connect(); 0 when it works. */
static int socket_errno(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    _cleanup_(close_p) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    engine_copy(address.sun_path, sizeof(address.sun_path), path);
    return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
}

static void user_name(char out[64])
{
    const struct passwd *pw = getpwuid(geteuid());
    if (pw && pw->pw_name)
        engine_copy(out, 64, pw->pw_name);
    else
        (void)snprintf(out, 64, "%ld", (long)geteuid()); /* always fits */
}

/* Turn "no connection" into what it means for a Unix socket. */
static int no_connection(const struct engine *e, struct err *err)
{
    int code = err->code;
    if (code != ENOENT && code != EACCES && code != EPERM && code != ECONNREFUSED)
        code = socket_errno(e->socket_path);

    if (code == EACCES || code == EPERM) {
        char user[64];
        user_name(user);
        int r = err_set(err, ERR_DOCKER_DENIED, code, "user '%s' may not use the Docker Engine at %s", user,
                        e->socket_path);
        err_hint(err,
                 "On the host run `sudo usermod -aG docker %s`, then log in again (the next run of "
                 "the action does).",
                 user);
        return r;
    }
    const char *why = code == ENOENT         ? "there is no such socket"
                      : code == ECONNREFUSED ? "nobody listens there"
                      : code                 ? strerror(code)
                                             : "the connection failed";
    int r = err_set(err, ERR_DOCKER_MISSING, code, "no Docker Engine at %s: %s", e->socket_path, why);
    err_hint(err, "Is Docker installed and running on the host? Check with `sudo systemctl status "
                  "docker`. For a socket "
                  "elsewhere set DOCKER_HOST=unix:///path in the user's environment there.");
    return r;
}

/* The engine's `message`, or the beginning of whatever came instead. */
static void error_words(const struct http_response *response, char words[ERR_TEXT_MAX])
{
    _cleanup_(json_free_p) struct json *j = NULL;
    const char *message = NULL;
    if (json_parse(span_trim(buf_span(&response->body)), &j, NULL) == 0)
        message = json_str(j, "message", NULL);
    if (!message)
        message = json_str(j, "cause", NULL); /* Podman */
    if (!message)
        message = buf_str(&response->body);
    if (*message)
        engine_words_shorten(span_of(message), words, ERR_TEXT_MAX);
    else
        (void)snprintf(words, ERR_TEXT_MAX, "HTTP status %d without a message", response->status); /* fits */
    for (char *c = words; *c; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    size_t len = strlen(words);
    while (len && words[len - 1] == ' ')
        words[--len] = '\0';
}

static bool is_accepted(const struct engine_request *request, int status)
{
    for (size_t i = 0; i < sizeof(request->accept) / sizeof(request->accept[0]); i++)
        if (request->accept[i] && request->accept[i] == status)
            return true;
    return false;
}

static int read_answer(const struct engine_request *request, const struct http_response *response,
                       struct engine_answer *ret, struct err *err)
{
    struct span body = span_trim(buf_span(&response->body));
    int status = response->status;

    ret->status = status;
    engine_copy(ret->api_version, sizeof(ret->api_version), response->api_version);
    if ((status >= 200 && status < 300) || status == 304) {
        bool is_json = body.len && (body.ptr[0] == '{' || body.ptr[0] == '[');
        if (is_json && !request->on_data && json_parse(body, &ret->json, err) < 0)
            return err_wrap(err, "answer of the Docker Engine");
        return 0;
    }
    error_words(response, ret->words);
    if (is_accepted(request, status))
        return 0;
    return engine_words_error(request->kind_of, status, ret->words, err);
}

static int exchange(struct engine *e, const struct engine_request *request, struct engine_answer *ret, struct err *err)
{
    _cleanup_(buf_done) struct buf url = BUF_INIT(ENGINE_PATH_MAX + 64);
    struct http_response response = { 0 };
    const char *headers[] = { request->header, NULL };

    buf_adds(&url, "http://docker");
    if (!request->unversioned)
        buf_addf(&url, "/v1.%d", e->api_minor);
    buf_adds(&url, request->path);
    if (buf_check(&url, err) < 0)
        return err_wrap(err, "address of the call");
    struct http_request http = {
        .method = request->method,
        .url = buf_str(&url),
        .unix_socket = e->socket_path,
        .headers = headers,
        .body = request->body,
        .content_type = request->content_type,
        .timeout_ms = request->timeout_ms ? request->timeout_ms : ENGINE_TIMEOUT_MS,
        .max_body = request->max_body ? request->max_body : ENGINE_BODY_MAX,
        .on_data = request->on_data,
        .ctx = request->ctx,
    };
    if (e->limit_ms && (http.timeout_ms == 0 || http.timeout_ms > e->limit_ms))
        http.timeout_ms = e->limit_ms;
    int r = http_perform(e->http, &http, &response, err);
    if (r == -(int)ERR_UNREACHABLE)
        r = no_connection(e, err);
    else if (r == 0)
        r = read_answer(request, &response, ret, err);
    http_response_done(&response);
    return r;
}

int engine_call(struct engine *e, const struct engine_request *request, struct engine_answer *ret, struct err *err)
{
    struct engine_answer own = { 0 };
    struct err own_err = { 0 };
    struct engine_answer *answer = ret ? ret : &own;

    if (!err)
        err = &own_err; /* the mapping below reads it */
    *answer = (struct engine_answer){ 0 };
    int r = exchange(e, request, answer, err);
    if (r < 0) {
        struct span query = span_of(request->path), path;
        char shown[200];
        (void)span_split(&query, '?', &path); /* a path is never empty */
        engine_words_shorten(path, shown, sizeof(shown));
        (void)err_wrap(err, "Docker Engine: %s %s", request->method, shown);
        engine_answer_done(answer);
    }
    engine_answer_done(&own);
    return r;
}

int engine_call_json(struct engine *e, struct engine_request *request, const struct json *body,
                     struct engine_answer *ret, struct err *err)
{
    _cleanup_(buf_wipe_done) struct buf text = BUF_INIT(ENGINE_BODY_MAX); /* a create request holds secret-env */
    if (ret)
        *ret = (struct engine_answer){ 0 };
    if (body && json_print(body, &text, err) < 0)
        return err_wrap(err, "request to the Docker Engine");
    request->body = buf_span(&text);
    return engine_call(e, request, ret, err);
}

/* ---- opening ---- */

static int negotiate(struct engine *e, const struct engine_answer *ping, struct err *err)
{
    int minor = engine_api_minor(ping->api_version);
    if (minor < 0) {
        int r = err_set(err, ERR_DOCKER, 0, "what answers at %s does not tell an API version of Docker: '%s'",
                        e->socket_path, ping->api_version);
        err_hint(err, "Check on the host that this socket belongs to Docker: `docker -H unix://%s version`.",
                 e->socket_path);
        return r;
    }
    if (minor < ENGINE_API_MIN_MINOR) {
        int r = err_set(err, ERR_DOCKER, 0, "the Docker Engine at %s is too old: it speaks API 1.%d, 1.%d is needed",
                        e->socket_path, minor, ENGINE_API_MIN_MINOR);
        err_hint(err, "Update Docker on the host.");
        return r;
    }
    e->api_minor = minor < ENGINE_API_MAX_MINOR ? minor : ENGINE_API_MAX_MINOR;
    return 0;
}

static int try_socket(struct engine *e, const char *path, struct err *err)
{
    const struct engine_request ping = {
        .method = "GET", .path = "/_ping", .unversioned = true, .timeout_ms = PING_TIMEOUT_MS
    };
    struct engine_answer answer;

    if (path[0] != '/' || strlen(path) >= sizeof(e->socket_path)) {
        int r = err_set(err, ERR_DOCKER_MISSING, 0, "'%.120s' cannot be the path of a Unix socket", path);
        err_hint(err, "DOCKER_HOST must be unix:// and an absolute path of at most %zu bytes.",
                 sizeof(e->socket_path) - 1);
        return r;
    }
    engine_copy(e->socket_path, sizeof(e->socket_path), path);
    int r = engine_call(e, &ping, &answer, err);
    if (r < 0)
        return r;
    r = negotiate(e, &answer, err);
    engine_answer_done(&answer);
    return r;
}

/* The sockets of rootless engines: $XDG_RUNTIME_DIR is often unset in a bare SSH session. */
static int try_rootless(struct engine *e, struct err *err)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char path[sizeof(e->socket_path)];
    int n = 0;

    if (runtime && *runtime)
        n = snprintf(path, sizeof(path), "%s/docker.sock", runtime);
    else
        n = snprintf(path, sizeof(path), "/run/user/%ld/docker.sock", (long)geteuid());
    if (n <= 0 || (size_t)n >= sizeof(path) || access(path, F_OK) < 0)
        return 1;
    return try_socket(e, path, err);
}

static int open_default(struct engine *e, struct err *err)
{
    static const char scheme[] = "unix://";
    const char *env = getenv("DOCKER_HOST");
    if (env && span_starts(span_of(env), scheme))
        return try_socket(e, env + sizeof(scheme) - 1, err);

    int r = try_socket(e, ENGINE_SOCKET, err);
    if (r == -(int)ERR_DOCKER_MISSING || r == -(int)ERR_DOCKER_DENIED) {
        struct err second = { 0 };
        int s = try_rootless(e, &second);
        if (s == 0) {
            err_clear(err);
            return 0;
        }
        engine_copy(e->socket_path, sizeof(e->socket_path), ENGINE_SOCKET); /* the first failure is the one told */
    }
    return r;
}

int engine_open(struct engine **ret, const char *socket_path, const volatile sig_atomic_t *cancel, struct err *err)
{
    _cleanup_(engine_free_p) struct engine *e = calloc(1, sizeof(*e));
    struct err own_err = { 0 };

    if (!err)
        err = &own_err;
    if (!e)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    int r = http_new(&e->http, cancel, err);
    if (r == 0)
        r = socket_path ? try_socket(e, socket_path, err) : open_default(e, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(e);
    return 0;
}

/* ---- what is known about the engine ---- */

/* Docker's name of a machine that uname would call `machine`. */
static const char *arch_name(const char *machine)
{
    static const char *const names[][2] = {
        { "x86_64", "amd64" }, { "aarch64", "arm64" }, { "armv7l", "arm" },      { "armv6l", "arm" },
        { "i686", "386" },     { "i386", "386" },      { "ppc64le", "ppc64le" },
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i][0], machine) == 0)
            return names[i][1];
    return machine;
}

static bool is_rootless(const struct json *info)
{
    const struct json *options = json_get(info, "SecurityOptions");
    for (const struct json *o = json_first(options); o; o = json_next(o))
        if (engine_words_have(json_value_str(o, ""), "name=rootless"))
            return true;
    return json_bool(info, "Rootless", false);
}

int engine_info(struct engine *e, struct engine_info *ret, struct err *err)
{
    const struct engine_request request = { .method = "GET", .path = "/info" };
    struct engine_answer answer;
    int r = engine_call(e, &request, &answer, err);
    if (r < 0)
        return r;

    struct engine_info info = { 0 };
    const struct json *j = answer.json;
    engine_copy(info.version, sizeof(info.version), json_str(j, "ServerVersion", ""));
    (void)snprintf(info.api, sizeof(info.api), "1.%d", e->api_minor); /* at most 6 bytes */
    engine_copy(info.os, sizeof(info.os), json_str(j, "OSType", ""));
    engine_copy(info.arch, sizeof(info.arch), arch_name(json_str(j, "Architecture", "")));
    engine_copy(info.root_dir, sizeof(info.root_dir), json_str(j, "DockerRootDir", ""));
    engine_copy(info.kernel, sizeof(info.kernel), json_str(j, "KernelVersion", ""));
    engine_copy(info.storage_driver, sizeof(info.storage_driver), json_str(j, "Driver", ""));
    info.live_restore = json_bool(j, "LiveRestoreEnabled", false);
    info.rootless = is_rootless(j);
    engine_answer_done(&answer);
    *ret = info;
    return 0;
}
