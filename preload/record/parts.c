/* SPDX-License-Identifier: MIT */
/*
 * Parts of requests, added to cells; see parts.h. A few stores for each of six parts, once a
 * request.
 */
#include "record/parts.h"

#define RELAXED memory_order_relaxed

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

static struct spy_parts *make_parts(const struct spy_writer *writer, struct spy_cell *cell)
{
    return spy_region_chunk(writer->region, spy_writer_chunk(writer, &cell->parts));
}

/* The count of requests whose PART fell into BUCKET, made where there is none yet; NULL where the
 * arena is full. */
static inline _Atomic uint64_t *make_bucket(const struct spy_writer *writer,
                                            struct spy_parts *parts, unsigned part, uint32_t bucket)
{
    _Atomic uint32_t *slot = &parts->chunk[part][bucket / SPY_PART_CHUNK_BUCKETS];
    uint32_t chunk = atomic_load_explicit(slot, memory_order_acquire);
    if (__builtin_expect(chunk == 0, 0))
        chunk = spy_writer_chunk(writer, slot);
    struct spy_part_chunk *buckets = spy_region_chunk(writer->region, chunk);
    return buckets != NULL ? &buckets->bucket[bucket % SPY_PART_CHUNK_BUCKETS] : NULL;
}

/* All of a request, or nothing. */
static bool add_parts(const struct spy_writer *writer, struct spy_cell *cell,
                      const uint64_t ns[SPY_PART_COUNT])
{
    _Atomic uint64_t *counter[SPY_PART_COUNT];
    struct spy_parts *parts = make_parts(writer, cell);
    bool room = parts != NULL;
    for (unsigned i = 0; room && i < SPY_PART_COUNT; i++) {
        counter[i] =
            ns[i] == 0 ? &parts->zero[i] : make_bucket(writer, parts, i, spy_part_index(ns[i]));
        room = counter[i] != NULL;
    }
    for (unsigned i = 0; room && i < SPY_PART_COUNT; i++)
        add(counter[i], 1, writer->shared);
    return room;
}

/* In the operation's cell of the shared shard, for want of room in the thread's own. */
static bool add_parts_shared(struct spy_region *region, uint32_t op,
                             const uint64_t ns[SPY_PART_COUNT])
{
    struct spy_writer common = spy_writer_common(region);
    struct spy_cell *cell = spy_writer_counters(&common, op);
    return cell != NULL && add_parts(&common, cell, ns);
}

void spy_parts_add(const struct spy_writer *writer, struct spy_cell *cell,
                   const struct spy_sample *sample)
{
    const uint64_t ns[SPY_PART_COUNT] = {
        [SPY_PART_READ] = sample->read_ns,       [SPY_PART_DB_WAIT] = sample->db_wait_ns,
        [SPY_PART_DB_ROWS] = sample->db_rows_ns, [SPY_PART_BLOCKED] = sample->blocked_ns,
        [SPY_PART_PROGRAM] = program_ns(sample), [SPY_PART_FIRST_BYTE] = sample->wait_ns,
    };
    if (!add_parts(writer, cell, ns) &&
        (writer->shared || !add_parts_shared(writer->region, sample->op, ns)))
        spy_self_count(writer->region, SPY_SELF_PARTS_FULL);
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
            if (delta->part[i].bucket[k] != 0 && make_bucket(writer, parts, i, k) == NULL)
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
                add(make_bucket(writer, parts, i, k), delta->part[i].bucket[k], writer->shared);
    }
}
