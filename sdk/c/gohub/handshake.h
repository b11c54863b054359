/* The upgrade of RFC 6455, section 4: the request, and whether the answer is one to it. */
#ifndef GOHUB_HANDSHAKE_H
#define GOHUB_HANDSHAKE_H

#include "gohub/sink.h"
#include "gohub/url.h"

#define GOHUB_NONCE_BYTES 16
/* Sec-WebSocket-Accept: base64 of a SHA-1. */
#define GOHUB_ACCEPT_BYTES 28
/* The fixed part of the request, its names and its key; address, query and token come on top. */
#define GOHUB_REQUEST_BYTES 256

/* The request line up to the path; the query follows. */
void gohub_handshake_begin(gohub_sink *sink, const gohub_url *url);

/* The rest. `token` may be none. Leaves in `accept` what the hub has to answer. */
void gohub_handshake_end(
    gohub_sink *sink,
    const gohub_url *url,
    const char *subprotocol,
    gohub_text token,
    const uint8_t nonce[GOHUB_NONCE_BYTES],
    char accept[GOHUB_ACCEPT_BYTES]
);

/* What the hub answered. */
typedef struct gohub_upgrade {
    /* The HTTP status, 0 when it was no HTTP. */
    unsigned status;
    /* Whether the connection is a WebSocket now, of the form that was asked for. */
    bool upgraded;
    /* `Retry-After` in seconds, 0 without one. */
    uint32_t retry_after;
} gohub_upgrade;

/* Where the head of an answer ends, 0 when it is not complete. */
size_t gohub_handshake_complete(const uint8_t *bytes, size_t size);

/* Reads a complete head. */
gohub_upgrade gohub_handshake_read(
    const uint8_t *bytes,
    size_t size,
    const char *subprotocol,
    const char accept[GOHUB_ACCEPT_BYTES]
);

#endif
