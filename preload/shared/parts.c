/* SPDX-License-Identifier: MIT */
/*
 * Readers' arithmetic on parts; see parts.h. Pure functions, for tools and the helper thread.
 */
#include "shared/parts.h"

/* 2^(1/16): from the lower bound of a bucket to its geometric middle. */
#define TO_MIDDLE 1.0442737824274138

uint64_t spy_part_count(const struct spy_part_hist *hist)
{
    uint64_t count = hist->zero;
    for (uint32_t i = 0; i < SPY_PART_BUCKETS; i++)
        count += hist->bucket[i];
    return count;
}

double spy_part_quantile_ns(const struct spy_part_hist *hist, double q, uint64_t max_ns)
{
    uint64_t wanted = spy_hist_rank(q, spy_part_count(hist));
    uint64_t seen = hist->zero;
    uint32_t index = 0;
    if (seen >= wanted)
        return 0;
    for (; index < SPY_PART_BUCKETS - 1; index++) {
        seen += hist->bucket[index];
        if (seen >= wanted)
            break;
    }
    double middle = spy_hist_lower_s(index << SPY_PART_DOWN) * TO_MIDDLE * 1e9;
    return middle < (double)max_ns ? middle : (double)max_ns;
}
