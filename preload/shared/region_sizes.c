/* SPDX-License-Identifier: MIT */
/*
 * Dividing a cap. See region_sizes.h.
 */
#include "shared/region_sizes.h"

#define PAGE_BYTES 4096u
#define PARSED_MAX (1ull << 40)

bool spy_size_parse(const char *text, uint64_t *bytes)
{
    uint64_t n = 0;
    if (*text < '1' || *text > '9')
        return false;
    for (; *text >= '0' && *text <= '9' && n <= PARSED_MAX; text++)
        n = n * 10 + (uint64_t)(*text - '0');
    unsigned shift = *text == 'K' ? 10 : *text == 'M' ? 20 : *text == 'G' ? 30 : 0;
    text += shift != 0;
    if (*text != '\0' || n > PARSED_MAX >> shift)
        return false;
    *bytes = n << shift;
    return true;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct spy_region_sizes spy_region_divide(uint64_t cap, uint32_t history_bytes)
{
    const struct spy_region_sizes smallest = {SPY_HISTORY_BYTES_MIN, SPY_ARENA_BYTES_MIN};
    uint64_t fixed = spy_region_bytes(smallest) - SPY_HISTORY_BYTES_MIN - SPY_ARENA_BYTES_MIN;
    uint64_t rest = (cap - fixed) / PAGE_BYTES * PAGE_BYTES;
    uint64_t history = history_bytes;
    if (history == 0) {
        uint64_t third = rest / 3 / PAGE_BYTES * PAGE_BYTES;
        history = least(third, SPY_HISTORY_BYTES);
    }
    history = least(history, rest - SPY_ARENA_BYTES_MIN);
    uint64_t arena = least(rest - history, SPY_ARENA_BYTES);
    return (struct spy_region_sizes){(uint32_t)history, (uint32_t)arena};
}
