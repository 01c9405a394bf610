/* A name for people: bin/bluegreen-agent in the state root, a link to the agent that serves. */
#ifndef BLUEGREEN_SELFLINK_H
#define BLUEGREEN_SELFLINK_H

#define SELFLINK_NAME "bluegreen-agent"

/*
 * Point it to this program, when this is one of the agents in there (bluegreen-agent-ARCH-SHA256) and it does not do so yet. Without it
 * nothing but the short name is missing, so failures are not told.
 */
void selflink_update(void);

/* exe: path of this program. bin_fd: the folder it may be in, of which `bin` is the path. For tests. */
void selflink_point(int bin_fd, const char *bin, const char *exe);

#endif
