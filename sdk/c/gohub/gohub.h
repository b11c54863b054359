/* The C client of gohub: everything an application includes. sdk/c/README.md says how to begin. */
#ifndef GOHUB_GOHUB_H
#define GOHUB_GOHUB_H

#include "gohub/client.h"

#endif
