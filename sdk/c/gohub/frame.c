#include "gohub/frame.h"

#include <string.h>

#define FINAL 0x80
#define RESERVED 0x70
#define MASKED 0x80

void gohub_frames_begin(gohub_frames *frames, uint8_t *buffer, size_t size) {
    memset(frames, 0, sizeof *frames);
    frames->message = buffer;
    frames->size = size;
}

/* How many bytes the head has, as far as it is known. */
static size_t head_size(const gohub_frames *frames) {
    if (frames->head_used < 2) {
        return 2;
    }
    uint8_t length = frames->head[1] & 127;
    return length < 126 ? 2 : length == 126 ? 4 : 10;
}

/* The head is complete: whether the protocol allows it. */
static bool begin_payload(gohub_frames *frames) {
    const uint8_t *head = frames->head;
    uint8_t opcode = head[0] & 15;
    uint64_t length = head[1] & 127;
    bool control = opcode >= 8;
    if (length >= 126) {
        size_t size = head_size(frames);
        length = 0;
        for (size_t n = 2; n < size; n++) {
            length = length << 8 | head[n];
        }
        /* The shortest form is required, and the first bit of eight bytes must be 0. */
        if (length < 126 || (size == 10 && (length <= UINT16_MAX || length >> 63 != 0))) {
            return false;
        }
    }
    if ((head[0] & RESERVED) != 0 || (head[1] & MASKED) != 0) {
        return false;
    }
    if (control) {
        if (opcode > GOHUB_OPCODE_PONG || (head[0] & FINAL) == 0 || length > GOHUB_CONTROL_BYTES) {
            return false;
        }
        frames->control_opcode = opcode;
        frames->control_used = 0;
    } else {
        /* A first frame has an opcode, and those that go on have none. */
        if (opcode > GOHUB_OPCODE_BINARY || (opcode == GOHUB_OPCODE_CONTINUATION) == (frames->opcode == 0)) {
            return false;
        }
        if (frames->opcode == 0) {
            frames->opcode = opcode;
            frames->used = 0;
            frames->cut = false;
        }
    }
    frames->left = length;
    frames->in_payload = true;
    return true;
}

static bool is_control(const gohub_frames *frames) {
    return (frames->head[0] & 8) != 0;
}

/* Takes up to `size` bytes of the payload. */
static size_t take_payload(gohub_frames *frames, const uint8_t *bytes, size_t size) {
    size_t count = size < frames->left ? size : (size_t)frames->left;
    frames->left -= count;
    if (is_control(frames)) {
        memcpy(frames->control + frames->control_used, bytes, count);
        frames->control_used = (uint8_t)(frames->control_used + count);
        return count;
    }
    size_t room = frames->size - frames->used;
    size_t kept = count < room ? count : room;
    memcpy(frames->message + frames->used, bytes, kept);
    frames->used += kept;
    frames->cut = frames->cut || kept < count;
    return count;
}

/* The frame is complete. */
static gohub_frame end_payload(gohub_frames *frames) {
    frames->in_payload = false;
    frames->head_used = 0;
    if (is_control(frames)) {
        return GOHUB_FRAME_CONTROL;
    }
    frames->over = (frames->head[0] & FINAL) != 0;
    return frames->over ? GOHUB_FRAME_MESSAGE : GOHUB_FRAME_NONE;
}

size_t gohub_frames_take(gohub_frames *frames, const uint8_t *bytes, size_t size, gohub_frame *found) {
    size_t at = 0;
    *found = GOHUB_FRAME_NONE;
    if (frames->over) {
        frames->over = false;
        frames->opcode = 0;
    }
    while (*found == GOHUB_FRAME_NONE) {
        if (!frames->in_payload) {
            while (at < size && frames->head_used < head_size(frames)) {
                frames->head[frames->head_used++] = bytes[at++];
            }
            if (frames->head_used < 2 || frames->head_used < head_size(frames)) {
                break;
            }
            if (!begin_payload(frames)) {
                *found = GOHUB_FRAME_BROKEN;
                break;
            }
        }
        at += take_payload(frames, bytes + at, size - at);
        if (frames->left > 0) {
            break;
        }
        *found = end_payload(frames);
    }
    return at;
}

size_t gohub_frame_seal(uint8_t *place, uint8_t opcode, size_t size, uint32_t mask) {
    uint8_t key[4] = {(uint8_t)(mask >> 24), (uint8_t)(mask >> 16), (uint8_t)(mask >> 8), (uint8_t)mask};
    size_t head = 2;
    place[0] = (uint8_t)(FINAL | opcode);
    place[1] = (uint8_t)(MASKED | (size < 126 ? size : 126));
    if (size >= 126) {
        place[2] = (uint8_t)(size >> 8);
        place[3] = (uint8_t)size;
        head = 4;
    }
    const uint8_t *payload = place + GOHUB_FRAME_ROOM;
    memcpy(place + head, key, sizeof key);
    head += sizeof key;
    /* A short head moves the payload to the front. */
    for (size_t n = 0; n < size; n++) {
        place[head + n] = payload[n] ^ key[n & 3];
    }
    return head + size;
}
