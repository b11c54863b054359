#include "gohub/rooms.h"

#include <string.h>

gohub_text gohub_room_name(const gohub_room *room) {
    gohub_text name = {room->name, room->size};
    return name;
}

gohub_room *gohub_rooms_find(gohub_rooms *rooms, gohub_text name) {
    for (size_t n = 0; n < GOHUB_ROOMS; n++) {
        gohub_room *room = &rooms->room[n];
        if (room->wanted && gohub_text_same(gohub_room_name(room), name)) {
            return room;
        }
    }
    return NULL;
}

bool gohub_rooms_want(gohub_rooms *rooms, gohub_text name) {
    if (gohub_rooms_find(rooms, name) != NULL) {
        return true;
    }
    for (size_t n = 0; n < GOHUB_ROOMS; n++) {
        gohub_room *room = &rooms->room[n];
        if (!room->wanted && name.size <= GOHUB_NAME_BYTES) {
            memset(room, 0, sizeof *room);
            memcpy(room->name, name.bytes, name.size);
            room->size = (uint8_t)name.size;
            room->wanted = true;
            return true;
        }
    }
    return false;
}

void gohub_rooms_entered(gohub_rooms *rooms, gohub_text name) {
    gohub_room *room = gohub_rooms_find(rooms, name);
    if (room != NULL) {
        room->inside = true;
        room->has_since = false;
        room->joining = GOHUB_JOINING_NOT;
    }
}

bool gohub_rooms_drop(gohub_rooms *rooms, gohub_text name) {
    gohub_room *room = gohub_rooms_find(rooms, name);
    if (room != NULL) {
        room->wanted = false;
    }
    return room != NULL;
}

void gohub_rooms_lost(gohub_rooms *rooms, const gohub_offset *position) {
    for (size_t n = 0; n < GOHUB_ROOMS; n++) {
        gohub_room *room = &rooms->room[n];
        if (room->inside) {
            room->has_since = position != NULL;
            if (position != NULL) {
                room->since = *position;
            }
        }
        room->inside = false;
        room->without = false;
        room->joining = GOHUB_JOINING_NOT;
    }
}

void gohub_rooms_forget(gohub_rooms *rooms) {
    for (size_t n = 0; n < GOHUB_ROOMS; n++) {
        rooms->room[n].has_since = false;
    }
}
