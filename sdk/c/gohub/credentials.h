/*
 * What opens the door: the token, and the ticket that spares its judging after a reconnect. The token stays in the caller's
 * memory; the ticket is copied, because it comes with a message. Neither is ever shown in an event.
 */
#ifndef GOHUB_CREDENTIALS_H
#define GOHUB_CREDENTIALS_H

#include "gohub/config.h"
#include "gohub/envelope.h"

/* Whether there is none, one that cannot be replaced, or somebody who gives new ones. */
typedef enum gohub_source { GOHUB_SOURCE_NONE, GOHUB_SOURCE_FIXED, GOHUB_SOURCE_PROVIDER } gohub_source;

typedef struct gohub_credentials {
    gohub_source source;
    /* The token in use; NULL asks for one. */
    const char *token;
    bool is_new;
    uint64_t ticket_life;
    uint64_t ticket_until;
    size_t ticket_size;
    char ticket[GOHUB_TICKET_BYTES + 1];
} gohub_credentials;

/* Whether this may be a token: 1 to 8192 bytes that may stand in a header. */
bool gohub_credentials_allow(const char *token);

/* Whether somebody must be asked before the next handshake. */
bool gohub_credentials_missing(const gohub_credentials *credentials);

/* A new token. */
void gohub_credentials_renew(gohub_credentials *credentials, const char *token);

/* The token ended or was refused: whether there can be another. */
bool gohub_credentials_spoil(gohub_credentials *credentials);

/* The handshake was refused with 401: whether that may be because the token is an old one. */
bool gohub_credentials_stale(gohub_credentials *credentials);

/* What came with a message of the hub. */
void gohub_credentials_heard(gohub_credentials *credentials, const gohub_envelope *envelope, uint64_t now);

/* The ticket for a handshake, if there is a good one. None is shown twice: it is gone with the next message. */
gohub_text gohub_credentials_ticket(gohub_credentials *credentials, uint64_t now);

/* A hub let us in: the token is not new any more. */
void gohub_credentials_used(gohub_credentials *credentials);

#endif
