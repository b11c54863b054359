#include <string.h>

#include "gohub/cbor.h"
#include "gohub/cbor_item.h"
#include "gohub/field.h"
#include "gohub/json.h"

/* The shortest head for this value. */
static void write_head(gohub_sink *sink, unsigned kind, uint64_t value) {
    unsigned size = value < 24 ? 0 : value <= UINT8_MAX ? 1 : value <= UINT16_MAX ? 2 : value <= UINT32_MAX ? 4 : 8;
    unsigned small = size == 0 ? (unsigned)value : size == 1 ? 24 : size == 2 ? 25 : size == 4 ? 26 : 27;
    gohub_sink_byte(sink, (uint8_t)(kind << 5 | small));
    for (; size > 0; size--) {
        gohub_sink_byte(sink, (uint8_t)(value >> (8 * (size - 1))));
    }
}

static bool write_data(gohub_sink *sink, gohub_data data) {
    if (data.kind == GOHUB_DATA_JSON) {
        write_head(sink, GOHUB_CBOR_TAG, GOHUB_CBOR_EMBEDDED_JSON);
    }
    write_head(sink, GOHUB_CBOR_BYTES, data.size);
    gohub_sink_bytes(sink, data.bytes, data.size);
    return data.kind == GOHUB_DATA_BYTES || (data.kind == GOHUB_DATA_JSON && gohub_json_valid(data.bytes, data.size));
}

static bool write_value(gohub_sink *sink, const gohub_envelope *envelope, unsigned field) {
    const uint8_t *member = (const uint8_t *)envelope + gohub_fields[field].place;
    gohub_text text;
    gohub_offset offset;
    switch (gohub_fields[field].kind) {
    case GOHUB_KIND_TEXT:
    case GOHUB_KIND_NAME_OR_OFFSET:
        memcpy(&text, member, sizeof text);
        write_head(sink, GOHUB_CBOR_TEXT, text.size);
        gohub_sink_bytes(sink, text.bytes, text.size);
        return true;
    case GOHUB_KIND_UINT32:
    case GOHUB_KIND_UINT64: write_head(sink, GOHUB_CBOR_UINT, gohub_field_number(envelope, field)); return true;
    case GOHUB_KIND_OFFSET:
        memcpy(&offset, member, sizeof offset);
        write_head(sink, GOHUB_CBOR_ARRAY, 2);
        write_head(sink, GOHUB_CBOR_UINT, offset.major);
        write_head(sink, GOHUB_CBOR_UINT, offset.minor);
        return true;
    case GOHUB_KIND_DATA: return write_data(sink, envelope->data);
    default: return false; /* a client sends neither lists nor booleans */
    }
}

bool gohub_cbor_write(gohub_sink *sink, const gohub_envelope *envelope) {
    uint64_t count = 0;
    for (unsigned field = 0; field < GOHUB_FIELDS; field++) {
        count += gohub_envelope_has(envelope, field) && field != GOHUB_FIELD_ENCODING ? 1 : 0;
    }
    write_head(sink, GOHUB_CBOR_MAP, count);
    bool written = true;
    for (unsigned field = 0; field < GOHUB_FIELDS && written; field++) {
        /* `encoding` does not occur: the kind of data says it. */
        if (gohub_envelope_has(envelope, field) && field != GOHUB_FIELD_ENCODING) {
            write_head(sink, GOHUB_CBOR_UINT, field);
            written = write_value(sink, envelope, field);
        }
    }
    return written && !sink->full;
}
