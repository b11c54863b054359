/* Whatever a hub might send in the CBOR form: nothing outside the buffer is read, and what is read can be written. */
#include "form.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fuzz_form(GOHUB_CBOR, bytes, size);
    return 0;
}
