/*
 * Host keys in the text of an instance's serial console: what cloud-init prints there at first boot, between lines
 * "-----BEGIN SSH HOST KEY FINGERPRINTS-----" or "… KEYS-----" and their END. Pure.
 *
 * The text is written by the instance, so anything may stand in it. The last complete block counts, whichever of the two
 * it is; one with a line that does not belong there is refused as a whole, and no earlier one takes its place.
 */
#ifndef BLUEGREEN_CONSOLEKEYS_H
#define BLUEGREEN_CONSOLEKEYS_H

#include "shared/buf.h"

#define CONSOLEKEYS_MAX 16             /* keys in a block */
#define CONSOLEKEYS_LINE_MAX 4096      /* an RSA key of 16384 bits has 2.8 KB */
#define CONSOLEKEYS_TEXT_MAX (1 << 20) /* EC2 keeps 64 KiB */

/*
 * Appends "TYPE SHA256:…\n" for each key of the block, as hostpins_parse() takes fingerprints. 0; 1: there is no complete
 * block; -ERR_PROTO: the block holds something else, or no key of a type that is used; -ERR_NOMEM. Unless 0, what was
 * appended is of no use.
 */
int consolekeys_parse(struct span text, struct buf *fingerprints, struct err *err);

#endif
