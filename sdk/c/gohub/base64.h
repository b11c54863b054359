/* Base64, standard alphabet, padded: opaque bytes in the JSON form, and the keys of the WebSocket handshake. */
#ifndef GOHUB_BASE64_H
#define GOHUB_BASE64_H

#include "gohub/sink.h"

void gohub_base64_write(gohub_sink *sink, const uint8_t *bytes, size_t size);

/* Decodes in place and sets the size to that of the bytes; false when it is no base64. */
bool gohub_base64_read(uint8_t *text, size_t *size);

#endif
