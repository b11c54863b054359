/*
 * The CBOR form: the part of RFC 8949 that the protocol uses, definite lengths and the shortest heads. Read where it lies,
 * without recursion, so that no message decides how much stack is used.
 */
#ifndef GOHUB_CBOR_H
#define GOHUB_CBOR_H

#include "gohub/envelope.h"
#include "gohub/sink.h"

/* Reads a message. False when it is none; what was read of it before it broke off is in `envelope` all the same. */
bool gohub_cbor_read(uint8_t *bytes, size_t size, gohub_envelope *envelope);

/* Writes the fields that are set; false when one cannot be written: `data` that is not one JSON value, a list. */
bool gohub_cbor_write(gohub_sink *sink, const gohub_envelope *envelope);

bool gohub_cbor_list_text(gohub_list *list, gohub_text *text);
bool gohub_cbor_list_envelope(gohub_list *list, gohub_envelope *envelope);

#endif
