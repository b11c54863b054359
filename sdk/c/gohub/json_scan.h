/* The grammar of JSON (RFC 8259), without meaning: where a value ends. */
#ifndef GOHUB_JSON_SCAN_H
#define GOHUB_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gohub/text.h"

/* `data` may be nested 100 levels deep, and in a history it stands inside an envelope. */
#define GOHUB_JSON_DEEPEST 104

/* Where the scanner stands; it never goes beyond `end`. */
typedef struct gohub_scan {
    uint8_t *at;
    const uint8_t *end;
} gohub_scan;

/* Skips white space, and the character if it is the next one; whether it was. */
bool gohub_scan_take(gohub_scan *scan, uint8_t character);

/* The next character behind white space, 0 at the end. */
uint8_t gohub_scan_peek(gohub_scan *scan);

/* Skips one value; false when it is none, or nested too deep. */
bool gohub_scan_skip(gohub_scan *scan);

/* Takes a string and its escapes out of it, in place; false when it is none or has a lone surrogate. */
bool gohub_scan_string(gohub_scan *scan, gohub_text *text);

/* Takes the word if it stands there: `true`, `null`. */
bool gohub_scan_word(gohub_scan *scan, const char *word);

/* Takes a whole number from 0 to 2^64 - 1, without sign, fraction or exponent; something must follow it. */
bool gohub_scan_number(gohub_scan *scan, uint64_t *number);

#endif
