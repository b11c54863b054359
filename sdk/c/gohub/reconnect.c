#include "gohub/reconnect.h"

#define FIRST_MS 500
#define LONGEST_MS 30000
/* A hub without room is left alone at least so long, in milliseconds. */
#define NO_ROOM_MS 5000

enum { TRY_AGAIN_LATER = 1013, TOKEN_EXPIRED = 4004, REBALANCE = 4006 };

uint64_t gohub_jitter(unsigned n, uint32_t random) {
    uint64_t most = n < 6 ? (uint64_t)FIRST_MS << n : LONGEST_MS;
    return most * random >> 32;
}

void gohub_reconnect_anew(gohub_reconnect *reconnect) {
    reconnect->attempt = 0;
    reconnect->paused_until = 0;
    reconnect->slot = GOHUB_NEVER;
}

void gohub_reconnect_retry(gohub_reconnect *reconnect, uint64_t after_ms, uint64_t now) {
    reconnect->pause = after_ms;
    reconnect->paused_until = now + after_ms;
}

static void at_least(uint64_t *wait, uint64_t other) {
    *wait = *wait < other ? other : *wait;
}

uint64_t gohub_reconnect_wait(
    gohub_reconnect *reconnect,
    unsigned code,
    uint64_t lived,
    uint32_t retry_after,
    uint64_t now,
    uint32_t random
) {
    bool at_once = code == TOKEN_EXPIRED || code == REBALANCE;
    /* Twice in a row without a good connection between them is a circle, which the back-off slows down. */
    if (lived >= GOHUB_GOOD_MS || (at_once && !reconnect->was_at_once)) {
        reconnect->attempt = 0;
    }
    reconnect->was_at_once = at_once;
    uint64_t least = code == TRY_AGAIN_LATER ? NO_ROOM_MS : 0;
    uint64_t wait = least;
    bool asked = false;
    if (reconnect->slot != GOHUB_NEVER) {
        asked = true;
        at_least(&wait, reconnect->slot);
    }
    if (retry_after > 0) {
        asked = true;
        /* This client's own slot in whole seconds: those of one second are spread over it. */
        at_least(&wait, (uint64_t)retry_after * 1000 + ((uint64_t)1000 * random >> 32));
    }
    if (reconnect->paused_until > now) {
        asked = true;
        /* The least time counts from the close: whichever way it is read, nobody comes too early. */
        at_least(&wait, reconnect->pause);
    }
    reconnect->slot = GOHUB_NEVER;
    reconnect->paused_until = 0;
    if (asked) {
        return wait;
    }
    uint64_t jitter = gohub_jitter(reconnect->attempt, random);
    if (reconnect->attempt < UINT16_MAX) {
        reconnect->attempt++;
    }
    return least + jitter;
}
