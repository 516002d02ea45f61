/* SPDX-License-Identifier: MIT */
/*
 * How large a region is: what one setting, a cap on all of it, leaves to its arena and its history.
 * The other sections have fixed sizes. Pure; the constructor of every preloaded program calls it.
 */
#ifndef SPY_SHARED_REGION_SIZES_H
#define SPY_SHARED_REGION_SIZES_H

#include "shared/region.h"

/* What a cap may be. The smallest holds the fixed sections, and of the others what they need. */
#define SPY_REGION_CAP_MIN (4ull << 20)
#define SPY_REGION_CAP_MAX (1ull << 30)

/* Reads a size such as 6M or 512K (bytes without a letter; K, M or G). False, with *BYTES
 * unchanged, for anything else, and above 2^40 or so. */
bool spy_size_parse(const char *text, uint64_t *bytes);

/*
 * The sizes of a region of at most CAP bytes, SPY_REGION_CAP_MIN or more. HISTORY_BYTES is what was
 * asked for, whole pages, or 0: where that does not fit beside the smallest arena it is cut.
 * Nothing becomes larger than without a cap: of what is short, history has a third.
 */
struct spy_region_sizes spy_region_divide(uint64_t cap, uint32_t history_bytes);

#endif
