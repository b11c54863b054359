/* The address of a hub, taken apart without copying it. */
#ifndef GOHUB_URL_H
#define GOHUB_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "gohub/text.h"

/* ws://host:port/path?query; everything lies in the text it was read from. */
typedef struct gohub_url {
    /* `wss`: the transport has to do TLS and to check the name of the host. */
    bool secure;
    /* A name or an address, that of IPv6 without its brackets. */
    gohub_text host;
    uint16_t port;
    /* Host and port as written, for the header `Host`. */
    gohub_text authority;
    /* From the first `/` on, with a query if there is one; `/` when there is none. */
    gohub_text path;
} gohub_url;

/* False when it is no address of a WebSocket, or has characters that could break out of a request line. */
bool gohub_url_read(const char *address, gohub_url *url);

#endif
