/* The runner's own address, as the host will see it. */
#ifndef BLUEGREEN_INGRESS_ADDRESS_H
#define BLUEGREEN_INGRESS_ADDRESS_H

#include "cmd/aws/ingress_rule.h"
#include "cmd/stage.h"

struct ingress_address {
    char text[INET6_ADDRSTRLEN]; /* as inet_ntop() writes it */
    char cidr[INGRESS_CIDR_SIZE];
    bool v6;
    bool asked; /* of AWS; not the input runner-address */
};

/* Of one address that another host may see (inputs_is_address()), blanks around it do not count. false: it is none. */
bool ingress_address_parse(struct span text, struct ingress_address *ret);

/*
 * The input runner-address, else what https://checkip.amazonaws.com answers (AWS_ENDPOINT_URL_CHECKIP). Opens the
 * account.
 * -ERR_INPUT, -ERR_UNREACHABLE, -ERR_TIMEOUT, -ERR_NET, -ERR_PROTO, -ERR_CANCEL.
 */
int ingress_address(struct stage *s, struct ingress_address *ret, struct err *err);

#endif
