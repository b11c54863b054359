/* The one kind of error: what failed, whether to try again, and whether it may have happened all the same. */
#ifndef GOHUB_ERROR_H
#define GOHUB_ERROR_H

#include "gohub/envelope.h"

/*
 * Why something failed. First this library's own codes, which its functions give back too; then the hub's, section 4 of the
 * protocol, of which unknown ones count by `retryable`.
 */
typedef enum gohub_code {
    GOHUB_OK,
    GOHUB_BAD_ARGUMENT,    /* a name, key or token that the protocol does not allow, data that is no JSON, a wrong option */
    GOHUB_QUEUE_FULL,      /* more waits than there is room for; nothing was sent */
    GOHUB_NO_ANSWER,       /* no answer within the request's time */
    GOHUB_CONNECTION_LOST, /* the connection went and the request must not be repeated by itself */
    GOHUB_CLOSED,          /* the client is closed, or the hub told it to stop */
    GOHUB_TOKEN,           /* there was no token */
    GOHUB_BAD_MESSAGE,     /* something of the hub could not be read */
    GOHUB_BAD_REQUEST,
    GOHUB_UNKNOWN_MESSAGE,
    GOHUB_BAD_ROOM,
    GOHUB_BAD_CLIENT,
    GOHUB_UNAUTHORIZED,
    GOHUB_FORBIDDEN,
    GOHUB_RATE_LIMITED,
    GOHUB_TOO_LARGE, /* also this library's: larger than a buffer, or than the hub takes */
    GOHUB_TOO_MANY_ROOMS,
    GOHUB_NOT_JOINED,
    GOHUB_CLIENT_UNKNOWN,
    GOHUB_OVERLOADED,
    GOHUB_BUS_UNAVAILABLE,
    GOHUB_TIMEOUT,
    GOHUB_DEGRADED,
    GOHUB_DRAINING,
    GOHUB_HISTORY_UNAVAILABLE,
    GOHUB_HANDLER_FAILED,
    GOHUB_INTERNAL,
    GOHUB_OTHER, /* one this version does not know */
    GOHUB_CODES
} gohub_code;

typedef struct gohub_error {
    gohub_code code;
    /* For people and logs, never to be parsed. May be gone after the callback. */
    gohub_text message;
    /* Whether the same request may succeed later. */
    bool retryable;
    /* Whether it may have been carried out although it failed: a publish may have been delivered. */
    bool uncertain;
} gohub_error;

/* The code's name, as in the protocol. */
const char *gohub_code_name(gohub_code code);

/* The code with this name, GOHUB_OTHER when there is none. */
gohub_code gohub_code_named(gohub_text name);

gohub_error gohub_error_of(gohub_code code, const char *message, bool retryable);

/* What an `error` of the hub says. */
gohub_error gohub_error_read(const gohub_envelope *envelope);

#endif
