/*
 * A way in for as long as it is needed: a rule of the security group that lets the runner's own address in at ssh-port
 * (open-port-22).
 *
 * Each rule carries three tags: what it is, a random token of the run, and when it may be taken for left over. The
 * token is told to the post stage before EC2 is asked for the rule, so that the rule is found again whatever becomes of
 * the main stage. Rules of runs that died are removed by the next run in the same group. A rule without these tags is
 * never touched.
 */
#ifndef BLUEGREEN_INGRESS_H
#define BLUEGREEN_INGRESS_H

#include "cmd/stage.h"

/*
 * Make sure that the rule is there and seen by EC2; nothing happens without open-port-22. Called before each
 * connection: a rule that somebody took away meanwhile is made again, and what fails then ends no reconnect.
 * -ERR_INPUT, -ERR_AWS, -ERR_AWS_DENIED, -ERR_AWS_CREDENTIALS, -ERR_NET (the runner's address is not known)…
 */
int ingress_open(struct stage *s, struct err *err);

/*
 * Remove the rules of this run, the main stage's too, and look that they are gone. For the end of the SSH work, in
 * every case: without a rule nothing happens, also the second time. Lasts at most INGRESS_CLOSE_MS, less after a
 * cancel. What is left over is told in a warning; nothing else comes of it. Reads the inputs when nobody has. A rule that
 * was seen to go is not looked for by post again.
 */
#define INGRESS_CLOSE_MS 7000 /* a cancel may come right after its begin, and the runner leaves 10 s then */
void ingress_close(struct stage *s);

void ingress_free(struct ingress *i); /* NULL is fine */

#endif
