#include "gohub/utf8.h"

/* How many bytes follow a first one, and the least code point that needs so many; -1: it begins nothing. */
static int following(uint8_t first, uint32_t *least) {
    if (first < 0x80) {
        *least = 0;
        return 0;
    }
    if ((first & 0xE0) == 0xC0) {
        *least = 0x80;
        return 1;
    }
    if ((first & 0xF0) == 0xE0) {
        *least = 0x800;
        return 2;
    }
    *least = 0x10000;
    return (first & 0xF8) == 0xF0 ? 3 : -1;
}

bool gohub_utf8_valid(const uint8_t *bytes, size_t size) {
    size_t at = 0;
    while (at < size) {
        uint8_t first = bytes[at++];
        uint32_t least;
        int rest = following(first, &least);
        if (rest < 0 || (size_t)rest > size - at) {
            return false;
        }
        uint32_t point = rest == 0 ? first : first & (0x3Fu >> rest);
        for (; rest > 0; rest--) {
            uint8_t next = bytes[at++];
            if ((next & 0xC0) != 0x80) {
                return false;
            }
            point = point << 6 | (next & 0x3Fu);
        }
        if (point < least || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) {
            return false;
        }
    }
    return true;
}

size_t gohub_utf8_write(uint8_t *bytes, uint32_t point) {
    if (point < 0x80) {
        bytes[0] = (uint8_t)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t at = size - 1; at > 0; at--) {
        bytes[at] = (uint8_t)(0x80 | (point & 0x3F));
        point >>= 6;
    }
    bytes[0] = (uint8_t)((0xF00u >> size & 0xF0) | point);
    return size;
}
