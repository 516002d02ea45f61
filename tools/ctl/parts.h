/* SPDX-License-Identifier: MIT */
/*
 * Where the time of requests went, how many queries they made, and how queries were found to belong
 * to requests: arithmetic on totals. Pure functions.
 */
#ifndef CTL_PARTS_H
#define CTL_PARTS_H

#include "ctl/format.h"
#include "ctl/model.h"

/* Of the parts of a request's time (shared/parts.h) those that add up to the total: all but the
 * last, the time to the first byte. */
#define CTL_PART_COUNT SPY_PART_FIRST_BYTE

struct ctl_parts {
    uint64_t ns[CTL_PART_COUNT]; /* of all calls together */
    bool overlapping;            /* what was measured is more than the total: queries ran at once */
};

struct ctl_parts ctl_parts_of(const struct spy_totals *totals);

const char *ctl_part_key(enum spy_part part);
const char *ctl_part_name(enum spy_part part);

/* Queries a request. `spread` false: smallest, median and largest are not known. `known` false: nor
 * is the mean: queries were not counted. */
struct ctl_queries {
    bool known;
    bool spread;
    uint32_t min, median, max; /* above 15 rounded down: see struct spy_spread */
    double mean;
};

struct ctl_queries ctl_queries_of(const struct spy_totals *totals);

/* "7", or where that is rounded ABOUT and the number: "~24"; ">=3,072". */
char *ctl_queries_text(char out[CTL_NUMBER_BYTES], const char *about, uint32_t queries);

/* Two digits behind the point at most: "3.25", "120". */
char *ctl_mean_text(char out[CTL_NUMBER_BYTES], double mean);

/* Queries of a request, by how they were found to belong to it; NONE: they were not. */
struct ctl_attribution {
    uint64_t thread, only, tag, none;
};

struct ctl_attribution ctl_attribution_of(const struct spy_totals *totals);
struct ctl_attribution ctl_attribution_of_all(const struct ctl_model *model);
bool ctl_attribution_any(const struct ctl_attribution *attribution);

#endif
