/* SPDX-License-Identifier: MIT */
/*
 * The one hash of classify: XXH3, 64 bits. Pure: any thread, signal-safe.
 */
#ifndef SPY_CLASSIFY_HASH_H
#define SPY_CLASSIFY_HASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t spy_hash(const void *bytes, size_t len)
{
    return XXH3_64bits(bytes, len);
}

/* Another hash for every SEED: the same bytes meaning different things. Seeds are small numbers,
 * often, and XXH3 adds its seed to the bits where the last of a few bytes stand: ("P_0", 1) would
 * be ("P_1", 2). The factor spreads them. */
static inline uint64_t spy_hash_seeded(const void *bytes, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, len, seed * 0x9E3779B97F4A7C15ull);
}

#endif
