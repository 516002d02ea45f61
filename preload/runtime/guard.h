/* SPDX-License-Identifier: MIT */
/*
 * The re-entrancy guard. libpq calls its own exported functions through the PLT (PQexec ->
 * PQsendQuery -> PQgetResult), and those inner calls must not be events.
 *
 * An inner call is one that libpq makes, inside a call on the same connection. A notice processor
 * that runs inside PQexec may query another connection, and a signal handler may cancel the very
 * one that is being waited for: both are called by the program, and events of their own. So is the
 * call after a longjmp or a cancellation that skipped a leave, wherever on the stack it is made.
 */
#ifndef SPY_RUNTIME_GUARD_H
#define SPY_RUNTIME_GUARD_H

#include "runtime/thread.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The caller's stack position. Stacks grow down on every supported machine. */
#define SPY_FRAME() __builtin_frame_address(0)

/* What a call that cancels is entered with: inside it libpq 17 makes a handle and cancels by it. */
#define SPY_GUARD_CANCEL ((const void *)&spy_guard_cancel)
extern const char spy_guard_cancel;

/*
 * Enters a call on CONN (NULL: the call makes a connection) from a wrapper at FRAME, which libpq
 * called itself (BY_LIBPQ), or else the program. True: this is an outermost call, time it, and
 * leave with the same CONN and FRAME. False: it is libpq's own inner call, or too deep: only pass
 * it through.
 */
bool spy_guard_enter(const void *conn, const void *frame, bool by_libpq);
void spy_guard_leave(const void *conn, const void *frame);

/* The innermost call under way of the calling thread, or NULL. */
static inline struct spy_guard_frame *spy_guard_top(void)
{
    struct spy_thread *t = &spy_thread;
    return t->guard_depth > 0 ? &t->guard[t->guard_depth - 1] : NULL;
}

/* Enters the program's call on CONN, whose row is ROW, where the thread has nothing under way;
 * false where it has. Calls that PASSES makes in it are only passed on. The depth goes first, so
 * that a signal handler that comes in between uses the entry above, and the frame last, so that it
 * does not take this one for a call. */
static inline bool spy_guard_enter_first(const void *conn, const void *frame, void *row,
                                         const struct spy_libpq *passes)
{
    struct spy_thread *t = &spy_thread;
    if (t->guard_depth != 0)
        return false;
    t->guard_depth = 1;
    atomic_signal_fence(memory_order_seq_cst);
    t->guard[0].conn = conn;
    t->guard[0].row = row;
    t->guard[0].passes = passes;
    atomic_signal_fence(memory_order_seq_cst);
    t->guard[0].frame = frame;
    return true;
}

/* The same as spy_guard_leave(), at once where it is the thread's only call. */
static inline void spy_guard_leave_first(const void *conn, const void *frame)
{
    struct spy_thread *t = &spy_thread;
    if (t->guard_depth != 1 || t->guard[0].conn != conn || t->guard[0].frame != frame) {
        spy_guard_leave(conn, frame);
        return;
    }
    t->guard[0].frame = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    t->guard_depth = 0;
}

/* The calling thread has nothing under way on CONN: it is about to be freed. */
void spy_guard_forget(const void *conn);

#endif
