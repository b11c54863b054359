#include <string.h>

#include "gohub/cbor.h"
#include "gohub/cbor_item.h"
#include "gohub/field.h"
#include "gohub/utf8.h"

static bool read_text(gohub_items *items, gohub_text *text) {
    unsigned kind;
    uint64_t size;
    const uint8_t *bytes;
    if (!gohub_items_head(items, &kind, &size) || kind != GOHUB_CBOR_TEXT || !gohub_items_take(items, size, &bytes)) {
        return false;
    }
    text->bytes = (const char *)bytes;
    text->size = (size_t)size;
    return gohub_utf8_valid(bytes, text->size);
}

static bool read_number(gohub_items *items, uint64_t *number) {
    unsigned kind;
    return gohub_items_head(items, &kind, number) && kind == GOHUB_CBOR_UINT;
}

static bool read_offset(gohub_items *items, gohub_offset *offset) {
    unsigned kind;
    uint64_t count;
    return gohub_items_head(items, &kind, &count) && kind == GOHUB_CBOR_ARRAY && count == 2 &&
           read_number(items, &offset->major) && read_number(items, &offset->minor);
}

static bool read_list(gohub_items *items, gohub_list *list, bool texts) {
    unsigned kind;
    uint64_t count;
    if (!gohub_items_head(items, &kind, &count) || kind != GOHUB_CBOR_ARRAY) {
        return false;
    }
    list->form = GOHUB_CBOR;
    list->at = items->at;
    list->count = (size_t)count;
    for (uint64_t n = 0; n < count; n++) {
        gohub_text text;
        if (!(texts ? read_text(items, &text) : gohub_items_skip(items))) {
            return false;
        }
    }
    list->end = items->at;
    return true;
}

static bool read_data(gohub_items *items, gohub_data *data) {
    unsigned kind;
    uint64_t value;
    const uint8_t *bytes;
    if (!gohub_items_head(items, &kind, &value)) {
        return false;
    }
    bool json = kind == GOHUB_CBOR_TAG;
    if (json) {
        if (value != GOHUB_CBOR_EMBEDDED_JSON || !gohub_items_head(items, &kind, &value)) {
            return false;
        }
    }
    if (kind != GOHUB_CBOR_BYTES || !gohub_items_take(items, value, &bytes)) {
        return false;
    }
    data->kind = json ? GOHUB_DATA_JSON : GOHUB_DATA_BYTES;
    data->bytes = bytes;
    data->size = (size_t)value;
    return true;
}

/* `from` and `to` are names, in a gap offsets: the item itself says which. */
static bool read_name_or_offset(gohub_items *items, gohub_envelope *envelope, unsigned field) {
    gohub_text text;
    if (items->at < items->end && *items->at >> 5 == GOHUB_CBOR_ARRAY) {
        return read_offset(items, field == GOHUB_FIELD_FROM ? &envelope->gap_from : &envelope->gap_to);
    }
    if (!read_text(items, &text)) {
        return false;
    }
    memcpy(gohub_field_of(envelope, field), &text, sizeof text);
    return true;
}

static bool read_value(gohub_items *items, gohub_envelope *envelope, unsigned field) {
    void *member = gohub_field_of(envelope, field);
    gohub_text text;
    gohub_list list;
    gohub_offset offset;
    uint64_t number;
    switch (gohub_fields[field].kind) {
    case GOHUB_KIND_TEXT:
        if (!read_text(items, &text)) {
            return false;
        }
        memcpy(member, &text, sizeof text);
        return true;
    case GOHUB_KIND_NAME_OR_OFFSET: return read_name_or_offset(items, envelope, field);
    case GOHUB_KIND_UINT32:
    case GOHUB_KIND_UINT64: return read_number(items, &number) && gohub_field_put_number(envelope, field, number);
    case GOHUB_KIND_BOOL: {
        unsigned kind;
        if (!gohub_items_head(items, &kind, &number) || kind != GOHUB_CBOR_SIMPLE ||
            (number != GOHUB_CBOR_TRUE && number != GOHUB_CBOR_FALSE)) {
            return false;
        }
        bool yes = number == GOHUB_CBOR_TRUE;
        memcpy(member, &yes, sizeof yes);
        return true;
    }
    case GOHUB_KIND_OFFSET:
        if (!read_offset(items, &offset)) {
            return false;
        }
        memcpy(member, &offset, sizeof offset);
        return true;
    case GOHUB_KIND_TEXTS:
    case GOHUB_KIND_ENVELOPES:
        if (!read_list(items, &list, gohub_fields[field].kind == GOHUB_KIND_TEXTS)) {
            return false;
        }
        memcpy(member, &list, sizeof list);
        return true;
    default: return read_data(items, &envelope->data);
    }
}

static bool read_map(gohub_items *items, gohub_envelope *envelope) {
    unsigned kind;
    uint64_t count, key;
    memset(envelope, 0, sizeof *envelope);
    if (!gohub_items_head(items, &kind, &count) || kind != GOHUB_CBOR_MAP) {
        return false;
    }
    for (uint64_t n = 0; n < count; n++) {
        if (!read_number(items, &key) || items->at == items->end) {
            return false;
        }
        bool null = *items->at == (GOHUB_CBOR_SIMPLE << 5 | GOHUB_CBOR_NULL);
        if (key >= GOHUB_FIELDS || null) {
            if (!gohub_items_skip(items)) {
                return false;
            }
            continue;
        }
        unsigned field = (unsigned)key;
        if (gohub_envelope_has(envelope, field) || !read_value(items, envelope, field)) {
            return false;
        }
        gohub_envelope_set(envelope, field);
    }
    bool gap = envelope->message_id == GOHUB_GAP;
    /* Offsets in a gap, names everywhere else: neither takes the other's place. */
    bool named = envelope->from.bytes != NULL || envelope->to.bytes != NULL;
    bool names = gohub_envelope_has(envelope, GOHUB_FIELD_FROM) || gohub_envelope_has(envelope, GOHUB_FIELD_TO);
    return gohub_envelope_has(envelope, GOHUB_FIELD_MESSAGE_ID) && (gap ? !named : named || !names);
}

bool gohub_cbor_read(uint8_t *bytes, size_t size, gohub_envelope *envelope) {
    gohub_items items = {bytes, bytes + size};
    return read_map(&items, envelope) && items.at == items.end;
}

bool gohub_cbor_list_text(gohub_list *list, gohub_text *text) {
    gohub_items items = {list->at, list->end};
    bool read = read_text(&items, text);
    list->at = items.at;
    return read;
}

bool gohub_cbor_list_envelope(gohub_list *list, gohub_envelope *envelope) {
    gohub_items items = {list->at, list->end};
    bool read = read_map(&items, envelope);
    list->at = items.at;
    if (!read) {
        /* Where the next one begins nobody knows. */
        list->count = 0;
    }
    return read;
}
