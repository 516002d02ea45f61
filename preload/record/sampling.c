/* SPDX-License-Identifier: MIT */
/*
 * Drawing which call of a block is timed. See sampling.h.
 */
#include "record/sampling.h"

#include "runtime/clock.h"

#define RELAXED memory_order_relaxed

#define SEED_SHIFT (3 * SPY_SAMPLING_BITS)
#define SEED_MASK  ((1u << (64 - SEED_SHIFT)) - 1)
#define WEYL       0x1e3779b9u /* odd: every state comes before one comes again */

static uint32_t field(uint64_t word, int at)
{
    return (uint32_t)(word >> at * SPY_SAMPLING_BITS) & SPY_SAMPLING_MASK;
}

static uint32_t mixed(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x85ebca6bu;
    x ^= x >> 13;
    x *= 0xc2b2ae35u;
    return x ^ x >> 16;
}

/* A block of EVERY calls; WORD tells what was drawn before. */
static uint64_t begin_block(uint64_t word, const struct spy_cell *cell, uint32_t every)
{
    uint32_t seed = (uint32_t)(word >> SEED_SHIFT);
    if (seed == 0)
        seed = mixed((uint32_t)((uintptr_t)cell >> 6) ^ (uint32_t)spy_now());
    seed = (seed + WEYL) & SEED_MASK;
    if (seed == 0)
        seed = WEYL & SEED_MASK;
    uint32_t pick = 1 + (uint32_t)((uint64_t)mixed(seed) * every >> 32);
    return (uint64_t)seed << SEED_SHIFT | (uint64_t)every << 2 * SPY_SAMPLING_BITS |
           (uint64_t)pick << SPY_SAMPLING_BITS | every;
}

/* The next call of the block in WORD, which moves on. */
static uint16_t next(uint64_t *word, const struct spy_cell *cell, uint32_t every)
{
    if (__builtin_expect(field(*word, 0) == 0, 0))
        *word = begin_block(*word, cell, every);
    bool picked = field(*word, 0) == field(*word, 1);
    uint16_t standing = picked ? (uint16_t)field(*word, 2) : (uint16_t)SPY_UNTIMED;
    *word -= 1;
    return standing;
}

uint16_t spy_sampling_draw_any(struct spy_region *region, uint32_t op, uint32_t every)
{
    struct spy_writer writer = spy_writer_begin(region);
    struct spy_cell *cell = spy_writer_cell_counters(&writer, op);
    uint16_t standing = 0;
    if (cell != NULL) {
        uint64_t word = atomic_load_explicit(&cell->draw, RELAXED), after;
        do {
            after = word;
            standing = next(&after, cell, every);
            if (!writer.shared)
                atomic_store_explicit(&cell->draw, after, RELAXED);
        } while (writer.shared && !atomic_compare_exchange_weak_explicit(&cell->draw, &word, after,
                                                                         RELAXED, RELAXED));
    }
    spy_writer_end(&writer);
    return standing;
}
