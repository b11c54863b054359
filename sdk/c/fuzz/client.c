/*
 * A hub, a network and an application that do anything at any time: what holds of the client in every history. Each request is
 * settled once and never twice, nothing hangs, a position never goes back under one welcome, and a closed client rests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "stage.h"

#define REQUESTS 512

static stage world;
static stage_answer answers[REQUESTS];
static size_t asked;
static unsigned welcomes;
static gohub_offset position;
static const uint8_t *at, *end;

static uint8_t next(void) {
    return at < end ? *at++ : 0;
}

static void check(bool good, int line) {
    if (!good) {
        (void)fprintf(stderr, "line %d does not hold\n", line);
        abort();
    }
}
#define demand(good) check(good, __LINE__)

static void ask_for_tokens(gohub_options *options) {
    options->ask_token = next() & 1;
    options->form = next() & 1 ? GOHUB_CBOR : GOHUB_JSON;
    options->url_count = 1 + (next() & 1u);
}

/* A message of the hub with a few figures in it. */
static void hear(void) {
    static const char *const messages[] = {
        "{\"message_id\":3,\"client_id\":\"a\",\"epoch\":\"e%u\",\"offset\":\"%u-0\",\"rooms\":[\"r\"],\"ticket\":\"t\",\"ticket_life_ms\":9000}",
        "{\"message_id\":3,\"client_id\":\"a\",\"epoch\":\"e%u\",\"offset\":\"%u-0\",\"rooms\":[],\"max_message\":60}",
        "{\"message_id\":4,\"ref\":\"%u\",\"offset\":\"%u-0\",\"data\":{\"left\":[\"r\"]}}",
        "{\"message_id\":5,\"ref\":\"%u\",\"code\":\"timeout\",\"retryable\":true,\"count\":%u}",
        "{\"message_id\":5,\"ref\":\"%u\",\"code\":\"forbidden\",\"retryable\":false,\"count\":%u}",
        "{\"message_id\":1,\"ref\":\"%u\",\"offset\":\"%u-0\"}",
        "{\"message_id\":22,\"room\":\"r\",\"ts\":%u,\"offset\":\"%u-0\",\"data\":[1]}",
        "{\"message_id\":30,\"close_in_ms\":%u,\"reconnect_in_ms\":%u}",
        "{\"message_id\":31,\"from\":\"%u-0\",\"to\":\"%u-0\",\"reason\":\"expired\"}",
        "{\"message_id\":33,\"after_ms\":%u,\"count\":%u}",
        "{\"message_id\":6,\"close_in_ms\":%u,\"count\":%u}",
        "{\"message_id\":10,\"room\":\"q%u\",\"offset\":\"%u-0\"}",
        "{\"message_id\":11,\"room\":\"r\",\"ts\":%u,\"count\":%u}",
    };
    char json[256];
    const char *form = messages[next() % (sizeof messages / sizeof messages[0])];
    unsigned one = next() % 16, two = next();
    int size = snprintf(json, sizeof json, form, one, two);
    stage_frame(&world, 0x81, json, (size_t)size);
}

static void raw(bool framed) {
    size_t size = next();
    size = size < (size_t)(end - at) ? size : (size_t)(end - at);
    if (framed) {
        stage_frame(&world, world.options.form == GOHUB_CBOR ? 0x82 : 0x81, at, size);
    } else {
        stage_send(&world, at, size);
    }
    at += size;
}

static void ask(uint8_t what) {
    gohub_client *client = &world.client;
    if (asked == REQUESTS) {
        return;
    }
    gohub_request request = {stage_done, &answers[asked], 1u + next() * 100u, NULL, NULL, (what & 16) != 0};
    static const char *const rooms[] = {"r", "s", "t", "u", "v", "w"};
    const char *room = rooms[next() % 6];
    gohub_code code;
    switch (what % 5) {
    case 0: code = gohub_client_join(client, room, NULL, &request); break;
    case 1: code = gohub_client_leave(client, room, &request); break;
    case 2: code = gohub_client_refresh(client, "t", &request); break;
    default: code = gohub_client_publish(client, room, gohub_data_json("[1,2]"), &request); break;
    }
    asked += code == GOHUB_OK ? 1 : 0;
}

static void step(void) {
    gohub_client *client = &world.client;
    static const unsigned codes[] = {0, 1001, 1009, 1012, 1013, 4000, 4004, 4006};
    switch (next() % 16) {
    case 0: gohub_client_connect(client); break;
    case 1:
        if (next() % 4 == 0) {
            gohub_client_close(client);
        }
        break;
    case 2: gohub_client_wake(client); break;
    case 3: stage_pass(&world, next() * 100u); break;
    case 4: world.now += next() * 10000u; break;
    case 5:
    case 6: stage_accept(&world, NULL); break;
    case 7: stage_accept(&world, "HTTP/1.1 503 Full\r\nRetry-After: 1\r\n\r\n"); break;
    case 8: raw(true); break;
    case 9: raw(false); break;
    case 10: (void)gohub_client_token(client, "token"); break;
    case 11: gohub_client_no_token(client); break;
    case 12:
        stage_close(&world, codes[next() % 8]);
        break;
    case 13: world.piece = 1 + next() * 16u; break;
    case 14: ask(next()); break;
    default: hear(); break;
    }
    stage_poll(&world);
    if (world.out_size > STAGE_BYTES / 2) {
        world.out_at = world.out_size = 0;
    }
}

/* What always holds. */
static void judge(void) {
    const gohub_client *client = &world.client;
    for (size_t n = 0; n < asked; n++) {
        demand(answers[n].times <= 1);
    }
    gohub_offset now;
    /* A welcome may have brought another epoch. */
    bool same = welcomes == world.welcomes;
    if (gohub_client_position(client, &now)) {
        demand(!same || !gohub_offset_later(position, now));
        position = now;
    }
    welcomes = world.welcomes;
    gohub_state state = gohub_client_state(client);
    bool rests = state == GOHUB_IDLE || state == GOHUB_STATE_CLOSED;
    /* Requests may wait before connect; nothing waits behind the end. */
    demand(state != GOHUB_STATE_CLOSED || world.wait == UINT32_MAX);
    demand(rests || world.wait < UINT32_MAX);
    demand(!rests || (!gohub_client_inside(client, "r") && !world.connected));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    at = bytes;
    end = bytes + size;
    asked = 0;
    memset(answers, 0, sizeof answers);
    welcomes = 0;
    memset(&position, 0, sizeof position);
    stage_begin(&world, ask_for_tokens);
    while (at < end) {
        step();
        judge();
    }
    world.piece = STAGE_BYTES;
    gohub_client_close(&world.client);
    stage_poll(&world);
    judge();
    for (size_t n = 0; n < asked; n++) {
        demand(answers[n].times == 1);
    }
    return 0;
}
