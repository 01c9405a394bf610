/*
 * Static addresses of the two versions on the app's network.
 *
 * Docker hands out dynamic addresses from the low end of a subnet, so the two slots lie near its top: broadcast - 2 and
 * broadcast - 3 (the one below the broadcast address is left to gateways that sit there).
 */
#ifndef BLUEGREEN_SLOTS_H
#define BLUEGREEN_SLOTS_H

#include "shared/strlist.h"

#define SLOTS_COUNT 2
#define SLOTS_ADDRESS_SIZE 16 /* "255.255.255.255" with terminator */
#define SLOTS_PREFIX_MIN 8
#define SLOTS_PREFIX_MAX 29 /* 6 hosts: gateway, two slots, and some for others */

struct slots {
    char address[SLOTS_COUNT][SLOTS_ADDRESS_SIZE];
};

/* subnet: "172.18.0.0/16". -ERR_DOCKER when it is not IPv4 CIDR or holds fewer than 6 hosts. */
int slots_of_subnet(const char *subnet, struct slots *ret, struct err *err);

/*
 * The first slot that is not among `in_use` (addresses, a "/16" behind them does not matter; NULL: none in use).
 * -ERR_DOCKER when both are taken.
 */
int slots_pick(const struct slots *s, const struct strlist *in_use, char address[SLOTS_ADDRESS_SIZE], struct err *err);

#endif
