#include "gohub/core.h"

#include <string.h>

#include "gohub/form.h"

/* Attempts in vain after which the application is told. */
#define TROUBLE 3
/* Between two looks for a new token while the old one still counts, in milliseconds. */
#define TOKEN_PAUSE_MS 5000
/* Unless the options say more: time for the token, and then for handshake and welcome, in milliseconds. */
#define CONNECT_MS 15000

enum { TOO_BIG = 1009, TOKEN_EXPIRED = 4004 };

uint32_t gohub_core_random(gohub_client *client) {
    return client->transport->random(client->transport->context);
}

gohub_event gohub_core_event(gohub_event_type type) {
    gohub_event event;
    memset(&event, 0, sizeof event);
    event.type = type;
    return event;
}

void gohub_core_emit(gohub_client *client, const gohub_event *event) {
    if (client->options->on_event != NULL) {
        client->options->on_event(client->options->context, client, event);
    }
}

void gohub_core_emit_error(gohub_client *client, gohub_error error) {
    gohub_event event = gohub_core_event(GOHUB_EVENT_ERROR);
    event.error = error;
    gohub_core_emit(client, &event);
}

void gohub_core_advance(gohub_client *client, gohub_offset offset) {
    if (!client->has_position || gohub_offset_later(offset, client->position)) {
        client->position = offset;
        client->has_position = true;
    }
}

static uint64_t connect_ms(const gohub_client *client) {
    return client->options->connect_timeout_ms == 0 ? CONNECT_MS : client->options->connect_timeout_ms;
}

void gohub_core_ask_token(gohub_client *client) {
    client->token_at = GOHUB_NEVER;
    client->asked = true;
    gohub_event event = gohub_core_event(GOHUB_EVENT_ASK_TOKEN);
    gohub_core_emit(client, &event);
}

void gohub_core_begin(gohub_client *client) {
    client->due = client->now + connect_ms(client);
    if (gohub_credentials_missing(&client->credentials)) {
        client->phase = GOHUB_PHASE_TOKEN;
        gohub_core_ask_token(client);
    } else {
        gohub_core_open(client);
    }
}

static void query(gohub_sink *sink, char *before, const char *name) {
    gohub_sink_byte(sink, (uint8_t)*before);
    *before = '&';
    gohub_sink_string(sink, name);
    gohub_sink_byte(sink, '=');
}

/* Rooms that are complete up to the position, as many as fit. The others are entered by a join of their own. */
static void query_rooms(gohub_client *client, gohub_sink *sink, char *before, size_t kept) {
    bool first = true;
    for (size_t n = 0; n < GOHUB_ROOMS; n++) {
        const gohub_room *room = &client->rooms.room[n];
        bool complete = room->wanted && room->has_since && client->has_position &&
                        !gohub_offset_later(client->position, room->since) &&
                        !gohub_offset_later(room->since, client->position);
        /* Each byte may become three. */
        if (!complete || sink->used + 3 * (size_t)room->size + sizeof "&rooms=" + kept > sink->size) {
            continue;
        }
        if (first) {
            query(sink, before, "rooms");
        } else {
            gohub_sink_byte(sink, ',');
        }
        first = false;
        gohub_sink_escaped(sink, gohub_room_name(room));
    }
}

/* Writes the request of the handshake; false when it does not fit. */
static bool ask(gohub_client *client, const gohub_url *url) {
    gohub_sink *sink = &client->socket.out;
    gohub_text name = gohub_client_id(client);
    gohub_text token = gohub_text_of(client->credentials.token);
    gohub_text ticket = gohub_credentials_ticket(&client->credentials, client->now);
    uint8_t nonce[GOHUB_NONCE_BYTES];
    for (size_t n = 0; n < sizeof nonce; n += 4) {
        uint32_t word = gohub_core_random(client);
        memcpy(nonce + n, &word, 4);
    }
    size_t kept = GOHUB_REQUEST_BYTES + url->authority.size + token.size;
    char before = url->path.size > 0 && memchr(url->path.bytes, '?', url->path.size) != NULL ? '&' : '?';
    sink->used = 0;
    sink->full = false;
    gohub_handshake_begin(sink, url);
    if (name.size > 0) {
        query(sink, &before, "client_id");
        gohub_sink_escaped(sink, name);
    }
    client->resuming = client->epoch_size > 0 && client->has_position;
    if (client->resuming) {
        gohub_text epoch = {client->epoch, client->epoch_size};
        query(sink, &before, "resume");
        gohub_sink_escaped(sink, epoch);
        gohub_sink_byte(sink, ':');
        gohub_offset_write(sink, client->position);
    }
    /* Without it the token is judged anew: it stays behind rather than the resume. */
    if (ticket.size > 0 && sink->used + ticket.size + sizeof "&ticket=" + kept <= sink->size) {
        query(sink, &before, "ticket");
        gohub_sink_escaped(sink, ticket);
    }
    query_rooms(client, sink, &before, kept);
    gohub_handshake_end(
        sink,
        url,
        gohub_form_subprotocol(client->options->form),
        token,
        nonce,
        client->socket.accept
    );
    return !sink->full;
}

void gohub_core_open(gohub_client *client) {
    gohub_url url;
    (void)gohub_url_read(client->options->urls[client->url], &url); /* init read it before */
    client->phase = GOHUB_PHASE_OPENING;
    client->due = client->now + connect_ms(client);
    if (!ask(client, &url)) {
        gohub_core_end(client, 0, gohub_text_of("the handshake is larger than the send buffer"));
    } else if (!gohub_socket_open(&client->socket, &url, gohub_form_subprotocol(client->options->form))) {
        client->socket.out.used = 0;
        gohub_core_cut(client, 1006, "the transport cannot open a connection");
    }
}

void gohub_core_no_token(gohub_client *client) {
    client->asked = false;
    gohub_core_emit_error(client, gohub_error_of(GOHUB_TOKEN, "there was no token", true));
    if (client->phase == GOHUB_PHASE_TOKEN) {
        gohub_core_again(client, 1006, 0);
    } else if (client->phase == GOHUB_PHASE_OPEN) {
        client->token_at = client->now + TOKEN_PAUSE_MS;
    }
}

/* There is no connection any more. */
static void rest(gohub_client *client, gohub_phase phase) {
    client->phase = (uint8_t)phase;
    client->due = GOHUB_NEVER;
    client->token_at = GOHUB_NEVER;
    client->asked = false;
    client->has_token = client->has_no_token = false;
    client->pulse.on = false;
    client->welcomed_at = GOHUB_NEVER;
    client->refresh = GOHUB_JOINING_NOT;
}

void gohub_core_again(gohub_client *client, unsigned code, uint32_t retry_after) {
    uint64_t lived = client->welcomed_at == GOHUB_NEVER ? 0 : client->now - client->welcomed_at;
    if (client->welcomed_at == GOHUB_NEVER) {
        client->failures++;
        if (client->failures == TROUBLE) {
            gohub_event event = gohub_core_event(GOHUB_EVENT_TROUBLE);
            event.count = client->failures;
            gohub_core_emit(client, &event);
        }
        /* Nobody says why: it may be the token. */
        if (client->failures > 1) {
            (void)gohub_credentials_spoil(&client->credentials);
        }
    }
    rest(client, GOHUB_PHASE_WAITING);
    uint32_t random = gohub_core_random(client);
    client->due = client->now + gohub_reconnect_wait(&client->reconnect, code, lived, retry_after, client->now, random);
    /* Another hub than this one, any other: those of one hub are not to meet again on the next. */
    size_t count = client->options->url_count;
    if (count > 1) {
        client->url = (client->url + 1 + gohub_core_random(client) % (count - 1)) % count;
    }
}

void gohub_core_end(gohub_client *client, unsigned code, gohub_text reason) {
    if (client->phase == GOHUB_PHASE_CLOSED) {
        return;
    }
    gohub_rooms_lost(&client->rooms, client->has_position ? &client->position : NULL);
    rest(client, GOHUB_PHASE_CLOSED);
    client->reconnect.slot = GOHUB_NEVER;
    (void)gohub_credentials_spoil(&client->credentials);
    gohub_core_clear(client, "the client is closed");
    gohub_event event = gohub_core_event(GOHUB_EVENT_CLOSED);
    event.code = code;
    event.words = reason;
    gohub_core_emit(client, &event);
}

/* Whether this close code means that one must not reconnect by oneself; by range, so for unknown codes too. */
static bool stops(unsigned code) {
    return code == 1000 || code == 1002 || code == 1003 || code == 1007 || code == 1008 || code == 1010 || code >= 4500;
}

static bool refused(unsigned status) {
    return status == 400 || status == 401 || status == 403 || status == 409;
}

void gohub_core_down(gohub_client *client, const gohub_end *end) {
    if (client->phase != GOHUB_PHASE_OPEN && client->phase != GOHUB_PHASE_OPENING) {
        return;
    }
    gohub_rooms_lost(&client->rooms, client->has_position ? &client->position : NULL);
    gohub_desk_lost(&client->desk, end->code == TOO_BIG);
    gohub_core_clear_doomed(client);
    bool denied = refused(end->status) && !(end->status == 401 && gohub_credentials_stale(&client->credentials));
    /* Without another token there is nothing to come back with. */
    bool spent = end->code == TOKEN_EXPIRED && !gohub_credentials_spoil(&client->credentials);
    if (denied || spent || stops(end->code)) {
        gohub_text reason = {end->reason, end->reason_size};
        gohub_core_end(client, end->status != 0 ? end->status : end->code, reason);
    } else {
        gohub_core_again(client, end->code, end->retry_after);
    }
}

void gohub_core_cut(gohub_client *client, unsigned code, const char *reason) {
    gohub_end end;
    memset(&end, 0, sizeof end);
    end.code = (uint16_t)code;
    size_t size = strlen(reason);
    end.reason_size = (uint8_t)(size < sizeof end.reason ? size : sizeof end.reason);
    memcpy(end.reason, reason, end.reason_size);
    gohub_socket_drop(&client->socket, end.code);
    gohub_core_down(client, &end);
}
