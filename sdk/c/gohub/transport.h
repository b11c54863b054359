/*
 * What a client needs of the device it runs on. Nothing here may wait: a call that can do nothing now says so and is made again
 * at the next poll. TLS is the transport's business.
 */
#ifndef GOHUB_TRANSPORT_H
#define GOHUB_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

#include "gohub/url.h"

/* What read and write give back when the connection is gone. */
#define GOHUB_GONE (-1)

typedef struct gohub_transport {
    /* Given to each call. */
    void *context;
    /* Begins a connection; false when it cannot. It may still be on its way when this returns: write gives back 0 until then. */
    bool (*open)(void *context, const gohub_url *url);
    /* Up to `size` bytes; how many, 0 when there are none now, GOHUB_GONE at the end. */
    int (*read)(void *context, void *bytes, size_t size);
    /* How many of the bytes it took, 0 when it takes none now, GOHUB_GONE when the connection is gone or did not come about. */
    int (*write)(void *context, const void *bytes, size_t size);
    /* Ends the connection, if there is one. What was written before should still leave, without waiting for it. */
    void (*close)(void *context);
    /* Milliseconds since whenever; never goes back, and counts while the device sleeps. */
    uint64_t (*now)(void *context);
    /*
     * 32 bits that nobody can guess: masks, keys, jitter. Two devices must not give the same ones after a reset, or they come
     * back at the same moment and their idempotency keys repeat.
     */
    uint32_t (*random)(void *context);
} gohub_transport;

#endif
