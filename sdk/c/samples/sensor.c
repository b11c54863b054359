/*
 * A sensor: says its reading in a room, each with an idempotency key of its own, and does what it is told by messages to its
 * name: {"every_ms":500} changes how often it reads, {"stop":true} ends it. Everything it needs is in these few variables.
 *   sensor URL NAME ROOM [TOKEN]
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gohub/gohub.h"
#include "posix.h"

#define EVERY_MS 2000
/* A device that reads faster than the hub answers drops readings; it does not heap them up. */
#define IN_FLIGHT 4

static gohub_client client;
static gohub_posix posix;
static gohub_transport transport;
static GOHUB_BUFFERS(buffers);
static const char *name;
static uint64_t every_ms = EVERY_MS;
static unsigned readings, acked, in_flight;
static bool stopped;

static void on_ack(void *context, const gohub_answer *answer) {
    (void)context;
    in_flight--;
    if (answer->envelope != NULL) {
        acked++;
        printf("acked %u\n", acked);
    } else {
        printf("lost: %s\n", gohub_code_name(answer->error.code));
    }
}

/* A made-up sensor. */
static void read_sensor(char *text, size_t size) {
    unsigned tenths = 180 + readings * 7 % 50;
    (void)snprintf(text, size, "{\"n\":%u,\"celsius\":%u.%u}", readings, tenths / 10, tenths % 10);
}

static void publish_reading(const char *room) {
    char text[64];
    char key[64];
    if (in_flight == IN_FLIGHT) {
        return;
    }
    read_sensor(text, sizeof text);
    /* Before the `#` the conflation key: who reads too slowly gets the newest of each sensor. Behind it what makes it unique, */
    /* over a restart of the device too. */
    (void)snprintf(key, sizeof key, "%.24s#%08x%08x", name, (unsigned)transport.random(transport.context), readings);
    gohub_request request = {on_ack, NULL, 0, "reading", key, false};
    if (gohub_client_publish(&client, room, gohub_data_json(text), &request) == GOHUB_OK) {
        in_flight++;
        readings++;
    }
}

static void on_command(gohub_data data) {
    gohub_text value;
    if (gohub_data_member(data, "every_ms", &value)) {
        unsigned long wanted = strtoul(value.bytes, NULL, 10);
        every_ms = wanted < 10 ? 10 : wanted;
        printf("reading every %lu ms\n", (unsigned long)every_ms);
    }
    if (gohub_data_member(data, "stop", &value) && gohub_text_is(value, "true")) {
        gohub_client_close(&client);
    }
}

static void on_event(void *context, gohub_client *told, const gohub_event *event) {
    (void)context;
    (void)told;
    switch (event->type) {
    case GOHUB_EVENT_STATE: printf("%s\n", gohub_state_name(event->state)); break;
    case GOHUB_EVENT_MESSAGE:
        if (event->envelope->message_id == GOHUB_UNICAST) {
            on_command(event->envelope->data);
        }
        break;
    case GOHUB_EVENT_GAP: printf("missed something: %s\n", gohub_gap_reason_name(event->reason)); break;
    case GOHUB_EVENT_CLOSED:
        printf("not coming back: %u %.*s\n", event->code, (int)event->words.size, event->words.bytes);
        stopped = true;
        break;
    default: break;
    }
}

int main(int count, char **words) {
    if (count < 4) {
        (void)fprintf(stderr, "usage: sensor URL NAME ROOM [TOKEN]\n");
        return 2;
    }
    const char *url = words[1];
    name = words[2];
    gohub_options options = {
        .urls = &url,
        .url_count = 1,
        .client_id = name,
        .token = count > 4 ? words[4] : NULL,
        .form = GOHUB_CBOR,
        .buffers = GOHUB_USE_BUFFERS(buffers),
        .on_event = on_event,
    };
    transport = gohub_posix_transport(&posix);
    if (gohub_client_init(&client, &options, &transport) != GOHUB_OK) {
        (void)fprintf(stderr, "wrong address, name or token\n");
        return 2;
    }
    gohub_client_connect(&client);
    uint64_t next = 0;
    while (!stopped) {
        uint64_t now = transport.now(transport.context);
        if (now >= next) {
            next = now + every_ms;
            publish_reading(words[3]);
        }
        uint32_t wait = gohub_client_poll(&client);
        uint64_t rest = next > now ? next - now : 0;
        (void)fflush(stdout);
        short writes = gohub_client_wants_write(&client) ? POLLOUT : 0;
        struct pollfd watched = {posix.socket, (short)(POLLIN | writes), 0};
        (void)poll(&watched, 1, (int)(wait < rest ? wait : rest));
    }
    return 0;
}
