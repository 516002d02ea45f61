/* SPDX-License-Identifier: MIT */
/*
 * etag.c: strong entity tags. The hash need not resist an attacker (a client could only fool its
 * own cache), it must be quick and 128 bits wide so that two pages never share a tag by chance.
 */
#include "etag.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A bijective mix of 64 bits, so that a difference in any input bit reaches every output bit. */
static uint64_t mix(uint64_t value)
{
    value ^= value >> 32;
    value *= 0xd6e8feb86659fd93u;
    value ^= value >> 32;
    value *= 0xd6e8feb86659fd93u;
    return value ^ (value >> 32);
}

void parts_etag_make(const void *data, size_t length, char tag[PARTS_ETAG_SIZE])
{
    const unsigned char *bytes = data;
    uint64_t first = mix(length + 1);
    uint64_t second = mix(~(uint64_t)length);
    for (size_t i = 0; i < length; i += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, length - i < 8 ? length - i : 8);
        /* Two lanes that differ in how a word enters: equal in both means equal words. */
        first = mix(first ^ word);
        second = mix(second + word * 0x9e3779b97f4a7c15u);
    }
    snprintf(tag, PARTS_ETAG_SIZE, "\"%016llx%016llx\"", (unsigned long long)first,
             (unsigned long long)second);
}

bool parts_etag_matches(const char *header, const char *tag)
{
    size_t length = strlen(tag);
    const char *at = header + strspn(header, " \t");
    if (strcmp(at, "*") == 0) {
        return true;
    }
    while (*at != '\0') {
        at += strspn(at, " \t,");
        if (strncmp(at, "W/", 2) == 0) {
            at += 2;
        }
        if (*at != '"') {
            return false;
        }
        const char *close = strchr(at + 1, '"');
        if (close == NULL) {
            return false;
        }
        if ((size_t)(close + 1 - at) == length && memcmp(at, tag, length) == 0) {
            return true;
        }
        at = close + 1;
    }
    return false;
}
