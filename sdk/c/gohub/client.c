#include "gohub/client.h"

#include <string.h>

#include "gohub/core.h"
#include "gohub/utf8.h"

/* A tick that is so late was held back with everything else: what came meanwhile is looked at first. In milliseconds. */
#define LATE_MS 500
/* The time for that, in milliseconds. */
#define GRACE_MS 1000
#define LEAST_BUFFER 512
#define MOST_BUFFER 65535

static bool right_size(const uint8_t *buffer, size_t size, size_t least) {
    return buffer != NULL && size >= least && size <= MOST_BUFFER;
}

static bool right_options(const gohub_options *options) {
    const gohub_buffers *buffers = &options->buffers;
    if (options->urls == NULL || options->url_count == 0) {
        return false;
    }
    for (size_t n = 0; n < options->url_count; n++) {
        gohub_url url;
        if (!gohub_url_read(options->urls[n], &url)) {
            return false;
        }
    }
    gohub_text name = gohub_text_of(options->client_id);
    bool named = options->client_id == NULL || (name.size > 0 && name.size <= GOHUB_NAME_BYTES);
    bool token = options->token == NULL || options->ask_token || gohub_credentials_allow(options->token);
    return named && token && gohub_utf8_valid((const uint8_t *)name.bytes, name.size) &&
           right_size(buffers->receive, buffers->receive_size, LEAST_BUFFER) &&
           right_size(buffers->send, buffers->send_size, LEAST_BUFFER) &&
           right_size(buffers->pending, buffers->pending_size, 1);
}

gohub_code gohub_client_init(gohub_client *client, const gohub_options *options, const gohub_transport *transport) {
    if (!right_options(options)) {
        return GOHUB_BAD_ARGUMENT;
    }
    const gohub_buffers *buffers = &options->buffers;
    memset(client, 0, sizeof *client);
    client->options = options;
    client->transport = transport;
    gohub_sink out = gohub_sink_of(buffers->send, buffers->send_size);
    gohub_socket_init(&client->socket, transport, out, buffers->receive, buffers->receive_size);
    client->desk.bytes = buffers->pending;
    client->desk.size = buffers->pending_size;
    gohub_reconnect_anew(&client->reconnect);
    client->credentials.ticket_life = GOHUB_NEVER;
    client->credentials.source = options->ask_token         ? GOHUB_SOURCE_PROVIDER
                                 : options->token != NULL ? GOHUB_SOURCE_FIXED
                                                          : GOHUB_SOURCE_NONE;
    if (client->credentials.source == GOHUB_SOURCE_FIXED) {
        gohub_credentials_renew(&client->credentials, options->token);
    }
    gohub_text name = gohub_text_of(options->client_id);
    client->name_size = (uint8_t)name.size;
    memcpy(client->name, name.size == 0 ? "" : name.bytes, name.size);
    client->due = client->token_at = client->welcomed_at = client->timer_at = GOHUB_NEVER;
    client->max_message = UINT64_MAX;
    client->url = gohub_core_random(client) % options->url_count;
    return GOHUB_OK;
}

void gohub_client_connect(gohub_client *client) {
    client->wants_start = true;
}

void gohub_client_close(gohub_client *client) {
    client->wants_stop = true;
    client->wants_start = false;
}

void gohub_client_wake(gohub_client *client) {
    client->wants_wake = true;
}

gohub_code gohub_client_token(gohub_client *client, const char *token) {
    if (!client->asked || token == NULL || !gohub_credentials_allow(token)) {
        return GOHUB_BAD_ARGUMENT;
    }
    client->asked = false;
    client->has_token = true;
    gohub_credentials_renew(&client->credentials, token);
    return GOHUB_OK;
}

void gohub_client_no_token(gohub_client *client) {
    if (client->asked) {
        client->asked = false;
        client->has_no_token = true;
    }
}

gohub_state gohub_client_state(const gohub_client *client) {
    switch (client->phase) {
    case GOHUB_PHASE_IDLE: return GOHUB_IDLE;
    case GOHUB_PHASE_TOKEN:
    case GOHUB_PHASE_OPENING: return GOHUB_CONNECTING;
    case GOHUB_PHASE_OPEN: return client->reconnect.slot != GOHUB_NEVER ? GOHUB_DRAINED : GOHUB_OPEN;
    case GOHUB_PHASE_WAITING: return GOHUB_WAITING;
    default: return GOHUB_STATE_CLOSED;
    }
}

gohub_text gohub_client_id(const gohub_client *client) {
    gohub_text name = {client->name, client->name_size};
    return name;
}

bool gohub_client_position(const gohub_client *client, gohub_offset *position) {
    *position = client->position;
    return client->has_position;
}

bool gohub_client_inside(const gohub_client *client, const char *room) {
    for (size_t n = 0; n < GOHUB_ROOMS; n++) {
        const gohub_room *known = &client->rooms.room[n];
        if (known->wanted && known->inside && gohub_text_is(gohub_room_name(known), room)) {
            return true;
        }
    }
    return false;
}

bool gohub_client_degraded(const gohub_client *client) {
    return client->degraded;
}

bool gohub_client_wants_write(const gohub_client *client) {
    return client->socket.phase != GOHUB_SOCKET_SHUT && gohub_socket_busy(&client->socket);
}

/* The state, when it is another one. */
static void tell(gohub_client *client) {
    gohub_state state = gohub_client_state(client);
    if (state != client->told) {
        client->told = (uint8_t)state;
        gohub_event event = gohub_core_event(GOHUB_EVENT_STATE);
        event.state = state;
        gohub_core_emit(client, &event);
    }
}

static void beat(gohub_client *client, gohub_beat beat) {
    if (beat == GOHUB_BEAT_PING) {
        gohub_core_ping(client);
    } else if (beat == GOHUB_BEAT_DEAD) {
        gohub_core_cut(client, 4000, "the hub does not answer");
    }
}

/* What the application asked for since the last poll. */
static void obey(gohub_client *client) {
    if (client->wants_stop) {
        client->wants_stop = false;
        gohub_socket_drop(&client->socket, 1000);
        gohub_core_end(client, 1000, gohub_text_of("closed by the application"));
        tell(client);
    }
    if (client->wants_start) {
        client->wants_start = false;
        if (client->phase == GOHUB_PHASE_IDLE || client->phase == GOHUB_PHASE_CLOSED) {
            gohub_reconnect_anew(&client->reconnect);
            gohub_core_begin(client);
            tell(client);
        }
    }
    if (client->has_token) {
        client->has_token = false;
        if (client->phase == GOHUB_PHASE_TOKEN) {
            gohub_core_open(client);
        } else if (client->phase == GOHUB_PHASE_OPEN) {
            client->refresh = GOHUB_JOINING_WANTED;
            client->refresh_at = 0;
            client->refresh_tries = 0;
        }
    }
    if (client->has_no_token) {
        client->has_no_token = false;
        gohub_core_no_token(client);
    }
    if (client->wants_wake) {
        client->wants_wake = false;
        if (client->phase == GOHUB_PHASE_WAITING && client->now >= client->due) {
            gohub_core_begin(client);
        }
        beat(client, gohub_pulse_wake(&client->pulse, client->now, client->reconnect.paused_until));
    }
}

static void tick(gohub_client *client) {
    if (client->phase == GOHUB_PHASE_WAITING && client->now >= client->due) {
        gohub_core_begin(client);
    }
    if (client->now - client->timer_at > LATE_MS && client->grace_until == 0) {
        client->grace_until = client->now + GRACE_MS;
        return;
    }
    client->grace_until = 0;
    gohub_core_expire(client);
    if (client->now >= client->token_at) {
        gohub_core_ask_token(client);
    }
    if (client->now >= client->due) {
        if (client->phase == GOHUB_PHASE_TOKEN) {
            gohub_core_no_token(client);
        } else if (client->phase == GOHUB_PHASE_OPENING) {
            gohub_core_cut(client, 1006, "no welcome in time");
        } else if (client->phase == GOHUB_PHASE_OPEN) {
            gohub_core_cut(client, 1012, "the drained hub did not close");
        }
    }
    beat(client, gohub_pulse_beat(&client->pulse, client->now, client->reconnect.paused_until));
}

static void earlier(uint64_t *at, uint64_t other) {
    *at = other < *at ? other : *at;
}

/* When something is to be done next. */
static uint64_t next(const gohub_client *client) {
    bool connected = gohub_core_flushes(client);
    uint64_t paused = client->reconnect.paused_until;
    uint64_t at = client->due;
    earlier(&at, client->token_at);
    earlier(&at, gohub_pulse_due(&client->pulse, paused));
    earlier(&at, gohub_desk_due(&client->desk, client->now, connected));
    if (client->phase == GOHUB_PHASE_OPEN && paused > client->now) {
        earlier(&at, paused);
    }
    for (size_t n = 0; connected && n < GOHUB_ROOMS; n++) {
        const gohub_room *room = &client->rooms.room[n];
        if (room->wanted && room->joining == GOHUB_JOINING_WANTED && room->not_before > client->now) {
            earlier(&at, room->not_before);
        }
    }
    if (connected && client->refresh == GOHUB_JOINING_WANTED && client->refresh_at > client->now) {
        earlier(&at, client->refresh_at);
    }
    return at < client->grace_until ? client->grace_until : at;
}

uint32_t gohub_client_poll(gohub_client *client) {
    uint64_t now = client->transport->now(client->transport->context);
    client->now = now > client->now ? now : client->now;
    obey(client);
    gohub_heard heard = GOHUB_HEARD_MESSAGE;
    unsigned messages = 0;
    for (; heard == GOHUB_HEARD_MESSAGE && messages < GOHUB_MESSAGES_PER_POLL; messages++) {
        heard = gohub_socket_step(&client->socket);
        if (heard == GOHUB_HEARD_MESSAGE) {
            gohub_core_hear(client);
        } else if (heard == GOHUB_HEARD_END) {
            gohub_core_down(client, &client->socket.end);
        }
        tell(client);
    }
    bool more = heard == GOHUB_HEARD_MESSAGE || client->socket.hungry;
    /* Nothing is decided by the clock before everything that came was looked at. */
    if (!more && client->now >= client->timer_at) {
        tick(client);
        tell(client);
    }
    gohub_core_flush(client);
    tell(client);
    (void)gohub_socket_flush(&client->socket);
    client->timer_at = next(client);
    bool wanted = client->wants_stop || client->wants_start || client->wants_wake || client->has_token || client->has_no_token;
    if (more || wanted || client->timer_at <= client->now) {
        return 0;
    }
    uint64_t wait = client->timer_at - client->now;
    return wait < UINT32_MAX ? (uint32_t)wait : UINT32_MAX;
}
