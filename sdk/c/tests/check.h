/* What a test demands: the first thing that does not hold ends it, with its line. */
#ifndef GOHUB_TEST_CHECK_H
#define GOHUB_TEST_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static inline void check(bool good, const char *what, int line) {
    if (!good) {
        printf("line %d: %s\n", line, what);
        exit(1);
    }
}
#define CHECK(condition) check((condition), #condition, __LINE__)

#endif
