/* Where things are written: a buffer that is never overrun and remembers that something did not fit. */
#ifndef GOHUB_SINK_H
#define GOHUB_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gohub/text.h"

typedef struct gohub_sink {
    uint8_t *bytes;
    size_t size;
    size_t used;
    /* Something did not fit; what is there is worth nothing then. */
    bool full;
} gohub_sink;

gohub_sink gohub_sink_of(uint8_t *bytes, size_t size);
void gohub_sink_byte(gohub_sink *sink, uint8_t byte);
void gohub_sink_bytes(gohub_sink *sink, const void *bytes, size_t size);
void gohub_sink_string(gohub_sink *sink, const char *string);
/* A number in decimal digits. */
void gohub_sink_number(gohub_sink *sink, uint64_t number);
/* Text as it may stand in the query of an address: RFC 3986, everything but the unreserved percent-encoded. */
void gohub_sink_escaped(gohub_sink *sink, gohub_text text);

#endif
