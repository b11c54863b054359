/* The fields of an envelope as a table, so that neither form spells them out by itself. */
#ifndef GOHUB_FIELD_H
#define GOHUB_FIELD_H

#include "gohub/envelope.h"

typedef enum gohub_kind {
    GOHUB_KIND_TEXT,
    GOHUB_KIND_NAME_OR_OFFSET, /* text; in a gap an offset */
    GOHUB_KIND_UINT32,
    GOHUB_KIND_UINT64,
    GOHUB_KIND_BOOL,
    GOHUB_KIND_OFFSET,
    GOHUB_KIND_TEXTS,
    GOHUB_KIND_ENVELOPES,
    GOHUB_KIND_DATA
} gohub_kind;

typedef struct gohub_field {
    const char *name;
    uint8_t kind;
    /* Where the member lies in gohub_envelope. */
    uint16_t place;
} gohub_field;

/* By CBOR key. */
extern const gohub_field gohub_fields[GOHUB_FIELDS];

/* The key of the field with this name, GOHUB_FIELDS when there is none. */
unsigned gohub_field_named(gohub_text name);

/* Where that member is. */
void *gohub_field_of(gohub_envelope *envelope, unsigned field);

/* A whole number into a member; false when it does not fit. */
bool gohub_field_put_number(gohub_envelope *envelope, unsigned field, uint64_t number);

/* The number of a member. */
uint64_t gohub_field_number(const gohub_envelope *envelope, unsigned field);

#endif
