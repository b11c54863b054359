/*
 * A hub and a network that exist in memory alone, with a made-up time: the client's machine is tested on them path by path. The
 * network gives and takes as few bytes at a time as it is told.
 */
#ifndef GOHUB_TEST_STAGE_H
#define GOHUB_TEST_STAGE_H

#include "gohub/gohub.h"

#define STAGE_BYTES 65536
#define STAGE_EVENTS 256

/* An event that was told, with what outlives it. */
typedef struct stage_event {
    gohub_event_type type;
    gohub_state state;
    gohub_gap_reason reason;
    gohub_code code;
    unsigned closed;
    bool resumed;
    bool recovered;
    char room[GOHUB_NAME_BYTES + 1];
} stage_event;

/* What a request came to. */
typedef struct stage_answer {
    unsigned times;
    bool good;
    gohub_code code;
    bool uncertain;
} stage_answer;

typedef struct stage {
    gohub_client client;
    gohub_options options;
    gohub_transport transport;
    GOHUB_BUFFERS(buffers);
    const char *urls[2];
    /* In milliseconds. */
    uint64_t now;
    uint32_t seed;
    /* The network: whether there is a connection, whether it breaks at the next touch, and how many bytes it takes and gives. */
    bool connected;
    bool broken;
    bool refuses;
    unsigned opened;
    size_t piece;
    /* What the hub sent and the client has not read, and what the client sent. */
    uint8_t in[STAGE_BYTES];
    size_t in_at, in_size;
    uint8_t out[STAGE_BYTES];
    size_t out_at, out_size;
    /* The last message of the client that was looked at. */
    char said[STAGE_BYTES];
    uint8_t opcode;
    /* The request of the last handshake. */
    char request[4096];
    stage_event events[STAGE_EVENTS];
    size_t event_count;
    unsigned welcomes;
    /* After how many milliseconds the client wants to be called. */
    uint32_t wait;
} stage;

/* A client that is not connected yet; `change` may be NULL. */
void stage_begin(stage *stage, void (*change)(gohub_options *options));
/* Polls until nothing more happens at this time. */
void stage_poll(stage *stage);
/* Time goes by, and the client is called whenever it wants to be. */
void stage_pass(stage *stage, uint64_t milliseconds);
/* The handshake of the client is answered: as a WebSocket, or with this head instead. */
void stage_accept(stage *stage, const char *instead);
/* Bytes from the hub, as they are. */
void stage_send(stage *stage, const void *bytes, size_t size);
/* A frame from the hub. */
void stage_frame(stage *stage, uint8_t first, const void *payload, size_t size);
/* A message from the hub, and a poll. */
void stage_hear(stage *stage, const char *json);
/* Connects and welcomes. */
void stage_open(stage *stage);
#define STAGE_WELCOME                                                                                        \
    "{\"message_id\":3,\"client_id\":\"alice\",\"epoch\":\"e1\",\"offset\":\"1-0\",\"recovered\":false,"     \
    "\"heartbeat_interval_ms\":25000,\"heartbeat_timeout_ms\":10000,\"max_message\":65536,\"rooms\":[]}"
/* The connection ends with this code, or without one. */
void stage_close(stage *stage, unsigned code);
/* The next message of the client, "" when there is none; a control frame sets `opcode` accordingly. */
const char *stage_said(stage *stage);
/* The `ref` of that message. */
const char *stage_ref(stage *stage);
/* The n-th event of this type from 1 on, NULL when there was none. */
const stage_event *stage_told(const stage *stage, gohub_event_type type, size_t n);
size_t stage_count(const stage *stage, gohub_event_type type);
/* For gohub_request: counts what comes. */
void stage_done(void *answer, const gohub_answer *came);

#endif
