/* Does a port speak TLS? */
#ifndef BLUEGREEN_TLSCHECK_H
#define BLUEGREEN_TLSCHECK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * True when an IPv4 address and port answers the start of a TLS handshake with a TLS record, be it an alert. Nothing is
 * negotiated. Takes at most timeout_ms.
 */
bool tlscheck_speaks_tls(const char *address, int port, int64_t timeout_ms);

#endif
