/*
 * The bundle goes to the workflow run as an artifact, as the input upload-artifact wants it: what that means for log and
 * step. The upload itself is cmd/artifact/artifact.h.
 */
#ifndef BLUEGREEN_UPLOAD_H
#define BLUEGREEN_UPLOAD_H

#include "cmd/artifact/artifact.h"
#include "cmd/stage.h"

/*
 * `path` is the bundle ("": there is none), `shown` what people should be told of its place. *ret is filled in after a good
 * upload, otherwise untouched. Whatever happens is told here. false: the artifact is required and was not uploaded (after a
 * cancel it is not held against the step).
 */
bool upload_bundle(struct stage *s, const char *path, const char *shown, struct artifact *ret);

/* The artifact's name when the input gives none: the file's, without ".tar.gz", as artifacts may be called. */
void upload_default_name(const char *path, char *out, size_t out_size);

#endif
