/* SPDX-License-Identifier: MIT */
/*
 * The table of TLS sessions: buckets of eight keys, one cache line each; a key may be in either of
 * two buckets. Removing frees the key in place, so there are no tombstones and a look-up is at
 * most two cache lines for ever.
 */
#include "observe/session.h"

#include "runtime/table.h"

#define WAYS    8u
#define BUCKETS (SPY_SESSIONS_MAX / WAYS)

struct sessions {
    struct {
        _Alignas(64) _Atomic(const void *) key[WAYS];
    } bucket[BUCKETS];
    struct spy_session row[BUCKETS][WAYS];
};

static _Atomic(void *) table;

void spy_sessions_reserve(void)
{
    spy_table_map(&table, sizeof(struct sessions));
}

/* Fibonacci hashing: heap addresses differ in their middle bits. */
static uint32_t bucket_of(const void *address, unsigned which)
{
    uint64_t hash = ((uint64_t)(uintptr_t)address >> 4) * 0x9E3779B97F4A7C15ull;
    return (uint32_t)(which == 0 ? hash >> 32 : hash >> 48) % BUCKETS;
}

/* The place of ADDRESS, or NULL; *ROW is its row. */
static _Atomic(const void *) *place_of(const void *address, struct spy_session **row)
{
    struct sessions *sessions = spy_table(&table);
    for (unsigned which = 0; sessions != NULL && address != NULL && which < 2; which++) {
        uint32_t b = bucket_of(address, which);
        for (uint32_t way = 0; way < WAYS; way++) {
            _Atomic(const void *) *key = &sessions->bucket[b].key[way];
            if (atomic_load_explicit(key, memory_order_acquire) != address)
                continue;
            *row = &sessions->row[b][way];
            return key;
        }
    }
    return NULL;
}

struct spy_session *spy_session_find(const void *address)
{
    struct spy_session *row = NULL;
    place_of(address, &row);
    return row;
}

struct spy_session *spy_session_add(const void *address, const struct spy_copy *copy)
{
    struct spy_session *known = spy_session_find(address);
    struct sessions *sessions = spy_table_map(&table, sizeof(*sessions));
    if (known != NULL || sessions == NULL || address == NULL)
        return known;
    for (unsigned which = 0; which < 2; which++) {
        uint32_t b = bucket_of(address, which);
        for (uint32_t way = 0; way < WAYS; way++) {
            const void *unused = NULL;
            if (!atomic_compare_exchange_strong_explicit(&sessions->bucket[b].key[way], &unused,
                                                         address, memory_order_acq_rel,
                                                         memory_order_relaxed))
                continue;
            sessions->row[b][way] = (struct spy_session){.copy = copy};
            return &sessions->row[b][way];
        }
    }
    return NULL;
}

void spy_session_remove(const void *address)
{
    struct spy_session *row = NULL;
    _Atomic(const void *) *key = place_of(address, &row);
    if (key != NULL)
        atomic_store_explicit(key, NULL, memory_order_release);
}

void spy_sessions_forget(void)
{
    struct sessions *sessions = spy_table(&table);
    for (uint32_t b = 0; sessions != NULL && b < BUCKETS; b++)
        for (uint32_t way = 0; way < WAYS; way++)
            if (atomic_load_explicit(&sessions->bucket[b].key[way], memory_order_relaxed) != NULL)
                atomic_store_explicit(&sessions->bucket[b].key[way], NULL, memory_order_release);
}
