/* SPDX-License-Identifier: MIT */
/*
 * Words for what is left out. See cost.h.
 */
#include "shared/cost.h"

const char *spy_backoff_text(uint32_t backoff)
{
    switch (backoff) {
    case SPY_BACKOFF_NONE:
        return "";
    case SPY_BACKOFF_CAPTURE:
        return "captures";
    default:
        return "captures, attribution of queries to requests, percentiles of parts";
    }
}
