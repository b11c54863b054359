#include "gohub/desk.h"

#include <string.h>

#include "gohub/form.h"
#include "gohub/reconnect.h"

/* Where the bytes of a request begin. */
static size_t place(const gohub_desk *desk, size_t index) {
    size_t at = 0;
    for (size_t n = 0; n < index; n++) {
        at += (size_t)desk->waiting[n].room_size + desk->waiting[n].size;
    }
    return at;
}

gohub_code gohub_desk_add(
    gohub_desk *desk,
    gohub_form form,
    const gohub_envelope *envelope,
    const gohub_waiting *waiting,
    size_t most
) {
    if (desk->count == GOHUB_PENDING) {
        return GOHUB_QUEUE_FULL;
    }
    gohub_sink sink = gohub_sink_of(desk->bytes + desk->used, desk->size - desk->used);
    bool named = envelope->message_id == GOHUB_JOIN || envelope->message_id == GOHUB_LEAVE;
    size_t room = named ? envelope->room.size : 0;
    gohub_sink_bytes(&sink, envelope->room.bytes, room);
    if (!gohub_form_write(form, &sink, envelope)) {
        if (!sink.full) {
            return GOHUB_BAD_ARGUMENT;
        }
        return desk->used == 0 ? GOHUB_TOO_LARGE : GOHUB_QUEUE_FULL;
    }
    if (sink.used - room > most) {
        return GOHUB_TOO_LARGE;
    }
    gohub_waiting *entry = &desk->waiting[desk->count++];
    *entry = *waiting;
    entry->room_size = (uint16_t)room;
    entry->size = (uint16_t)(sink.used - room);
    desk->used += sink.used;
    return GOHUB_OK;
}

gohub_text gohub_desk_room(const gohub_desk *desk, size_t index) {
    gohub_text room = {(const char *)desk->bytes + place(desk, index), desk->waiting[index].room_size};
    return room;
}

const uint8_t *gohub_desk_message(const gohub_desk *desk, size_t index) {
    return desk->bytes + place(desk, index) + desk->waiting[index].room_size;
}

size_t gohub_desk_find(const gohub_desk *desk, uint32_t ref) {
    size_t index = 0;
    while (index < desk->count && !(desk->waiting[index].sent && desk->waiting[index].ref == ref)) {
        index++;
    }
    return index;
}

bool gohub_desk_has(const gohub_desk *desk, uint32_t id, gohub_text room) {
    for (size_t index = 0; index < desk->count; index++) {
        if (desk->waiting[index].id == id && gohub_text_same(gohub_desk_room(desk, index), room)) {
            return true;
        }
    }
    return false;
}

void gohub_desk_remove(gohub_desk *desk, size_t index) {
    size_t first = place(desk, index);
    size_t behind = place(desk, index + 1);
    memmove(desk->bytes + first, desk->bytes + behind, desk->used - behind);
    desk->used -= behind - first;
    desk->count--;
    memmove(&desk->waiting[index], &desk->waiting[index + 1], (desk->count - index) * sizeof desk->waiting[0]);
}

void gohub_desk_lost(gohub_desk *desk, bool too_big) {
    uint16_t largest = 0;
    for (size_t index = 0; index < desk->count; index++) {
        const gohub_waiting *entry = &desk->waiting[index];
        largest = entry->sent && entry->size > largest ? entry->size : largest;
    }
    for (size_t index = 0; index < desk->count; index++) {
        gohub_waiting *entry = &desk->waiting[index];
        if (!entry->sent) {
            continue;
        }
        bool culprit = too_big && entry->size == largest;
        entry->sent = false;
        entry->not_before = 0;
        entry->uncertain = !culprit;
        entry->doom = culprit ? GOHUB_TOO_LARGE : entry->repeatable ? GOHUB_OK : GOHUB_CONNECTION_LOST;
    }
}

uint64_t gohub_desk_due(const gohub_desk *desk, uint64_t now, bool connected) {
    uint64_t due = GOHUB_NEVER;
    for (size_t index = 0; index < desk->count; index++) {
        const gohub_waiting *entry = &desk->waiting[index];
        due = entry->deadline < due ? entry->deadline : due;
        if (connected && !entry->sent && entry->not_before > now && entry->not_before < due) {
            due = entry->not_before;
        }
    }
    return due;
}
