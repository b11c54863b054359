/*
 * WebSocket frames (RFC 6455, section 5) as a client reads and writes them. The decoder takes bytes as they come, puts the
 * fragments of a message together in the caller's buffer, and never waits. What is larger than the buffer is cut, not refused:
 * its head still says what it was, so that the loss can be told.
 */
#ifndef GOHUB_FRAME_H
#define GOHUB_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GOHUB_OPCODE_CONTINUATION = 0,
    GOHUB_OPCODE_TEXT = 1,
    GOHUB_OPCODE_BINARY = 2,
    GOHUB_OPCODE_CLOSE = 8,
    GOHUB_OPCODE_PING = 9,
    GOHUB_OPCODE_PONG = 10
};

/* The largest payload of a control frame. */
#define GOHUB_CONTROL_BYTES 125

/* Room for the head of a frame that a client writes, its mask included. */
#define GOHUB_FRAME_ROOM 8

/* What the decoder found. */
typedef enum gohub_frame {
    GOHUB_FRAME_NONE,    /* more bytes are needed */
    GOHUB_FRAME_MESSAGE, /* `message`, `used`, `opcode`, `cut` */
    GOHUB_FRAME_CONTROL, /* `control`, `control_used`, `control_opcode` */
    GOHUB_FRAME_BROKEN   /* the peer broke the protocol: the connection is worth nothing any more */
} gohub_frame;

typedef struct gohub_frames {
    /* The caller's buffer, and how much of the message is in it. */
    uint8_t *message;
    size_t size;
    size_t used;
    /* What the message is, 0 between two. */
    uint8_t opcode;
    /* Whether some of it did not fit. */
    bool cut;
    /* The next bytes begin another message. */
    bool over;
    uint8_t control_opcode;
    uint8_t control_used;
    uint8_t control[GOHUB_CONTROL_BYTES];
    /* The frame that is coming in: its head, and what is missing of its payload. */
    uint8_t head[10];
    uint8_t head_used;
    bool in_payload;
    uint64_t left;
} gohub_frames;

void gohub_frames_begin(gohub_frames *frames, uint8_t *buffer, size_t size);

/* Takes bytes up to the end of the next message or control frame at most; gives back how many, and what is complete. */
size_t gohub_frames_take(gohub_frames *frames, const uint8_t *bytes, size_t size, gohub_frame *found);

/*
 * Makes a frame of a payload of at most 65,535 bytes that lies GOHUB_FRAME_ROOM bytes behind `place`: head, mask with this key,
 * and no gap between them. The frame begins at `place`; gives back how large it is.
 */
size_t gohub_frame_seal(uint8_t *place, uint8_t opcode, size_t size, uint32_t mask);

#endif
