/* SPDX-License-Identifier: MIT */
/*
 * Interning endpoints without a lock. Rows are a chain in the order in which they were made, linked
 * through the upper halves of their states. A thread that finds its texts nowhere in the chain
 * fills in a row of its own, and then appends it: by a compare-and-swap at the end of the chain,
 * all of which it has compared by then. Whoever comes too late for that compares what was appended
 * before, and where those are its texts gives its own row back. So none is there twice, and nobody
 * waits.
 */
#include "record/endpoint.h"

#include "record/shard.h"
#include "shared/endpoint.h"

#include <string.h>

#define TEXTS_AT    offsetof(struct spy_endpoint, port)
#define TEXTS_BYTES (sizeof(struct spy_endpoint) - TEXTS_AT)

_Static_assert(sizeof(struct spy_endpoint) == 4 + 12 + 112 + 64 + 64, "no gaps: rows are compared");
_Static_assert(SPY_ENDPOINTS <= SPY_ENDPOINT_STATE_MASK, "a row has its place in a state");

/* As they were given: of any length, or NULL. */
struct texts {
    const char *host, *port, *database, *user;
};

static struct spy_endpoint *row_at(struct spy_region *region, uint32_t row)
{
    return (struct spy_endpoint *)spy_region_section(region, SPY_SECTION_ENDPOINTS) + row;
}

/* All of OUT is written: what is behind the text is zero. */
static void copy_text(char *out, size_t cap, const char *text)
{
    strncpy(out, text != NULL ? text : "", cap - 1);
    out[cap - 1] = '\0';
}

static void fill(struct spy_endpoint *row, const struct texts *texts)
{
    copy_text(row->host, sizeof(row->host), texts->host);
    copy_text(row->port, sizeof(row->port), texts->port);
    copy_text(row->database, sizeof(row->database), texts->database);
    copy_text(row->user, sizeof(row->user), texts->user);
}

static bool same(const struct spy_endpoint *a, const struct spy_endpoint *b)
{
    return memcmp((const char *)a + TEXTS_AT, (const char *)b + TEXTS_AT, TEXTS_BYTES) == 0;
}

/* The row after *LAST on that has the texts of WANTED, or 0. *LAST is then the end of the chain. */
static uint32_t find(struct spy_region *region, const struct spy_endpoint *wanted, uint32_t *last)
{
    for (;;) {
        /* Acquire: the texts of the row that this state links to. Pairs with append(). */
        uint32_t state = atomic_load_explicit(&row_at(region, *last)->state, memory_order_acquire);
        uint32_t next = state >> SPY_ENDPOINT_NEXT_SHIFT;
        if (next == 0)
            return 0;
        if (same(row_at(region, next), wanted))
            return next;
        *last = next;
    }
}

/* Takes a free row and fills it in; 0 where there is none. */
static uint32_t make_row(struct spy_region *region, const struct texts *texts)
{
    for (uint32_t i = 1; i < SPY_ENDPOINTS; i++) {
        struct spy_endpoint *row = row_at(region, i);
        uint32_t state = SPY_ENDPOINT_FREE;
        /* Acquire: after the writes of whoever gave the row back. */
        if (!atomic_compare_exchange_strong_explicit(&row->state, &state, SPY_ENDPOINT_CLAIMED,
                                                     memory_order_acquire, memory_order_relaxed))
            continue;
        fill(row, texts);
        atomic_store_explicit(&row->state, SPY_ENDPOINT_READY, memory_order_release);
        return i;
    }
    return 0;
}

/* Links ROW to LAST, which must be the end of the chain: false where it is no longer. */
static bool append(struct spy_region *region, uint32_t last, uint32_t row)
{
    uint32_t state = last == 0 ? SPY_ENDPOINT_FREE : SPY_ENDPOINT_READY;
    return atomic_compare_exchange_strong_explicit(&row_at(region, last)->state, &state,
                                                   state | row << SPY_ENDPOINT_NEXT_SHIFT,
                                                   memory_order_release, memory_order_relaxed);
}

uint16_t spy_endpoint_intern(struct spy_region *region, const char *host, const char *port,
                             const char *database, const char *user)
{
    const struct texts texts = {host, port, database, user};
    struct spy_endpoint wanted; /* as it would stand in the table */
    uint32_t last = 0, made = 0;
    fill(&wanted, &texts);
    for (;;) {
        uint32_t found = find(region, &wanted, &last);
        if (found != 0 && made != 0) /* nobody has seen it; release: pairs with make_row() */
            atomic_store_explicit(&row_at(region, made)->state, SPY_ENDPOINT_FREE,
                                  memory_order_release);
        if (found != 0)
            return (uint16_t)found;
        if (made == 0)
            made = make_row(region, &texts);
        if (made == 0) {
            spy_self_count(region, SPY_SELF_ENDPOINTS_FULL);
            return 0;
        }
        if (append(region, last, made))
            return (uint16_t)made;
    }
}
