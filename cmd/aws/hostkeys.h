/*
 * Pins of an instance's host keys from AWS, when none was given by hand: its tag aws-host-keys, a parameter of the SSM
 * Parameter Store, or what it printed on its console at first boot. They are pins like any other: what the host shows
 * has to match one of them.
 */
#ifndef BLUEGREEN_HOSTKEYS_H
#define BLUEGREEN_HOSTKEYS_H

#include "shared/err.h"

#define HOSTKEYS_PARAMETER_PREFIX "/bluegreen/host-keys/" /* and the instance's id */

struct stage;

/*
 * After instance_resolve(). AWS is not asked when host is an ordinary name, a pin was given by hand (in known-hosts for
 * the instance's id or an address of its, too), or aws-host-keys is off. -ERR_NO_PIN: none was found; the message lists
 * where it was looked. A place that holds something which is not host keys is an error, never passed over.
 */
int hostkeys_fetch(struct stage *s, struct err *err);

#endif
