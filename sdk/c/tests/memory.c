/* How large things are, as symbols: read from the object file, so that it works for a processor that is not here. */
#include "gohub/gohub.h"

char size_of_client[sizeof(gohub_client)];
char size_of_socket[sizeof(gohub_socket)];
char size_of_desk[sizeof(gohub_desk)];
char size_of_rooms[sizeof(gohub_rooms)];
char size_of_credentials[sizeof(gohub_credentials)];
GOHUB_BUFFERS(size_of_buffers);
