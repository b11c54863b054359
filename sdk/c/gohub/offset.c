#include "gohub/offset.h"

bool gohub_offset_later(gohub_offset one, gohub_offset other) {
    return one.major != other.major ? one.major > other.major : one.minor > other.minor;
}

/* Reads a number from `*at` on and moves `*at` behind it. */
static bool read_part(gohub_text text, size_t *at, uint64_t *part) {
    size_t first = *at;
    uint64_t number = 0;
    for (; *at < text.size && text.bytes[*at] >= '0' && text.bytes[*at] <= '9'; (*at)++) {
        uint64_t digit = (uint64_t)(text.bytes[*at] - '0');
        if (number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *part = number;
    return *at > first && (text.bytes[first] != '0' || *at == first + 1);
}

bool gohub_offset_read(gohub_text text, gohub_offset *offset) {
    size_t at = 0;
    gohub_offset read;
    if (!read_part(text, &at, &read.major) || at == text.size || text.bytes[at] != '-') {
        return false;
    }
    at++;
    if (!read_part(text, &at, &read.minor) || at != text.size) {
        return false;
    }
    *offset = read;
    return true;
}

void gohub_offset_write(gohub_sink *sink, gohub_offset offset) {
    gohub_sink_number(sink, offset.major);
    gohub_sink_byte(sink, '-');
    gohub_sink_number(sink, offset.minor);
}
