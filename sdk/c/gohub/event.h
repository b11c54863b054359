/* What a client tells the application: the same events as those of the other SDKs. */
#ifndef GOHUB_EVENT_H
#define GOHUB_EVENT_H

#include "gohub/error.h"

/*
 * Where the connection stands: `idle` before connect; `connecting` until the welcome; `open`; `draining` when the hub is going
 * and new requests wait for the next one; `waiting` for the next attempt; `closed` for good, until connect is called again.
 */
typedef enum gohub_state {
    GOHUB_IDLE,
    GOHUB_CONNECTING,
    GOHUB_OPEN,
    GOHUB_DRAINED, /* `draining` */
    GOHUB_WAITING,
    GOHUB_STATE_CLOSED
} gohub_state;

const char *gohub_state_name(gohub_state state);

/* Why messages are missing; a reason this version does not know is `unspecified`. The last one is this library's own. */
typedef enum gohub_gap_reason {
    GOHUB_GAP_SLOW_CLIENT,
    GOHUB_GAP_CONFLATED,
    GOHUB_GAP_EXPIRED,
    GOHUB_GAP_COMPACTED,
    GOHUB_GAP_EPOCH_CHANGED,
    GOHUB_GAP_BUS_LOST,
    GOHUB_GAP_UNSPECIFIED,
    GOHUB_GAP_TOO_LARGE, /* one message that is larger than the receive buffer */
    GOHUB_GAP_REASONS
} gohub_gap_reason;

const char *gohub_gap_reason_name(gohub_gap_reason reason);
gohub_gap_reason gohub_gap_reason_named(gohub_text name);

typedef enum gohub_event_type {
    GOHUB_EVENT_STATE,     /* `state` */
    GOHUB_EVENT_WELCOME,   /* a hub took the connection, or its epoch changed: `envelope`, `resumed`, `recovered` */
    GOHUB_EVENT_MESSAGE,   /* something was said to everybody, a room or this client: `envelope` */
    GOHUB_EVENT_PRESENCE,  /* somebody came to a room or left it: `envelope`, whose data has `joined` or `left` */
    GOHUB_EVENT_GAP,       /* messages are missing: `from` to `to`, `count`, `reason`, `room` if of one alone */
    GOHUB_EVENT_MODE,      /* the hub is cut off from the others, or not any more: `degraded` */
    GOHUB_EVENT_DRAIN,     /* the hub is going: `envelope`; nothing to do */
    GOHUB_EVENT_RETRY,     /* the hub asks to send nothing for a while: `envelope`; nothing to do */
    GOHUB_EVENT_JOINED,    /* the back end put this client into `room` */
    GOHUB_EVENT_LEFT,      /* `room` is not open to this client any more: `words` say why */
    GOHUB_EVENT_TROUBLE,   /* `count` attempts in a row came to nothing */
    GOHUB_EVENT_ERROR,     /* something failed that belongs to no request: `error` */
    GOHUB_EVENT_ASK_TOKEN, /* a token is wanted: answer with gohub_client_token or gohub_client_no_token, now or later */
    GOHUB_EVENT_CLOSED     /* the end, until connect is called again: `code`, `words` */
} gohub_event_type;

/* The name of an event, as in the other SDKs. */
const char *gohub_event_name(gohub_event_type type);

/* One event. What it points to is gone after the callback. */
typedef struct gohub_event {
    gohub_event_type type;
    gohub_state state;
    const gohub_envelope *envelope;
    /* Whether this connection goes on where an earlier one was. */
    bool resumed;
    /* With `resumed`: whether nothing is missing. If not, load state anew where it matters. */
    bool recovered;
    bool degraded;
    gohub_gap_reason reason;
    /* Both are missing, too. */
    gohub_offset from;
    gohub_offset to;
    /* How many, 0 when nobody knows. */
    uint64_t count;
    gohub_text room;
    gohub_error error;
    /* The close code, or the HTTP status that refused the handshake; 1000 after gohub_client_close. */
    unsigned code;
    /* For people and logs. */
    gohub_text words;
} gohub_event;

#endif
