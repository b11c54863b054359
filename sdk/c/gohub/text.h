/* A piece of text inside somebody's buffer: embedded code neither copies nor allocates to look at a name. */
#ifndef GOHUB_TEXT_H
#define GOHUB_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* UTF-8 without a NUL at its end. `bytes` is NULL when there is none. */
typedef struct gohub_text {
    const char *bytes;
    size_t size;
} gohub_text;

/* The text of a NUL-terminated string; none for NULL. */
gohub_text gohub_text_of(const char *string);

/* Whether both are the same bytes. */
bool gohub_text_same(gohub_text one, gohub_text other);

/* Whether it is this string. */
bool gohub_text_is(gohub_text text, const char *string);

#endif
