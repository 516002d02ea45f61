/* SPDX-License-Identifier: MIT */
/*
 * The cache from hashes to statements: see cache.h.
 */
#include "classify/cache.h"

#include "classify/zeroed.h"

#define CACHE_BYTES (SPY_CACHE_WORDS * sizeof(uint64_t))

bool spy_cache_open(struct spy_cache *cache)
{
    cache->word = spy_zeroed_open(CACHE_BYTES);
    return cache->word != NULL;
}

void spy_cache_close(struct spy_cache *cache)
{
    spy_zeroed_close(cache->word, CACHE_BYTES);
    cache->word = NULL;
}

void spy_cache_drop(struct spy_cache *cache)
{
    spy_sys_madvise(cache->word, CACHE_BYTES, MADV_DONTNEED);
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
