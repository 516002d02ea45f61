/* SPDX-License-Identifier: MIT */
/*
 * The re-entrancy guard's stack. Thread-local: no atomics. Signal-safe: a handler leaves the
 * entries as it found them.
 *
 * An entry whose frame is at or below the current one was left behind: the stack has been unwound
 * past it. It is skipped, not dropped: the current frame may be a signal handler's, on a stack of
 * its own that lies above the one that it interrupted.
 */
#include "runtime/guard.h"

#include "runtime/process.h"

__thread struct spy_thread spy_thread;

const char spy_guard_cancel;

static bool under_way(const struct spy_guard_frame *entry, const void *frame)
{
    return (uintptr_t)entry->frame > (uintptr_t)frame;
}

static void set_depth(struct spy_thread *t, uint32_t depth)
{
    for (uint32_t i = depth; i < t->guard_depth; i++)
        t->guard[i].frame = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    t->guard_depth = depth;
}

/* Drops the entries of CONN, and those that seen from FRAME were left behind. One without a frame
 * is just being made: we are a signal handler. */
static void drop(struct spy_thread *t, const void *conn, const void *frame)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->guard_depth; i++) {
        const struct spy_guard_frame *entry = &t->guard[i];
        if (entry->frame == NULL || (entry->conn != conn && under_way(entry, frame)))
            t->guard[kept++] = *entry;
    }
    set_depth(t, kept);
}

void spy_guard_forget(const void *conn)
{
    if (spy_thread.guard_depth > 0)
        drop(&spy_thread, conn, NULL);
}

/* The depth first, so that a signal handler that comes in between uses the entry above, and the
 * frame last, so that it does not take this one for a call. */
static void push(struct spy_thread *t, const void *conn, const void *frame)
{
    struct spy_guard_frame *entry = &t->guard[t->guard_depth];
    t->guard_depth++;
    atomic_signal_fence(memory_order_seq_cst);
    entry->conn = conn;
    entry->row = NULL;
    entry->passes = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    entry->frame = frame;
}

bool spy_guard_enter(const void *conn, const void *frame, bool by_libpq)
{
    struct spy_thread *t = &spy_thread;
    for (uint32_t i = 0; by_libpq && i < t->guard_depth; i++)
        if ((t->guard[i].conn == conn || t->guard[i].conn == NULL) &&
            under_way(&t->guard[i], frame))
            return false;
    spy_guard_forget(conn); /* the program does not call inside a call on CONN: that is gone */
    if (t->guard_depth == SPY_GUARD_DEPTH)
        drop(t, conn, frame);
    if (t->guard_depth == SPY_GUARD_DEPTH) {
        struct spy_region *region = spy_process_region();
        if (region != NULL)
            atomic_fetch_add_explicit(&region->self[SPY_SELF_NESTED_DEEP], 1, memory_order_relaxed);
        return false;
    }
    push(t, conn, frame);
    return true;
}

void spy_guard_leave(const void *conn, const void *frame)
{
    struct spy_thread *t = &spy_thread;
    uint32_t depth = t->guard_depth;
    while (depth > 0 && !(t->guard[depth - 1].conn == conn && t->guard[depth - 1].frame == frame))
        depth--;
    if (depth > 0)
        set_depth(t, depth - 1);
}
