/*
 * How much memory a client takes. Each figure may be given to the compiler instead (-DGOHUB_ROOMS=8), the same for every file.
 * With the defaults state, buffers and deepest stack stay below 8 KB together; tests/memory.py measures it.
 */
#ifndef GOHUB_CONFIG_H
#define GOHUB_CONFIG_H

/* Most rooms this client wants to be in. */
#ifndef GOHUB_ROOMS
#define GOHUB_ROOMS 4
#endif

/* Most requests that wait to be sent or answered. */
#ifndef GOHUB_PENDING
#define GOHUB_PENDING 8
#endif

/* The longest name of a room or client, in bytes; the protocol allows 128. */
#ifndef GOHUB_NAME_BYTES
#define GOHUB_NAME_BYTES 128
#endif

/* The longest epoch that is remembered, in bytes; with a longer one a client comes back without resuming. */
#ifndef GOHUB_EPOCH_BYTES
#define GOHUB_EPOCH_BYTES 32
#endif

/* The longest resume ticket that is kept, in bytes; a longer one is skipped and the token judged instead. 0 keeps none. */
#ifndef GOHUB_TICKET_BYTES
#define GOHUB_TICKET_BYTES 384
#endif

/* Default sizes of the caller's buffers, in bytes: GOHUB_BUFFERS makes them. */
#ifndef GOHUB_RECEIVE_BYTES
#define GOHUB_RECEIVE_BYTES 1536
#endif
#ifndef GOHUB_SEND_BYTES
#define GOHUB_SEND_BYTES 1024
#endif
#ifndef GOHUB_PENDING_BYTES
#define GOHUB_PENDING_BYTES 1024
#endif

/* Most messages that one call of gohub_client_poll handles: a flood must not keep the other tasks of the loop waiting. */
#ifndef GOHUB_MESSAGES_PER_POLL
#define GOHUB_MESSAGES_PER_POLL 16
#endif

#endif
