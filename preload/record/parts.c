/* SPDX-License-Identifier: MIT */
/*
 * Parts of requests, added to cells; see parts.h. A few stores for each of six parts, once a
 * request.
 */
#include "record/parts.h"

#define RELAXED memory_order_relaxed
#define NO_TIME UINT32_MAX /* instead of a bucket: the part took no time */

static inline void add(_Atomic uint64_t *counter, uint64_t n, bool shared)
{
    if (shared)
        atomic_fetch_add_explicit(counter, n, RELAXED);
    else
        atomic_store_explicit(counter, atomic_load_explicit(counter, RELAXED) + n, RELAXED);
}

/* What the measured parts leave of the total. */
static uint64_t program_ns(const struct spy_sample *s)
{
    const uint64_t parts[] = {s->read_ns, s->db_wait_ns, s->db_rows_ns, s->blocked_ns};
    uint64_t left = s->dur_ns;
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        left -= parts[i] < left ? parts[i] : left;
    return left;
}

static void find_buckets(const struct spy_sample *s, uint32_t bucket[SPY_PART_COUNT])
{
    const uint64_t ns[SPY_PART_COUNT] = {
        [SPY_PART_READ] = s->read_ns,       [SPY_PART_DB_WAIT] = s->db_wait_ns,
        [SPY_PART_DB_ROWS] = s->db_rows_ns, [SPY_PART_BLOCKED] = s->blocked_ns,
        [SPY_PART_PROGRAM] = program_ns(s), [SPY_PART_FIRST_BYTE] = s->wait_ns,
    };
    for (unsigned i = 0; i < SPY_PART_COUNT; i++)
        bucket[i] = ns[i] == 0 ? NO_TIME : spy_part_index(ns[i]);
}

static struct spy_parts *make_parts(const struct spy_writer *writer, struct spy_cell *cell)
{
    return spy_region_chunk(writer->region, spy_writer_chunk(writer, &cell->parts));
}

static bool make_bucket(const struct spy_writer *writer, struct spy_parts *parts, unsigned part,
                        uint32_t bucket)
{
    return spy_writer_chunk(writer, &parts->chunk[part][bucket / SPY_PART_CHUNK_BUCKETS]) != 0;
}

static void add_bucket(const struct spy_writer *writer, struct spy_parts *parts, unsigned part,
                       uint32_t bucket, uint64_t n)
{
    uint32_t chunk =
        atomic_load_explicit(&parts->chunk[part][bucket / SPY_PART_CHUNK_BUCKETS], RELAXED);
    struct spy_part_chunk *buckets = spy_region_chunk(writer->region, chunk);
    add(&buckets->bucket[bucket % SPY_PART_CHUNK_BUCKETS], n, writer->shared);
}

void spy_parts_add(const struct spy_writer *writer, struct spy_cell *cell,
                   const struct spy_sample *sample)
{
    uint32_t bucket[SPY_PART_COUNT];
    struct spy_parts *parts = make_parts(writer, cell);
    bool room = parts != NULL;
    find_buckets(sample, bucket);
    for (unsigned i = 0; room && i < SPY_PART_COUNT; i++)
        room = bucket[i] == NO_TIME || make_bucket(writer, parts, i, bucket[i]);
    if (!room) {
        spy_self_count(writer->region, SPY_SELF_PARTS_FULL);
        return;
    }
    for (unsigned i = 0; i < SPY_PART_COUNT; i++)
        if (bucket[i] == NO_TIME)
            add(&parts->zero[i], 1, writer->shared);
        else
            add_bucket(writer, parts, i, bucket[i], 1);
}

/* ---- many at once --------------------------------------------------------------------------- */

static bool has_parts(const struct spy_totals *delta)
{
    for (unsigned i = 0; i < SPY_PART_COUNT; i++)
        if (spy_part_count(&delta->part[i]) != 0)
            return true;
    return false;
}

bool spy_parts_reserve(const struct spy_writer *writer, struct spy_cell *cell,
                       const struct spy_totals *delta)
{
    if (!has_parts(delta))
        return true;
    struct spy_parts *parts = make_parts(writer, cell);
    if (parts == NULL)
        return false;
    for (unsigned i = 0; i < SPY_PART_COUNT; i++)
        for (uint32_t k = 0; k < SPY_PART_BUCKETS; k++)
            if (delta->part[i].bucket[k] != 0 && !make_bucket(writer, parts, i, k))
                return false;
    return true;
}

void spy_parts_add_totals(const struct spy_writer *writer, struct spy_cell *cell,
                          const struct spy_totals *delta)
{
    struct spy_parts *parts =
        spy_region_chunk(writer->region, atomic_load_explicit(&cell->parts, RELAXED));
    for (unsigned i = 0; parts != NULL && i < SPY_PART_COUNT; i++) {
        add(&parts->zero[i], delta->part[i].zero, writer->shared);
        for (uint32_t k = 0; k < SPY_PART_BUCKETS; k++)
            if (delta->part[i].bucket[k] != 0)
                add_bucket(writer, parts, i, k, delta->part[i].bucket[k]);
    }
}
