/*
 * The client in the one loop of a device without threads: every task is a function that does a little and returns, and nothing
 * waits anywhere. On an RTOS this loop is the body of one task, and `idle` is its delay or its wait for an interrupt. The
 * network here is the POSIX transport; on a device it is the driver's or lwIP's, with the same four calls.
 *   loop URL NAME ROOM SECONDS
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gohub/gohub.h"
#include "posix.h"

/* How long the processor sleeps when no task has anything to do, in milliseconds. */
#define TICK_MS 5
#define BLINK_MS 100

static gohub_client client;
static gohub_posix posix;
static gohub_transport transport;
static GOHUB_BUFFERS(buffers);
static const char *room;
static unsigned blinks, heard;
static bool light;

static void on_event(void *context, gohub_client *told, const gohub_event *event) {
    (void)context;
    if (event->type == GOHUB_EVENT_WELCOME && !event->resumed) {
        /* Called from within poll: it is written down, and done before poll is called next. */
        (void)gohub_client_publish(told, room, gohub_data_json("\"here\""), NULL);
    } else if (event->type == GOHUB_EVENT_MESSAGE) {
        heard++;
    }
}

/* A task that has nothing to do with the network, and must not suffer from it. */
static void blink(uint64_t now) {
    static uint64_t next;
    if (now >= next) {
        next = now + BLINK_MS;
        light = !light;
        blinks++;
    }
}

static void idle(void) {
    struct timespec tick = {0, TICK_MS * 1000000L};
    (void)nanosleep(&tick, NULL);
}

int main(int count, char **words) {
    if (count < 5) {
        (void)fprintf(stderr, "usage: loop URL NAME ROOM SECONDS\n");
        return 2;
    }
    const char *url = words[1];
    gohub_options options = {
        .urls = &url,
        .url_count = 1,
        .client_id = words[2],
        .buffers = GOHUB_USE_BUFFERS(buffers),
        .on_event = on_event,
    };
    room = words[3];
    transport = gohub_posix_transport(&posix);
    if (gohub_client_init(&client, &options, &transport) != GOHUB_OK ||
        gohub_client_join(&client, room, NULL, NULL) != GOHUB_OK) {
        return 2;
    }
    gohub_client_connect(&client);
    uint64_t until = transport.now(transport.context) + strtoul(words[4], NULL, 10) * 1000;
    while (transport.now(transport.context) < until) {
        blink(transport.now(transport.context));
        if (gohub_client_poll(&client) > 0) {
            idle();
        }
    }
    gohub_client_close(&client);
    (void)gohub_client_poll(&client);
    printf("blinked %u, heard %u\n", blinks, heard);
    return 0;
}
