/* SPDX-License-Identifier: MIT */
/*
 * The texts of prepared statements: a bump allocator, and an open-addressing table of hashes in
 * front of it. A slot is claimed by its hash and complete once its place is stored; who finds one
 * in between takes the number all the same, since the text comes. Contract in prepared.h.
 */
#include "classify/hash.h"
#include "observe/prepared.h"
#include "runtime/table.h"

#include <string.h>

#define SLOTS  SPY_PREPARED_TEXTS
#define PROBES 16u

struct slot {
    _Atomic uint64_t hash;  /* of the text and how it is read; 0: free */
    _Atomic uint64_t place; /* how, length and offset; 0: not there yet, or no room */
};

struct pool {
    struct slot slot[SLOTS];
    _Atomic uint32_t used;
    char bytes[SPY_PREPARED_BYTES];
};

static _Atomic(void *) mapping;

_Static_assert(SLOTS < 1u << 16, "a number has 16 bits");

void spy_prepared_reserve(void)
{
    spy_table_map(&mapping, sizeof(struct pool));
}

static void fill(struct pool *pool, struct slot *slot, const struct spy_prepared_text *text)
{
    uint32_t len = (uint32_t)text->len;
    /* Asked before adding, so that a full pool does not count up until the number wraps. */
    if (atomic_load_explicit(&pool->used, memory_order_relaxed) > SPY_PREPARED_BYTES - len)
        return;
    uint32_t at = atomic_fetch_add_explicit(&pool->used, len, memory_order_relaxed);
    if (at > SPY_PREPARED_BYTES - len)
        return;
    memcpy(pool->bytes + at, text->at, len);
    uint64_t place = (uint64_t)(text->how + 1) << 48 | (uint64_t)len << 32 | at;
    /* Pairs with the acquire in spy_prepared_text_at(): who sees the place sees the text. */
    atomic_store_explicit(&slot->place, place, memory_order_release);
}
_Static_assert(SPY_PREPARED_TEXT_BYTES < 1u << 16, "a length has 16 bits");

uint32_t spy_prepared_text_keep(const struct spy_prepared_text *text)
{
    struct pool *pool = spy_table_map(&mapping, sizeof(*pool));
    if (pool == NULL || text->len > SPY_PREPARED_TEXT_BYTES)
        return 0;
    uint64_t hash = spy_hash_seeded(text->at, text->len, text->how) | 1;
    for (uint32_t i = 0; i < PROBES; i++) {
        uint32_t number = (uint32_t)((hash >> 1) + i) % SLOTS;
        struct slot *slot = &pool->slot[number];
        uint64_t seen = atomic_load_explicit(&slot->hash, memory_order_relaxed);
        if (seen == 0 &&
            atomic_compare_exchange_strong_explicit(&slot->hash, &seen, hash, memory_order_relaxed,
                                                    memory_order_relaxed)) {
            fill(pool, slot, text);
            return number + 1;
        }
        if (seen == hash)
            return number + 1;
    }
    return 0;
}

bool spy_prepared_text_at(uint32_t number, struct spy_prepared_text *text)
{
    const struct pool *pool = spy_table(&mapping);
    if (pool == NULL || number == 0 || number > SLOTS)
        return false;
    uint64_t place = atomic_load_explicit(&pool->slot[number - 1].place, memory_order_acquire);
    text->at = pool->bytes + (uint32_t)place;
    text->len = (size_t)(place >> 32 & 0xFFFF);
    text->how = (unsigned)(place >> 48) - 1;
    return place != 0;
}
