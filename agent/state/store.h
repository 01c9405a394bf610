/*
 * The state root on the host (docs/protocol.md "Files on the host"): where it is, safe creation, small atomic files.
 *
 * Everything is reached through directory descriptors; a directory that is a symlink or belongs to somebody else is
 * refused, one that is open to others is made private. No secret is ever written below the root.
 */
#ifndef BLUEGREEN_STORE_H
#define BLUEGREEN_STORE_H

#include "shared/strlist.h"

#define STORE_FILE_MAX (4 * 1024 * 1024) /* largest small file that is read whole */

/* $BLUEGREEN_HOME, else ~/.bluegreen (HOME, else the passwd entry). Absolute. Does not touch the disk. */
int store_root_path(struct buf *out, struct err *err);

/* Open (and create, 0700) the root, apps/APP and apps/APP/deployments. *ret_fd is apps/APP; the caller closes it. */
int store_open_app(const char *app, int *ret_fd, struct err *err);

/* The same for who only asks: nothing is created or changed. 0; 1: nothing is known of this app here. */
int store_find_app(const char *app, int *ret_fd, struct err *err);

/* Open deployments/ID below an app's descriptor. 0; 1 when it does not exist. */
int store_open_deployment(int app_fd, const char *id, int *ret_fd, struct err *err);
/* Create it; exclusive: 1 when it exists already (then *ret_fd is not set). */
int store_create_deployment(int app_fd, const char *id, int *ret_fd, struct err *err);
/* Ids below an app's descriptor, newest first. */
int store_list_deployments(int app_fd, struct strlist *ret, struct err *err);
/* Names of the apps that something is known of, sorted. None also when there is no state root. */
int store_list_apps(struct strlist *ret, struct err *err);
/* Bytes of the plain files in a deployment's folder. */
int64_t store_folder_bytes(int dir_fd);
/*
 * Has the run of this folder begun? Without a request nothing was done on the host, or its removal was cut off: either way there
 * is nothing to bring to an end.
 */
bool store_has_request(int dir_fd);
/*
 * Delete deployments/ID with the plain files in it: the request first, the outcome last, so that one whose removal is cut off
 * is never taken for an unfinished run. 0, also when it is gone.
 */
int store_remove_deployment(int app_fd, const char *id, struct err *err);

/* Whole file; temp + fsync + rename + fsync(dir), 0600: after a crash it is the old or the new one. */
int store_write(int dir_fd, const char *name, struct span data, struct err *err);
/* 0; 1 when there is none. At most out->max bytes. */
int store_read(int dir_fd, const char *name, struct buf *out, struct err *err);

/* Bytes free for us and total on the file system of `path`; -1 each when it cannot be told. */
void store_disk(const char *path, int64_t *free_bytes, int64_t *total_bytes);

#endif
