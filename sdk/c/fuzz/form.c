#include "form.h"

#include <stdlib.h>
#include <string.h>

#include "gohub/form.h"
#include "gohub/utf8.h"

static volatile uint8_t seen;

/* Everything that is told lies in the buffer: touching it is what the sanitizer judges. */
static void touch(const void *bytes, size_t size) {
    for (size_t n = 0; n < size; n++) {
        seen = (uint8_t)(seen + ((const uint8_t *)bytes)[n]);
    }
}

static void walk(gohub_envelope *envelope, int depth) {
    const gohub_text texts[] = {envelope->room, envelope->ref, envelope->key, envelope->from, envelope->to, envelope->code,
                                envelope->epoch, envelope->ticket, envelope->message_type, envelope->next};
    gohub_text text;
    gohub_envelope inner;
    for (size_t n = 0; n < sizeof texts / sizeof texts[0]; n++) {
        touch(texts[n].bytes, texts[n].size);
        if (!gohub_utf8_valid((const uint8_t *)texts[n].bytes, texts[n].size)) {
            abort();
        }
    }
    touch(envelope->data.bytes, envelope->data.size);
    if (gohub_data_member(envelope->data, "left", &text)) {
        touch(text.bytes, text.size);
    }
    while (gohub_list_text(&envelope->rooms, &text) || gohub_list_text(&envelope->clients, &text)) {
        touch(text.bytes, text.size);
    }
    while (depth > 0 && gohub_list_envelope(&envelope->messages, &inner)) {
        walk(&inner, depth - 1);
    }
}

/* What was read can be written, and is read as the same again. */
static void again(gohub_form form, const gohub_envelope *envelope) {
    static uint8_t written[1 << 16];
    gohub_envelope plain, reread;
    gohub_sink sink = gohub_sink_of(written, sizeof written);
    memset(&plain, 0, sizeof plain);
    plain.message_id = envelope->message_id;
    plain.ref = envelope->ref;
    plain.data = envelope->data;
    plain.fields = envelope->fields & (1u << GOHUB_FIELD_MESSAGE_ID | 1u << GOHUB_FIELD_REF | 1u << GOHUB_FIELD_DATA);
    if (plain.message_id == GOHUB_GAP || !gohub_form_write(form, &sink, &plain)) {
        return;
    }
    if (!gohub_form_read(form, written, sink.used, &reread) || reread.message_id != plain.message_id ||
        !gohub_text_same(reread.ref, plain.ref) || reread.data.kind != plain.data.kind ||
        reread.data.size != plain.data.size) {
        abort();
    }
}

void fuzz_form(gohub_form form, const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    gohub_envelope envelope;
    memset(&envelope, 0, sizeof envelope);
    memcpy(copy, bytes, size);
    /* A frame's text was found to be UTF-8 before. */
    if (form == GOHUB_CBOR || gohub_utf8_valid(copy, size)) {
        if (gohub_form_read(form, copy, size, &envelope)) {
            again(form, &envelope);
        }
        walk(&envelope, 2);
    }
    free(copy);
}
