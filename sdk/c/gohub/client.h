/*
 * The client as applications see it. It connects, comes back by itself after every failure, goes on where it was, and is in the
 * rooms it joined. It allocates nothing, waits for nothing and writes no log.
 *
 * Everything happens in gohub_client_poll, in the caller's task: the other functions write down what is wanted, and the next
 * poll does it. One client belongs to one task; several clients share nothing.
 */
#ifndef GOHUB_CLIENT_H
#define GOHUB_CLIENT_H

#include "gohub/credentials.h"
#include "gohub/options.h"
#include "gohub/pulse.h"
#include "gohub/reconnect.h"
#include "gohub/rooms.h"
#include "gohub/socket.h"

/* The machine's own state, one finer than the public one. */
typedef enum gohub_phase {
    GOHUB_PHASE_IDLE,
    GOHUB_PHASE_TOKEN,
    GOHUB_PHASE_OPENING,
    GOHUB_PHASE_OPEN,
    GOHUB_PHASE_WAITING,
    GOHUB_PHASE_CLOSED
} gohub_phase;

/* One client. Its members are its own business; the functions below show what there is to see. */
typedef struct gohub_client {
    const gohub_options *options;
    const gohub_transport *transport;
    gohub_socket socket;
    gohub_desk desk;
    gohub_rooms rooms;
    gohub_reconnect reconnect;
    gohub_credentials credentials;
    gohub_pulse pulse;
    /* The time of the present poll. */
    uint64_t now;
    /* When the phase ends by itself. */
    uint64_t due;
    /* When something is to be done next. */
    uint64_t timer_at;
    uint64_t grace_until;
    /* When to ask for a token again. */
    uint64_t token_at;
    /* When the hub took this connection; GOHUB_NEVER before. */
    uint64_t welcomed_at;
    /* Up to where everything was delivered or reported. */
    gohub_offset position;
    /* The largest message the hub takes. */
    uint64_t max_message;
    uint32_t refs;
    uint32_t failures;
    size_t url;
    /* The client's own `refresh`: how it stands, its tag, when it may be sent again. */
    uint32_t refresh_ref;
    uint64_t refresh_at;
    uint8_t refresh;
    uint8_t refresh_tries;
    uint8_t phase;
    uint8_t told;
    bool has_position;
    bool degraded;
    bool resuming;
    /* What the application wants, until the next poll does it. */
    bool wants_stop;
    bool wants_start;
    bool wants_wake;
    bool has_token;
    bool has_no_token;
    /* A token was asked for and has not come. */
    bool asked;
    uint8_t name_size;
    uint8_t epoch_size;
    char name[GOHUB_NAME_BYTES];
    char epoch[GOHUB_EPOCH_BYTES];
} gohub_client;

/* Makes a client that is not connected. GOHUB_BAD_ARGUMENT: the options are wrong. Everything given must outlive it. */
gohub_code gohub_client_init(gohub_client *client, const gohub_options *options, const gohub_transport *transport);

/*
 * Does what there is to do and gives back after how many milliseconds it wants to be called at the latest: earlier when bytes
 * came or may leave, and after every call of another function. Events and answers come from in here.
 */
uint32_t gohub_client_poll(gohub_client *client);

/* Connects, and stays connected. */
void gohub_client_connect(gohub_client *client);

/* Ends the connection and fails what waits. Connect brings the client back, in its rooms and where it was. */
void gohub_client_close(gohub_client *client);

/* The device woke up, or the network changed: looks whether the connection lives. */
void gohub_client_wake(gohub_client *client);

/* The token that GOHUB_EVENT_ASK_TOKEN asked for. It must stay where it is until the next one is given. */
gohub_code gohub_client_token(gohub_client *client, const char *token);

/* There is none now; it is asked for again. */
void gohub_client_no_token(gohub_client *client);

gohub_state gohub_client_state(const gohub_client *client);
/* Who this client is, known from the first welcome on unless it was given. */
gohub_text gohub_client_id(const gohub_client *client);
/* Up to where everything was delivered or reported as a gap; false before the first welcome. */
bool gohub_client_position(const gohub_client *client, gohub_offset *position);
/* Whether this connection is in the room. */
bool gohub_client_inside(const gohub_client *client, const char *room);
/* Whether the hub is cut off from the others. */
bool gohub_client_degraded(const gohub_client *client);
/* Whether something waits to leave: wait for the transport to take bytes as well. */
bool gohub_client_wants_write(const gohub_client *client);

/*
 * Requests. Each is taken in or refused at once: GOHUB_OK, or why not, and then `done` is not called. They work without a
 * connection: they wait for the next, until their time is over. Errors that may pass are tried again with back-off.
 */

/* Enters a room and stays in it, over reconnects too, until leave. `from`: deliver also what was said after it; or NULL. */
gohub_code gohub_client_join(
    gohub_client *client,
    const char *room,
    const gohub_offset *from,
    const gohub_request *request
);
gohub_code gohub_client_leave(gohub_client *client, const char *room, const gohub_request *request);
/* Says something to everybody in a room. */
gohub_code gohub_client_publish(gohub_client *client, const char *room, gohub_data data, const gohub_request *request);
/* Says something to one client, on all its connections. */
gohub_code gohub_client_unicast(gohub_client *client, const char *to, gohub_data data, const gohub_request *request);
/* Says something to every connection. */
gohub_code gohub_client_broadcast(gohub_client *client, gohub_data data, const gohub_request *request);
/*
 * Sends a message of the application's own, with an id from 1000; `room` and `to` may be NULL. It has a key only when one is
 * given: what a handler does twice, only the application knows.
 */
gohub_code gohub_client_send(
    gohub_client *client,
    uint32_t id,
    const char *room,
    const char *to,
    gohub_data data,
    const gohub_request *request
);
/* Who is in a room, by pages: `limit` 0 leaves it to the hub, `after` is `next` of the page before or NULL. */
gohub_code gohub_client_presence(
    gohub_client *client,
    const char *room,
    uint32_t limit,
    const char *after,
    const gohub_request *request
);
/* What was said in a room: the last `limit`, or those after `from`, of which the first `limit` (0 is no limit). */
gohub_code gohub_client_history(
    gohub_client *client,
    const char *room,
    uint32_t limit,
    const gohub_offset *from,
    const gohub_request *request
);
/* Whether the hub answers, and how far this connection is complete. */
gohub_code gohub_client_ping(gohub_client *client, const gohub_request *request);
/*
 * Shows the hub a new token on the living connection, because what this client may do has changed. Before a token ends the
 * client does so by itself. It must stay where it is until the next one is given.
 */
gohub_code gohub_client_refresh(gohub_client *client, const char *token, const gohub_request *request);

#endif
