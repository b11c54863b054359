#include "dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gohub/field.h"

void dump_string(const char *text, size_t size) {
    putchar('"');
    for (size_t n = 0; n < size; n++) {
        unsigned char byte = (unsigned char)text[n];
        if (byte == '"' || byte == '\\' || byte < 0x20) {
            printf("\\u%04x", (unsigned)byte);
        } else {
            putchar(byte);
        }
    }
    putchar('"');
}

void dump_text(const char *name, gohub_text text) {
    printf(",\"%s\":", name);
    dump_string(text.bytes, text.size);
}

static void dump_offset(const char *name, gohub_offset offset) {
    printf(",\"%s\":\"%" PRIu64 "-%" PRIu64 "\"", name, offset.major, offset.minor);
}

static void dump_data(gohub_data data) {
    const unsigned char *bytes = data.bytes;
    if (data.kind == GOHUB_DATA_JSON) {
        gohub_text text = {data.bytes, data.size};
        dump_text("data_text", text);
        return;
    }
    printf(",\"data_hex\":\"");
    for (size_t n = 0; n < data.size; n++) {
        printf("%02x", (unsigned)bytes[n]);
    }
    putchar('"');
}

static void dump_list(const char *name, gohub_list list, bool texts) {
    const char *before = "";
    printf(",\"%s\":[", name);
    while (list.count > 0) {
        gohub_text text;
        gohub_envelope envelope;
        printf("%s", before);
        before = ",";
        if (texts ? gohub_list_text(&list, &text) : gohub_list_envelope(&list, &envelope)) {
            if (texts) {
                dump_string(text.bytes, text.size);
            } else {
                dump_envelope(&envelope);
            }
        } else {
            printf("\"unreadable\"");
        }
    }
    printf("]");
}

static void dump_field(const gohub_envelope *envelope, unsigned field) {
    const gohub_field *row = &gohub_fields[field];
    const unsigned char *member = (const unsigned char *)envelope + row->place;
    gohub_text text;
    gohub_offset offset;
    gohub_list list;
    bool yes;
    switch (row->kind) {
    case GOHUB_KIND_NAME_OR_OFFSET:
        if (envelope->message_id == GOHUB_GAP) {
            dump_offset(row->name, field == GOHUB_FIELD_FROM ? envelope->gap_from : envelope->gap_to);
            return;
        }
        memcpy(&text, member, sizeof text);
        dump_text(row->name, text);
        return;
    case GOHUB_KIND_TEXT:
        memcpy(&text, member, sizeof text);
        dump_text(row->name, text);
        return;
    case GOHUB_KIND_UINT32:
    case GOHUB_KIND_UINT64: printf(",\"%s\":%" PRIu64, row->name, gohub_field_number(envelope, field)); return;
    case GOHUB_KIND_BOOL:
        memcpy(&yes, member, sizeof yes);
        printf(",\"%s\":%s", row->name, yes ? "true" : "false");
        return;
    case GOHUB_KIND_OFFSET:
        memcpy(&offset, member, sizeof offset);
        dump_offset(row->name, offset);
        return;
    case GOHUB_KIND_TEXTS:
    case GOHUB_KIND_ENVELOPES:
        memcpy(&list, member, sizeof list);
        dump_list(row->name, list, row->kind == GOHUB_KIND_TEXTS);
        return;
    default: dump_data(envelope->data);
    }
}

void dump_fields(const gohub_envelope *envelope) {
    for (unsigned field = 0; field < GOHUB_FIELDS; field++) {
        /* How data was written is told by its name. */
        if (gohub_envelope_has(envelope, field) && field != GOHUB_FIELD_ENCODING) {
            dump_field(envelope, field);
        }
    }
}

void dump_envelope(const gohub_envelope *envelope) {
    printf("{\"read\":true");
    dump_fields(envelope);
    printf("}");
}
