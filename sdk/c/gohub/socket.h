/*
 * One WebSocket over the caller's transport, from its opening to its end, which is told once, however it came. It answers the
 * hub's pings by itself. Never waits.
 */
#ifndef GOHUB_SOCKET_H
#define GOHUB_SOCKET_H

#include "gohub/frame.h"
#include "gohub/handshake.h"
#include "gohub/transport.h"

/* Read in pieces of so many bytes. */
#define GOHUB_PIECE_BYTES 128

/* Kept free for answers to the hub's pings, which leave before anything more is read. */
#define GOHUB_RESERVE_BYTES 320

/* Room for what is told of an end, in bytes; more is cut. */
#define GOHUB_REASON_BYTES 64

typedef enum gohub_socket_phase { GOHUB_SOCKET_SHUT, GOHUB_SOCKET_OPENING, GOHUB_SOCKET_OPEN } gohub_socket_phase;

/* What happened on it. */
typedef enum gohub_heard {
    GOHUB_HEARD_NOTHING, /* there is nothing more now */
    GOHUB_HEARD_MESSAGE, /* in `frames` */
    GOHUB_HEARD_END      /* in `end` */
} gohub_heard;

/* How it ended. */
typedef struct gohub_end {
    /* The close code; 1006 without a close frame. */
    uint16_t code;
    /* The HTTP status that refused the handshake, 0 without one. */
    uint16_t status;
    /* Its `Retry-After`, in seconds; 0 without one. */
    uint32_t retry_after;
    /* In words. */
    uint8_t reason_size;
    char reason[GOHUB_REASON_BYTES];
} gohub_end;

typedef struct gohub_socket {
    const gohub_transport *transport;
    gohub_socket_phase phase;
    const char *subprotocol;
    char accept[GOHUB_ACCEPT_BYTES];
    gohub_frames frames;
    /* What leaves, and how much of it has left. */
    gohub_sink out;
    size_t sent;
    /* A ping of the hub that found no room for its answer yet. */
    bool owes_pong;
    uint8_t pong_size;
    uint8_t pong[GOHUB_CONTROL_BYTES];
    /* What was read and not looked at. */
    uint8_t piece[GOHUB_PIECE_BYTES];
    uint8_t piece_at;
    uint8_t piece_size;
    /* The last step stopped although there may be more. */
    bool hungry;
    gohub_end end;
} gohub_socket;

void gohub_socket_init(gohub_socket *socket, const gohub_transport *transport, gohub_sink out, uint8_t *receive, size_t size);

/* Opens it. The handshake was written into `out`; `accept` is what has to come back. False when the transport cannot. */
bool gohub_socket_open(gohub_socket *socket, const gohub_url *url, const char *subprotocol);

/* Sends what there is to send and takes the next thing that came. */
gohub_heard gohub_socket_step(gohub_socket *socket);

/* How large a message may be at all, in bytes. */
size_t gohub_socket_most(const gohub_socket *socket);

/*
 * Where the next message is to be written; what does not fit makes it `full`. Nothing else is called before
 * `gohub_socket_send`. `answer`: it may use what is kept for answers.
 */
gohub_sink gohub_socket_begin(gohub_socket *socket, bool answer);

/* Puts what was written among what leaves; false when it did not fit, which may pass. */
bool gohub_socket_send(gohub_socket *socket, const gohub_sink *message, bool text);

/* Sends as much as leaves now; false when the connection is gone, of which the next step tells. */
bool gohub_socket_flush(gohub_socket *socket);

/* Whether something waits to leave. */
bool gohub_socket_busy(const gohub_socket *socket);

/* Closes it, with a close frame if it was open, and tells no end. */
void gohub_socket_drop(gohub_socket *socket, uint16_t code);

#endif
