/* SPDX-License-Identifier: MIT */
/*
 * The pool of streams. See pool.h.
 */
#include "observe/pool.h"

#include "runtime/clock.h"
#include "runtime/process.h"
#include "runtime/table.h"

/* state: generation << 32 | holders << 8 | bits */
#define CLOSED     4u
#define BUSY       ((uint64_t)(SPY_SIDE_IN | SPY_SIDE_OUT))
#define HOLDER     (1ull << 8)
#define HOLDERS    (0xFFFFFFull << 8)
#define GENERATION 32u

/* A handle: generation << 32 | index + 2, so that it is neither of the words 0 and 1 that a
 * descriptor may have (descriptors.h). The generation has 31 bits: bit 63 is not ours. */
#define FIRST_INDEX      2u
#define GENERATION_LIMIT (1ull << 31)
_Static_assert(SPY_STREAMS_MAX < UINT32_MAX - FIRST_INDEX, "an index fits its bits");

/* Streams are mapped a chunk at a time: a program may have a limit on its address space. */
#define CHUNK_STREAMS 4096u
#define CHUNKS        (SPY_STREAMS_MAX / CHUNK_STREAMS)
#define RESERVED      4u /* chunks */

struct chunk {
    struct spy_stream stream[CHUNK_STREAMS];
    union spy_protocol_state state[CHUNK_STREAMS];
    char room[CHUNK_STREAMS][SPY_PROTOCOL_ROOM];
};
static _Atomic(void *) chunks[CHUNKS];

/* Stream INDEX. Only for indices that the pool has given out: then it is there. */
static struct spy_stream *stream_at(uint32_t index)
{
    struct chunk *chunk = spy_table(&chunks[index / CHUNK_STREAMS]);
    return &chunk->stream[index % CHUNK_STREAMS];
}

static struct spy_stream *stream_of(uint64_t handle)
{
    return stream_at((uint32_t)handle - FIRST_INDEX);
}

static bool is_of(uint64_t state, uint64_t handle)
{
    return state >> GENERATION == handle >> GENERATION;
}

struct spy_protocol_memory spy_pool_memory(const struct spy_stream *stream)
{
    struct chunk *chunk = spy_table(&chunks[stream->index / CHUNK_STREAMS]);
    uint32_t i = stream->index % CHUNK_STREAMS;
    return (struct spy_protocol_memory){.state = &chunk->state[i], .room = chunk->room[i]};
}

/* ---- free streams: a stack, its head with a tag against ABA, and what was never used -----------
 */

static _Atomic uint64_t free_head; /* tag << 32 | index + 1 */
static _Atomic uint32_t never_used;

static struct spy_stream *pop_free(void)
{
    uint64_t head = atomic_load_explicit(&free_head, memory_order_acquire);
    while ((uint32_t)head != 0) {
        struct spy_stream *s = stream_at((uint32_t)head - 1);
        uint64_t next =
            ((head >> 32) + 1) << 32 | atomic_load_explicit(&s->next, memory_order_relaxed);
        if (atomic_compare_exchange_weak_explicit(&free_head, &head, next, memory_order_acquire,
                                                  memory_order_acquire))
            return s;
    }
    return NULL;
}

static void push_free(struct spy_stream *s)
{
    uint32_t link = s->index + 1;
    uint64_t head = atomic_load_explicit(&free_head, memory_order_relaxed);
    uint64_t mine;
    do {
        atomic_store_explicit(&s->next, (uint32_t)head, memory_order_relaxed);
        mine = ((head >> 32) + 1) << 32 | link;
    } while (!atomic_compare_exchange_weak_explicit(&free_head, &head, mine, memory_order_release,
                                                    memory_order_relaxed));
}

/* The chunk is mapped before an index in it is given out; by several threads at once, that stays
 * one chunk. */
static struct spy_stream *first_use(void)
{
    uint32_t index = atomic_load_explicit(&never_used, memory_order_relaxed);
    do
        if (index >= SPY_STREAMS_MAX ||
            spy_table_map(&chunks[index / CHUNK_STREAMS], sizeof(struct chunk)) == NULL)
            return NULL;
    while (!atomic_compare_exchange_weak_explicit(&never_used, &index, index + 1,
                                                  memory_order_relaxed, memory_order_relaxed));
    struct spy_stream *s = stream_at(index);
    s->index = index;
    return s;
}

void spy_pool_reserve(void)
{
    for (unsigned i = 0; i < RESERVED; i++)
        spy_table_map(&chunks[i], sizeof(struct chunk));
}

uint64_t spy_pool_take(void)
{
    struct spy_stream *s = pop_free();
    if (s == NULL)
        s = first_use();
    if (s == NULL)
        return 0;
    uint64_t generation = atomic_load_explicit(&s->state, memory_order_relaxed) >> GENERATION;
    generation = (generation + 1) % GENERATION_LIMIT;
    atomic_store_explicit(&s->protocol, NULL, memory_order_relaxed);
    /* Release: whoever enters by the new generation finds the protocol reset. */
    atomic_store_explicit(&s->state, generation << GENERATION | HOLDER, memory_order_release);
    return generation << GENERATION | (s->index + FIRST_INDEX);
}

/* ---- life ---------------------------------------------------------------------------------------
 */

/* No side is in use and none will be: tells the protocol and frees the stream. */
static void finish(struct spy_stream *s)
{
    const struct spy_protocol *protocol = atomic_load_explicit(&s->protocol, memory_order_relaxed);
    struct spy_region *region = spy_process_region();
    if (protocol != NULL && region != NULL)
        protocol->close(spy_pool_memory(s).state, region, spy_now());
    push_free(s);
}

/* The stream leaves state BEFORE for NEXT; whoever closes it while nobody is at it finishes it. */
static bool change(struct spy_stream *s, uint64_t *before, uint64_t next)
{
    if (!atomic_compare_exchange_weak_explicit(&s->state, before, next, memory_order_acq_rel,
                                               memory_order_acquire))
        return false;
    if (next & CLOSED && (next & BUSY) == 0)
        finish(s);
    return true;
}

void spy_pool_retire(uint64_t handle)
{
    struct spy_stream *s = stream_of(handle);
    uint64_t before = atomic_load_explicit(&s->state, memory_order_acquire);
    while (is_of(before, handle) && (before & CLOSED) == 0 && !change(s, &before, before | CLOSED))
        ;
}

void spy_pool_retire_all(void)
{
    uint32_t used = atomic_load_explicit(&never_used, memory_order_relaxed);
    for (uint32_t i = 0; i < used; i++) {
        struct spy_stream *s = stream_at(i);
        uint64_t state = atomic_load_explicit(&s->state, memory_order_acquire);
        if ((state & HOLDERS) != 0) /* else it is free, or just being taken */
            spy_pool_retire(state >> GENERATION << GENERATION | (i + FIRST_INDEX));
    }
}

bool spy_pool_hold(uint64_t handle)
{
    struct spy_stream *s = stream_of(handle);
    uint64_t before = atomic_load_explicit(&s->state, memory_order_acquire);
    do
        if (!is_of(before, handle) || before & CLOSED || (before & HOLDERS) == HOLDERS)
            return false;
    while (!change(s, &before, before + HOLDER));
    return true;
}

void spy_pool_release(uint64_t handle)
{
    struct spy_stream *s = stream_of(handle);
    uint64_t before = atomic_load_explicit(&s->state, memory_order_acquire);
    uint64_t next;
    do {
        if (!is_of(before, handle) || before & CLOSED)
            return;
        next = before - HOLDER;
        if ((next & HOLDERS) == 0)
            next |= CLOSED;
    } while (!change(s, &before, next));
}

struct spy_stream *spy_pool_enter(uint64_t handle, enum spy_side side)
{
    if (handle < FIRST_INDEX)
        return NULL;
    struct spy_stream *s = stream_of(handle);
    uint64_t before = atomic_load_explicit(&s->state, memory_order_acquire);
    do {
        if (!is_of(before, handle) || before & CLOSED)
            return NULL;
        if (before & side) {
            spy_pool_retire(handle);
            return NULL;
        }
    } while (!change(s, &before, before | side));
    return s;
}

void spy_pool_leave(struct spy_stream *stream, enum spy_side side)
{
    uint64_t before = atomic_load_explicit(&stream->state, memory_order_relaxed);
    while (!change(stream, &before, before & ~(uint64_t)side))
        ;
}
