/* A place in the total order of everything that was said. */
#ifndef GOHUB_OFFSET_H
#define GOHUB_OFFSET_H

#include <stdbool.h>
#include <stdint.h>

#include "gohub/sink.h"
#include "gohub/text.h"

typedef struct gohub_offset {
    uint64_t major;
    uint64_t minor;
} gohub_offset;

/* Whether `one` stands behind `other`. */
bool gohub_offset_later(gohub_offset one, gohub_offset other);

/* Reads "17-3"; false when it is no offset, leading zeros and what does not fit into 64 bits included. */
bool gohub_offset_read(gohub_text text, gohub_offset *offset);

/* Writes "17-3". */
void gohub_offset_write(gohub_sink *sink, gohub_offset offset);

#endif
