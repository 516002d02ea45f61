/* SPDX-License-Identifier: MIT */
/*
 * etag.h: strong entity tags from the bytes of a response, and If-None-Match.
 *
 * Pure functions; any thread.
 */
#ifndef PARTS_ETAG_H
#define PARTS_ETAG_H

#include <stdbool.h>
#include <stddef.h>

#define PARTS_ETAG_SIZE 35 /* two quotes, 32 hexadecimal digits, NUL */

/* Writes the quoted tag of the LENGTH bytes at DATA. */
void parts_etag_make(const void *data, size_t length, char tag[PARTS_ETAG_SIZE]);

/*
 * Whether the If-None-Match value HEADER names TAG: a list of tags or "*". As RFC 9110 wants for
 * If-None-Match, a leading W/ is ignored. A malformed header matches nothing.
 */
bool parts_etag_matches(const char *header, const char *tag);

#endif
