/* SPDX-License-Identifier: MIT */
/*
 * A lossy cache from 64-bit hashes to statements: what makes steady state cheap, however many
 * rules there are and however many different texts come by.
 *
 * Sets of four words. A word is the upper 48 bits of the hash and, in the lower 16, the statement
 * plus one; 0 is a free word. Hash and answer are in one word, so that a probe is one load per way
 * and nothing can be torn: a reader sees a whole entry or another one. The lower bits of the hash
 * choose the set; two texts whose 60 bits in use are equal would be taken for one.
 *
 * A full set loses one of its entries, chosen by bits that change with the set's content: nothing
 * is shared but the sets themselves. What was lost is classified once more.
 *
 * Wait-free, no allocation after spy_cache_open(), no system call; any thread, signal-safe.
 */
#ifndef SPY_CLASSIFY_CACHE_H
#define SPY_CLASSIFY_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPY_CACHE_WAYS  4u
#define SPY_CACHE_SETS  4096u /* 128 KiB, touched as it fills */
#define SPY_CACHE_WORDS (SPY_CACHE_SETS * SPY_CACHE_WAYS)

#define SPY_CACHE_VALUE_BITS 16u
#define SPY_CACHE_VALUE_MASK ((1u << SPY_CACHE_VALUE_BITS) - 1)

struct spy_cache {
    _Atomic uint64_t *word; /* aligned so that no set straddles cache lines */
};

bool spy_cache_open(struct spy_cache *cache);
void spy_cache_close(struct spy_cache *cache);

/* Gives the memory of all entries back to the system: they are lost, and it can go on being used.
 * A system call; the contents of a page that is looked at meanwhile are the old ones or none. */
void spy_cache_drop(struct spy_cache *cache);

/* VALUE < 65535. Stored with release: what VALUE refers to, the statement's row, must be complete
 * before. */
void spy_cache_insert(struct spy_cache *cache, uint64_t hash, uint32_t value);

static inline _Atomic uint64_t *spy_cache_set(const struct spy_cache *cache, uint64_t hash)
{
    return &cache->word[(hash % SPY_CACHE_SETS) * SPY_CACHE_WAYS];
}

static inline bool spy_cache_find(const struct spy_cache *cache, uint64_t hash, uint32_t *value)
{
    const _Atomic uint64_t *set = spy_cache_set(cache, hash);
    for (uint32_t way = 0; way < SPY_CACHE_WAYS; way++) {
        /* Acquire pairs with the release in spy_cache_insert(). */
        uint64_t word = atomic_load_explicit(&set[way], memory_order_acquire);
        if ((word ^ hash) >> SPY_CACHE_VALUE_BITS != 0 || word == 0)
            continue;
        *value = ((uint32_t)word & SPY_CACHE_VALUE_MASK) - 1;
        return true;
    }
    return false;
}

#endif
