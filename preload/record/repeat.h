/* SPDX-License-Identifier: MIT */
/*
 * Repeated statements (N+1): what requests of one operation run again and again, noted when such a
 * request ends. Any thread; no lock, no allocation, no system call.
 *
 * SPY_TALLIES statements of a request are counted at a time; a further one takes the place of one
 * that was called once so far, or where there is none is not counted. What finds no row in the
 * region is counted there (REPEATS_FULL).
 */
#ifndef SPY_RECORD_REPEAT_H
#define SPY_RECORD_REPEAT_H

#include "shared/region.h"

/* Looks through the statements of request R, which took DUR_NS, for repeated ones and notes them.
 */
void spy_repeats_note(struct spy_region *region, const struct spy_open_request *r, uint64_t dur_ns);

/* Adds a call of statement OP, which took NS and was made at SITE, to request R. */
void spy_repeats_tally(struct spy_open_request *r, uint32_t op, uint64_t ns, const void *site);

#endif
