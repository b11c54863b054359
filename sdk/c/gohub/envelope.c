#include "gohub/envelope.h"

#include <string.h>

#include "gohub/cbor.h"
#include "gohub/json.h"

gohub_data gohub_data_json(const char *json) {
    gohub_data data = {GOHUB_DATA_JSON, json, strlen(json)};
    return data;
}

gohub_data gohub_data_bytes(const void *bytes, size_t size) {
    gohub_data data = {GOHUB_DATA_BYTES, bytes, size};
    return data;
}

bool gohub_envelope_has(const gohub_envelope *envelope, unsigned field) {
    return (envelope->fields >> field & 1) != 0;
}

void gohub_envelope_set(gohub_envelope *envelope, unsigned field) {
    envelope->fields |= (uint64_t)1 << field;
}

bool gohub_envelope_is_publication(const gohub_envelope *envelope) {
    uint32_t id = envelope->message_id;
    return (id >= GOHUB_BROADCAST && id <= GOHUB_ROOM_MESSAGE) || id >= GOHUB_FIRST_APPLICATION_ID ||
           (id == GOHUB_PRESENCE && !gohub_envelope_has(envelope, GOHUB_FIELD_CLIENTS));
}

bool gohub_list_text(gohub_list *list, gohub_text *text) {
    if (list->count == 0) {
        return false;
    }
    list->count--;
    return list->form == GOHUB_CBOR ? gohub_cbor_list_text(list, text) : gohub_json_list_text(list, text);
}

bool gohub_list_envelope(gohub_list *list, gohub_envelope *envelope) {
    if (list->count == 0) {
        return false;
    }
    list->count--;
    return list->form == GOHUB_CBOR ? gohub_cbor_list_envelope(list, envelope) : gohub_json_list_envelope(list, envelope);
}
