#include "cmd/artifact/upload.h"

#include "cmd/signals.h"

#include <inttypes.h>

#define NAME_SIZE 256

void upload_default_name(const char *path, char *out, size_t out_size)
{
    struct span name = span_of(base_name(path));

    if (name.len > 7 && strcmp(name.ptr + name.len - 7, ".tar.gz") == 0)
        name.len -= 7;
    (void)snprintf(out, out_size, "%.*s", (int)name.len, name.ptr);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127 || strchr("\":<>|*?\\/", *c))
            *c = '_';
}

/* The redactor covers what is ours to print, the mask what others of the job do. */
static void hide(void *ctx, const char *value)
{
    struct stage *s = ctx;

    (void)redactor_add(s->redactor, span_of(value), NULL); /* no memory: the mask is left */
    github_mask(s->g, value);
}

static void progress(void *ctx, const char *text)
{
    struct stage *s = ctx;

    github_line(s->g, "%s", text);
}

/* Not uploaded, for a reason that is nobody's failure. True unless the artifact is required. */
static bool tell_not_possible(struct stage *s, const char *why, const char *shown)
{
    if (s->in.upload_artifact != UPLOAD_REQUIRED) {
        github_line(s->g, "the bundle is not uploaded: %s. It lies at %s, for actions/upload-artifact", why, shown);
        return true;
    }
    github_annotate(s->g, GITHUB_ERROR, "No artifact",
                    "upload-artifact is required, but %s\nWhat to do: upload %s with actions/upload-artifact, and set "
                    "upload-artifact to auto or off.",
                    why, shown);
    return false;
}

static bool tell_no_bundle(struct stage *s)
{
    github_annotate(
        s->g, GITHUB_ERROR, "No artifact",
        "upload-artifact is required, but no bundle could be written\nWhat to do: the warning above says why.");
    return false;
}

static bool tell_failed(struct stage *s, const struct err *err)
{
    bool required = s->in.upload_artifact == UPLOAD_REQUIRED;
    char text[2048];

    github_annotate(s->g, required ? GITHUB_ERROR : GITHUB_WARNING, "No artifact", "%s\nWhat to do: %s",
                    err_text(err, text, sizeof(text)), err_hint_text(err));
    return !required;
}

static void tell_retention(struct stage *s, const struct artifact_service *service)
{
    int64_t wanted = s->in.artifact_retention_days, days = artifact_retention(wanted, service->retention_days);

    if (days < wanted)
        github_annotate(s->g, GITHUB_WARNING, "The artifact is kept for fewer days",
                        "artifact-retention-days is %" PRId64 ", but this repository allows %" PRId64
                        ".\nWhat to do: lower the input, or raise the limit in the settings of the repository.",
                        wanted, days);
}

static bool run(struct stage *s, const struct artifact_service *service, const char *path, const char *shown,
                struct artifact *ret)
{
    char name[NAME_SIZE];
    struct artifact_options o = { .service = *service,
                                  .name = name,
                                  .retention_days = s->in.artifact_retention_days,
                                  .overwrite = s->in.artifact_overwrite,
                                  .cancel = &signals_caught,
                                  .cancel_fd = s->signal_fd,
                                  .secret = hide,
                                  .progress = progress,
                                  .ctx = s };
    struct err err = { 0 };

    if (s->in.artifact_name && *s->in.artifact_name)
        (void)snprintf(name, sizeof(name), "%s", s->in.artifact_name);
    else
        upload_default_name(path, name, sizeof(name));
    tell_retention(s, service);
    int r = artifact_upload(&o, path, ret, &err);
    if (r == 0) {
        github_line(s->g, "artifact %s: %" PRId64 " bytes, %s", name, ret->bytes, ret->digest);
        if (ret->url[0])
            github_line(s->g, "%s", ret->url);
        return true;
    }
    if (r != -ERR_CANCEL)
        return tell_failed(s, &err);
    github_line(s->g, "the upload ended early: the job was cancelled. The bundle lies at %s", shown);
    return true;
}

bool upload_bundle(struct stage *s, const char *path, const char *shown, struct artifact *ret)
{
    struct artifact_service service;
    const char *why = NULL;
    bool good = true;

    if (s->in.upload_artifact == UPLOAD_OFF) {
        if (*path)
            github_line(s->g, "the bundle is not uploaded: upload-artifact is off");
        return true;
    }
    if (!*path) /* a warning told why */
        return s->in.upload_artifact != UPLOAD_REQUIRED || tell_no_bundle(s);
    if (signals_caught) {
        github_line(s->g, "the bundle is not uploaded: the job was cancelled. It lies at %s", shown);
        return true;
    }
    artifact_service_from_env(&service, secretenv_get(s->secrets, "ACTIONS_RUNTIME_TOKEN"));
    if (!artifact_supported(&service, &why))
        return tell_not_possible(s, why, shown);
    github_group(s->g, "Upload the artifact");
    good = run(s, &service, path, shown, ret);
    github_endgroup(s->g);
    return good;
}
