/* A TLS server in a thread, with a certificate made for it. */
#ifndef BLUEGREEN_TEST_TLSSERVER_H
#define BLUEGREEN_TEST_TLSSERVER_H

#include <stdint.h>

struct tlsserver;

/*
 * Listen on a free port of the loopback address, with a new self-signed certificate that ends at that Unix time. Connections are
 * served one after the other: a handshake, then the end; what is no handshake is hung up on.
 */
struct tlsserver *tlsserver_start(int64_t end_seconds);
void tlsserver_stop(struct tlsserver *s);
int tlsserver_port(const struct tlsserver *s);
int tlsserver_handshakes(const struct tlsserver *s); /* that came to their end */

#endif
