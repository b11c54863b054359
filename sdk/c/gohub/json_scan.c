#include "gohub/json_scan.h"

#include <string.h>

#include "gohub/utf8.h"

uint8_t gohub_scan_peek(gohub_scan *scan) {
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r')) {
        scan->at++;
    }
    return scan->at < scan->end ? *scan->at : 0;
}

bool gohub_scan_take(gohub_scan *scan, uint8_t character) {
    if (gohub_scan_peek(scan) != character || scan->at == scan->end) {
        return false;
    }
    scan->at++;
    return true;
}

bool gohub_scan_word(gohub_scan *scan, const char *word) {
    size_t size = strlen(word);
    (void)gohub_scan_peek(scan);
    if ((size_t)(scan->end - scan->at) < size || memcmp(scan->at, word, size) != 0) {
        return false;
    }
    scan->at += size;
    return true;
}

static bool digits(gohub_scan *scan) {
    const uint8_t *first = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') {
        scan->at++;
    }
    return scan->at > first;
}

static bool here(const gohub_scan *scan, uint8_t one, uint8_t other) {
    return scan->at < scan->end && (*scan->at == one || *scan->at == other);
}

static bool skip_number(gohub_scan *scan) {
    if (here(scan, '-', '-')) {
        scan->at++;
    }
    bool zero = here(scan, '0', '0');
    const uint8_t *first = scan->at;
    if (!digits(scan) || (zero && scan->at > first + 1)) {
        return false;
    }
    if (here(scan, '.', '.')) {
        scan->at++;
        if (!digits(scan)) {
            return false;
        }
    }
    if (here(scan, 'e', 'E')) {
        scan->at++;
        if (here(scan, '+', '-')) {
            scan->at++;
        }
        return digits(scan);
    }
    return true;
}

static bool four_hex(gohub_scan *scan, uint32_t *unit) {
    if (scan->end - scan->at < 4) {
        return false;
    }
    *unit = 0;
    for (int n = 0; n < 4; n++) {
        uint8_t character = *scan->at++;
        uint32_t digit;
        if (character >= '0' && character <= '9') {
            digit = character - (uint32_t)'0';
        } else if ((character | 0x20) >= 'a' && (character | 0x20) <= 'f') {
            digit = (character | 0x20u) - (uint32_t)'a' + 10;
        } else {
            return false;
        }
        *unit = *unit << 4 | digit;
    }
    return true;
}

/* What a backslash and this character stand for; 0 for none. */
static uint8_t escaped(uint8_t character) {
    switch (character) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case '"':
    case '\\':
    case '/': return character;
    default: return 0;
    }
}

/* Behind `\u`: one code point, of one unit or of a pair. */
static bool code_point(gohub_scan *scan, uint32_t *point) {
    uint32_t low;
    if (!four_hex(scan, point)) {
        return false;
    }
    if (*point < 0xD800 || *point > 0xDFFF) {
        return true;
    }
    if (*point > 0xDBFF || scan->end - scan->at < 6 || scan->at[0] != '\\' || scan->at[1] != 'u') {
        return false;
    }
    scan->at += 2;
    if (!four_hex(scan, &low) || low < 0xDC00 || low > 0xDFFF) {
        return false;
    }
    *point = 0x10000 + ((*point - 0xD800) << 10) + (low - 0xDC00);
    return true;
}

/* One string. `to`: where its bytes go, never ahead of where they come from; NULL skips it. */
static bool string(gohub_scan *scan, uint8_t **to) {
    if (!gohub_scan_take(scan, '"')) {
        return false;
    }
    while (scan->at < scan->end) {
        uint8_t character = *scan->at++;
        if (character == '"') {
            return true;
        }
        if (character < 0x20) {
            return false;
        }
        if (character != '\\') {
            if (to != NULL) {
                *(*to)++ = character;
            }
            continue;
        }
        if (scan->at == scan->end) {
            return false;
        }
        character = *scan->at++;
        uint8_t meant = escaped(character);
        uint32_t point = meant;
        if (meant == 0 && (character != 'u' || !code_point(scan, &point))) {
            return false;
        }
        if (to != NULL) {
            *to += gohub_utf8_write(*to, point);
        }
    }
    return false;
}

bool gohub_scan_string(gohub_scan *scan, gohub_text *text) {
    if (gohub_scan_peek(scan) != '"') {
        return false;
    }
    uint8_t *first = scan->at;
    uint8_t *to = first;
    if (!string(scan, &to)) {
        return false;
    }
    text->bytes = (const char *)first;
    text->size = (size_t)(to - first);
    return true;
}

bool gohub_scan_number(gohub_scan *scan, uint64_t *number) {
    (void)gohub_scan_peek(scan);
    const uint8_t *first = scan->at;
    *number = 0;
    for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++) {
        uint64_t digit = (uint64_t)*scan->at - '0';
        if (*number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        *number = *number * 10 + digit;
    }
    /* At the end of a message that was cut nobody knows whether it goes on. */
    bool plain = scan->at < scan->end && !here(scan, '.', 'e') && !here(scan, 'E', 'E');
    return plain && scan->at > first && (*first != '0' || scan->at == first + 1);
}

static bool skip_scalar(gohub_scan *scan) {
    switch (gohub_scan_peek(scan)) {
    case '"': return string(scan, NULL);
    case 't': return gohub_scan_word(scan, "true");
    case 'f': return gohub_scan_word(scan, "false");
    case 'n': return gohub_scan_word(scan, "null");
    default: return skip_number(scan);
    }
}

static bool skip_name(gohub_scan *scan) {
    return gohub_scan_peek(scan) == '"' && string(scan, NULL) && gohub_scan_take(scan, ':');
}

bool gohub_scan_skip(gohub_scan *scan) {
    /* One bit for each level: whether it is an object. No recursion, so no message decides how much stack is used. */
    uint8_t objects[(GOHUB_JSON_DEEPEST + 7) / 8] = {0};
    size_t depth = 0;
    for (;;) {
        uint8_t next = gohub_scan_peek(scan);
        if (next == '{' || next == '[') {
            if (depth == GOHUB_JSON_DEEPEST) {
                return false;
            }
            scan->at++;
            uint8_t bit = (uint8_t)(1u << (depth & 7));
            uint8_t *level = &objects[depth >> 3];
            *level = (uint8_t)(next == '{' ? *level | bit : *level & ~bit);
            depth++;
            if (!gohub_scan_take(scan, next == '{' ? '}' : ']')) {
                if (next == '{' && !skip_name(scan)) {
                    return false;
                }
                continue;
            }
            depth--;
        } else if (!skip_scalar(scan)) {
            return false;
        }
        /* A value ended: so may those around it. */
        for (;;) {
            if (depth == 0) {
                return true;
            }
            bool object = (objects[(depth - 1) >> 3] >> ((depth - 1) & 7) & 1) != 0;
            if (gohub_scan_take(scan, ',')) {
                if (object && !skip_name(scan)) {
                    return false;
                }
                break;
            }
            if (!gohub_scan_take(scan, object ? '}' : ']')) {
                return false;
            }
            depth--;
        }
    }
}
