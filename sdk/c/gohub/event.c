#include "gohub/event.h"

const char *gohub_state_name(gohub_state state) {
    static const char *const names[] = {"idle", "connecting", "open", "draining", "waiting", "closed"};
    return names[state];
}

static const char *const reasons[GOHUB_GAP_REASONS] = {
    "slow_client",
    "conflated",
    "expired",
    "compacted",
    "epoch_changed",
    "bus_lost",
    "unspecified",
    "too_large",
};

const char *gohub_gap_reason_name(gohub_gap_reason reason) {
    return reasons[reason];
}

gohub_gap_reason gohub_gap_reason_named(gohub_text name) {
    unsigned reason = 0;
    while (reason < GOHUB_GAP_UNSPECIFIED && !gohub_text_is(name, reasons[reason])) {
        reason++;
    }
    return (gohub_gap_reason)reason;
}

const char *gohub_event_name(gohub_event_type type) {
    static const char *const names[] = {
        "state",
        "welcome",
        "message",
        "presence",
        "gap",
        "mode",
        "drain",
        "retry",
        "joined",
        "left",
        "trouble",
        "error",
        "ask_token",
        "closed",
    };
    return names[type];
}
