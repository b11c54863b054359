/*
 * Requests of the application: those that wait to be sent, those that wait for their answer, and what becomes of them when the
 * connection goes. They lie one behind the other in the caller's buffer, as they go over the wire, the same every time.
 */
#ifndef GOHUB_DESK_H
#define GOHUB_DESK_H

#include "gohub/config.h"
#include "gohub/error.h"

/* What a request came to. */
typedef struct gohub_answer {
    /* What the hub answered; NULL when the request failed. Gone after the callback. */
    const gohub_envelope *envelope;
    /* Why it failed. */
    gohub_error error;
} gohub_answer;

/* Called once for each request that was taken in. It may call the client. */
typedef void (*gohub_done)(void *context, const gohub_answer *answer);

/* A request on its way. */
typedef struct gohub_waiting {
    gohub_done done;
    void *context;
    /* Of a `refresh`: the new token, for the next handshakes. */
    const char *token;
    /* When nobody waits for an answer any more. */
    uint64_t deadline;
    /* When it may be sent again. */
    uint64_t not_before;
    uint32_t ref;
    uint32_t id;
    /* In the buffer: the name of the room, then the message. */
    uint16_t room_size;
    uint16_t size;
    uint8_t tries;
    /* Why it failed last, GOHUB_OK when it did not. */
    uint8_t last;
    bool sent;
    /* Whether it may be sent again: it has a key, or changes nothing by a second time. */
    bool repeatable;
    /* Whether it was sent once, and nobody knows what came of it. */
    bool uncertain;
    /* The connection went: why it is given up, GOHUB_OK when it is not. */
    uint8_t doom;
} gohub_waiting;

typedef struct gohub_desk {
    uint8_t *bytes;
    size_t size;
    size_t used;
    size_t count;
    /* Oldest first. */
    gohub_waiting waiting[GOHUB_PENDING];
} gohub_desk;

/* Takes a request in, its message written in this form; `envelope` has its `ref` already. Larger than `most` is refused. */
gohub_code gohub_desk_add(
    gohub_desk *desk,
    gohub_form form,
    const gohub_envelope *envelope,
    const gohub_waiting *waiting,
    size_t most
);

/* Its room, and its message. */
gohub_text gohub_desk_room(const gohub_desk *desk, size_t index);
const uint8_t *gohub_desk_message(const gohub_desk *desk, size_t index);

/* The one that was sent with this tag; `count` when there is none. */
size_t gohub_desk_find(const gohub_desk *desk, uint32_t ref);

/* Whether a request of this kind is on its way. */
bool gohub_desk_has(const gohub_desk *desk, uint32_t id, gohub_text room);

/* Forgets it. */
void gohub_desk_remove(gohub_desk *desk, size_t index);

/*
 * The connection went. What may be repeated waits for the next one, in its old order; of the rest nobody knows: it is doomed.
 * `too_big`: the hub closed because of one message, which must have been the largest.
 */
void gohub_desk_lost(gohub_desk *desk, bool too_big);

/* When to look again; `connected` says whether what waits could be sent then. */
uint64_t gohub_desk_due(const gohub_desk *desk, uint64_t now, bool connected);

#endif
