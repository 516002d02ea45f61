/* SPDX-License-Identifier: MIT */
/*
 * Deciding whether a statement is timed. See sampling.h.
 */
#include "observe/sampling.h"

#include "observe/inflight.h"
#include "record/open.h"
#include "record/sampling.h"
#include "runtime/clock.h"

static inline uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The latest moment that is known to lie before now. */
static uint64_t known_before(struct spy_query *call)
{
    const struct spy_region *region = call->region;
    uint32_t request = call->flight.owner.request;
    uint64_t known =
        later(region->epoch_mono_ns, atomic_load_explicit(&region->awake_ns, memory_order_relaxed));
    if (request != 0)
        known =
            later(known, atomic_load_explicit(&spy_open_request_at(region, request - 1u)->begin_ns,
                                              memory_order_relaxed));
    return later(known, spy_inflight_since(call));
}

/* In a pipeline nothing that is left over ends when another statement begins. */
static bool is_free(const struct spy_query *call)
{
    const struct spy_flights *flights = call->conn != NULL ? &call->conn->flights : NULL;
    return flights != NULL && !call->capturing && (flights->pipelined || !spy_flights_any(flights));
}

void spy_sampling_begin(struct spy_query *call)
{
    struct spy_flight *flight = &call->flight;
    uint32_t every = 0;
    if (flight->alone && flight->kind == SPY_FLIGHT_STATEMENT)
        every = spy_term(spy_region_op(call->region, flight->op)->sample);
    if (every != 0 && is_free(call))
        flight->sampled = spy_sampling_draw(call->region, flight->op, every);
    flight->begin_ns = flight->sampled == SPY_UNTIMED ? known_before(call) : spy_now();
}
