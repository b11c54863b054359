#include "gohub/sink.h"

#include <string.h>

gohub_sink gohub_sink_of(uint8_t *bytes, size_t size) {
    gohub_sink sink = {bytes, size, 0, false};
    return sink;
}

void gohub_sink_byte(gohub_sink *sink, uint8_t byte) {
    if (sink->used < sink->size) {
        sink->bytes[sink->used++] = byte;
    } else {
        sink->full = true;
    }
}

void gohub_sink_bytes(gohub_sink *sink, const void *bytes, size_t size) {
    if (size > sink->size - sink->used) {
        sink->full = true;
    } else if (size > 0) {
        memcpy(sink->bytes + sink->used, bytes, size);
        sink->used += size;
    }
}

void gohub_sink_string(gohub_sink *sink, const char *string) {
    gohub_sink_bytes(sink, string, strlen(string));
}

void gohub_sink_number(gohub_sink *sink, uint64_t number) {
    char digits[20];
    size_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    gohub_sink_bytes(sink, digits + first, sizeof digits - first);
}

static bool unreserved(uint8_t byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '-' ||
           byte == '.' || byte == '_' || byte == '~';
}

void gohub_sink_escaped(gohub_sink *sink, gohub_text text) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t n = 0; n < text.size; n++) {
        uint8_t byte = (uint8_t)text.bytes[n];
        if (unreserved(byte)) {
            gohub_sink_byte(sink, byte);
        } else {
            gohub_sink_byte(sink, '%');
            gohub_sink_byte(sink, (uint8_t)hex[byte >> 4]);
            gohub_sink_byte(sink, (uint8_t)hex[byte & 15]);
        }
    }
}
