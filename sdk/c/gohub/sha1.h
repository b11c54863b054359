/* SHA-1 (FIPS 180-4), for Sec-WebSocket-Accept alone, which proves that the peer speaks WebSocket. It protects nothing. */
#ifndef GOHUB_SHA1_H
#define GOHUB_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define GOHUB_SHA1_BYTES 20
/* Longest input: one that fits into two blocks with its padding, which is all the handshake needs. */
#define GOHUB_SHA1_MOST 119

void gohub_sha1(const uint8_t *bytes, size_t size, uint8_t digest[GOHUB_SHA1_BYTES]);

#endif
