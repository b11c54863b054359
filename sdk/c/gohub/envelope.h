/*
 * One message of protocol v1, either way: the vocabulary of sdk/protocol/PROTOCOL.md. A test compares every table with the
 * golden tables.json. What an envelope points to lies in the buffer it was read from and is gone with the next message.
 */
#ifndef GOHUB_ENVELOPE_H
#define GOHUB_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gohub/offset.h"
#include "gohub/text.h"

/* Message ids. From GOHUB_FIRST_APPLICATION_ID on they are the application's. */
enum {
    GOHUB_PING = 1,
    GOHUB_PONG = 2,
    GOHUB_WELCOME = 3,
    GOHUB_ACK = 4,
    GOHUB_ERROR = 5,
    GOHUB_REFRESH = 6,
    GOHUB_JOIN = 10,
    GOHUB_LEAVE = 11,
    GOHUB_PRESENCE = 12,
    GOHUB_HISTORY = 13,
    GOHUB_BROADCAST = 20,
    GOHUB_UNICAST = 21,
    GOHUB_ROOM_MESSAGE = 22,
    GOHUB_DRAIN = 30,
    GOHUB_GAP = 31,
    GOHUB_MODE = 32,
    GOHUB_RETRY = 33,
    GOHUB_FIRST_APPLICATION_ID = 1000
};

/* The two forms on the wire. */
typedef enum gohub_form { GOHUB_JSON, GOHUB_CBOR } gohub_form;

/* What `data` is. */
typedef enum gohub_data_kind { GOHUB_DATA_NONE, GOHUB_DATA_JSON, GOHUB_DATA_BYTES } gohub_data_kind;

/* The application's part of a message, carried untouched: one JSON value as text, or opaque bytes. */
typedef struct gohub_data {
    gohub_data_kind kind;
    const void *bytes;
    size_t size;
} gohub_data;

/* `data` from the text of one JSON value; it is checked when the message is written. */
gohub_data gohub_data_json(const char *json);
gohub_data gohub_data_bytes(const void *bytes, size_t size);

/* Several of them, still as they came: read once, from the first to the last, with the functions below. */
typedef struct gohub_list {
    gohub_form form;
    uint8_t *at;
    const uint8_t *end;
    /* How many are left. */
    size_t count;
} gohub_list;

typedef struct gohub_envelope {
    /* Bit n is set when the field with CBOR key n is there: see gohub_envelope_has. */
    uint64_t fields;
    uint32_t message_id;
    gohub_text message_type;
    gohub_text room;
    gohub_text to;
    gohub_data data;
    gohub_text ref;
    gohub_text key;
    uint64_t ts;
    gohub_text from;
    gohub_offset offset;
    gohub_offset from_offset;
    uint32_t limit;
    gohub_text after;
    gohub_text encoding;
    gohub_text code;
    gohub_text message;
    bool retryable;
    gohub_text reason;
    uint64_t count;
    gohub_text client_id;
    gohub_text connection_id;
    gohub_text node;
    gohub_text epoch;
    bool recovered;
    uint64_t heartbeat_interval_ms;
    uint64_t heartbeat_timeout_ms;
    uint64_t max_message;
    uint64_t max_rooms;
    uint64_t version;
    gohub_text mode;
    gohub_list rooms;
    gohub_list clients;
    gohub_text next;
    uint64_t total;
    gohub_list messages;
    bool complete;
    uint64_t close_in_ms;
    uint64_t reconnect_in_ms;
    uint64_t after_ms;
    gohub_text token;
    gohub_text ticket;
    uint64_t ticket_life_ms;
    /* `from` and `to` of a gap, which are offsets. */
    gohub_offset gap_from;
    gohub_offset gap_to;
} gohub_envelope;

/* CBOR keys of the fields that are asked for by name. */
enum {
    GOHUB_FIELD_MESSAGE_ID = 0,
    GOHUB_FIELD_MESSAGE_TYPE = 1,
    GOHUB_FIELD_ROOM = 2,
    GOHUB_FIELD_TO = 3,
    GOHUB_FIELD_DATA = 4,
    GOHUB_FIELD_REF = 5,
    GOHUB_FIELD_KEY = 6,
    GOHUB_FIELD_TS = 7,
    GOHUB_FIELD_FROM = 8,
    GOHUB_FIELD_OFFSET = 9,
    GOHUB_FIELD_FROM_OFFSET = 10,
    GOHUB_FIELD_LIMIT = 11,
    GOHUB_FIELD_AFTER = 12,
    GOHUB_FIELD_ENCODING = 13,
    GOHUB_FIELD_COUNT = 18,
    GOHUB_FIELD_HEARTBEAT_INTERVAL = 24,
    GOHUB_FIELD_HEARTBEAT_TIMEOUT = 25,
    GOHUB_FIELD_MAX_MESSAGE = 26,
    GOHUB_FIELD_MODE = 29,
    GOHUB_FIELD_CLIENTS = 31,
    GOHUB_FIELD_TOKEN = 39,
    GOHUB_FIELD_TICKET = 40,
    GOHUB_FIELD_TICKET_LIFE = 41,
    GOHUB_FIELDS = 42
};

/* Whether the field with this key is there. */
bool gohub_envelope_has(const gohub_envelope *envelope, unsigned field);

/* Says that it is; setting the member alone is not enough. */
void gohub_envelope_set(gohub_envelope *envelope, unsigned field);

/* Whether it is something that was said, with a place in the order. */
bool gohub_envelope_is_publication(const gohub_envelope *envelope);

/* The next name of `rooms` or `clients`; false at the end. */
bool gohub_list_text(gohub_list *list, gohub_text *text);

/* The next of the `messages` of a history; false at the end. */
bool gohub_list_envelope(gohub_list *list, gohub_envelope *envelope);

/*
 * A member of a JSON object by its name, as the text it was written with: `"on"`, `21.5`, `{"x":1}`. False when `data` is no
 * such object. For names without escapes. Enough for a device that is told what to do in small messages.
 */
bool gohub_data_member(gohub_data data, const char *name, gohub_text *value);

#endif
