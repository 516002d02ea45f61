/* SPDX-License-Identifier: MIT */
/*
 * Queues of flights and the pool they grow from: a stack of free flights, popped and pushed by
 * compare-and-swap on one word of position and change counter (against ABA).
 */
#include "observe/flight.h"

#include "runtime/table.h"

#include <stddef.h>

struct pool {
    struct spy_flight flight[SPY_FLIGHTS_MAX];
    _Atomic uint32_t
        below[SPY_FLIGHTS_MAX]; /* of a free flight: the one under it, plus 1; 0: none */
};

static _Atomic(void *) table;     /* struct pool */
static _Atomic uint32_t fresh;    /* flights never used yet begin here */
static _Atomic uint64_t returned; /* change counter << 32 | position + 1 of the newest; 0: none */

static struct spy_flight *take_returned(struct pool *pool)
{
    uint64_t top = atomic_load_explicit(&returned, memory_order_acquire);
    while ((uint32_t)top != 0) {
        uint32_t position = (uint32_t)top - 1;
        uint32_t below = atomic_load_explicit(&pool->below[position], memory_order_relaxed);
        uint64_t rest = ((top >> 32) + 1) << 32 | below;
        if (atomic_compare_exchange_weak_explicit(&returned, &top, rest, memory_order_acquire,
                                                  memory_order_acquire))
            return &pool->flight[position];
    }
    return NULL;
}

static struct spy_flight *take(void)
{
    struct pool *pool = spy_table_map(&table, sizeof(struct pool));
    struct spy_flight *flight = pool != NULL ? take_returned(pool) : NULL;
    if (pool == NULL || flight != NULL)
        return flight;
    uint32_t position = atomic_load_explicit(&fresh, memory_order_relaxed);
    while (position < SPY_FLIGHTS_MAX)
        if (atomic_compare_exchange_weak_explicit(&fresh, &position, position + 1,
                                                  memory_order_relaxed, memory_order_relaxed))
            return &pool->flight[position];
    return NULL;
}

static void give_back(struct spy_flight *flight)
{
    struct pool *pool = spy_table(&table);
    uint32_t position = (uint32_t)(flight - pool->flight);
    uint64_t top = atomic_load_explicit(&returned, memory_order_relaxed);
    uint64_t with;
    do {
        atomic_store_explicit(&pool->below[position], (uint32_t)top, memory_order_relaxed);
        with = ((top >> 32) + 1) << 32 | (position + 1);
    } while (!atomic_compare_exchange_weak_explicit(&returned, &top, with, memory_order_release,
                                                    memory_order_relaxed));
}

struct spy_flight *spy_flights_push(struct spy_flights *flights, const struct spy_flight *flight)
{
    struct spy_flight *room = NULL;
    if (flights->lost == 0)
        room = flights->first_used ? take() : &flights->first;
    if (room == NULL) { /* also behind one that was lost: results come in order */
        flights->lost++;
        return NULL;
    }
    if (room == &flights->first)
        flights->first_used = true;
    *room = *flight;
    room->next = NULL;
    if (flights->head == NULL)
        flights->head = room;
    else
        flights->tail->next = room;
    flights->tail = room;
    flights->count++;
    return room;
}

void spy_flights_pop(struct spy_flights *flights)
{
    struct spy_flight *head = flights->head;
    if (head->captured != 0)
        spy_capture_drop(head->captured);
    flights->head = head->next;
    flights->count--;
    if (flights->unsent == head)
        flights->unsent = head->next;
    if (head == &flights->first)
        flights->first_used = false;
    else
        give_back(head);
}

void spy_flights_sent(struct spy_flights *flights, uint64_t now)
{
    for (struct spy_flight *flight = flights->unsent; flight != NULL; flight = flight->next)
        if (flight->first_ns == 0) /* else it was sent where nobody saw it */
            flight->sent_ns = now;
    flights->unsent = NULL;
}

void spy_flights_clear(struct spy_flights *flights)
{
    while (flights->head != NULL)
        spy_flights_pop(flights);
    flights->lost = 0;
    flights->seen = false;
    flights->stray = false;
}

void spy_flights_reserve(void)
{
    spy_table_map(&table, sizeof(struct pool));
}
