/* Commands that ask the host something, or tidy up there, without moving production: status, history, logs, plan… */
#ifndef BLUEGREEN_QUESTION_H
#define BLUEGREEN_QUESTION_H

#include "cmd/stage.h"

/* The command's request, as its inputs want it; borrowed from them, as stage_request()'s. */
struct wire_request question_request(const struct stage *s);
/* Send the command's request and show its answer in the log. *r (initialised) has it afterwards. */
void question_ask(struct stage *s, struct report *r);

/* Write the answer as a JSON file. 0 or -kind; 1: there is no answer to be written. */
int question_write(const struct report *r, const char *path, struct err *err);

#endif
