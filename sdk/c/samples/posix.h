/*
 * The transport over the sockets of POSIX: Linux, the BSDs, macOS, and the RTOSes that have them (Zephyr, NuttX, lwIP's own).
 * Without TLS: for `wss` put the device's TLS library between, with the same four calls.
 */
#ifndef GOHUB_SAMPLE_POSIX_H
#define GOHUB_SAMPLE_POSIX_H

#include "gohub/transport.h"

typedef struct gohub_posix {
    /* -1 when there is none. */
    int socket;
    /* Which of the host's addresses is tried next: one may be of a family that does not work here. */
    unsigned turn;
} gohub_posix;

/* The transport of one client. Looking up the host's name may wait: give an address where that counts. */
gohub_transport gohub_posix_transport(gohub_posix *posix);

#endif
