/* SPDX-License-Identifier: MIT */
/*
 * Reading endpoints: whom a statement was sent to. Used by the library's log and by the tools;
 * the writer is record/endpoint.c. Allocates nothing; safe in any thread.
 */
#ifndef SPY_SHARED_ENDPOINT_H
#define SPY_SHARED_ENDPOINT_H

#include "shared/region.h"

/* The endpoint in row ROW, or NULL where ROW is 0, out of range, or of a row that is not ready. In
 * a region that somebody else wrote its texts may lack their NULs. */
const struct spy_endpoint *spy_endpoint_at(const struct spy_region *region, uint32_t row);

/* "db.example:5432", "[::1]:5432", "/run/postgresql:5432", or the one of the two that there is.
 * Returns OUT. HOST and PORT are no longer than those of struct spy_endpoint. */
#define SPY_ENDPOINT_ADDRESS_BYTES 128u
char *spy_endpoint_address(char out[SPY_ENDPOINT_ADDRESS_BYTES], const char *host,
                           const char *port);

/*
 * `state` of a row holds its enum spy_endpoint_state in the lower half and in the upper half the
 * row that was made after it, 0 for none yet; that of row 0, which is no endpoint, the row that was
 * made first.
 */
#define SPY_ENDPOINT_NEXT_SHIFT 16u
#define SPY_ENDPOINT_STATE_MASK ((1u << SPY_ENDPOINT_NEXT_SHIFT) - 1)

#endif
