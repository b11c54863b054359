#include "gohub/socket.h"

#include <string.h>

#include "gohub/utf8.h"

enum { NORMAL = 1000, PROTOCOL_ERROR = 1002, NO_CODE = 1005, ABNORMAL = 1006, INVALID_PAYLOAD = 1007 };

/* Most pieces that one step looks at: pings without end must not keep the caller's loop. */
#define MOST_PIECES 64

void gohub_socket_init(gohub_socket *socket, const gohub_transport *transport, gohub_sink out, uint8_t *receive, size_t size) {
    memset(socket, 0, sizeof *socket);
    socket->transport = transport;
    socket->out = out;
    gohub_frames_begin(&socket->frames, receive, size);
}

bool gohub_socket_open(gohub_socket *socket, const gohub_url *url, const char *subprotocol) {
    gohub_frames_begin(&socket->frames, socket->frames.message, socket->frames.size);
    socket->subprotocol = subprotocol;
    socket->sent = 0;
    socket->owes_pong = false;
    socket->piece_at = socket->piece_size = 0;
    if (!socket->transport->open(socket->transport->context, url)) {
        return false;
    }
    socket->phase = GOHUB_SOCKET_OPENING;
    return true;
}

static void shut(gohub_socket *socket) {
    socket->transport->close(socket->transport->context);
    socket->phase = GOHUB_SOCKET_SHUT;
    socket->out.used = socket->sent = 0;
}

static gohub_heard ended(gohub_socket *socket, unsigned code, const char *reason, size_t size) {
    shut(socket);
    memset(&socket->end, 0, sizeof socket->end);
    socket->end.code = (uint16_t)code;
    size = size < GOHUB_REASON_BYTES ? size : GOHUB_REASON_BYTES;
    memcpy(socket->end.reason, reason, size);
    socket->end.reason_size = (uint8_t)size;
    return GOHUB_HEARD_END;
}

static gohub_heard lost(gohub_socket *socket, const char *reason) {
    return ended(socket, ABNORMAL, reason, strlen(reason));
}

bool gohub_socket_flush(gohub_socket *socket) {
    const gohub_transport *transport = socket->transport;
    if (socket->phase == GOHUB_SOCKET_SHUT) {
        return true;
    }
    while (socket->sent < socket->out.used) {
        int count = transport->write(transport->context, socket->out.bytes + socket->sent, socket->out.used - socket->sent);
        if (count <= 0) {
            return count == 0;
        }
        socket->sent += (size_t)count;
    }
    socket->out.used = socket->sent = 0;
    return true;
}

/* Moves what waits to the front: frames are written behind it. */
static void make_room(gohub_socket *socket) {
    if (socket->sent > 0) {
        memmove(socket->out.bytes, socket->out.bytes + socket->sent, socket->out.used - socket->sent);
        socket->out.used -= socket->sent;
        socket->sent = 0;
    }
}

static size_t space(const gohub_socket *socket) {
    return socket->out.size - (socket->out.used - socket->sent);
}

size_t gohub_socket_most(const gohub_socket *socket) {
    return socket->out.size - GOHUB_RESERVE_BYTES - GOHUB_FRAME_ROOM;
}

gohub_sink gohub_socket_begin(gohub_socket *socket, bool answer) {
    size_t kept = GOHUB_FRAME_ROOM + (answer ? 0 : GOHUB_RESERVE_BYTES);
    size_t room = socket->phase == GOHUB_SOCKET_OPEN && space(socket) > kept ? space(socket) - kept : 0;
    make_room(socket);
    return gohub_sink_of(socket->out.bytes + socket->out.used + (room > 0 ? GOHUB_FRAME_ROOM : 0), room);
}

static bool put(gohub_socket *socket, const gohub_sink *payload, uint8_t opcode) {
    if (payload->full || payload->size == 0) {
        return false;
    }
    uint32_t mask = socket->transport->random(socket->transport->context);
    socket->out.used += gohub_frame_seal(socket->out.bytes + socket->out.used, opcode, payload->used, mask);
    return true;
}

bool gohub_socket_send(gohub_socket *socket, const gohub_sink *message, bool text) {
    return put(socket, message, text ? GOHUB_OPCODE_TEXT : GOHUB_OPCODE_BINARY);
}

static bool put_control(gohub_socket *socket, uint8_t opcode, const uint8_t *payload, size_t size) {
    gohub_sink sink = gohub_socket_begin(socket, true);
    gohub_sink_bytes(&sink, payload, size);
    return put(socket, &sink, opcode);
}

bool gohub_socket_busy(const gohub_socket *socket) {
    return socket->sent < socket->out.used || socket->owes_pong;
}

void gohub_socket_drop(gohub_socket *socket, uint16_t code) {
    if (socket->phase == GOHUB_SOCKET_SHUT) {
        return;
    }
    if (socket->phase == GOHUB_SOCKET_OPEN) {
        /* Others than 1000, 1002, 1007 and 3000-4999 a client does not send. */
        bool own = code == NORMAL || code == PROTOCOL_ERROR || code == INVALID_PAYLOAD || code >= 3000;
        uint8_t payload[2] = {(uint8_t)(code >> 8), (uint8_t)code};
        (void)put_control(socket, GOHUB_OPCODE_CLOSE, payload, own ? sizeof payload : 0);
        (void)gohub_socket_flush(socket);
    }
    shut(socket);
}

/* The hub broke the protocol: it is told so, and the connection is lost. */
static gohub_heard broken(gohub_socket *socket, uint16_t code, const char *reason) {
    gohub_socket_drop(socket, code);
    return lost(socket, reason);
}

/* Whether a peer may send this code; RFC 6455, section 7.4. */
static bool may_come(unsigned code) {
    return (code >= NORMAL && code <= 1014 && code != 1004 && code != NO_CODE && code != ABNORMAL) ||
           (code >= 3000 && code <= 4999);
}

static gohub_heard closed(gohub_socket *socket) {
    const gohub_frames *frames = &socket->frames;
    size_t size = frames->control_used;
    unsigned code = size < 2 ? NO_CODE : (unsigned)frames->control[0] << 8 | frames->control[1];
    if (size == 1 || (size >= 2 && !may_come(code))) {
        return broken(socket, PROTOCOL_ERROR, "a wrong close frame");
    }
    if (size > 2 && !gohub_utf8_valid(frames->control + 2, size - 2)) {
        return broken(socket, INVALID_PAYLOAD, "a close frame that is no UTF-8");
    }
    (void)put_control(socket, GOHUB_OPCODE_CLOSE, frames->control, size < 2 ? 0 : 2);
    (void)gohub_socket_flush(socket);
    return ended(socket, code, (const char *)frames->control + 2, size < 2 ? 0 : size - 2);
}

static gohub_heard control(gohub_socket *socket) {
    const gohub_frames *frames = &socket->frames;
    if (frames->control_opcode == GOHUB_OPCODE_CLOSE) {
        return closed(socket);
    }
    if (frames->control_opcode == GOHUB_OPCODE_PING) {
        /* The newest alone is answered when several came: the RFC allows it. */
        socket->owes_pong = true;
        socket->pong_size = frames->control_used;
        memcpy(socket->pong, frames->control, frames->control_used);
    }
    return GOHUB_HEARD_NOTHING;
}

/* The answer to the handshake gathers in the receive buffer, which nothing else needs yet. */
static gohub_heard upgrade(gohub_socket *socket) {
    gohub_frames *frames = &socket->frames;
    while (socket->piece_at < socket->piece_size) {
        if (frames->used == frames->size) {
            return lost(socket, "the answer to the handshake is larger than the receive buffer");
        }
        frames->message[frames->used++] = socket->piece[socket->piece_at++];
        size_t used = frames->used;
        if (used < 4 || gohub_handshake_complete(frames->message + used - 4, 4) == 0) {
            continue;
        }
        gohub_upgrade answer = gohub_handshake_read(frames->message, used, socket->subprotocol, socket->accept);
        frames->used = 0;
        if (answer.upgraded) {
            socket->phase = GOHUB_SOCKET_OPEN;
            return GOHUB_HEARD_NOTHING;
        }
        gohub_heard heard = lost(socket, answer.status == 101 ? "no WebSocket" : "the hub refused the handshake");
        /* A 101 that proves nothing is no refusal: it may be a cache in between. */
        socket->end.status = (uint16_t)(answer.status == 101 ? 0 : answer.status);
        socket->end.retry_after = answer.retry_after;
        return heard;
    }
    return GOHUB_HEARD_NOTHING;
}

/* Looks at the next of what was read. */
static gohub_heard look(gohub_socket *socket) {
    gohub_frame found;
    if (socket->phase == GOHUB_SOCKET_OPENING) {
        return upgrade(socket);
    }
    size_t left = (size_t)socket->piece_size - socket->piece_at;
    size_t taken = gohub_frames_take(&socket->frames, socket->piece + socket->piece_at, left, &found);
    socket->piece_at = (uint8_t)(socket->piece_at + taken);
    switch (found) {
    case GOHUB_FRAME_MESSAGE:
        if (socket->frames.opcode == GOHUB_OPCODE_TEXT && !socket->frames.cut &&
            !gohub_utf8_valid(socket->frames.message, socket->frames.used)) {
            return broken(socket, INVALID_PAYLOAD, "a text that is no UTF-8");
        }
        return GOHUB_HEARD_MESSAGE;
    case GOHUB_FRAME_CONTROL: return control(socket);
    case GOHUB_FRAME_BROKEN: return broken(socket, PROTOCOL_ERROR, "a wrong frame");
    default: return GOHUB_HEARD_NOTHING;
    }
}

gohub_heard gohub_socket_step(gohub_socket *socket) {
    const gohub_transport *transport = socket->transport;
    socket->hungry = false;
    for (unsigned pieces = 0; socket->phase != GOHUB_SOCKET_SHUT; pieces++) {
        if (pieces == MOST_PIECES) {
            socket->hungry = true;
            return GOHUB_HEARD_NOTHING;
        }
        if (socket->owes_pong && put_control(socket, GOHUB_OPCODE_PONG, socket->pong, socket->pong_size)) {
            socket->owes_pong = false;
        }
        bool alive = gohub_socket_flush(socket);
        /* Answers need room: nothing more is looked at before what waits has left. */
        bool full = socket->owes_pong || space(socket) < GOHUB_RESERVE_BYTES;
        bool asking = socket->phase == GOHUB_SOCKET_OPENING && socket->sent < socket->out.used;
        if (alive && (asking || (socket->phase == GOHUB_SOCKET_OPEN && full))) {
            return GOHUB_HEARD_NOTHING;
        }
        if (socket->piece_at == socket->piece_size) {
            /* A connection that takes nothing any more may still have brought the reason. */
            int count = transport->read(transport->context, socket->piece, sizeof socket->piece);
            if (count == 0 && alive) {
                return GOHUB_HEARD_NOTHING;
            }
            if (count <= 0) {
                return lost(socket, "the connection is gone");
            }
            socket->piece_at = 0;
            socket->piece_size = (uint8_t)count;
        }
        gohub_heard heard = look(socket);
        if (heard != GOHUB_HEARD_NOTHING) {
            return heard;
        }
    }
    return GOHUB_HEARD_NOTHING;
}
