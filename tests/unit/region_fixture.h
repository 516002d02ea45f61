/* SPDX-License-Identifier: MIT */
/*
 * A region in plain memory, for unit tests.
 */
#ifndef TESTS_UNIT_REGION_FIXTURE_H
#define TESTS_UNIT_REGION_FIXTURE_H

#include "shared/history.h"

#include <stdlib.h>
#include <string.h>

#define FIXTURE_MS 1000000ull

/* A region with the default levels and two ready operations beside the "other" ones: 2 (SQL) and
 * 3 (HTTP). Its epoch differs from that of every region before. */
static inline struct spy_region *region_fixture(void)
{
    static uint64_t epoch = 1000;
    uint64_t bytes = spy_region_layout(NULL);
    struct spy_region *region = aligned_alloc(4096, bytes);
    memset(region, 0, bytes);
    spy_region_layout(region);
    spy_history_begin(region, &spy_history_default);
    region->epoch_mono_ns = ++epoch;
    static const uint64_t bounds_ms[] = {100, 500, 1000, 3000};
    for (int i = 0; i < SPY_LEVEL_COUNT - 1; i++)
        region->level_bounds_ns[i] = bounds_ms[i] * FIXTURE_MS;
    for (uint32_t i = 0; i < 4; i++) {
        struct spy_op *op = spy_region_op(region, i);
        op->kind = i % 2 == 0 ? SPY_KIND_SQL : SPY_KIND_HTTP;
        op->watch_ns = 1000 * FIXTURE_MS;
        atomic_store(&op->state, SPY_OP_READY);
    }
    atomic_store(&region->ops_used, 4);
    atomic_store(&region->arena_used, 1);
    atomic_store(&region->text_used, 1);
    return region;
}

#endif
