/* What the AWS inputs, and the SSH inputs that go with them, want of each other. Private to the inputs. */
#ifndef BLUEGREEN_INPUTS_AWS_H
#define BLUEGREEN_INPUTS_AWS_H

#include "cmd/inputs/inputs_reading.h"

#define INPUTS_ROLES_MAX 4

/* Tells every problem. Of an input that was told as wrong already nothing more is said. */
void inputs_finish_aws(struct settings_reading *rd);

/* The host may go without a pin at input time: AWS is asked for it later. */
bool inputs_pins_from_aws(const struct inputs *in);

#endif
