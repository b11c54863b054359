#include "gohub/error.h"

static const char *const names[GOHUB_CODES] = {
    "ok",
    "bad_argument",
    "queue_full",
    "no_answer",
    "connection_lost",
    "closed",
    "token",
    "bad_message",
    "bad_request",
    "unknown_message",
    "bad_room",
    "bad_client",
    "unauthorized",
    "forbidden",
    "rate_limited",
    "too_large",
    "too_many_rooms",
    "not_joined",
    "client_unknown",
    "overloaded",
    "bus_unavailable",
    "timeout",
    "degraded",
    "draining",
    "history_unavailable",
    "handler_failed",
    "internal",
    "other",
};

const char *gohub_code_name(gohub_code code) {
    return names[code < GOHUB_CODES ? code : GOHUB_OTHER];
}

gohub_code gohub_code_named(gohub_text name) {
    unsigned code = GOHUB_BAD_REQUEST;
    while (code < GOHUB_OTHER && !gohub_text_is(name, names[code])) {
        code++;
    }
    return (gohub_code)code;
}

gohub_error gohub_error_of(gohub_code code, const char *message, bool retryable) {
    gohub_error error = {code, gohub_text_of(message), retryable, false};
    return error;
}

gohub_error gohub_error_read(const gohub_envelope *envelope) {
    gohub_error error;
    error.code = gohub_code_named(envelope->code);
    error.message = envelope->message;
    error.retryable = envelope->retryable;
    /* Section 5, rule 5: after these the publication may be delivered all the same. */
    error.uncertain = error.code == GOHUB_TIMEOUT || error.code == GOHUB_INTERNAL || error.code == GOHUB_CLIENT_UNKNOWN;
    return error;
}
