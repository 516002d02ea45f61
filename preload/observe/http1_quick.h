/* SPDX-License-Identifier: MIT */
/*
 * Heads of HTTP/1 messages as nearly all of them are: whole in the bytes of one call, and with
 * nothing about them on which parsers could differ. Such a head is read here, several times cheaper
 * than by llhttp, and comes to the same; every other one is left to that.
 *
 * Pure: any thread, allocates nothing, locks nothing.
 */
#ifndef SPY_OBSERVE_HTTP1_QUICK_H
#define SPY_OBSERVE_HTTP1_QUICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spy_http1_quick {
    const char *target;      /* of a request, in the bytes given */
    uint64_t content_length; /* where FLAGS say so */
    uint32_t target_len;
    uint16_t flags;  /* llhttp's: F_CONTENT_LENGTH, or F_CHUNKED and F_TRANSFER_ENCODING, or none */
    uint16_t status; /* of a response */
    uint8_t method;  /* of a request: llhttp_method_t */
    uint8_t minor;   /* of the version 1.x */
};

/* Reads the head that begins at DATA. Returns its length, the empty line included; 0 where it is
 * not all in the N bytes, or llhttp should judge it. */
size_t spy_http1_quick_request(const char *data, size_t n, struct spy_http1_quick *out);
size_t spy_http1_quick_response(const char *data, size_t n, struct spy_http1_quick *out);

#endif
