#include <string.h>

#include "gohub/base64.h"
#include "gohub/field.h"
#include "gohub/json.h"
#include "gohub/json_scan.h"

/*
 * Packs an array of texts in place: each as its size in two bytes and the text, which never takes more than its quotes and
 * escapes did. So a list can be walked without touching it again.
 */
static bool read_texts(gohub_scan *scan, gohub_list *list) {
    uint8_t *to = scan->at;
    list->form = GOHUB_JSON;
    list->at = to;
    list->count = 0;
    if (!gohub_scan_take(scan, '[')) {
        return false;
    }
    if (!gohub_scan_take(scan, ']')) {
        do {
            gohub_text text;
            if (!gohub_scan_string(scan, &text) || text.size > UINT16_MAX) {
                return false;
            }
            /* It may lie where its size goes: moved first. */
            memmove(to + 2, text.bytes, text.size);
            to[0] = (uint8_t)(text.size >> 8);
            to[1] = (uint8_t)text.size;
            to += 2 + text.size;
            list->count++;
        } while (gohub_scan_take(scan, ','));
        if (!gohub_scan_take(scan, ']')) {
            return false;
        }
    }
    list->end = to;
    return true;
}

/* Envelopes are left as they are, and read one by one when they are asked for. */
static bool read_envelopes(gohub_scan *scan, gohub_list *list) {
    list->form = GOHUB_JSON;
    list->count = 0;
    if (!gohub_scan_take(scan, '[')) {
        return false;
    }
    list->at = scan->at;
    if (!gohub_scan_take(scan, ']')) {
        do {
            if (!gohub_scan_skip(scan)) {
                return false;
            }
            list->count++;
        } while (gohub_scan_take(scan, ','));
        list->end = scan->at;
        return gohub_scan_take(scan, ']');
    }
    list->end = list->at;
    return true;
}

static bool read_value(gohub_scan *scan, gohub_envelope *envelope, unsigned field) {
    void *member = gohub_field_of(envelope, field);
    gohub_text text = {NULL, 0};
    gohub_list list;
    gohub_offset offset;
    uint64_t number;
    switch (gohub_fields[field].kind) {
    case GOHUB_KIND_TEXT:
    case GOHUB_KIND_NAME_OR_OFFSET:
        if (!gohub_scan_string(scan, &text)) {
            return false;
        }
        memcpy(member, &text, sizeof text);
        return true;
    case GOHUB_KIND_UINT32:
    case GOHUB_KIND_UINT64: return gohub_scan_number(scan, &number) && gohub_field_put_number(envelope, field, number);
    case GOHUB_KIND_BOOL: {
        bool yes = gohub_scan_word(scan, "true");
        memcpy(member, &yes, sizeof yes);
        return yes || gohub_scan_word(scan, "false");
    }
    case GOHUB_KIND_OFFSET:
        if (!gohub_scan_string(scan, &text) || !gohub_offset_read(text, &offset)) {
            return false;
        }
        memcpy(member, &offset, sizeof offset);
        return true;
    case GOHUB_KIND_TEXTS:
    case GOHUB_KIND_ENVELOPES:
        if (!(gohub_fields[field].kind == GOHUB_KIND_TEXTS ? read_texts(scan, &list) : read_envelopes(scan, &list))) {
            return false;
        }
        memcpy(member, &list, sizeof list);
        return true;
    default: {
        (void)gohub_scan_peek(scan);
        const uint8_t *first = scan->at;
        if (!gohub_scan_skip(scan) || scan->at == scan->end) {
            return false;
        }
        envelope->data.kind = GOHUB_DATA_JSON;
        envelope->data.bytes = first;
        envelope->data.size = (size_t)(scan->at - first);
        return true;
    }
    }
}

/* `null` counts as absent, except as data, which may be anything. */
static bool read_field(gohub_scan *scan, gohub_envelope *envelope) {
    gohub_text name;
    if (!gohub_scan_string(scan, &name) || !gohub_scan_take(scan, ':')) {
        return false;
    }
    unsigned field = gohub_field_named(name);
    if (field == GOHUB_FIELDS) {
        return gohub_scan_skip(scan);
    }
    if (field != GOHUB_FIELD_DATA && gohub_scan_peek(scan) == 'n') {
        return gohub_scan_word(scan, "null");
    }
    if (gohub_envelope_has(envelope, field) || !read_value(scan, envelope, field)) {
        return false;
    }
    gohub_envelope_set(envelope, field);
    return true;
}

/* What only the whole message tells: that a gap's names are offsets, and data bytes. */
static bool finish(gohub_envelope *envelope, uint8_t *bytes) {
    if (envelope->message_id == GOHUB_GAP) {
        return gohub_offset_read(envelope->from, &envelope->gap_from) && gohub_offset_read(envelope->to, &envelope->gap_to);
    }
    if (!gohub_envelope_has(envelope, GOHUB_FIELD_ENCODING)) {
        return true;
    }
    if (!gohub_text_is(envelope->encoding, "base64") || envelope->data.kind != GOHUB_DATA_JSON) {
        return false;
    }
    uint8_t *first = bytes + ((const uint8_t *)envelope->data.bytes - bytes);
    gohub_scan scan = {first, first + envelope->data.size};
    gohub_text text;
    if (!gohub_scan_string(&scan, &text) || !gohub_base64_read(first, &text.size)) {
        return false;
    }
    envelope->data.kind = GOHUB_DATA_BYTES;
    envelope->data.bytes = first;
    envelope->data.size = text.size;
    return true;
}

/* One object from where the scanner stands on. */
static bool read_object(gohub_scan *scan, gohub_envelope *envelope) {
    uint8_t *first = scan->at;
    memset(envelope, 0, sizeof *envelope);
    if (!gohub_scan_take(scan, '{')) {
        return false;
    }
    if (!gohub_scan_take(scan, '}')) {
        do {
            if (!read_field(scan, envelope)) {
                return false;
            }
        } while (gohub_scan_take(scan, ','));
        if (!gohub_scan_take(scan, '}')) {
            return false;
        }
    }
    return gohub_envelope_has(envelope, GOHUB_FIELD_MESSAGE_ID) && finish(envelope, first);
}

bool gohub_json_read(uint8_t *bytes, size_t size, gohub_envelope *envelope) {
    gohub_scan scan = {bytes, bytes + size};
    return read_object(&scan, envelope) && gohub_scan_peek(&scan) == 0 && scan.at == scan.end;
}

bool gohub_json_valid(const uint8_t *bytes, size_t size) {
    /* Skipping changes nothing, and only reads through the pointer that may write. */
    gohub_scan scan;
    memcpy(&scan.at, &bytes, sizeof scan.at);
    scan.end = bytes + size;
    return gohub_scan_skip(&scan) && gohub_scan_peek(&scan) == 0 && scan.at == scan.end;
}

bool gohub_json_list_text(gohub_list *list, gohub_text *text) {
    text->size = (size_t)list->at[0] << 8 | list->at[1];
    text->bytes = (const char *)list->at + 2;
    list->at += 2 + text->size;
    return true;
}

bool gohub_json_list_envelope(gohub_list *list, gohub_envelope *envelope) {
    gohub_scan scan = {list->at, list->end};
    bool read = read_object(&scan, envelope);
    (void)gohub_scan_take(&scan, ',');
    list->at = scan.at;
    if (!read) {
        /* Where the next one begins nobody knows. */
        list->count = 0;
    }
    return read;
}

bool gohub_data_member(gohub_data data, const char *name, gohub_text *value) {
    gohub_scan scan;
    if (data.kind != GOHUB_DATA_JSON) {
        return false;
    }
    memcpy(&scan.at, &data.bytes, sizeof scan.at);
    scan.end = (const uint8_t *)data.bytes + data.size;
    if (!gohub_scan_take(&scan, '{')) {
        return false;
    }
    size_t size = strlen(name);
    while (gohub_scan_peek(&scan) == '"') {
        const uint8_t *first = scan.at;
        if (!gohub_scan_skip(&scan)) {
            return false;
        }
        bool found = (size_t)(scan.at - first) == size + 2 && memcmp(first + 1, name, size) == 0;
        if (!gohub_scan_take(&scan, ':')) {
            return false;
        }
        (void)gohub_scan_peek(&scan);
        value->bytes = (const char *)scan.at;
        if (!gohub_scan_skip(&scan)) {
            return false;
        }
        value->size = (size_t)((const char *)scan.at - value->bytes);
        if (found) {
            return true;
        }
        if (!gohub_scan_take(&scan, ',')) {
            return false;
        }
    }
    return false;
}

bool gohub_json_texts(gohub_data data, const char *name, uint8_t *buffer, gohub_list *texts) {
    gohub_text value;
    if (!gohub_data_member(data, name, &value)) {
        return false;
    }
    uint8_t *first = buffer + ((const uint8_t *)value.bytes - buffer);
    gohub_scan scan = {first, first + value.size};
    return read_texts(&scan, texts);
}
