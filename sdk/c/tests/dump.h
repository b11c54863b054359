/* Writes what a client is told as JSON lines, for the scripts that judge it. For tests: it uses stdio. */
#ifndef GOHUB_TEST_DUMP_H
#define GOHUB_TEST_DUMP_H

#include "gohub/gohub.h"

void dump_text(const char *name, gohub_text text);
/* A text that may be no UTF-8 or anything else, escaped. */
void dump_string(const char *text, size_t size);
/* Every field of the envelope as a member, with a comma before each: `data_text` or `data_hex` for data. */
void dump_fields(const gohub_envelope *envelope);
void dump_envelope(const gohub_envelope *envelope);

#endif
