/*
 * The bundle: what the agent sends goes to a nameless file beside the bundle's place, then bluegreen-APP-ID.tar.gz is
 * written from it, from the action's log and from the summary. A half-written bundle never has the final name.
 */
#ifndef BLUEGREEN_COLLECT_H
#define BLUEGREEN_COLLECT_H

#include "shared/buf.h"
#include "shared/wire.h"

#define COLLECT_BYTES_MAX (256LL * 1024 * 1024) /* of what one host part may send */
#define COLLECT_PARTS_MAX 2                     /* the deployment's, and a rollback's */
#define COLLECT_PATH_MAX 1024

struct collect;

/* Where things go; absolute, or relative to the working directory. */
struct collect_paths {
    char bundle[COLLECT_PATH_MAX];
    char summary[COLLECT_PATH_MAX];
    char root[COLLECT_PATH_MAX]; /* the workspace, when the bundle is to be in it; otherwise "" */
};

/*
 * bundle_path: the input. Ends in ".tar.gz": that file. Otherwise a directory, "" the workspace (NULL or "": "."). A
 * relative one is taken from the workspace. -ERR_INPUT when too long.
 */
int collect_resolve(const char *bundle_path, const char *workspace, const char *app, const char *deployment,
                    struct collect_paths *ret, struct err *err);
/* The path as later steps of the job should see it: relative to the workspace when it is below it. Borrowed from path. */
const char *collect_public_path(const char *path, const char *workspace);

/*
 * Makes missing directories (0755). -ERR_IO; -ERR_INPUT when a link or ".." leads out of paths->root: what a checked-out
 * branch brought along must not choose where on the runner we write.
 */
int collect_new(struct collect **ret, const struct collect_paths *paths, struct err *err);
void collect_free(struct collect *c); /* removes what is not finished */
void collect_free_p(struct collect **c);

/* What comes from now on is a tar.gz of its own; its entries go below the folder `prefix` ("": none). */
int collect_begin_part(struct collect *c, const char *prefix, struct err *err);
/* Append bytes of it. -ERR_IO, -ERR_NOMEM beyond COLLECT_BYTES_MAX. */
int collect_data(struct collect *c, struct span data, struct err *err);
/* The part is not whole: leave it out. */
void collect_drop_part(struct collect *c);

/*
 * Write the bundle and the summary file. 0; 1: the host's part could not be read and is left out (err says why); negative:
 * there is no bundle.
 */
int collect_finish(struct collect *c, struct span log, struct span summary, struct err *err);

#endif
