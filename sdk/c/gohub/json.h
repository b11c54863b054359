/*
 * The JSON form: one object per text frame. A scanner, not a parser: it works in the receive buffer, takes the escapes out of
 * texts where they stand, follows nested values without recursion, and keeps `data` as it was written.
 */
#ifndef GOHUB_JSON_H
#define GOHUB_JSON_H

#include "gohub/envelope.h"
#include "gohub/sink.h"

/*
 * Reads a message and changes the bytes while doing so. They must be UTF-8. False when it is none; what was read of it before
 * it broke off is in `envelope` all the same.
 */
bool gohub_json_read(uint8_t *bytes, size_t size, gohub_envelope *envelope);

/* Writes the fields that are set; false when one cannot be written: `data` that is not one JSON value, a list. */
bool gohub_json_write(gohub_sink *sink, const gohub_envelope *envelope);

/* Whether this is exactly one JSON value, not nested too deep. */
bool gohub_json_valid(const uint8_t *bytes, size_t size);

/* The array of texts that `data` has as its member `name`; changes the bytes, which lie in `buffer`. */
bool gohub_json_texts(gohub_data data, const char *name, uint8_t *buffer, gohub_list *texts);

bool gohub_json_list_text(gohub_list *list, gohub_text *text);
bool gohub_json_list_envelope(gohub_list *list, gohub_envelope *envelope);

#endif
