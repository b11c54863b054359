/* What an application says about its client, and about each request. */
#ifndef GOHUB_OPTIONS_H
#define GOHUB_OPTIONS_H

#include "gohub/config.h"
#include "gohub/desk.h"
#include "gohub/event.h"

struct gohub_client;

/* The caller's buffers. They belong to the client from gohub_client_init on. */
typedef struct gohub_buffers {
    /* One message of the hub, at least 512 bytes. A larger one is told as a gap, or fails the request it answers. */
    uint8_t *receive;
    size_t receive_size;
    /* What leaves, at least 512 and at most 65,535 bytes. The handshake must fit, the token with it. */
    uint8_t *send;
    size_t send_size;
    /* Requests that wait to be sent or answered, at most 65,535 bytes. */
    uint8_t *pending;
    size_t pending_size;
} gohub_buffers;

/* Makes buffers of the default sizes, as a static variable or a member. */
#define GOHUB_BUFFERS(name)                        \
    struct {                                       \
        uint8_t receive[GOHUB_RECEIVE_BYTES];      \
        uint8_t send[GOHUB_SEND_BYTES];            \
        uint8_t pending[GOHUB_PENDING_BYTES];      \
    } name

/* How such buffers go into gohub_options. */
#define GOHUB_USE_BUFFERS(name) \
    { (name).receive, sizeof(name).receive, (name).send, sizeof(name).send, (name).pending, sizeof(name).pending }

/* The client keeps a pointer to its options: they and what they point to must live as long as it. */
typedef struct gohub_options {
    /* The hub, `wss://hub.example.com/ws`; or several, of which it takes another after each failure. */
    const char *const *urls;
    size_t url_count;
    /* The name this client wants, or NULL. Not needed with a token that names it; without either the hub makes one up. */
    const char *client_id;
    /* A token, or NULL. With it the client ends when the token does. */
    const char *token;
    /* Tokens come by GOHUB_EVENT_ASK_TOKEN, again when one ended or may be to blame for a failure; `token` is not used then. */
    bool ask_token;
    /* The form on the wire. GOHUB_CBOR is shorter. */
    gohub_form form;
    /* Time for the token, and then for handshake and welcome, in milliseconds; 0 is 15,000. */
    uint32_t connect_timeout_ms;
    /* Time for a request from call to answer, time without a connection included, in milliseconds; 0 is 10,000. */
    uint32_t request_timeout_ms;
    gohub_buffers buffers;
    /* Called for each event. It may call the client, but not gohub_client_poll. */
    void (*on_event)(void *context, struct gohub_client *client, const gohub_event *event);
    /* Given to it. */
    void *context;
} gohub_options;

/* What may be said about a request; NULL instead of one of these is all defaults. */
typedef struct gohub_request {
    /* Called with what it came to; NULL: nobody is told. */
    gohub_done done;
    void *context;
    /* Time for it, in milliseconds, instead of that of the options; 0 is that one. */
    uint32_t timeout_ms;
    /* Of a publish: the application's own name of the message, at most 128 bytes. */
    const char *type;
    /* Of a publish: the idempotency key. A fresh random one unless given, so that repeating it delivers nothing twice. */
    const char *key;
    /* Of a publish: no key. Then it is never repeated, and fails with GOHUB_CONNECTION_LOST when the connection goes first. */
    bool once;
} gohub_request;

#endif
