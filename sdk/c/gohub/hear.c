#include <string.h>

#include "gohub/core.h"
#include "gohub/form.h"

/* A drained hub that does not close by itself is given so much more, in milliseconds. */
#define DRAIN_SLACK_MS 5000
/* Longer than any hub asks for, a day in milliseconds: larger figures would wrap around. */
#define LONGEST_MS 86400000u

static uint64_t bounded(uint64_t milliseconds) {
    return milliseconds < LONGEST_MS ? milliseconds : LONGEST_MS;
}

static bool answers(const gohub_envelope *envelope) {
    uint32_t id = envelope->message_id;
    bool page = id == GOHUB_PRESENCE && gohub_envelope_has(envelope, GOHUB_FIELD_CLIENTS);
    return (id == GOHUB_ACK || id == GOHUB_ERROR || id == GOHUB_PONG || id == GOHUB_HISTORY || page) &&
           gohub_envelope_has(envelope, GOHUB_FIELD_REF);
}

static void tell(gohub_client *client, gohub_event_type type, const gohub_envelope *envelope) {
    gohub_event event = gohub_core_event(type);
    event.envelope = envelope;
    event.room = envelope->room;
    event.words = envelope->reason;
    gohub_core_emit(client, &event);
}

static void set_mode(gohub_client *client, const gohub_envelope *envelope) {
    bool degraded = gohub_text_is(envelope->mode, "degraded");
    if (gohub_envelope_has(envelope, GOHUB_FIELD_MODE) && degraded != client->degraded) {
        client->degraded = degraded;
        gohub_event event = gohub_core_event(GOHUB_EVENT_MODE);
        event.degraded = degraded;
        event.words = envelope->reason;
        gohub_core_emit(client, &event);
    }
}

/* The rooms that the hub says this connection is in, and joins for those it left out: the answers say why. */
static void enter(gohub_client *client, const gohub_envelope *welcome) {
    gohub_list rooms = welcome->rooms;
    gohub_text name;
    while (gohub_list_text(&rooms, &name)) {
        gohub_rooms_entered(&client->rooms, name);
    }
    for (size_t n = 0; n < GOHUB_ROOMS; n++) {
        gohub_room *room = &client->rooms.room[n];
        if (room->wanted && !room->inside && !gohub_desk_has(&client->desk, GOHUB_JOIN, gohub_room_name(room))) {
            room->joining = GOHUB_JOINING_WANTED;
            room->not_before = 0;
            room->tries = 0;
            room->without = false;
        }
    }
}

static void welcome(gohub_client *client, const gohub_envelope *envelope) {
    bool first = client->phase == GOHUB_PHASE_OPENING;
    if (!first && client->phase != GOHUB_PHASE_OPEN) {
        return;
    }
    gohub_text epoch = {client->epoch, client->epoch_size};
    if (!gohub_text_same(epoch, envelope->epoch)) {
        client->has_position = false;
        gohub_rooms_forget(&client->rooms);
    }
    client->epoch_size = (uint8_t)(envelope->epoch.size <= GOHUB_EPOCH_BYTES ? envelope->epoch.size : 0);
    memcpy(client->epoch, envelope->epoch.bytes == NULL ? "" : envelope->epoch.bytes, client->epoch_size);
    if (gohub_envelope_has(envelope, GOHUB_FIELD_OFFSET)) {
        gohub_core_advance(client, envelope->offset);
    }
    if (envelope->client_id.size > 0 && envelope->client_id.size <= GOHUB_NAME_BYTES) {
        client->name_size = (uint8_t)envelope->client_id.size;
        memcpy(client->name, envelope->client_id.bytes, client->name_size);
    }
    bool limited = gohub_envelope_has(envelope, GOHUB_FIELD_MAX_MESSAGE);
    client->max_message = limited ? envelope->max_message : UINT64_MAX;
    gohub_pulse_begin(&client->pulse, envelope, client->now);
    if (first) {
        client->phase = GOHUB_PHASE_OPEN;
        client->due = GOHUB_NEVER;
        client->welcomed_at = client->now;
        client->failures = 0;
        gohub_credentials_used(&client->credentials);
        enter(client, envelope);
    }
    gohub_event event = gohub_core_event(GOHUB_EVENT_WELCOME);
    event.envelope = envelope;
    event.resumed = !first || client->resuming;
    event.recovered = envelope->recovered;
    gohub_core_emit(client, &event);
    set_mode(client, envelope);
}

static void gap(gohub_client *client, const gohub_envelope *envelope) {
    /* With an offset some of what it spans follows. */
    if (!gohub_envelope_has(envelope, GOHUB_FIELD_ROOM)) {
        bool partly = gohub_envelope_has(envelope, GOHUB_FIELD_OFFSET);
        gohub_core_advance(client, partly ? envelope->offset : envelope->gap_to);
    }
    gohub_event event = gohub_core_event(GOHUB_EVENT_GAP);
    event.envelope = envelope;
    event.from = envelope->gap_from;
    event.to = envelope->gap_to;
    event.count = envelope->count;
    event.room = envelope->room;
    event.reason = gohub_gap_reason_named(envelope->reason);
    gohub_core_emit(client, &event);
}

static void joined(gohub_client *client, const gohub_envelope *envelope) {
    if (!gohub_rooms_want(&client->rooms, envelope->room)) {
        const char *message = "the back end put this client into more rooms than GOHUB_ROOMS";
        gohub_core_emit_error(client, gohub_error_of(GOHUB_TOO_MANY_ROOMS, message, false));
        return;
    }
    gohub_rooms_entered(&client->rooms, envelope->room);
    tell(client, GOHUB_EVENT_JOINED, envelope);
}

/* What is too large for the receive buffer, or cannot be read, is never passed over in silence. */
static void misread(gohub_client *client, gohub_envelope *envelope, bool cut) {
    bool has_offset = gohub_envelope_has(envelope, GOHUB_FIELD_OFFSET);
    if (cut && answers(envelope)) {
        envelope->message_id = GOHUB_ERROR;
        envelope->code = gohub_text_of("too_large");
        envelope->message = gohub_text_of("the answer is larger than the receive buffer");
        envelope->retryable = false;
        gohub_core_answer(client, envelope);
    } else if (cut && has_offset && gohub_envelope_is_publication(envelope)) {
        gohub_core_advance(client, envelope->offset);
        gohub_event event = gohub_core_event(GOHUB_EVENT_GAP);
        event.from = event.to = envelope->offset;
        event.count = 1;
        event.room = envelope->room;
        event.reason = GOHUB_GAP_TOO_LARGE;
        gohub_core_emit(client, &event);
    } else {
        const char *message = cut ? "a message is larger than the receive buffer" : "a message could not be read";
        gohub_core_emit_error(client, gohub_error_of(GOHUB_BAD_MESSAGE, message, false));
    }
}

static void take(gohub_client *client, gohub_envelope *envelope) {
    bool has_offset = gohub_envelope_has(envelope, GOHUB_FIELD_OFFSET);
    if (answers(envelope)) {
        if (envelope->message_id == GOHUB_PONG && has_offset) {
            gohub_core_advance(client, envelope->offset);
        }
        gohub_core_answer(client, envelope);
        return;
    }
    if (gohub_envelope_is_publication(envelope)) {
        if (has_offset) {
            gohub_core_advance(client, envelope->offset);
        }
        tell(client, envelope->message_id == GOHUB_PRESENCE ? GOHUB_EVENT_PRESENCE : GOHUB_EVENT_MESSAGE, envelope);
        return;
    }
    switch (envelope->message_id) {
    case GOHUB_PING:
        if (has_offset) {
            gohub_core_advance(client, envelope->offset);
        }
        gohub_core_pong(client, envelope);
        break;
    case GOHUB_PONG:
        if (has_offset) {
            gohub_core_advance(client, envelope->offset);
        }
        break;
    case GOHUB_WELCOME: welcome(client, envelope); break;
    case GOHUB_ERROR: gohub_core_emit_error(client, gohub_error_read(envelope)); break;
    case GOHUB_REFRESH:
        if (client->credentials.source == GOHUB_SOURCE_PROVIDER) {
            gohub_core_ask_token(client);
        }
        break;
    case GOHUB_JOIN: joined(client, envelope); break;
    case GOHUB_LEAVE: gohub_core_left(client, envelope->room, gohub_text_of("the hub took this client out")); break;
    case GOHUB_DRAIN:
        client->reconnect.slot = bounded(envelope->reconnect_in_ms);
        client->due = client->now + bounded(envelope->close_in_ms) + DRAIN_SLACK_MS;
        tell(client, GOHUB_EVENT_DRAIN, envelope);
        break;
    case GOHUB_GAP: gap(client, envelope); break;
    case GOHUB_MODE: set_mode(client, envelope); break;
    case GOHUB_RETRY:
        gohub_reconnect_retry(&client->reconnect, bounded(envelope->after_ms), client->now);
        tell(client, GOHUB_EVENT_RETRY, envelope);
        break;
    default: break; /* a later version's */
    }
}

void gohub_core_hear(gohub_client *client) {
    const gohub_frames *frames = &client->socket.frames;
    gohub_envelope envelope;
    memset(&envelope, 0, sizeof envelope);
    bool text = frames->opcode == GOHUB_OPCODE_TEXT;
    bool ours = text == (client->options->form == GOHUB_JSON);
    bool read = ours && gohub_form_read(client->options->form, frames->message, frames->used, &envelope) && !frames->cut;
    if (ours) {
        gohub_credentials_heard(&client->credentials, &envelope, client->now);
    }
    gohub_pulse_heard(&client->pulse, &envelope, client->now);
    /* A secret, which no listener needs. */
    envelope.ticket.bytes = NULL;
    envelope.ticket.size = 0;
    if (read) {
        take(client, &envelope);
    } else {
        misread(client, &envelope, ours && frames->cut);
    }
}
