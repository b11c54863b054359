/* Whatever a peer sends: the decoder of frames stays inside its buffers, and how the bytes are cut changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "gohub/frame.h"

#define BUFFER 64

/* What was found, as a sum that depends on everything. */
static uint32_t run(const uint8_t *bytes, size_t size, size_t piece) {
    uint8_t buffer[BUFFER];
    gohub_frames frames;
    uint32_t sum = 1;
    gohub_frames_begin(&frames, buffer, sizeof buffer);
    for (size_t at = 0; at < size;) {
        size_t given = size - at < piece ? size - at : piece;
        gohub_frame found;
        size_t taken = gohub_frames_take(&frames, bytes + at, given, &found);
        if (taken > given || (taken == 0 && found == GOHUB_FRAME_NONE)) {
            abort();
        }
        at += taken;
        if (found == GOHUB_FRAME_NONE) {
            continue;
        }
        sum = sum * 31 + (uint32_t)found;
        if (found == GOHUB_FRAME_BROKEN) {
            break;
        }
        const uint8_t *payload = found == GOHUB_FRAME_CONTROL ? frames.control : frames.message;
        size_t used = found == GOHUB_FRAME_CONTROL ? frames.control_used : frames.used;
        if (used > (found == GOHUB_FRAME_CONTROL ? sizeof frames.control : sizeof buffer)) {
            abort();
        }
        for (size_t n = 0; n < used; n++) {
            sum = sum * 31 + payload[n];
        }
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    uint32_t whole = run(bytes, size, size == 0 ? 1 : size);
    if (run(bytes, size, 1) != whole || run(bytes, size, 7) != whole) {
        abort();
    }
    return 0;
}
