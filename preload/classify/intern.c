/* SPDX-License-Identifier: MIT */
/*
 * Interning: see intern.h for the protocol and the contract.
 */
#include "classify/intern.h"

#include "classify/zeroed.h"

#include <stddef.h>

#define ROW_BITS 16u
#define ROW_MASK ((1u << ROW_BITS) - 1)

bool spy_intern_open(struct spy_intern *intern, _Atomic uint32_t *used, uint32_t max)
{
    uint32_t slots = 1;
    while (slots < 2 * max)
        slots *= 2;
    *intern = (struct spy_intern){.mask = slots - 1, .used = used, .max = max};
    intern->slot = spy_zeroed_open(slots * sizeof(*intern->slot));
    return intern->slot != NULL;
}

void spy_intern_share(struct spy_intern *intern, const struct spy_intern *other)
{
    *intern = (struct spy_intern){
        .slot = other->slot, .mask = other->mask, .used = other->used, .max = other->max};
}

void spy_intern_close(struct spy_intern *intern)
{
    spy_zeroed_close(intern->slot, (intern->mask + 1) * sizeof(*intern->slot));
    intern->slot = NULL;
}

static bool same_tag(uint64_t word, uint64_t key)
{
    return (word ^ key) >> ROW_BITS == 0;
}

uint32_t spy_intern_find(const struct spy_intern *intern, uint64_t key)
{
    for (uint32_t i = (uint32_t)key & intern->mask;; i = (i + 1) & intern->mask) {
        /* Pairs with the release in spy_intern_publish(). */
        uint64_t word = atomic_load_explicit(&intern->slot[i], memory_order_acquire);
        if (word == 0)
            return 0;
        if (same_tag(word, key))
            return (uint32_t)word & ROW_MASK;
    }
}

uint32_t spy_intern_take(struct spy_intern *intern)
{
    for (uint32_t i = 0; i < SPY_INTERN_SPARES; i++) {
        if (atomic_load_explicit(&intern->spare[i], memory_order_relaxed) == 0)
            continue;
        /* Pairs with the release in give_back(): what its last taker wrote comes before. */
        uint32_t row = atomic_exchange_explicit(&intern->spare[i], 0, memory_order_acquire);
        if (row != 0)
            return row;
    }
    /* Asked before adding, so that a full table does not count up until the number wraps. */
    if (atomic_load_explicit(intern->used, memory_order_relaxed) >= intern->max)
        return 0;
    uint32_t row = atomic_fetch_add_explicit(intern->used, 1, memory_order_relaxed);
    return row < intern->max ? row : 0;
}

static void give_back(struct spy_intern *intern, uint32_t row)
{
    for (uint32_t i = 0; i < SPY_INTERN_SPARES; i++) {
        uint32_t none = 0;
        if (atomic_compare_exchange_strong_explicit(&intern->spare[i], &none, row,
                                                    memory_order_release, memory_order_relaxed))
            return;
    }
}

uint32_t spy_intern_publish(struct spy_intern *intern, uint64_t key, uint32_t row)
{
    uint64_t mine = (key & ~(uint64_t)ROW_MASK) | row;
    for (uint32_t i = (uint32_t)key & intern->mask;; i = (i + 1) & intern->mask) {
        uint64_t word = 0;
        /* Release: pairs with the acquire in spy_intern_find() and with the one right here. */
        if (atomic_compare_exchange_strong_explicit(&intern->slot[i], &word, mine,
                                                    memory_order_release, memory_order_acquire))
            return row;
        if (!same_tag(word, key))
            continue;
        give_back(intern, row);
        return (uint32_t)word & ROW_MASK;
    }
}
