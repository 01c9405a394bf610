/*
 * Follow the event log of a deployment: hand its lines from a sequence number on to the client as they come, until `end`.
 */
#ifndef BLUEGREEN_STREAM_H
#define BLUEGREEN_STREAM_H

#include "shared/buf.h"

#include <stdint.h>

struct stream {
    int fd;         /* the events file */
    int inotify_fd; /* readable when it grows */
    uint64_t from;
    struct buf pending; /* a line that is not whole yet */
    bool ended;         /* the `end` event has been handed over */
};

int stream_open(struct stream *s, int deployment_fd, uint64_t from, struct err *err);
void stream_close(struct stream *s);
/* Write what is there now to out_fd. 0; -ERR_NET when the client is gone; -ERR_PROTO when the file is damaged. */
int stream_pump(struct stream *s, int out_fd, struct err *err);

#endif
