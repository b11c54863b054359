#include <string.h>

#include "gohub/base64.h"
#include "gohub/field.h"
#include "gohub/json.h"

/* Escapes only what must be: the rest is UTF-8 as it is. The short escapes keep an answer no longer than what it answers. */
static void write_text(gohub_sink *sink, gohub_text text) {
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = "btnvfr";
    gohub_sink_byte(sink, '"');
    for (size_t n = 0; n < text.size; n++) {
        uint8_t byte = (uint8_t)text.bytes[n];
        if (byte == '"' || byte == '\\') {
            gohub_sink_byte(sink, '\\');
            gohub_sink_byte(sink, byte);
        } else if (byte >= 0x20) {
            gohub_sink_byte(sink, byte);
        } else if (byte >= '\b' && byte <= '\r' && byte != '\v') {
            gohub_sink_byte(sink, '\\');
            gohub_sink_byte(sink, (uint8_t)letters[byte - '\b']);
        } else {
            gohub_sink_string(sink, "\\u00");
            gohub_sink_byte(sink, (uint8_t)hex[byte >> 4]);
            gohub_sink_byte(sink, (uint8_t)hex[byte & 15]);
        }
    }
    gohub_sink_byte(sink, '"');
}

static bool write_data(gohub_sink *sink, gohub_data data) {
    if (data.kind == GOHUB_DATA_JSON) {
        gohub_sink_bytes(sink, data.bytes, data.size);
        /* Anything else would break out of its envelope. */
        return gohub_json_valid(data.bytes, data.size);
    }
    gohub_sink_byte(sink, '"');
    gohub_base64_write(sink, data.bytes, data.size);
    gohub_sink_string(sink, "\",\"encoding\":\"base64\"");
    return data.kind == GOHUB_DATA_BYTES;
}

static bool write_value(gohub_sink *sink, const gohub_envelope *envelope, unsigned field) {
    const uint8_t *member = (const uint8_t *)envelope + gohub_fields[field].place;
    gohub_text text;
    gohub_offset offset;
    switch (gohub_fields[field].kind) {
    case GOHUB_KIND_TEXT:
    case GOHUB_KIND_NAME_OR_OFFSET:
        memcpy(&text, member, sizeof text);
        write_text(sink, text);
        return true;
    case GOHUB_KIND_UINT32:
    case GOHUB_KIND_UINT64: gohub_sink_number(sink, gohub_field_number(envelope, field)); return true;
    case GOHUB_KIND_OFFSET:
        memcpy(&offset, member, sizeof offset);
        gohub_sink_byte(sink, '"');
        gohub_offset_write(sink, offset);
        gohub_sink_byte(sink, '"');
        return true;
    case GOHUB_KIND_DATA: return write_data(sink, envelope->data);
    default: return false; /* a client sends neither lists nor booleans */
    }
}

bool gohub_json_write(gohub_sink *sink, const gohub_envelope *envelope) {
    bool written = true;
    uint8_t before = '{';
    for (unsigned field = 0; field < GOHUB_FIELDS && written; field++) {
        /* `encoding` follows from the kind of data. */
        if (!gohub_envelope_has(envelope, field) || field == GOHUB_FIELD_ENCODING) {
            continue;
        }
        gohub_sink_byte(sink, before);
        gohub_sink_byte(sink, '"');
        gohub_sink_string(sink, gohub_fields[field].name);
        gohub_sink_string(sink, "\":");
        written = write_value(sink, envelope, field);
        before = ',';
    }
    gohub_sink_byte(sink, '}');
    return written && !sink->full;
}
