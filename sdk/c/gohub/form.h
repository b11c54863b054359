/* Which form a connection speaks, in one place: everything else writes and reads envelopes. */
#ifndef GOHUB_FORM_H
#define GOHUB_FORM_H

#include "gohub/envelope.h"
#include "gohub/sink.h"

/* The WebSocket subprotocol that chooses the form. */
const char *gohub_form_subprotocol(gohub_form form);

bool gohub_form_read(gohub_form form, uint8_t *bytes, size_t size, gohub_envelope *envelope);
bool gohub_form_write(gohub_form form, gohub_sink *sink, const gohub_envelope *envelope);

#endif
