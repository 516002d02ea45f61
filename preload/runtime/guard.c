/* SPDX-License-Identifier: MIT */
/*
 * The re-entrancy guard's stack. Thread-local: no atomics. Signal-safe in so far as a handler
 * leaves the stack as it found it, which entering and leaving in pairs does.
 */
#include "runtime/guard.h"

#include "runtime/process.h"

__thread struct spy_thread spy_thread;

/* Drops entries whose frame is gone: the stack has been unwound past them. */
static void heal(struct spy_thread *t, uintptr_t frame)
{
    while (t->guard_depth > 0 && (uintptr_t)t->guard[t->guard_depth - 1].frame <= frame)
        t->guard_depth--;
}

bool spy_guard_enter(const void *conn, const void *frame)
{
    struct spy_thread *t = &spy_thread;
    heal(t, (uintptr_t)frame);
    for (uint32_t i = 0; i < t->guard_depth; i++)
        if (t->guard[i].conn == conn || t->guard[i].conn == NULL)
            return false;
    if (t->guard_depth == SPY_GUARD_DEPTH) {
        struct spy_region *region = spy_process_region();
        if (region != NULL)
            atomic_fetch_add_explicit(&region->self[SPY_SELF_NESTED_DEEP], 1, memory_order_relaxed);
        return false;
    }
    t->guard[t->guard_depth++] = (struct spy_guard_frame){conn, frame};
    return true;
}

void spy_guard_leave(const void *conn, const void *frame)
{
    struct spy_thread *t = &spy_thread;
    uint32_t depth = t->guard_depth;
    while (depth > 0 && !(t->guard[depth - 1].conn == conn && t->guard[depth - 1].frame == frame))
        depth--;
    if (depth > 0)
        t->guard_depth = depth - 1;
}
