/* SPDX-License-Identifier: MIT */
/*
 * The prepared-statement caches: set-associative, each entry one 64-bit word of tag and statement,
 * or tag and text, so that a load is never torn and no order between fields matters. A wrong hit
 * needs two names to agree in all bits of the index and the tag: 2^-60.
 *
 * A statement's key has its classifier in it, which is never freed, so that a reload makes no entry
 * wrong: those before are just not found, and go as their sets fill.
 */
#include "observe/prepared.h"

#include "classify/hash.h"

#include <stdatomic.h>

#define WAYS 4u
#define SETS 4096u

_Static_assert(SPY_STMTS_MAX <= 1u << 16, "a statement fits the word's low bits");
_Static_assert(SPY_PREPARED_TEXTS < 1u << 16, "so does a text");

struct cache {
    _Atomic uint64_t words[SETS][WAYS];
    _Atomic uint32_t victim;
};

static struct cache statements;
static struct cache texts;

uint64_t spy_prepared_key(uint64_t conn_serial, const char *name, size_t len)
{
    uint64_t hash = spy_hash_seeded(name, len, conn_serial);
    return hash != 0 ? hash : 1;
}

static uint64_t tag_of(uint64_t key)
{
    return key & ~0xFFFFull;
}

static _Atomic uint64_t *set_of(struct cache *cache, uint64_t key)
{
    return cache->words[(key & 0xFFFF) % SETS];
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

static void put(struct cache *cache, uint64_t key, uint32_t value)
{
    _Atomic uint64_t *set = set_of(cache, key);
    uint32_t way = way_of(set, key, true);
    if (way == WAYS)
        way = atomic_fetch_add_explicit(&cache->victim, 1, memory_order_relaxed) % WAYS;
    atomic_store_explicit(&set[way], tag_of(key) | value, memory_order_release);
}

static bool get(struct cache *cache, uint64_t key, uint32_t *value)
{
    _Atomic uint64_t *set = set_of(cache, key);
    for (uint32_t way = 0; way < WAYS; way++) {
        /* Acquire: what the value refers to was complete before the word was stored. */
        uint64_t word = atomic_load_explicit(&set[way], memory_order_acquire);
        if (word != 0 && tag_of(word) == tag_of(key)) {
            *value = (uint32_t)(word & 0xFFFF);
            return true;
        }
    }
    return false;
}

static void drop(struct cache *cache, uint64_t key)
{
    _Atomic uint64_t *set = set_of(cache, key);
    uint32_t way = way_of(set, key, false);
    uint64_t word = way < WAYS ? atomic_load_explicit(&set[way], memory_order_relaxed) : 0;
    if (word != 0 && tag_of(word) == tag_of(key))
        atomic_compare_exchange_strong_explicit(&set[way], &word, 0, memory_order_relaxed,
                                                memory_order_relaxed);
}

/* Only the tag: the entries of one name stay in one set, where the old ones are pushed out. */
static uint64_t key_in(uint64_t key, const struct spy_classifier *classifier)
{
    return key ^ (uint64_t)(uintptr_t)classifier << 16;
}

void spy_prepared_put(uint64_t key, const struct spy_classifier *classifier, spy_stmt stmt,
                      uint32_t text)
{
    put(&statements, key_in(key, classifier), stmt);
    if (text != 0)
        put(&texts, key, text);
    else
        drop(&texts, key);
}

bool spy_prepared_get(uint64_t key, const struct spy_classifier *classifier, spy_stmt *stmt)
{
    return get(&statements, key_in(key, classifier), stmt);
}

void spy_prepared_drop(uint64_t key, const struct spy_classifier *classifier)
{
    drop(&statements, key_in(key, classifier));
    drop(&texts, key);
}

uint32_t spy_prepared_text_of(uint64_t key, struct spy_prepared_text *text)
{
    uint32_t number;
    return get(&texts, key, &number) && spy_prepared_text_at(number, text) ? number : 0;
}
