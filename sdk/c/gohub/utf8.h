/* Whether bytes are UTF-8: RFC 6455 wants a connection closed whose text is not. */
#ifndef GOHUB_UTF8_H
#define GOHUB_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Overlong forms, surrogates and what lies beyond U+10FFFF are none. */
bool gohub_utf8_valid(const uint8_t *bytes, size_t size);

/* Writes a code point, 1 to 4 bytes, and gives back how many. */
size_t gohub_utf8_write(uint8_t *bytes, uint32_t point);

#endif
