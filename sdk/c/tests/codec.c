/*
 * The two forms, for tests/vectors.py, which gives one command a line:
 *   read   FORM HEX          answers the envelope as JSON, or null
 *   cut    FORM HEX          the same of what could be read of a message that breaks off
 *   write  FORM NAME=VALUE.. answers the message in hex, or null
 *   tables                   answers the names this library knows
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"
#include "gohub/error.h"
#include "gohub/field.h"
#include "gohub/form.h"
#include "line.h"

#define LINE_BYTES (1 << 18)

static gohub_form form_of(const char *name) {
    return strcmp(name, "cbor") == 0 ? GOHUB_CBOR : GOHUB_JSON;
}

static void read_one(char *words[LINE_WORDS], bool cut) {
    size_t size = line_hex(words[2]);
    /* A copy of its own size: a byte too far is seen by the sanitizer. */
    uint8_t *bytes = malloc(size == 0 ? 1 : size);
    gohub_envelope envelope;
    memset(&envelope, 0, sizeof envelope);
    memcpy(bytes, words[2], size);
    if (gohub_form_read(form_of(words[1]), bytes, size, &envelope) || cut) {
        dump_envelope(&envelope);
    } else {
        printf("null");
    }
    putchar('\n');
    free(bytes);
}

static void put(gohub_envelope *envelope, unsigned field, char *value) {
    gohub_text text = gohub_text_of(value);
    gohub_offset offset;
    void *member = gohub_field_of(envelope, field);
    switch (gohub_fields[field].kind) {
    case GOHUB_KIND_TEXT:
    case GOHUB_KIND_NAME_OR_OFFSET: memcpy(member, &text, sizeof text); break;
    case GOHUB_KIND_OFFSET:
        if (gohub_offset_read(text, &offset)) {
            memcpy(member, &offset, sizeof offset);
        }
        break;
    case GOHUB_KIND_DATA: break;
    default: (void)gohub_field_put_number(envelope, field, strtoull(value, NULL, 10)); break;
    }
    gohub_envelope_set(envelope, field);
}

static void write_one(char *words[LINE_WORDS]) {
    static uint8_t bytes[4096];
    gohub_sink sink = gohub_sink_of(bytes, sizeof bytes);
    gohub_envelope envelope;
    memset(&envelope, 0, sizeof envelope);
    for (size_t n = 2; n < LINE_WORDS && words[n][0] != 0; n++) {
        char *value = strchr(words[n], '=');
        *value++ = 0;
        if (strcmp(words[n], "data_hex") == 0 || strcmp(words[n], "data_text_hex") == 0) {
            size_t size = line_hex(value);
            envelope.data = gohub_data_bytes(value, size);
            envelope.data.kind = strcmp(words[n], "data_hex") == 0 ? GOHUB_DATA_BYTES : GOHUB_DATA_JSON;
            gohub_envelope_set(&envelope, GOHUB_FIELD_DATA);
        } else {
            put(&envelope, gohub_field_named(gohub_text_of(words[n])), value);
        }
    }
    if (!gohub_form_write(form_of(words[1]), &sink, &envelope)) {
        printf("null\n");
        return;
    }
    putchar('"');
    for (size_t n = 0; n < sink.used; n++) {
        printf("%02x", (unsigned)bytes[n]);
    }
    printf("\"\n");
}

static void tables(void) {
    printf("{\"fields\":[");
    for (unsigned field = 0; field < GOHUB_FIELDS; field++) {
        printf("%s\"%s\"", field == 0 ? "" : ",", gohub_fields[field].name);
    }
    printf("],\"error_codes\":[");
    for (unsigned code = GOHUB_BAD_REQUEST; code < GOHUB_OTHER; code++) {
        printf("%s\"%s\"", code == GOHUB_BAD_REQUEST ? "" : ",", gohub_code_name((gohub_code)code));
    }
    printf("],\"gap_reasons\":[");
    for (unsigned reason = 0; reason < GOHUB_GAP_TOO_LARGE; reason++) {
        printf("%s\"%s\"", reason == 0 ? "" : ",", gohub_gap_reason_name((gohub_gap_reason)reason));
    }
    printf("],\"ids\":{\"ping\":%d,\"pong\":%d,\"welcome\":%d,\"ack\":%d,\"error\":%d,\"refresh\":%d,", GOHUB_PING, GOHUB_PONG,
           GOHUB_WELCOME, GOHUB_ACK, GOHUB_ERROR, GOHUB_REFRESH);
    printf("\"join\":%d,\"leave\":%d,\"presence\":%d,\"history\":%d,\"broadcast\":%d,\"unicast\":%d,", GOHUB_JOIN, GOHUB_LEAVE,
           GOHUB_PRESENCE, GOHUB_HISTORY, GOHUB_BROADCAST, GOHUB_UNICAST);
    printf("\"room_message\":%d,\"drain\":%d,\"gap\":%d,\"mode\":%d,\"retry\":%d},", GOHUB_ROOM_MESSAGE, GOHUB_DRAIN, GOHUB_GAP,
           GOHUB_MODE, GOHUB_RETRY);
    printf("\"first_application_id\":%d,\"subprotocols\":[\"%s\",\"%s\"]}\n", GOHUB_FIRST_APPLICATION_ID,
           gohub_form_subprotocol(GOHUB_JSON), gohub_form_subprotocol(GOHUB_CBOR));
}

int main(void) {
    static char line[LINE_BYTES];
    char *words[LINE_WORDS];
    while (fgets(line, sizeof line, stdin) != NULL) {
        line_split(line, words);
        if (strcmp(words[0], "tables") == 0) {
            tables();
        } else if (strcmp(words[0], "write") == 0) {
            write_one(words);
        } else {
            read_one(words, strcmp(words[0], "cut") == 0);
        }
        (void)fflush(stdout);
    }
    return 0;
}
