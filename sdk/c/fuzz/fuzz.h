/* What libFuzzer calls; tests/replay.c calls it for the seeds, without libFuzzer. */
#ifndef GOHUB_FUZZ_H
#define GOHUB_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
