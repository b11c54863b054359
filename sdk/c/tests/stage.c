#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gohub/base64.h"
#include "gohub/sha1.h"

static bool stage_net_open(void *context, const gohub_url *url) {
    stage *net = context;
    (void)url;
    net->opened++;
    net->in_at = net->in_size = net->out_at = net->out_size = 0;
    net->broken = false;
    net->connected = !net->refuses;
    return net->connected;
}

static size_t least(size_t one, size_t other) {
    return one < other ? one : other;
}

static int stage_net_read(void *context, void *bytes, size_t size) {
    stage *net = context;
    size_t count = least(least(size, net->piece), net->in_size - net->in_at);
    if (count == 0) {
        return net->broken ? GOHUB_GONE : 0;
    }
    memcpy(bytes, net->in + net->in_at, count);
    net->in_at += count;
    return (int)count;
}

static int stage_net_write(void *context, const void *bytes, size_t size) {
    stage *net = context;
    size_t count = least(least(size, net->piece), STAGE_BYTES - net->out_size);
    if (net->broken) {
        return GOHUB_GONE;
    }
    memcpy(net->out + net->out_size, bytes, count);
    net->out_size += count;
    return (int)count;
}

static void stage_net_close(void *context) {
    stage *net = context;
    net->connected = false;
}

static uint64_t stage_now(void *context) {
    return ((stage *)context)->now;
}

static uint32_t stage_random(void *context) {
    stage *net = context;
    net->seed = net->seed * 1664525u + 1013904223u;
    return net->seed ^ net->seed >> 16;
}

static void on_event(void *context, gohub_client *client, const gohub_event *event) {
    stage *told = context;
    (void)client;
    if (told->event_count == STAGE_EVENTS) {
        memmove(told->events, told->events + 1, (STAGE_EVENTS - 1) * sizeof told->events[0]);
        told->event_count--;
    }
    told->welcomes += event->type == GOHUB_EVENT_WELCOME ? 1 : 0;
    stage_event *kept = &told->events[told->event_count++];
    memset(kept, 0, sizeof *kept);
    kept->type = event->type;
    kept->state = event->state;
    kept->reason = event->reason;
    kept->code = event->error.code;
    kept->closed = event->code;
    kept->resumed = event->resumed;
    kept->recovered = event->recovered;
    if (event->room.size > 0) {
        memcpy(kept->room, event->room.bytes, event->room.size);
    }
}

void stage_begin(stage *stage, void (*change)(gohub_options *options)) {
    memset(stage, 0, sizeof *stage);
    stage->now = 1000000;
    stage->seed = 1;
    stage->piece = STAGE_BYTES;
    stage->urls[0] = stage->urls[1] = "ws://hub:8080/ws";
    gohub_buffers buffers = GOHUB_USE_BUFFERS(stage->buffers);
    stage->options.urls = stage->urls;
    stage->options.url_count = 1;
    stage->options.buffers = buffers;
    stage->options.on_event = on_event;
    stage->options.context = stage;
    if (change != NULL) {
        change(&stage->options);
    }
    gohub_transport transport = {stage,     stage_net_open, stage_net_read, stage_net_write, stage_net_close,
                                 stage_now, stage_random};
    stage->transport = transport;
    if (gohub_client_init(&stage->client, &stage->options, &stage->transport) != GOHUB_OK) {
        abort();
    }
}

void stage_poll(stage *stage) {
    /* A network that gives a byte at a time needs one poll for each at most. */
    for (unsigned n = 0; n < STAGE_BYTES; n++) {
        size_t before = stage->in_at + stage->out_size + stage->event_count;
        stage->wait = gohub_client_poll(&stage->client);
        if (stage->wait > 0 && before == stage->in_at + stage->out_size + stage->event_count) {
            return;
        }
    }
    abort();
}

void stage_pass(stage *stage, uint64_t milliseconds) {
    uint64_t end = stage->now + milliseconds;
    stage_poll(stage);
    while (stage->now + stage->wait <= end) {
        stage->now += stage->wait;
        stage_poll(stage);
    }
    stage->now = end;
}

void stage_send(stage *stage, const void *bytes, size_t size) {
    if (stage->in_at > 0) {
        memmove(stage->in, stage->in + stage->in_at, stage->in_size - stage->in_at);
        stage->in_size -= stage->in_at;
        stage->in_at = 0;
    }
    if (size <= STAGE_BYTES - stage->in_size) {
        memcpy(stage->in + stage->in_size, bytes, size);
        stage->in_size += size;
    }
}

void stage_frame(stage *stage, uint8_t first, const void *payload, size_t size) {
    uint8_t head[4] = {first, (uint8_t)size, 0, 0};
    if (size > 125) {
        head[1] = 126;
        head[2] = (uint8_t)(size >> 8);
        head[3] = (uint8_t)size;
    }
    stage_send(stage, head, size > 125 ? 4 : 2);
    stage_send(stage, payload, size);
}

void stage_hear(stage *stage, const char *json) {
    stage_frame(stage, 0x81, json, strlen(json));
    stage_poll(stage);
}

void stage_accept(stage *stage, const char *instead) {
    stage_poll(stage);
    size_t size = least(stage->out_size - stage->out_at, sizeof stage->request - 1);
    memcpy(stage->request, stage->out + stage->out_at, size);
    stage->request[size] = 0;
    stage->out_at = stage->out_size = 0;
    const char *key = strstr(stage->request, "Sec-WebSocket-Key: ");
    if (instead != NULL || key == NULL) {
        stage_send(stage, instead == NULL ? "" : instead, instead == NULL ? 0 : strlen(instead));
        stage_poll(stage);
        return;
    }
    uint8_t text[60], digest[GOHUB_SHA1_BYTES];
    char head[256];
    uint8_t accept[29] = {0};
    memcpy(text, key + 19, 24);
    memcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    gohub_sha1(text, sizeof text, digest);
    gohub_sink sink = gohub_sink_of(accept, 28);
    gohub_base64_write(&sink, digest, sizeof digest);
    int count = snprintf(head, sizeof head,
                         "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nconnection: keep-alive, Upgrade\r\n"
                         "sec-websocket-accept: %s\r\nsec-websocket-protocol: %s\r\n\r\n",
                         (const char *)accept, strstr(stage->request, "gohub.v1.cbor") ? "gohub.v1.cbor" : "gohub.v1.json");
    stage_send(stage, head, (size_t)count);
    stage_poll(stage);
}

void stage_open(stage *stage) {
    gohub_client_connect(&stage->client);
    stage_accept(stage, NULL);
    stage_hear(stage, STAGE_WELCOME);
}

void stage_close(stage *stage, unsigned code) {
    uint8_t payload[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    if (code == 0) {
        stage->broken = true;
    } else {
        stage_frame(stage, 0x88, payload, sizeof payload);
    }
    stage_poll(stage);
}

const char *stage_said(stage *stage) {
    const uint8_t *at = stage->out + stage->out_at;
    size_t left = stage->out_size - stage->out_at;
    stage->said[0] = 0;
    stage->opcode = 0;
    if (left < 6) {
        return stage->said;
    }
    size_t size = at[1] & 127;
    size_t head = 2;
    if (size == 126) {
        size = (size_t)at[2] << 8 | at[3];
        head = 4;
    }
    if ((at[1] & 0x80) == 0 || (at[0] & 0x70) != 0 || left < head + 4 + size) {
        abort(); /* every frame of a client is masked and whole */
    }
    for (size_t n = 0; n < size; n++) {
        stage->said[n] = (char)(at[head + 4 + n] ^ at[head + (n & 3)]);
    }
    stage->said[size] = 0;
    stage->opcode = at[0] & 15;
    stage->out_at += head + 4 + size;
    return stage->said;
}

const char *stage_ref(stage *stage) {
    static char ref[16];
    const char *found = strstr(stage->said, "\"ref\":\"");
    ref[0] = 0;
    if (found != NULL) {
        size_t size = strcspn(found + 7, "\"");
        memcpy(ref, found + 7, least(size, sizeof ref - 1));
        ref[least(size, sizeof ref - 1)] = 0;
    }
    return ref;
}

const stage_event *stage_told(const stage *stage, gohub_event_type type, size_t n) {
    for (size_t at = 0; at < stage->event_count; at++) {
        if (stage->events[at].type == type && --n == 0) {
            return &stage->events[at];
        }
    }
    return NULL;
}

size_t stage_count(const stage *stage, gohub_event_type type) {
    size_t count = 0;
    for (size_t at = 0; at < stage->event_count; at++) {
        count += stage->events[at].type == type ? 1 : 0;
    }
    return count;
}

void stage_done(void *answer, const gohub_answer *came) {
    stage_answer *kept = answer;
    kept->times++;
    kept->good = came->envelope != NULL;
    kept->code = came->error.code;
    kept->uncertain = came->error.uncertain;
}
