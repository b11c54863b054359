#include "parts.h"

#include <string.h>

#include "check.h"
#include "gohub/base64.h"
#include "gohub/sha1.h"
#include "gohub/url.h"
#include "gohub/utf8.h"

void a_key_and_its_accept_are_those_of_the_rfc(void) {
    uint8_t digest[GOHUB_SHA1_BYTES], text[32] = {0};
    const char *given = "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    gohub_sha1((const uint8_t *)given, strlen(given), digest);
    gohub_sink sink = gohub_sink_of(text, sizeof text);
    gohub_base64_write(&sink, digest, sizeof digest);
    CHECK(strcmp((const char *)text, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == 0);
    gohub_sha1((const uint8_t *)"abc", 3, digest);
    CHECK(memcmp(digest, "\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d", 20) == 0);
}

void base64_is_read_as_it_was_written_and_nothing_else_is(void) {
    for (size_t size = 0; size < 20; size++) {
        uint8_t bytes[20], text[32];
        for (size_t n = 0; n < size; n++) {
            bytes[n] = (uint8_t)(n * 37 + size);
        }
        gohub_sink sink = gohub_sink_of(text, sizeof text);
        gohub_base64_write(&sink, bytes, size);
        size_t read = sink.used;
        CHECK(gohub_base64_read(text, &read) && read == size && memcmp(text, bytes, size) == 0);
    }
    const char *wrong[] = {"A", "AA", "AAA", "A===", "AA=A", "=AAA", "AA A", "AA\n=", "AAAA=AAA"};
    for (size_t n = 0; n < sizeof wrong / sizeof wrong[0]; n++) {
        uint8_t text[16];
        size_t size = strlen(wrong[n]);
        memcpy(text, wrong[n], size);
        CHECK(!gohub_base64_read(text, &size));
    }
}

void an_address_is_taken_apart_and_a_wrong_one_is_refused(void) {
    gohub_url url;
    CHECK(gohub_url_read("wss://hub.example.com/ws?a=1", &url) && url.secure && url.port == 443);
    CHECK(gohub_text_is(url.host, "hub.example.com") && gohub_text_is(url.path, "/ws?a=1"));
    CHECK(gohub_url_read("ws://[::1]:8080/ws", &url) && gohub_text_is(url.host, "::1") && url.port == 8080);
    CHECK(gohub_text_is(url.authority, "[::1]:8080"));
    CHECK(gohub_url_read("ws://hub", &url) && url.port == 80 && gohub_text_is(url.path, "/"));
    const char *wrong[] = {"", "ws://", "http://hub/", "ws://hub:0/", "ws://hub:65536/", "ws://hub:/", "ws://a b/", "ws://[::1/",
                           "ws://u:p@hub/", "ws://hub/\r\nX: y", "ws://hub/#f", "ws://:80/"};
    for (size_t n = 0; n < sizeof wrong / sizeof wrong[0]; n++) {
        CHECK(!gohub_url_read(wrong[n], &url));
    }
}

void utf8_is_what_the_rfc_calls_so(void) {
    CHECK(gohub_utf8_valid((const uint8_t *)"a\xc3\xa9\xe9\x83\xa8\xf0\x9f\x98\x80", 10));
    const char *wrong[] = {"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xc3", "\xff", "\xe9\x83"};
    for (size_t n = 0; n < sizeof wrong / sizeof wrong[0]; n++) {
        CHECK(!gohub_utf8_valid((const uint8_t *)wrong[n], strlen(wrong[n])));
    }
}
