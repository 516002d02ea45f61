/* SPDX-License-Identifier: MIT */
/*
 * The cache from hashes to statements: see cache.h.
 */
#include "classify/cache.h"

#include <stdlib.h>

#define LINE_BYTES 64u

bool spy_cache_open(struct spy_cache *cache)
{
    /* calloc, aligned by hand: pages that no set in use lies in are never touched. */
    cache->block = calloc(1, SPY_CACHE_WORDS * sizeof(*cache->word) + LINE_BYTES);
    uintptr_t at = ((uintptr_t)cache->block + LINE_BYTES - 1) & ~(uintptr_t)(LINE_BYTES - 1);
    cache->word = (_Atomic uint64_t *)at;
    return cache->block != NULL;
}

void spy_cache_close(struct spy_cache *cache)
{
    free(cache->block);
    cache->block = NULL;
}

void spy_cache_insert(struct spy_cache *cache, uint64_t hash, uint32_t value)
{
    _Atomic uint64_t *set = spy_cache_set(cache, hash);
    uint64_t entry = (hash & ~(uint64_t)SPY_CACHE_VALUE_MASK) | (value + 1);
    uint64_t mixed = hash;
    uint32_t victim = SPY_CACHE_WAYS;
    for (uint32_t way = 0; way < SPY_CACHE_WAYS; way++) {
        uint64_t word = atomic_load_explicit(&set[way], memory_order_relaxed);
        mixed ^= word;
        bool usable = word == 0 || (word ^ hash) >> SPY_CACHE_VALUE_BITS == 0;
        if (usable && victim == SPY_CACHE_WAYS)
            victim = way;
    }
    if (victim == SPY_CACHE_WAYS)
        victim = (uint32_t)((mixed * 0x9E3779B97F4A7C15ull) >> 62);
    atomic_store_explicit(&set[victim], entry, memory_order_release);
}
_Static_assert(SPY_CACHE_WAYS == 4, "the victim is two bits");
