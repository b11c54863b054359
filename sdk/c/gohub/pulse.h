/*
 * The heartbeat: when to send a ping, and when a silent hub counts as gone. Pure: it is told the time, and asked. Nobody is
 * given up by silence alone, only by an unanswered ping; so a device that slept finds out whether its connection lives instead
 * of throwing it away.
 */
#ifndef GOHUB_PULSE_H
#define GOHUB_PULSE_H

#include "gohub/envelope.h"

typedef enum gohub_beat { GOHUB_BEAT_NONE, GOHUB_BEAT_PING, GOHUB_BEAT_DEAD } gohub_beat;

typedef struct gohub_pulse {
    bool on;
    uint64_t silence;
    uint64_t timeout;
    uint64_t ticket_half;
    uint64_t heard_at;
    uint64_t offset_at;
    uint64_t ticket_at;
    uint64_t dead_at;
} gohub_pulse;

void gohub_pulse_begin(gohub_pulse *pulse, const gohub_envelope *welcome, uint64_t now);

/* Something came: the hub is there. */
void gohub_pulse_heard(gohub_pulse *pulse, const gohub_envelope *envelope, uint64_t now);

/* When to ask again with `beat`. Pings wait for `paused`, the end of a pause that the hub asked for. */
uint64_t gohub_pulse_due(const gohub_pulse *pulse, uint64_t paused);

/* What is to be done now. */
gohub_beat gohub_pulse_beat(gohub_pulse *pulse, uint64_t now, uint64_t paused);

/* The device woke up, or the network changed: a look before the next beat. */
gohub_beat gohub_pulse_wake(gohub_pulse *pulse, uint64_t now, uint64_t paused);

#endif
