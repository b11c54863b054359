/* The heads of CBOR items, and how to get over an item one does not know. */
#ifndef GOHUB_CBOR_ITEM_H
#define GOHUB_CBOR_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GOHUB_CBOR_UINT = 0,
    GOHUB_CBOR_NEGATIVE = 1,
    GOHUB_CBOR_BYTES = 2,
    GOHUB_CBOR_TEXT = 3,
    GOHUB_CBOR_ARRAY = 4,
    GOHUB_CBOR_MAP = 5,
    GOHUB_CBOR_TAG = 6,
    GOHUB_CBOR_SIMPLE = 7
};

enum { GOHUB_CBOR_FALSE = 20, GOHUB_CBOR_TRUE = 21, GOHUB_CBOR_NULL = 22 };

/* A byte string that holds JSON. */
#define GOHUB_CBOR_EMBEDDED_JSON 262

/* An item that is skipped may be nested so deep. */
#define GOHUB_CBOR_DEEPEST 20

/* Where the reader stands; it never goes beyond `end`. */
typedef struct gohub_items {
    uint8_t *at;
    const uint8_t *end;
} gohub_items;

/* The head of an item: its kind, and its value or length. False at the end, and for an indefinite length. */
bool gohub_items_head(gohub_items *items, unsigned *kind, uint64_t *value);

/* The bytes of a string, whose head was taken. */
bool gohub_items_take(gohub_items *items, uint64_t size, const uint8_t **bytes);

/* Skips one item; false when it is cut short, nested too deep or of indefinite length. */
bool gohub_items_skip(gohub_items *items);

#endif
