/* Reads bytes as a message of one form and walks everything in it. */
#ifndef GOHUB_FUZZ_FORM_H
#define GOHUB_FUZZ_FORM_H

#include "gohub/envelope.h"

void fuzz_form(gohub_form form, const uint8_t *bytes, size_t size);

#endif
