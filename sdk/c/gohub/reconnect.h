/*
 * How long to wait before the next connection: full jitter, as section 8 of the protocol says, and what a hub asked for instead
 * of it. Pure: the random numbers are given.
 */
#ifndef GOHUB_RECONNECT_H
#define GOHUB_RECONNECT_H

#include <stdbool.h>
#include <stdint.h>

/* Never, as a time in milliseconds. */
#define GOHUB_NEVER UINT64_MAX

/* A connection that has lived so long after its welcome was a good one, in milliseconds. */
#define GOHUB_GOOD_MS 5000

typedef struct gohub_reconnect {
    /* Until when the hub asked to send nothing. */
    uint64_t paused_until;
    /* How long that was. */
    uint64_t pause;
    /* The slot of a drain, in milliseconds after the close; GOHUB_NEVER without one. */
    uint64_t slot;
    uint16_t attempt;
    bool was_at_once;
} gohub_reconnect;

/* The wait before attempt `n` (from 0), in milliseconds. */
uint64_t gohub_jitter(unsigned n, uint32_t random);

/* The application said so: the next attempt is the first. */
void gohub_reconnect_anew(gohub_reconnect *reconnect);

/* The hub asked to wait so long. */
void gohub_reconnect_retry(gohub_reconnect *reconnect, uint64_t after_ms, uint64_t now);

/*
 * A connection ended with this code, so long after its welcome: how long to wait, in milliseconds. `retry_after` is in seconds,
 * 0 without one.
 */
uint64_t gohub_reconnect_wait(
    gohub_reconnect *reconnect,
    unsigned code,
    uint64_t lived,
    uint32_t retry_after,
    uint64_t now,
    uint32_t random
);

#endif
