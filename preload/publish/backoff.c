/* SPDX-License-Identifier: MIT */
/*
 * Noting our cost and backing off. See backoff.h.
 */
#include "publish/backoff.h"

#include "publish/capture_server.h"
#include "runtime/clock.h"
#include "runtime/confine.h"
#include "runtime/log.h"

#include <inttypes.h>

#define RELAXED memory_order_relaxed
#define MILLION 1000000u

/* Of the helper thread: what stood at the last look. */
static struct spy_backoff_sight before;
static uint64_t before_ns;
static uint32_t calm;

/* ---- the decision --------------------------------------------------------------------------- */

/* Did SIGHT's calls take more than PPM millionths of the CPU time? */
static bool takes_more(const struct spy_backoff_sight *sight, uint64_t ppm)
{
    return sight->samples >= SPY_BACKOFF_SAMPLES && sight->process_ns > 0 &&
           sight->calls_ns > sight->wall_ns / SPY_BACKOFF_PER_WALL &&
           (unsigned __int128)sight->calls_ns * MILLION >
               (unsigned __int128)sight->process_ns * ppm;
}

enum spy_backoff spy_backoff_next(enum spy_backoff now, uint32_t *calm_looks, uint32_t limit_ppm,
                                  const struct spy_backoff_sight *sight)
{
    bool quiet = limit_ppm == 0 || !takes_more(sight, limit_ppm / 2);
    *calm_looks = quiet ? *calm_looks + 1 : 0;
    if (limit_ppm == 0 || *calm_looks >= SPY_BACKOFF_CALM)
        return SPY_BACKOFF_NONE;
    if (!takes_more(sight, limit_ppm))
        return now;
    return now == SPY_BACKOFF_NONE && sight->capturing ? SPY_BACKOFF_CAPTURE : SPY_BACKOFF_DETAIL;
}

/* ---- looking -------------------------------------------------------------------------------- */

static uint64_t samples_of(const struct spy_cost *cost)
{
    uint64_t samples = 0;
    for (int kind = 0; kind < SPY_KIND_COUNT; kind++)
        samples += atomic_load_explicit(&cost->side[kind].samples, RELAXED);
    return samples;
}

/* All that there was so far; published as it is. CPU clocks are read by system calls: not where
 * those are confined, which leaves what was known. */
static struct spy_backoff_sight note(struct spy_cost *cost, uint64_t now_ns)
{
    struct spy_backoff_sight sight = {
        .calls_ns = spy_cost_calls_ns(cost),
        .samples = samples_of(cost),
    };
    if (spy_confined())
        return sight;
    sight.process_ns = spy_clock_of(CLOCK_PROCESS_CPUTIME_ID);
    atomic_store_explicit(&cost->calls_ns, sight.calls_ns, RELAXED);
    atomic_store_explicit(&cost->process_ns, sight.process_ns, RELAXED);
    atomic_store_explicit(&cost->helper_ns, spy_clock_of(CLOCK_THREAD_CPUTIME_ID), RELAXED);
    atomic_store_explicit(
        &cost->clock, spy_clock_counts() ? SPY_COST_CLOCK_COUNTER : SPY_COST_CLOCK_VDSO, RELAXED);
    atomic_store_explicit(&cost->noted_ns, now_ns, RELAXED);
    return sight;
}

void spy_backoff_begin(struct spy_region *region, uint64_t now_ns)
{
    before = note(&region->cost, now_ns);
    before_ns = now_ns;
    calm = 0;
}

/* Requests that are under way when the detail comes back lack some of it: the time is stored first,
 * so that none of them is taken for whole. */
static void change(struct spy_cost *cost, enum spy_backoff was, enum spy_backoff is,
                   const struct spy_backoff_sight *sight, uint64_t now_ns)
{
    atomic_store_explicit(&cost->changed_ns, now_ns, RELAXED);
    atomic_store_explicit(&cost->backoff, is, memory_order_release);
    if (was == SPY_BACKOFF_NONE)
        atomic_fetch_add_explicit(&cost->backoffs, 1, RELAXED);
    if (is != SPY_BACKOFF_NONE)
        spy_capture_server_stop();
    spy_log(SPY_LOG_WARNING, "event=%s cost_ppm=%" PRIu64 " limit_ppm=%" PRIu32 " left_out=\"%s\"",
            is == SPY_BACKOFF_NONE ? "back_to_normal" : "backed_off",
            sight->process_ns != 0 ? sight->calls_ns * MILLION / sight->process_ns : 0,
            cost->limit_ppm, spy_backoff_text(is));
}

void spy_backoff_look(struct spy_region *region, uint64_t now_ns)
{
    struct spy_cost *cost = &region->cost;
    enum spy_backoff was = atomic_load_explicit(&cost->backoff, RELAXED);
    struct spy_backoff_sight all = note(cost, now_ns);
    struct spy_backoff_sight sight = {
        .calls_ns = spy_clock_since(all.calls_ns, before.calls_ns),
        .process_ns = spy_clock_since(all.process_ns, before.process_ns),
        .wall_ns = spy_clock_since(now_ns, before_ns),
        .samples = all.samples - before.samples,
        .capturing = spy_capture_server_busy(),
    };
    before = all;
    before_ns = now_ns;
    enum spy_backoff is = spy_backoff_next(was, &calm, cost->limit_ppm, &sight);
    if (is != was)
        change(cost, was, is, &sight, now_ns);
}
