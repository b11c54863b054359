#include "gohub/url.h"

#include <string.h>

static gohub_text from(const char *bytes, size_t size) {
    gohub_text text = {bytes, size};
    return text;
}

/* Up to the first of these characters, or the end. */
static size_t until(gohub_text text, const char *stops) {
    size_t at = 0;
    while (at < text.size && strchr(stops, text.bytes[at]) == NULL) {
        at++;
    }
    return at;
}

static gohub_text behind(gohub_text text, size_t count) {
    return from(text.bytes + count, text.size - count);
}

static bool read_port(gohub_text digits, uint16_t *port) {
    uint32_t number = 0;
    for (size_t n = 0; n < digits.size; n++) {
        if (digits.bytes[n] < '0' || digits.bytes[n] > '9' || number > UINT16_MAX) {
            return false;
        }
        number = number * 10 + (uint32_t)(digits.bytes[n] - '0');
    }
    *port = (uint16_t)number;
    return digits.size > 0 && number > 0 && number <= UINT16_MAX;
}

bool gohub_url_read(const char *address, gohub_url *url) {
    gohub_text text = gohub_text_of(address);
    for (size_t n = 0; n < text.size; n++) {
        if (text.bytes[n] <= ' ' || text.bytes[n] == 0x7F || text.bytes[n] == '#') {
            return false;
        }
    }
    if (text.size > 6 && memcmp(text.bytes, "wss://", 6) == 0) {
        url->secure = true;
        text = behind(text, 6);
    } else if (text.size > 5 && memcmp(text.bytes, "ws://", 5) == 0) {
        url->secure = false;
        text = behind(text, 5);
    } else {
        return false;
    }
    size_t size = until(text, "/?");
    gohub_text authority = from(text.bytes, size);
    url->authority = authority;
    url->path = behind(text, size);
    if (url->path.size == 0 || url->path.bytes[0] == '?') {
        if (url->path.size > 0) {
            return false;
        }
        url->path = gohub_text_of("/");
    }
    if (until(authority, "@") < authority.size) {
        return false;
    }
    bool bracketed = authority.size > 0 && authority.bytes[0] == '[';
    size_t host = until(authority, bracketed ? "]" : ":");
    if (bracketed && host == authority.size) {
        return false;
    }
    url->host = bracketed ? from(authority.bytes + 1, host - 1) : from(authority.bytes, host);
    gohub_text rest = behind(authority, bracketed ? host + 1 : host);
    url->port = url->secure ? 443 : 80;
    if (url->host.size == 0) {
        return false;
    }
    return rest.size == 0 || (rest.bytes[0] == ':' && read_port(behind(rest, 1), &url->port));
}
