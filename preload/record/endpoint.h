/* SPDX-License-Identifier: MIT */
/*
 * The table of endpoints, its writers' side: a text that many statements share is kept once, and a
 * sample has room for its row. Readers: shared/endpoint.h.
 */
#ifndef SPY_RECORD_ENDPOINT_H
#define SPY_RECORD_ENDPOINT_H

#include "shared/region.h"

/*
 * The row of these four texts, which is made where there is none; the same texts have the same row,
 * whoever asks. NULL is "". What is longer than struct spy_endpoint has room for is cut. 0,
 * counted, where the table is full, or would be with the rows that others are just about to add.
 *
 * Any thread; no lock, no allocation, no system call. Compares with every row: once a connection,
 * not once a statement.
 */
uint16_t spy_endpoint_intern(struct spy_region *region, const char *host, const char *port,
                             const char *database, const char *user);

#endif
