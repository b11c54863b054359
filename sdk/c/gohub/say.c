#include <string.h>

#include "gohub/core.h"
#include "gohub/form.h"

uint32_t gohub_core_next_ref(gohub_client *client) {
    return ++client->refs;
}

gohub_text gohub_core_ref(uint32_t ref, char digits[GOHUB_REF_BYTES]) {
    gohub_sink sink = gohub_sink_of((uint8_t *)digits, GOHUB_REF_BYTES);
    gohub_sink_number(&sink, ref);
    gohub_text text = {digits, sink.used};
    return text;
}

/* Sends a message of the client's own; false when there is no room for it now. */
static bool say(gohub_client *client, const gohub_envelope *envelope, bool answer) {
    gohub_sink sink = gohub_socket_begin(&client->socket, answer);
    bool written = gohub_form_write(client->options->form, &sink, envelope);
    return written && gohub_socket_send(&client->socket, &sink, client->options->form == GOHUB_JSON);
}

/* In place: an envelope that is given back takes its stack twice. */
static void blank(gohub_envelope *envelope, uint32_t id) {
    memset(envelope, 0, sizeof *envelope);
    envelope->message_id = id;
    gohub_envelope_set(envelope, GOHUB_FIELD_MESSAGE_ID);
}

static void tag(gohub_envelope *envelope, gohub_text ref) {
    if (ref.bytes != NULL) {
        envelope->ref = ref;
        gohub_envelope_set(envelope, GOHUB_FIELD_REF);
    }
}

void gohub_core_pong(gohub_client *client, gohub_envelope *ping) {
    ping->message_id = GOHUB_PONG;
    ping->fields &= (uint64_t)1 << GOHUB_FIELD_MESSAGE_ID | (uint64_t)1 << GOHUB_FIELD_REF;
    /* Without room the hub goes without: any byte is a sign of life, and some wait to leave. */
    (void)say(client, ping, true);
}

void gohub_core_ping(gohub_client *client) {
    char digits[GOHUB_REF_BYTES];
    gohub_envelope envelope;
    blank(&envelope, GOHUB_PING);
    tag(&envelope, gohub_core_ref(gohub_core_next_ref(client), digits));
    (void)say(client, &envelope, true);
}

bool gohub_core_flushes(const gohub_client *client) {
    return gohub_client_state(client) == GOHUB_OPEN && client->reconnect.paused_until <= client->now;
}

static bool say_refresh(gohub_client *client) {
    char digits[GOHUB_REF_BYTES];
    if (client->refresh != GOHUB_JOINING_WANTED || client->refresh_at > client->now) {
        return true;
    }
    gohub_envelope envelope;
    blank(&envelope, GOHUB_REFRESH);
    client->refresh_ref = gohub_core_next_ref(client);
    tag(&envelope, gohub_core_ref(client->refresh_ref, digits));
    envelope.token = gohub_text_of(client->credentials.token);
    gohub_envelope_set(&envelope, GOHUB_FIELD_TOKEN);
    if (client->credentials.token == NULL || !say(client, &envelope, false)) {
        return client->credentials.token == NULL;
    }
    client->refresh = GOHUB_JOINING_SENT;
    return true;
}

static bool say_join(gohub_client *client, gohub_room *room) {
    char digits[GOHUB_REF_BYTES];
    if (!room->wanted || room->joining != GOHUB_JOINING_WANTED || room->not_before > client->now) {
        return true;
    }
    gohub_envelope envelope;
    blank(&envelope, GOHUB_JOIN);
    room->ref = gohub_core_next_ref(client);
    tag(&envelope, gohub_core_ref(room->ref, digits));
    envelope.room = gohub_room_name(room);
    gohub_envelope_set(&envelope, GOHUB_FIELD_ROOM);
    if (room->has_since && !room->without) {
        envelope.from_offset = room->since;
        gohub_envelope_set(&envelope, GOHUB_FIELD_FROM_OFFSET);
    }
    if (!say(client, &envelope, false)) {
        return false;
    }
    room->joining = GOHUB_JOINING_SENT;
    return true;
}

/* Sends the request; false when there is no room for it now. */
static bool say_waiting(gohub_client *client, size_t index) {
    gohub_waiting *entry = &client->desk.waiting[index];
    gohub_sink sink = gohub_socket_begin(&client->socket, false);
    gohub_sink_bytes(&sink, gohub_desk_message(&client->desk, index), entry->size);
    if (!gohub_socket_send(&client->socket, &sink, client->options->form == GOHUB_JSON)) {
        return false;
    }
    entry->sent = true;
    return true;
}

void gohub_core_flush(gohub_client *client) {
    if (!gohub_core_flushes(client) || !say_refresh(client)) {
        return;
    }
    for (size_t n = 0; n < GOHUB_ROOMS; n++) {
        if (!say_join(client, &client->rooms.room[n])) {
            return;
        }
    }
    for (size_t index = 0; index < client->desk.count;) {
        const gohub_waiting *entry = &client->desk.waiting[index];
        if (entry->sent || entry->not_before > client->now) {
            index++;
        } else if (entry->size > client->max_message) {
            gohub_core_settle(client, index, NULL, gohub_error_of(GOHUB_TOO_LARGE, "larger than the hub takes", false));
            index = 0;
        } else if (say_waiting(client, index)) {
            index++;
        } else {
            return;
        }
    }
}
