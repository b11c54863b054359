#include <string.h>

#include "gohub/client.h"
#include "gohub/core.h"
#include "gohub/utf8.h"

/* Unless the options say more: time for a request, in milliseconds. */
#define REQUEST_MS 10000
/* The protocol's bound of `message_type`, `key` and `after`, in bytes. */
#define MOST_TAG 128
/* A fresh idempotency key: 96 bits in hexadecimal digits. */
#define KEY_BYTES 24

static const gohub_request defaults = {NULL, NULL, 0, NULL, NULL, false};

/* In place: an envelope that is given back takes its stack twice. */
static void begin(gohub_envelope *envelope, uint32_t id) {
    memset(envelope, 0, sizeof *envelope);
    envelope->message_id = id;
    gohub_envelope_set(envelope, GOHUB_FIELD_MESSAGE_ID);
}

/* Takes text into a member, when there is some; false when it is not allowed there. Absent is fine. */
static bool put(gohub_envelope *envelope, unsigned field, gohub_text *member, const char *string, size_t most) {
    gohub_text text = gohub_text_of(string);
    if (string == NULL) {
        return true;
    }
    *member = text;
    gohub_envelope_set(envelope, field);
    return text.size > 0 && text.size <= most && gohub_utf8_valid((const uint8_t *)text.bytes, text.size);
}

static bool put_room(gohub_envelope *envelope, const char *room) {
    return put(envelope, GOHUB_FIELD_ROOM, &envelope->room, room, GOHUB_NAME_BYTES);
}

static bool put_data(gohub_envelope *envelope, gohub_data data) {
    if (data.kind == GOHUB_DATA_NONE) {
        return true;
    }
    envelope->data = data;
    gohub_envelope_set(envelope, GOHUB_FIELD_DATA);
    return data.kind == GOHUB_DATA_BYTES || gohub_utf8_valid(data.bytes, data.size);
}

static void put_offset(gohub_envelope *envelope, const gohub_offset *offset) {
    if (offset != NULL) {
        envelope->from_offset = *offset;
        gohub_envelope_set(envelope, GOHUB_FIELD_FROM_OFFSET);
    }
}

static void put_limit(gohub_envelope *envelope, uint32_t limit) {
    if (limit > 0) {
        envelope->limit = limit;
        gohub_envelope_set(envelope, GOHUB_FIELD_LIMIT);
    }
}

/* Takes a complete request in. */
static gohub_code ask(
    gohub_client *client,
    gohub_envelope *envelope,
    const gohub_request *request,
    bool repeatable,
    const char *token
) {
    char digits[GOHUB_REF_BYTES];
    gohub_waiting waiting;
    if (client->phase == GOHUB_PHASE_CLOSED && !client->wants_start) {
        return GOHUB_CLOSED;
    }
    memset(&waiting, 0, sizeof waiting);
    waiting.done = request->done;
    waiting.context = request->context;
    waiting.token = token;
    waiting.ref = gohub_core_next_ref(client);
    waiting.id = envelope->message_id;
    waiting.repeatable = repeatable;
    uint32_t wanted = request->timeout_ms != 0 ? request->timeout_ms : client->options->request_timeout_ms;
    waiting.deadline = client->transport->now(client->transport->context) + (wanted == 0 ? REQUEST_MS : wanted);
    envelope->ref = gohub_core_ref(waiting.ref, digits);
    gohub_envelope_set(envelope, GOHUB_FIELD_REF);
    return gohub_desk_add(&client->desk, client->options->form, envelope, &waiting, gohub_socket_most(&client->socket));
}

/* A fresh key counts among those of one client only and is no secret; but it must not come again after a reset. */
static gohub_text fresh_key(gohub_client *client, char key[KEY_BYTES]) {
    static const char hex[] = "0123456789abcdef";
    uint32_t random = 0;
    for (size_t n = 0; n < KEY_BYTES; n++) {
        random = n % 8 == 0 ? gohub_core_random(client) : random >> 4;
        key[n] = hex[random & 15];
    }
    gohub_text text = {key, KEY_BYTES};
    return text;
}

/* A publish. `keyed`: with a fresh key when none is given. */
static gohub_code say(
    gohub_client *client,
    gohub_envelope *envelope,
    gohub_data data,
    const gohub_request *request,
    bool keyed
) {
    char key[KEY_BYTES];
    request = request == NULL ? &defaults : request;
    const char *given = request->once ? NULL : request->key;
    if (!put_data(envelope, data) ||
        !put(envelope, GOHUB_FIELD_MESSAGE_TYPE, &envelope->message_type, request->type, MOST_TAG) ||
        !put(envelope, GOHUB_FIELD_KEY, &envelope->key, given, MOST_TAG)) {
        return GOHUB_BAD_ARGUMENT;
    }
    bool fresh = keyed && given == NULL && !request->once;
    if (fresh) {
        envelope->key = fresh_key(client, key);
        gohub_envelope_set(envelope, GOHUB_FIELD_KEY);
    }
    return ask(client, envelope, request, fresh || given != NULL, NULL);
}

gohub_code gohub_client_join(
    gohub_client *client,
    const char *room,
    const gohub_offset *from,
    const gohub_request *request
) {
    gohub_envelope envelope;
    begin(&envelope, GOHUB_JOIN);
    if (room == NULL || !put_room(&envelope, room)) {
        return GOHUB_BAD_ARGUMENT;
    }
    bool known = gohub_rooms_find(&client->rooms, envelope.room) != NULL;
    if (!known && !gohub_rooms_want(&client->rooms, envelope.room)) {
        return GOHUB_TOO_MANY_ROOMS;
    }
    put_offset(&envelope, from);
    gohub_code code = ask(client, &envelope, request == NULL ? &defaults : request, true, NULL);
    if (code != GOHUB_OK && !known) {
        (void)gohub_rooms_drop(&client->rooms, envelope.room);
    }
    return code;
}

gohub_code gohub_client_leave(gohub_client *client, const char *room, const gohub_request *request) {
    gohub_envelope envelope;
    begin(&envelope, GOHUB_LEAVE);
    if (room == NULL || !put_room(&envelope, room)) {
        return GOHUB_BAD_ARGUMENT;
    }
    gohub_code code = ask(client, &envelope, request == NULL ? &defaults : request, true, NULL);
    if (code == GOHUB_OK) {
        (void)gohub_rooms_drop(&client->rooms, envelope.room);
    }
    return code;
}

gohub_code gohub_client_publish(gohub_client *client, const char *room, gohub_data data, const gohub_request *request) {
    gohub_envelope envelope;
    begin(&envelope, GOHUB_ROOM_MESSAGE);
    if (room == NULL || !put_room(&envelope, room)) {
        return GOHUB_BAD_ARGUMENT;
    }
    return say(client, &envelope, data, request, true);
}

gohub_code gohub_client_unicast(gohub_client *client, const char *to, gohub_data data, const gohub_request *request) {
    gohub_envelope envelope;
    begin(&envelope, GOHUB_UNICAST);
    if (to == NULL || !put(&envelope, GOHUB_FIELD_TO, &envelope.to, to, MOST_TAG)) {
        return GOHUB_BAD_ARGUMENT;
    }
    return say(client, &envelope, data, request, true);
}

gohub_code gohub_client_broadcast(gohub_client *client, gohub_data data, const gohub_request *request) {
    gohub_envelope envelope;
    begin(&envelope, GOHUB_BROADCAST);
    return say(client, &envelope, data, request, true);
}

gohub_code gohub_client_send(
    gohub_client *client,
    uint32_t id,
    const char *room,
    const char *to,
    gohub_data data,
    const gohub_request *request
) {
    gohub_envelope envelope;
    begin(&envelope, id);
    if (id < GOHUB_FIRST_APPLICATION_ID || !put_room(&envelope, room) ||
        !put(&envelope, GOHUB_FIELD_TO, &envelope.to, to, MOST_TAG)) {
        return GOHUB_BAD_ARGUMENT;
    }
    return say(client, &envelope, data, request, false);
}

gohub_code gohub_client_presence(
    gohub_client *client,
    const char *room,
    uint32_t limit,
    const char *after,
    const gohub_request *request
) {
    gohub_envelope envelope;
    begin(&envelope, GOHUB_PRESENCE);
    put_limit(&envelope, limit);
    if (room == NULL || !put_room(&envelope, room) ||
        !put(&envelope, GOHUB_FIELD_AFTER, &envelope.after, after, MOST_TAG)) {
        return GOHUB_BAD_ARGUMENT;
    }
    return ask(client, &envelope, request == NULL ? &defaults : request, true, NULL);
}

gohub_code gohub_client_history(
    gohub_client *client,
    const char *room,
    uint32_t limit,
    const gohub_offset *from,
    const gohub_request *request
) {
    gohub_envelope envelope;
    begin(&envelope, GOHUB_HISTORY);
    put_limit(&envelope, limit);
    put_offset(&envelope, from);
    if (room == NULL || !put_room(&envelope, room)) {
        return GOHUB_BAD_ARGUMENT;
    }
    return ask(client, &envelope, request == NULL ? &defaults : request, true, NULL);
}

gohub_code gohub_client_ping(gohub_client *client, const gohub_request *request) {
    gohub_envelope envelope;
    begin(&envelope, GOHUB_PING);
    return ask(client, &envelope, request == NULL ? &defaults : request, true, NULL);
}

gohub_code gohub_client_refresh(gohub_client *client, const char *token, const gohub_request *request) {
    gohub_envelope envelope;
    begin(&envelope, GOHUB_REFRESH);
    if (token == NULL || !gohub_credentials_allow(token)) {
        return GOHUB_BAD_ARGUMENT;
    }
    envelope.token = gohub_text_of(token);
    gohub_envelope_set(&envelope, GOHUB_FIELD_TOKEN);
    return ask(client, &envelope, request == NULL ? &defaults : request, true, token);
}
