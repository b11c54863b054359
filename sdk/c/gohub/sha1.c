#include "gohub/sha1.h"

#include <string.h>

#define BLOCK 64

static uint32_t rotated(uint32_t word, unsigned bits) {
    return word << bits | word >> (32 - bits);
}

/* The schedule is a ring of 16 words instead of 80: a small stack counts more here than speed. */
static void mix(uint32_t state[5], const uint8_t *block) {
    uint32_t ring[16];
    for (size_t n = 0; n < 16; n++) {
        const uint8_t *from = block + 4 * n;
        ring[n] = (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (size_t n = 0; n < 80; n++) {
        if (n >= 16) {
            uint32_t word = ring[(n + 13) & 15] ^ ring[(n + 8) & 15] ^ ring[(n + 2) & 15] ^ ring[n & 15];
            ring[n & 15] = rotated(word, 1);
        }
        uint32_t chosen;
        if (n < 20) {
            chosen = ((b & c) | (~b & d)) + 0x5A827999u;
        } else if (n < 40) {
            chosen = (b ^ c ^ d) + 0x6ED9EBA1u;
        } else if (n < 60) {
            chosen = ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDCu;
        } else {
            chosen = (b ^ c ^ d) + 0xCA62C1D6u;
        }
        uint32_t next = rotated(a, 5) + chosen + e + ring[n & 15];
        e = d;
        d = c;
        c = rotated(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void gohub_sha1(const uint8_t *bytes, size_t size, uint8_t digest[GOHUB_SHA1_BYTES]) {
    uint32_t state[5] = {0x67452301u, 0xEFCDAB89u, 0x98BADCFEu, 0x10325476u, 0xC3D2E1F0u};
    uint8_t blocks[2 * BLOCK] = {0};
    if (size > GOHUB_SHA1_MOST) {
        size = GOHUB_SHA1_MOST;
    }
    memcpy(blocks, bytes, size);
    blocks[size] = 0x80;
    size_t padded = size + 9 <= BLOCK ? BLOCK : 2 * BLOCK;
    blocks[padded - 2] = (uint8_t)(size >> 5);
    blocks[padded - 1] = (uint8_t)(size << 3);
    for (size_t at = 0; at < padded; at += BLOCK) {
        mix(state, blocks + at);
    }
    for (size_t n = 0; n < GOHUB_SHA1_BYTES; n++) {
        digest[n] = (uint8_t)(state[n / 4] >> (24 - 8 * (n % 4)));
    }
}
