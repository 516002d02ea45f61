/* SPDX-License-Identifier: MIT */
/*
 * The connection table: buckets of eight keys, one cache line each; a key may be in either of two
 * buckets. Removing frees the key in place, so there are no tombstones and a look-up is at most
 * two cache lines for ever.
 */
#include "observe/conn.h"

#include "record/endpoint.h"
#include "runtime/table.h"

#include <stddef.h>
#include <stdint.h>

#define WAYS    8u
#define BUCKETS (SPY_CONNS_MAX / WAYS)

static struct {
    _Alignas(64) _Atomic(const void *) key[WAYS];
} buckets[BUCKETS];

static _Atomic(void *) rows; /* struct spy_conn[BUCKETS * WAYS], once there was a connection */
static _Atomic uint64_t serials;

static struct spy_conn *row_at(uint32_t bucket, uint32_t way)
{
    return (struct spy_conn *)spy_table(&rows) + bucket * WAYS + way;
}

/* Fibonacci hashing: heap addresses differ in their middle bits. */
static uint32_t bucket_of(const void *handle, unsigned which)
{
    uint64_t hash = ((uint64_t)(uintptr_t)handle >> 4) * 0x9E3779B97F4A7C15ull;
    return (uint32_t)(which == 0 ? hash >> 32 : hash >> 48) % BUCKETS;
}

struct spy_conn *spy_conn_search(const void *handle)
{
    for (unsigned which = 0; handle != NULL && which < 2; which++) {
        uint32_t b = bucket_of(handle, which);
        for (uint32_t way = 0; way < WAYS; way++)
            if (atomic_load_explicit(&buckets[b].key[way], memory_order_acquire) == handle)
                return spy_thread.conn = row_at(b, way);
    }
    return NULL;
}

static struct spy_conn *fresh(struct spy_conn *row, const void *handle, const struct spy_libpq *pq)
{
    atomic_store_explicit(&row->handle, handle, memory_order_relaxed);
    row->pq = pq;
    row->serial = atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed) + 1;
    row->resumed = atomic_load_explicit(&spy_process_resumed, memory_order_relaxed);
    row->connect_ns = 0;
    row->connect_owner = (struct spy_owner){0};
    row->facts_epoch = 0;
    row->open_epoch = 0;
    row->endpoint = 0;
    row->backend_pid = 0;
    row->batch = NULL;
    row->named = false;
    for (uint32_t i = 0; i < SPY_CONN_EXECUTED; i++)
        row->executed[i].classifier = NULL;
    spy_flights_clear(&row->flights);
    atomic_store_explicit(&row->pending.count, 0, memory_order_relaxed);
    atomic_store_explicit(&row->pending.owner, 0, memory_order_relaxed);
    return row;
}

struct spy_conn *spy_conn_at(uint32_t i)
{
    return spy_table(&rows) != NULL ? row_at(i / WAYS, i % WAYS) : NULL;
}

void spy_conn_rejoin(struct spy_conn *conn)
{
    if (spy_process_unseen_since(conn->resumed)) /* it may be another's, at the same address */
        conn->serial = atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed) + 1;
    conn->resumed = atomic_load_explicit(&spy_process_resumed, memory_order_relaxed);
    conn->connect_ns = 0;
    conn->facts_epoch = 0; /* it may have been reset to another server */
    conn->open_epoch = 0;
    conn->prepared_changes++;
    spy_flights_clear(&conn->flights);
}

struct spy_conn *spy_conn_add_new(const void *handle, const struct spy_libpq *pq)
{
    if (spy_table_map(&rows, SPY_CONNS_MAX * sizeof(struct spy_conn)) == NULL)
        return NULL;
    for (unsigned which = 0; which < 2; which++) {
        uint32_t b = bucket_of(handle, which);
        for (uint32_t way = 0; way < WAYS; way++) {
            const void *empty = NULL;
            if (atomic_compare_exchange_strong_explicit(&buckets[b].key[way], &empty, handle,
                                                        memory_order_acq_rel, memory_order_relaxed))
                return spy_thread.conn = fresh(row_at(b, way), handle, pq);
        }
    }
    return NULL;
}

struct spy_conn *spy_conn_add(const void *handle, const struct spy_libpq *pq)
{
    struct spy_conn *known = spy_conn_find(handle);
    return known != NULL ? fresh(known, handle, pq) : spy_conn_add_new(handle, pq);
}

void spy_conn_learn(struct spy_conn *conn, const PGconn *pgconn, struct spy_region *region)
{
    const struct spy_libpq *pq = conn->pq;
    conn->endpoint = spy_endpoint_intern(region, pq->PQhost(pgconn), pq->PQport(pgconn),
                                         pq->PQdb(pgconn), pq->PQuser(pgconn));
    conn->backend_pid = pq->PQbackendPID(pgconn);
    conn->facts_epoch = region->epoch_mono_ns;
}

void spy_conn_remove(const void *handle)
{
    struct spy_conn *row = spy_conn_find(handle);
    if (row == NULL)
        return;
    atomic_store_explicit(&row->handle, NULL, memory_order_relaxed);
    for (unsigned which = 0; which < 2; which++) {
        uint32_t b = bucket_of(handle, which);
        for (uint32_t way = 0; way < WAYS; way++) {
            const void *key = handle;
            if (atomic_compare_exchange_strong_explicit(&buckets[b].key[way], &key, NULL,
                                                        memory_order_acq_rel, memory_order_relaxed))
                return;
        }
    }
}

void spy_conns_reserve(void)
{
    spy_table_map(&rows, SPY_CONNS_MAX * sizeof(struct spy_conn));
}
