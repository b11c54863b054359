#include "gohub/cbor_item.h"

bool gohub_items_head(gohub_items *items, unsigned *kind, uint64_t *value) {
    if (items->at == items->end) {
        return false;
    }
    uint8_t first = *items->at++;
    unsigned small = first & 31u;
    *kind = first >> 5;
    *value = small;
    if (small < 24) {
        return true;
    }
    size_t size = small > 27 ? 0 : (size_t)1 << (small - 24);
    if (size == 0 || (size_t)(items->end - items->at) < size) {
        return false;
    }
    *value = 0;
    for (size_t n = 0; n < size; n++) {
        *value = *value << 8 | *items->at++;
    }
    return true;
}

bool gohub_items_take(gohub_items *items, uint64_t size, const uint8_t **bytes) {
    if (size > (uint64_t)(items->end - items->at)) {
        return false;
    }
    *bytes = items->at;
    items->at += size;
    return true;
}

bool gohub_items_skip(gohub_items *items) {
    /* How many items are still to come on each level. */
    uint32_t left[GOHUB_CBOR_DEEPEST];
    size_t depth = 0;
    for (;;) {
        unsigned kind;
        uint64_t value;
        const uint8_t *bytes;
        if (!gohub_items_head(items, &kind, &value)) {
            return false;
        }
        uint64_t inner = 0;
        if (kind == GOHUB_CBOR_BYTES || kind == GOHUB_CBOR_TEXT) {
            if (!gohub_items_take(items, value, &bytes)) {
                return false;
            }
        } else if (kind == GOHUB_CBOR_ARRAY || kind == GOHUB_CBOR_MAP) {
            /* Every item takes a byte at least: more than there are bytes cannot come. */
            uint64_t most = (uint64_t)(items->end - items->at);
            if (value > most || value > UINT32_MAX / 2) {
                return false;
            }
            inner = kind == GOHUB_CBOR_MAP ? 2 * value : value;
        } else if (kind == GOHUB_CBOR_TAG) {
            inner = 1;
        }
        if (inner > 0) {
            if (depth == GOHUB_CBOR_DEEPEST) {
                return false;
            }
            left[depth++] = (uint32_t)inner;
            continue;
        }
        while (depth > 0 && --left[depth - 1] == 0) {
            depth--;
        }
        if (depth == 0) {
            return true;
        }
    }
}
