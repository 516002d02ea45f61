/* SPDX-License-Identifier: MIT */
/*
 * The prepared-statement cache: set-associative, each entry one 64-bit word of tag and statement,
 * so that a load is never torn and no order between fields matters. A wrong hit needs two names to
 * agree in all bits of the index and the tag: 2^-60.
 */
#include "observe/prepared.h"

#include "classify/hash.h"

#include <stdatomic.h>
#include <string.h>

#define WAYS 4u
#define SETS 4096u

_Static_assert(SPY_STMTS_MAX <= 1u << 16, "a statement fits the word's low bits");

static _Atomic uint64_t words[SETS][WAYS];
static _Atomic uint32_t victim;

static uint64_t hash_of(uint64_t conn_serial, const char *name)
{
    return spy_hash_seeded(name, strlen(name), conn_serial);
}

static uint64_t tag_of(uint64_t hash)
{
    return hash & ~0xFFFFull;
}

void spy_prepared_put(uint64_t conn_serial, const char *name, spy_stmt stmt)
{
    uint64_t hash = hash_of(conn_serial, name);
    _Atomic uint64_t *set = words[(hash & 0xFFFF) % SETS];
    uint32_t way = 0;
    for (; way < WAYS; way++) {
        uint64_t word = atomic_load_explicit(&set[way], memory_order_relaxed);
        if (word == 0 || tag_of(word) == tag_of(hash))
            break;
    }
    if (way == WAYS)
        way = atomic_fetch_add_explicit(&victim, 1, memory_order_relaxed) % WAYS;
    /* Pairs with the acquire load below: the statement's row was complete before. */
    atomic_store_explicit(&set[way], tag_of(hash) | stmt, memory_order_release);
}

bool spy_prepared_get(uint64_t conn_serial, const char *name, spy_stmt *stmt)
{
    uint64_t hash = hash_of(conn_serial, name);
    _Atomic uint64_t *set = words[(hash & 0xFFFF) % SETS];
    for (uint32_t way = 0; way < WAYS; way++) {
        uint64_t word = atomic_load_explicit(&set[way], memory_order_acquire);
        if (word != 0 && tag_of(word) == tag_of(hash)) {
            *stmt = (spy_stmt)(word & 0xFFFF);
            return true;
        }
    }
    return false;
}
