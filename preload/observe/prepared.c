/* SPDX-License-Identifier: MIT */
/*
 * The prepared-statement cache: set-associative, each entry one 64-bit word of tag and statement,
 * so that a load is never torn and no order between fields matters. A wrong hit needs two names to
 * agree in all bits of the index and the tag: 2^-60.
 */
#include "observe/prepared.h"

#include "classify/hash.h"

#include <stdatomic.h>

#define WAYS 4u
#define SETS 4096u

_Static_assert(SPY_STMTS_MAX <= 1u << 16, "a statement fits the word's low bits");

static _Atomic uint64_t words[SETS][WAYS];
static _Atomic uint32_t victim;

uint64_t spy_prepared_key(uint64_t conn_serial, const char *name, size_t len)
{
    uint64_t hash = spy_hash_seeded(name, len, conn_serial);
    return hash != 0 ? hash : 1;
}

static uint64_t tag_of(uint64_t key)
{
    return key & ~0xFFFFull;
}

static _Atomic uint64_t *set_of(uint64_t key)
{
    return words[(key & 0xFFFF) % SETS];
}

/* The way of KEY in its set, or the first that is free; WAYS where there is neither. */
static uint32_t way_of(_Atomic uint64_t *set, uint64_t key, bool or_free)
{
    uint32_t free_way = WAYS;
    for (uint32_t way = 0; way < WAYS; way++) {
        uint64_t word = atomic_load_explicit(&set[way], memory_order_relaxed);
        if (word != 0 && tag_of(word) == tag_of(key))
            return way;
        if (word == 0 && free_way == WAYS)
            free_way = way;
    }
    return or_free ? free_way : WAYS;
}

void spy_prepared_put(uint64_t key, spy_stmt stmt)
{
    _Atomic uint64_t *set = set_of(key);
    uint32_t way = way_of(set, key, true);
    if (way == WAYS)
        way = atomic_fetch_add_explicit(&victim, 1, memory_order_relaxed) % WAYS;
    atomic_store_explicit(&set[way], tag_of(key) | stmt, memory_order_release);
}

bool spy_prepared_get(uint64_t key, spy_stmt *stmt)
{
    _Atomic uint64_t *set = set_of(key);
    for (uint32_t way = 0; way < WAYS; way++) {
        /* Acquire: the statement's row was complete before the word was stored. */
        uint64_t word = atomic_load_explicit(&set[way], memory_order_acquire);
        if (word != 0 && tag_of(word) == tag_of(key)) {
            *stmt = (spy_stmt)(word & 0xFFFF);
            return true;
        }
    }
    return false;
}

void spy_prepared_drop(uint64_t key)
{
    _Atomic uint64_t *set = set_of(key);
    uint32_t way = way_of(set, key, false);
    uint64_t word = way < WAYS ? atomic_load_explicit(&set[way], memory_order_relaxed) : 0;
    if (word != 0 && tag_of(word) == tag_of(key))
        atomic_compare_exchange_strong_explicit(&set[way], &word, 0, memory_order_relaxed,
                                                memory_order_relaxed);
}
