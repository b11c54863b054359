#include <string.h>

#include "gohub/core.h"
#include "gohub/json.h"

void gohub_core_left(gohub_client *client, gohub_text room, gohub_text words) {
    if (gohub_rooms_drop(&client->rooms, room)) {
        gohub_event event = gohub_core_event(GOHUB_EVENT_LEFT);
        event.room = room;
        event.words = words;
        gohub_core_emit(client, &event);
    }
}

void gohub_core_settle(gohub_client *client, size_t index, const gohub_envelope *envelope, gohub_error error) {
    /* Forgotten first: who is told may ask for something new. */
    gohub_waiting entry = client->desk.waiting[index];
    gohub_desk_remove(&client->desk, index);
    gohub_answer answer = {envelope, error};
    if (envelope == NULL) {
        /* Of a request that was sent before nobody can say that it failed. */
        answer.error.uncertain = error.uncertain || entry.uncertain;
    }
    if (entry.done != NULL) {
        entry.done(entry.context, &answer);
    }
}

void gohub_core_expire(gohub_client *client) {
    for (size_t index = 0; index < client->desk.count;) {
        gohub_waiting *entry = &client->desk.waiting[index];
        if (entry->deadline > client->now) {
            index++;
            continue;
        }
        entry->uncertain = entry->uncertain || entry->sent;
        gohub_code code = entry->last == GOHUB_OK ? GOHUB_NO_ANSWER : (gohub_code)entry->last;
        gohub_core_settle(client, index, NULL, gohub_error_of(code, "no answer in time", true));
        index = 0;
    }
}

void gohub_core_clear_doomed(gohub_client *client) {
    for (size_t index = 0; index < client->desk.count;) {
        gohub_code doom = (gohub_code)client->desk.waiting[index].doom;
        if (doom == GOHUB_OK) {
            index++;
            continue;
        }
        bool large = doom == GOHUB_TOO_LARGE;
        const char *message = large ? "more than the hub takes" : "the connection was lost before the answer";
        gohub_core_settle(client, index, NULL, gohub_error_of(doom, message, !large));
        index = 0;
    }
}

void gohub_core_clear(gohub_client *client, const char *message) {
    while (client->desk.count > 0) {
        gohub_waiting *entry = &client->desk.waiting[0];
        entry->uncertain = entry->uncertain || entry->sent;
        gohub_core_settle(client, 0, NULL, gohub_error_of(GOHUB_CLOSED, message, false));
    }
}

/* A new token counts: the rooms it does not let the client be in are left. Takes `data` apart for good. */
static void leave_named(gohub_client *client, const gohub_envelope *envelope) {
    gohub_list left;
    gohub_text room;
    if (!gohub_json_texts(envelope->data, "left", client->socket.frames.message, &left)) {
        return;
    }
    while (gohub_list_text(&left, &room)) {
        gohub_core_left(client, room, gohub_text_of("the new token does not let the client be in it"));
    }
}

static uint64_t later(gohub_client *client, uint8_t *tries) {
    uint64_t at = client->now + gohub_jitter(*tries, gohub_core_random(client));
    *tries = (uint8_t)(*tries < UINT8_MAX ? *tries + 1 : *tries);
    return at;
}

/* The answer to the client's own `refresh`. */
static void refreshed(gohub_client *client, const gohub_envelope *envelope) {
    if (envelope->message_id != GOHUB_ERROR) {
        client->refresh = GOHUB_JOINING_NOT;
        leave_named(client, envelope);
    } else if (envelope->retryable) {
        client->refresh = GOHUB_JOINING_WANTED;
        client->refresh_at = later(client, &client->refresh_tries);
    } else {
        client->refresh = GOHUB_JOINING_NOT;
        (void)gohub_credentials_spoil(&client->credentials);
        gohub_core_emit_error(client, gohub_error_read(envelope));
    }
}

/* The answer to the client's own join. */
static void rejoined(gohub_client *client, gohub_room *room, const gohub_envelope *envelope) {
    if (envelope->message_id != GOHUB_ERROR) {
        gohub_event event = gohub_core_event(GOHUB_EVENT_GAP);
        event.from = room->since;
        event.to = envelope->offset;
        event.room = gohub_room_name(room);
        event.reason = GOHUB_GAP_UNSPECIFIED;
        bool missed = room->without;
        room->without = false;
        gohub_rooms_entered(&client->rooms, event.room);
        if (missed) {
            gohub_core_emit(client, &event);
        }
    } else if (envelope->retryable) {
        room->joining = GOHUB_JOINING_WANTED;
        room->not_before = later(client, &room->tries);
    } else if (room->has_since && !room->without) {
        /* It may be in the room and not ask for what was said there: then it is in it, with a gap. */
        room->without = true;
        room->joining = GOHUB_JOINING_WANTED;
        room->not_before = 0;
    } else {
        room->joining = GOHUB_JOINING_NOT;
        if (!room->inside) {
            gohub_core_left(client, gohub_room_name(room), envelope->message);
        }
    }
}

/* The hub answered a request of the application for good: what follows from that. */
static void conclude(gohub_client *client, size_t index, const gohub_envelope *envelope) {
    const gohub_waiting *entry = &client->desk.waiting[index];
    gohub_error error = envelope->message_id == GOHUB_ERROR ? gohub_error_read(envelope) : gohub_error_of(GOHUB_OK, NULL, false);
    bool good = error.code == GOHUB_OK;
    bool refresh = entry->id == GOHUB_REFRESH;
    if (entry->id == GOHUB_JOIN) {
        gohub_text name = gohub_desk_room(&client->desk, index);
        const gohub_room *room = gohub_rooms_find(&client->rooms, name);
        if (good) {
            gohub_rooms_entered(&client->rooms, name);
        } else if (!error.retryable && room != NULL && !room->inside) {
            (void)gohub_rooms_drop(&client->rooms, name);
        }
    }
    if (refresh && good) {
        gohub_credentials_renew(&client->credentials, entry->token);
    }
    gohub_core_settle(client, index, good ? envelope : NULL, error);
    if (refresh && good) {
        leave_named(client, envelope);
    }
}

static bool read_ref(gohub_text text, uint32_t *ref) {
    uint64_t number = 0;
    for (size_t n = 0; n < text.size; n++) {
        if (text.bytes[n] < '0' || text.bytes[n] > '9' || number > UINT32_MAX) {
            return false;
        }
        number = number * 10 + (uint64_t)(text.bytes[n] - '0');
    }
    *ref = (uint32_t)number;
    return text.size > 0 && number <= UINT32_MAX;
}

void gohub_core_answer(gohub_client *client, const gohub_envelope *envelope) {
    uint32_t ref;
    if (!read_ref(envelope->ref, &ref)) {
        return;
    }
    if (client->refresh == GOHUB_JOINING_SENT && client->refresh_ref == ref) {
        refreshed(client, envelope);
        return;
    }
    for (size_t n = 0; n < GOHUB_ROOMS; n++) {
        gohub_room *room = &client->rooms.room[n];
        if (room->wanted && room->joining == GOHUB_JOINING_SENT && room->ref == ref) {
            rejoined(client, room, envelope);
            return;
        }
    }
    size_t index = gohub_desk_find(&client->desk, ref);
    if (index == client->desk.count) {
        return;
    }
    gohub_waiting *entry = &client->desk.waiting[index];
    gohub_error error = gohub_error_read(envelope);
    if (envelope->message_id == GOHUB_ERROR && error.retryable && entry->repeatable) {
        /* An error that may pass is tried again while there is time. */
        entry->last = (uint8_t)error.code;
        entry->uncertain = entry->uncertain || error.uncertain;
        entry->sent = false;
        entry->not_before = later(client, &entry->tries);
        return;
    }
    conclude(client, index, envelope);
}
