/*
 * The connection's state machine, inside: what happens to a client and what follows. No I/O but through the socket, and time
 * and chance come from the transport, so every path is tested with a made-up time.
 */
#ifndef GOHUB_CORE_H
#define GOHUB_CORE_H

#include "gohub/client.h"

/* core.c: connections begin and end. */
void gohub_core_begin(gohub_client *client);
void gohub_core_open(gohub_client *client);
void gohub_core_down(gohub_client *client, const gohub_end *end);
void gohub_core_cut(gohub_client *client, unsigned code, const char *reason);
void gohub_core_end(gohub_client *client, unsigned code, gohub_text reason);
void gohub_core_again(gohub_client *client, unsigned code, uint32_t retry_after);
void gohub_core_no_token(gohub_client *client);
void gohub_core_ask_token(gohub_client *client);

/* hear.c: a message came. */
void gohub_core_hear(gohub_client *client);

/* conclude.c: what requests come to. */
void gohub_core_answer(gohub_client *client, const gohub_envelope *envelope);
void gohub_core_settle(gohub_client *client, size_t index, const gohub_envelope *envelope, gohub_error error);
void gohub_core_expire(gohub_client *client);
void gohub_core_clear_doomed(gohub_client *client);
void gohub_core_clear(gohub_client *client, const char *message);
void gohub_core_left(gohub_client *client, gohub_text room, gohub_text words);

/* say.c: what leaves. */
void gohub_core_flush(gohub_client *client);
/* Makes the answer of the ping itself. */
void gohub_core_pong(gohub_client *client, gohub_envelope *ping);
void gohub_core_ping(gohub_client *client);
bool gohub_core_flushes(const gohub_client *client);

/* A tag that no other request of this client has, and how it is written: decimal digits. */
#define GOHUB_REF_BYTES 10
uint32_t gohub_core_next_ref(gohub_client *client);
gohub_text gohub_core_ref(uint32_t ref, char digits[GOHUB_REF_BYTES]);

/* event.c of the machine: tells the application. */
gohub_event gohub_core_event(gohub_event_type type);
void gohub_core_emit(gohub_client *client, const gohub_event *event);
void gohub_core_emit_error(gohub_client *client, gohub_error error);

uint32_t gohub_core_random(gohub_client *client);
/* The position, if this is later. */
void gohub_core_advance(gohub_client *client, gohub_offset offset);

#endif
