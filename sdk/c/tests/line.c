#include "line.h"

#include <string.h>

void line_split(char *line, char *words[LINE_WORDS]) {
    line[strcspn(line, "\n")] = 0;
    for (size_t n = 0; n < LINE_WORDS; n++) {
        words[n] = line;
        line += strcspn(line, "\t");
        if (*line == '\t') {
            *line++ = 0;
        }
    }
}

static unsigned digit(char character) {
    const char *digits = "0123456789abcdef";
    const char *found = strchr(digits, character);
    return found == NULL || character == 0 ? 0 : (unsigned)(found - digits);
}

size_t line_hex(char *text) {
    size_t size = strlen(text) / 2;
    for (size_t n = 0; n < size; n++) {
        unsigned byte = digit(text[2 * n]) << 4 | digit(text[2 * n + 1]);
        memcpy(text + n, &(unsigned char){(unsigned char)byte}, 1);
    }
    return size;
}
