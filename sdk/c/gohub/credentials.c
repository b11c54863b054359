#include "gohub/credentials.h"

#include <string.h>

#include "gohub/reconnect.h"

#define MOST_TOKEN_BYTES 8192

bool gohub_credentials_allow(const char *token) {
    size_t size = strlen(token);
    for (size_t n = 0; n < size; n++) {
        if (token[n] <= ' ' || token[n] == 0x7F) {
            return false;
        }
    }
    return size > 0 && size <= MOST_TOKEN_BYTES;
}

bool gohub_credentials_missing(const gohub_credentials *credentials) {
    return credentials->source == GOHUB_SOURCE_PROVIDER && credentials->token == NULL;
}

void gohub_credentials_renew(gohub_credentials *credentials, const char *token) {
    credentials->token = token;
    credentials->is_new = true;
}

bool gohub_credentials_spoil(gohub_credentials *credentials) {
    credentials->ticket_size = 0;
    if (credentials->source == GOHUB_SOURCE_PROVIDER) {
        credentials->token = NULL;
    }
    return credentials->source == GOHUB_SOURCE_PROVIDER;
}

bool gohub_credentials_stale(gohub_credentials *credentials) {
    return !credentials->is_new && gohub_credentials_spoil(credentials);
}

void gohub_credentials_heard(gohub_credentials *credentials, const gohub_envelope *envelope, uint64_t now) {
    if (gohub_envelope_has(envelope, GOHUB_FIELD_TICKET_LIFE)) {
        credentials->ticket_life = envelope->ticket_life_ms;
    }
    if (gohub_envelope_has(envelope, GOHUB_FIELD_TICKET)) {
        bool fits = envelope->ticket.size <= GOHUB_TICKET_BYTES;
        credentials->ticket_size = fits ? envelope->ticket.size : 0;
        memcpy(credentials->ticket, envelope->ticket.bytes, credentials->ticket_size);
        bool ever = credentials->ticket_life > GOHUB_NEVER - now;
        credentials->ticket_until = ever ? GOHUB_NEVER : now + credentials->ticket_life;
    }
}

gohub_text gohub_credentials_ticket(gohub_credentials *credentials, uint64_t now) {
    gohub_text ticket = {credentials->ticket, now < credentials->ticket_until ? credentials->ticket_size : 0};
    credentials->ticket_size = 0;
    return ticket;
}

void gohub_credentials_used(gohub_credentials *credentials) {
    credentials->is_new = false;
}
