#include "gohub/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void gohub_base64_write(gohub_sink *sink, const uint8_t *bytes, size_t size) {
    for (size_t at = 0; at < size; at += 3) {
        size_t rest = size - at;
        uint32_t group = (uint32_t)bytes[at] << 16;
        group |= rest > 1 ? (uint32_t)bytes[at + 1] << 8 : 0;
        group |= rest > 2 ? (uint32_t)bytes[at + 2] : 0;
        gohub_sink_byte(sink, (uint8_t)alphabet[group >> 18]);
        gohub_sink_byte(sink, (uint8_t)alphabet[group >> 12 & 63]);
        gohub_sink_byte(sink, rest > 1 ? (uint8_t)alphabet[group >> 6 & 63] : '=');
        gohub_sink_byte(sink, rest > 2 ? (uint8_t)alphabet[group & 63] : '=');
    }
}

/* What a character stands for, 64 for none. */
static uint32_t sextet(uint8_t character) {
    if (character >= 'A' && character <= 'Z') {
        return character - (uint32_t)'A';
    }
    if (character >= 'a' && character <= 'z') {
        return character - (uint32_t)'a' + 26;
    }
    if (character >= '0' && character <= '9') {
        return character - (uint32_t)'0' + 52;
    }
    return character == '+' ? 62 : character == '/' ? 63 : 64;
}

bool gohub_base64_read(uint8_t *text, size_t *size) {
    if (*size % 4 != 0) {
        return false;
    }
    size_t used = 0;
    for (size_t at = 0; at < *size; at += 4) {
        bool last = at + 4 == *size;
        size_t padding = last && text[at + 3] == '=' ? (text[at + 2] == '=' ? 2 : 1) : 0;
        uint32_t group = 0;
        for (size_t n = 0; n < 4; n++) {
            uint32_t bits = n >= 4 - padding ? 0 : sextet(text[at + n]);
            if (bits == 64) {
                return false;
            }
            group = group << 6 | bits;
        }
        for (size_t n = 0; n < 3 - padding; n++) {
            text[used++] = (uint8_t)(group >> (16 - 8 * n));
        }
    }
    *size = used;
    return true;
}
