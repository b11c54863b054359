/* getentropy and CLOCK_BOOTTIME are no part of C99's own headers. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifdef CLOCK_BOOTTIME
#define CLOCK CLOCK_BOOTTIME /* counts while the device sleeps */
#else
#define CLOCK CLOCK_MONOTONIC
#endif

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* The longest name of a host that DNS knows, in bytes. */
#define HOST_BYTES 254

/* A socket that connects to this address; -1 when it cannot even begin. */
static int begin(const struct addrinfo *address) {
    int fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    if (fd < 0) {
        return -1;
    }
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
        (connect(fd, address->ai_addr, address->ai_addrlen) == 0 || errno == EINPROGRESS)) {
        return fd;
    }
    (void)close(fd);
    return -1;
}

static bool posix_open(void *context, const gohub_url *url) {
    gohub_posix *posix = context;
    char host[HOST_BYTES];
    char port[6];
    struct addrinfo hints, *addresses;
    if (url->secure || url->host.size >= sizeof host) {
        return false;
    }
    memcpy(host, url->host.bytes, url->host.size);
    host[url->host.size] = 0;
    (void)snprintf(port, sizeof port, "%u", (unsigned)url->port);
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(host, port, &hints, &addresses) != 0) {
        return false;
    }
    unsigned count = 0;
    for (const struct addrinfo *at = addresses; at != NULL; at = at->ai_next) {
        count++;
    }
    const struct addrinfo *chosen = addresses;
    for (unsigned n = posix->turn++ % count; n > 0; n--) {
        chosen = chosen->ai_next;
    }
    posix->socket = begin(chosen);
    freeaddrinfo(addresses);
    return posix->socket >= 0;
}

/* Whether a call that failed may work later. */
static bool may_pass(void) {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOTCONN || errno == EINPROGRESS;
}

static int posix_read(void *context, void *bytes, size_t size) {
    const gohub_posix *posix = context;
    ssize_t count = recv(posix->socket, bytes, size, 0);
    return count > 0 ? (int)count : count < 0 && may_pass() ? 0 : GOHUB_GONE;
}

static int posix_write(void *context, const void *bytes, size_t size) {
    const gohub_posix *posix = context;
    ssize_t count = send(posix->socket, bytes, size, MSG_NOSIGNAL);
    return count >= 0 ? (int)count : may_pass() ? 0 : GOHUB_GONE;
}

static void posix_close(void *context) {
    gohub_posix *posix = context;
    if (posix->socket >= 0) {
        /* What was written still leaves, the close frame above all. */
        (void)shutdown(posix->socket, SHUT_WR);
        (void)close(posix->socket);
        posix->socket = -1;
    }
}

static uint64_t posix_now(void *context) {
    struct timespec now;
    (void)context;
    (void)clock_gettime(CLOCK, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint32_t posix_random(void *context) {
    uint32_t random = 0;
    (void)context;
    (void)getentropy(&random, sizeof random);
    return random;
}

gohub_transport gohub_posix_transport(gohub_posix *posix) {
    gohub_transport transport = {posix, posix_open, posix_read, posix_write, posix_close, posix_now, posix_random};
    posix->socket = -1;
    posix->turn = 0;
    return transport;
}
