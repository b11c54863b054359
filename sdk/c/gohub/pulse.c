#include "gohub/pulse.h"

#include "gohub/reconnect.h"

/* A client that got no offset for so long asks for its position, in milliseconds; section 6. */
#define QUIET_MS 60000
/* Silence after which a wake-up looks, in milliseconds. */
#define RECENT_MS 5000
/* The hub's own answer takes a moment: a shorter timeout would cut everybody off. */
#define LEAST_MS 1000
/* No hub asks for more, a day in milliseconds: larger figures would wrap around. */
#define LONGEST_MS 86400000u

static uint64_t least(uint64_t one, uint64_t other) {
    return one < other ? one : other;
}

void gohub_pulse_begin(gohub_pulse *pulse, const gohub_envelope *welcome, uint64_t now) {
    bool has_timeout = gohub_envelope_has(welcome, GOHUB_FIELD_HEARTBEAT_TIMEOUT);
    bool has_interval = gohub_envelope_has(welcome, GOHUB_FIELD_HEARTBEAT_INTERVAL);
    uint64_t timeout = has_timeout ? least(welcome->heartbeat_timeout_ms, LONGEST_MS) : 10000;
    pulse->timeout = timeout < LEAST_MS ? LEAST_MS : timeout;
    pulse->silence = (has_interval ? least(welcome->heartbeat_interval_ms, LONGEST_MS) : 25000) + pulse->timeout;
    pulse->ticket_half = GOHUB_NEVER;
    pulse->ticket_at = GOHUB_NEVER;
    if (gohub_envelope_has(welcome, GOHUB_FIELD_TICKET_LIFE)) {
        pulse->ticket_half = least(welcome->ticket_life_ms, LONGEST_MS) / 2;
        pulse->ticket_at = now + pulse->ticket_half;
    }
    pulse->heard_at = now;
    pulse->offset_at = now;
    pulse->dead_at = GOHUB_NEVER;
    pulse->on = true;
}

void gohub_pulse_heard(gohub_pulse *pulse, const gohub_envelope *envelope, uint64_t now) {
    pulse->heard_at = now;
    pulse->dead_at = GOHUB_NEVER;
    if (gohub_envelope_has(envelope, GOHUB_FIELD_OFFSET)) {
        pulse->offset_at = now;
    }
    /* A pong carries the next ticket once half of this one's life is over. */
    if (gohub_envelope_has(envelope, GOHUB_FIELD_TICKET) && pulse->ticket_half != GOHUB_NEVER) {
        pulse->ticket_at = now + pulse->ticket_half;
    }
}

uint64_t gohub_pulse_due(const gohub_pulse *pulse, uint64_t paused) {
    if (!pulse->on) {
        return GOHUB_NEVER;
    }
    if (pulse->dead_at < GOHUB_NEVER) {
        return pulse->dead_at;
    }
    uint64_t due = least(least(pulse->heard_at + pulse->silence, pulse->offset_at + QUIET_MS), pulse->ticket_at);
    return due < paused ? paused : due;
}

static gohub_beat ping(gohub_pulse *pulse, uint64_t now) {
    pulse->dead_at = now + pulse->timeout;
    /* Asked for. The hub counts from when it gave the last one, so it may say not yet. */
    if (pulse->ticket_at <= now) {
        pulse->ticket_at = now + pulse->ticket_half / 4;
    }
    pulse->offset_at = now;
    return GOHUB_BEAT_PING;
}

gohub_beat gohub_pulse_beat(gohub_pulse *pulse, uint64_t now, uint64_t paused) {
    if (now < gohub_pulse_due(pulse, paused)) {
        return GOHUB_BEAT_NONE;
    }
    return pulse->dead_at < GOHUB_NEVER ? GOHUB_BEAT_DEAD : ping(pulse, now);
}

gohub_beat gohub_pulse_wake(gohub_pulse *pulse, uint64_t now, uint64_t paused) {
    bool recent = now - pulse->heard_at < RECENT_MS;
    if (!pulse->on || pulse->dead_at < GOHUB_NEVER || now < paused || recent) {
        return GOHUB_BEAT_NONE;
    }
    return ping(pulse, now);
}
