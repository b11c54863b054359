#include "gohub/form.h"

#include "gohub/cbor.h"
#include "gohub/json.h"

const char *gohub_form_subprotocol(gohub_form form) {
    return form == GOHUB_CBOR ? "gohub.v1.cbor" : "gohub.v1.json";
}

bool gohub_form_read(gohub_form form, uint8_t *bytes, size_t size, gohub_envelope *envelope) {
    return form == GOHUB_CBOR ? gohub_cbor_read(bytes, size, envelope) : gohub_json_read(bytes, size, envelope);
}

bool gohub_form_write(gohub_form form, gohub_sink *sink, const gohub_envelope *envelope) {
    return form == GOHUB_CBOR ? gohub_cbor_write(sink, envelope) : gohub_json_write(sink, envelope);
}
