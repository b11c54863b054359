#include "gohub/text.h"

#include <string.h>

gohub_text gohub_text_of(const char *string) {
    gohub_text text = {string, string == NULL ? 0 : strlen(string)};
    return text;
}

bool gohub_text_same(gohub_text one, gohub_text other) {
    return one.size == other.size && (one.size == 0 || memcmp(one.bytes, other.bytes, one.size) == 0);
}

bool gohub_text_is(gohub_text text, const char *string) {
    return gohub_text_same(text, gohub_text_of(string));
}
