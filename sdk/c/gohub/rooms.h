/*
 * The rooms a client wants to be in, and how each gets back there after a reconnect. Only rooms that a hub has let the client
 * into go into the query of a handshake: a bad name there would cost the connection. The joins that follow a welcome are kept
 * here, one for each room, and not among the requests: so there is always room for them.
 */
#ifndef GOHUB_ROOMS_H
#define GOHUB_ROOMS_H

#include "gohub/config.h"
#include "gohub/envelope.h"

/* How the client's own join of a room stands. */
typedef enum gohub_joining { GOHUB_JOINING_NOT, GOHUB_JOINING_WANTED, GOHUB_JOINING_SENT } gohub_joining;

typedef struct gohub_room {
    bool wanted;
    /* Whether this connection is in it. */
    bool inside;
    /* Whether `since` counts: up to there this client has what was said, when it is not inside but was. */
    bool has_since;
    /* The own join must do without what was said after `since`: that will be a gap. */
    bool without;
    uint8_t joining;
    uint8_t tries;
    uint8_t size;
    /* The `ref` of the own join. */
    uint32_t ref;
    /* When it may be sent again. */
    uint64_t not_before;
    gohub_offset since;
    char name[GOHUB_NAME_BYTES];
} gohub_room;

typedef struct gohub_rooms {
    gohub_room room[GOHUB_ROOMS];
} gohub_rooms;

gohub_text gohub_room_name(const gohub_room *room);

/* The room of that name, NULL when it is not wanted. */
gohub_room *gohub_rooms_find(gohub_rooms *rooms, gohub_text name);

/* Wanted from now on; false when there is no room for it. */
bool gohub_rooms_want(gohub_rooms *rooms, gohub_text name);

/* The hub let the client in, if it is still wanted. */
void gohub_rooms_entered(gohub_rooms *rooms, gohub_text name);

/* Not wanted any more; whether it was. */
bool gohub_rooms_drop(gohub_rooms *rooms, gohub_text name);

/* The connection went, at this position if there is one. */
void gohub_rooms_lost(gohub_rooms *rooms, const gohub_offset *position);

/* Another epoch: offsets of the old one mean nothing. */
void gohub_rooms_forget(gohub_rooms *rooms);

#endif
