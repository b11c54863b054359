#include "gohub/handshake.h"

#include <string.h>

#include "gohub/base64.h"
#include "gohub/sha1.h"

#define KEY_BYTES 24

/* Longer than any hub asks for, a day in seconds: more is taken for so much. */
#define LONGEST_RETRY 86400

void gohub_handshake_begin(gohub_sink *sink, const gohub_url *url) {
    gohub_sink_string(sink, "GET ");
    gohub_sink_bytes(sink, url->path.bytes, url->path.size);
}

/* What proves that the peer speaks WebSocket: a hash of the key and the fixed text of the RFC. */
static void expect(const uint8_t key[KEY_BYTES], char accept[GOHUB_ACCEPT_BYTES]) {
    uint8_t text[KEY_BYTES + 36];
    uint8_t digest[GOHUB_SHA1_BYTES];
    memcpy(text, key, KEY_BYTES);
    memcpy(text + KEY_BYTES, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    gohub_sha1(text, sizeof text, digest);
    gohub_sink sink = gohub_sink_of((uint8_t *)accept, GOHUB_ACCEPT_BYTES);
    gohub_base64_write(&sink, digest, sizeof digest);
}

void gohub_handshake_end(
    gohub_sink *sink,
    const gohub_url *url,
    const char *subprotocol,
    gohub_text token,
    const uint8_t nonce[GOHUB_NONCE_BYTES],
    char accept[GOHUB_ACCEPT_BYTES]
) {
    uint8_t key[KEY_BYTES];
    gohub_sink written = gohub_sink_of(key, sizeof key);
    gohub_base64_write(&written, nonce, GOHUB_NONCE_BYTES);
    expect(key, accept);
    gohub_sink_string(sink, " HTTP/1.1\r\nHost: ");
    gohub_sink_bytes(sink, url->authority.bytes, url->authority.size);
    gohub_sink_string(sink, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
    gohub_sink_bytes(sink, key, sizeof key);
    gohub_sink_string(sink, "\r\nSec-WebSocket-Protocol: ");
    gohub_sink_string(sink, subprotocol);
    if (token.size > 0) {
        /* In a header, not in the query: addresses end up in the logs of proxies. */
        gohub_sink_string(sink, "\r\nAuthorization: Bearer ");
        gohub_sink_bytes(sink, token.bytes, token.size);
    }
    gohub_sink_string(sink, "\r\n\r\n");
}

size_t gohub_handshake_complete(const uint8_t *bytes, size_t size) {
    for (size_t at = 3; at < size; at++) {
        if (memcmp(bytes + at - 3, "\r\n\r\n", 4) == 0) {
            return at + 1;
        }
    }
    return 0;
}

static char lower(char character) {
    return character >= 'A' && character <= 'Z' ? (char)(character + 32) : character;
}

static bool same_word(gohub_text text, const char *word) {
    if (text.size != strlen(word)) {
        return false;
    }
    for (size_t n = 0; n < text.size; n++) {
        if (lower(text.bytes[n]) != lower(word[n])) {
            return false;
        }
    }
    return true;
}

static gohub_text trimmed(const uint8_t *first, const uint8_t *end) {
    while (first < end && (*first == ' ' || *first == '\t')) {
        first++;
    }
    while (end > first && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    gohub_text text = {(const char *)first, (size_t)(end - first)};
    return text;
}

/* Whether the word is one of those between commas. */
static bool lists(gohub_text value, const char *word) {
    const uint8_t *at = (const uint8_t *)value.bytes;
    const uint8_t *end = at + value.size;
    while (at < end) {
        const uint8_t *comma = memchr(at, ',', (size_t)(end - at));
        const uint8_t *stop = comma == NULL ? end : comma;
        if (same_word(trimmed(at, stop), word)) {
            return true;
        }
        at = comma == NULL ? end : comma + 1;
    }
    return false;
}

static uint32_t seconds(gohub_text value) {
    uint32_t number = 0;
    for (size_t n = 0; n < value.size; n++) {
        if (value.bytes[n] < '0' || value.bytes[n] > '9') {
            return 0; /* a date: this device may have no clock that knows it */
        }
        number = number * 10 + (uint32_t)(value.bytes[n] - '0');
        number = number > LONGEST_RETRY ? LONGEST_RETRY : number;
    }
    return number;
}

static unsigned status_of(const uint8_t *line, const uint8_t *end) {
    if (end - line < 12 || memcmp(line, "HTTP/1.1 ", 9) != 0) {
        return 0;
    }
    unsigned status = 0;
    for (int n = 9; n < 12; n++) {
        if (line[n] < '0' || line[n] > '9') {
            return 0;
        }
        status = status * 10 + (line[n] - (unsigned)'0');
    }
    return status;
}

gohub_upgrade gohub_handshake_read(
    const uint8_t *bytes,
    size_t size,
    const char *subprotocol,
    const char accept[GOHUB_ACCEPT_BYTES]
) {
    gohub_upgrade upgrade = {0, false, 0};
    bool websocket = false, upgraded = false, accepted = false, spoken = false, extended = false;
    gohub_text expected = {accept, GOHUB_ACCEPT_BYTES};
    const uint8_t *end = bytes + size;
    for (const uint8_t *line = bytes; line < end;) {
        const uint8_t *stop = memchr(line, '\r', (size_t)(end - line));
        stop = stop == NULL ? end : stop;
        const uint8_t *colon = memchr(line, ':', (size_t)(stop - line));
        if (line == bytes) {
            upgrade.status = status_of(line, stop);
        } else if (colon != NULL) {
            gohub_text name = {(const char *)line, (size_t)(colon - line)};
            gohub_text value = trimmed(colon + 1, stop);
            if (same_word(name, "upgrade")) {
                websocket = same_word(value, "websocket");
            } else if (same_word(name, "connection")) {
                upgraded = upgraded || lists(value, "upgrade");
            } else if (same_word(name, "sec-websocket-accept")) {
                accepted = gohub_text_same(value, expected);
            } else if (same_word(name, "sec-websocket-protocol")) {
                spoken = gohub_text_is(value, subprotocol);
            } else if (same_word(name, "sec-websocket-extensions")) {
                extended = true; /* none was offered */
            } else if (same_word(name, "retry-after")) {
                upgrade.retry_after = seconds(value);
            }
        }
        line = end - stop < 2 ? end : stop + 2;
    }
    upgrade.upgraded = upgrade.status == 101 && websocket && upgraded && accepted && spoken && !extended;
    return upgrade;
}
