/* SPDX-License-Identifier: MIT */
/*
 * A hash table from 64-bit keys to numbers, built once on the cold path and only read afterwards:
 * the edges of the tries and the indexes of the rules. What is looked up costs the same however
 * many entries there are.
 *
 * Reading: any thread, no lock, no allocation, signal-safe.
 */
#ifndef SPY_CLASSIFY_EDGES_H
#define SPY_CLASSIFY_EDGES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct spy_edge {
    uint64_t key;
    uint32_t value; /* 0: free slot */
};

struct spy_edges {
    struct spy_edge *slot;
    uint32_t bits; /* 2^bits slots */
};

/* Room for COUNT entries. False when out of memory. */
static inline bool spy_edges_open(struct spy_edges *edges, uint32_t count)
{
    edges->bits = 2;
    while ((1u << edges->bits) < 2 * count)
        edges->bits++;
    edges->slot = calloc((size_t)1 << edges->bits, sizeof(*edges->slot));
    return edges->slot != NULL;
}

static inline void spy_edges_close(struct spy_edges *edges)
{
    free(edges->slot);
    edges->slot = NULL;
}

/* The slot of KEY, or the free one where it would be. */
static inline struct spy_edge *spy_edges_slot(const struct spy_edges *edges, uint64_t key)
{
    uint32_t mask = (1u << edges->bits) - 1;
    uint32_t i = (uint32_t)((key * 0x9E3779B97F4A7C15ull) >> (64 - edges->bits));
    while (edges->slot[i].value != 0 && edges->slot[i].key != key)
        i = (i + 1) & mask;
    return &edges->slot[i];
}

/* The value of KEY, or 0. */
static inline uint32_t spy_edges_find(const struct spy_edges *edges, uint64_t key)
{
    return spy_edges_slot(edges, key)->value;
}

/* VALUE must not be 0. What KEY had before stays. */
static inline void spy_edges_add(struct spy_edges *edges, uint64_t key, uint32_t value)
{
    struct spy_edge *slot = spy_edges_slot(edges, key);
    if (slot->value == 0)
        *slot = (struct spy_edge){.key = key, .value = value};
}

#endif
