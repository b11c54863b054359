#include "gohub/field.h"

#include <string.h>

#define FIELD(member, kind) {#member, GOHUB_KIND_##kind, offsetof(gohub_envelope, member)}

const gohub_field gohub_fields[GOHUB_FIELDS] = {
    FIELD(message_id, UINT32),
    FIELD(message_type, TEXT),
    FIELD(room, TEXT),
    FIELD(to, NAME_OR_OFFSET),
    FIELD(data, DATA),
    FIELD(ref, TEXT),
    FIELD(key, TEXT),
    FIELD(ts, UINT64),
    FIELD(from, NAME_OR_OFFSET),
    FIELD(offset, OFFSET),
    FIELD(from_offset, OFFSET),
    FIELD(limit, UINT32),
    FIELD(after, TEXT),
    FIELD(encoding, TEXT),
    FIELD(code, TEXT),
    FIELD(message, TEXT),
    FIELD(retryable, BOOL),
    FIELD(reason, TEXT),
    FIELD(count, UINT64),
    FIELD(client_id, TEXT),
    FIELD(connection_id, TEXT),
    FIELD(node, TEXT),
    FIELD(epoch, TEXT),
    FIELD(recovered, BOOL),
    FIELD(heartbeat_interval_ms, UINT64),
    FIELD(heartbeat_timeout_ms, UINT64),
    FIELD(max_message, UINT64),
    FIELD(max_rooms, UINT64),
    FIELD(version, UINT64),
    FIELD(mode, TEXT),
    FIELD(rooms, TEXTS),
    FIELD(clients, TEXTS),
    FIELD(next, TEXT),
    FIELD(total, UINT64),
    FIELD(messages, ENVELOPES),
    FIELD(complete, BOOL),
    FIELD(close_in_ms, UINT64),
    FIELD(reconnect_in_ms, UINT64),
    FIELD(after_ms, UINT64),
    FIELD(token, TEXT),
    FIELD(ticket, TEXT),
    FIELD(ticket_life_ms, UINT64),
};

unsigned gohub_field_named(gohub_text name) {
    unsigned field = 0;
    while (field < GOHUB_FIELDS && !gohub_text_is(name, gohub_fields[field].name)) {
        field++;
    }
    return field;
}

void *gohub_field_of(gohub_envelope *envelope, unsigned field) {
    return (uint8_t *)envelope + gohub_fields[field].place;
}

bool gohub_field_put_number(gohub_envelope *envelope, unsigned field, uint64_t number) {
    if (gohub_fields[field].kind == GOHUB_KIND_UINT64) {
        memcpy(gohub_field_of(envelope, field), &number, sizeof number);
        return true;
    }
    uint32_t small = (uint32_t)number;
    memcpy(gohub_field_of(envelope, field), &small, sizeof small);
    return gohub_fields[field].kind == GOHUB_KIND_UINT32 && number <= UINT32_MAX;
}

uint64_t gohub_field_number(const gohub_envelope *envelope, unsigned field) {
    const uint8_t *member = (const uint8_t *)envelope + gohub_fields[field].place;
    uint64_t number;
    uint32_t small;
    if (gohub_fields[field].kind == GOHUB_KIND_UINT64) {
        memcpy(&number, member, sizeof number);
        return number;
    }
    memcpy(&small, member, sizeof small);
    return small;
}
