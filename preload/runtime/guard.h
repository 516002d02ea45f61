/* SPDX-License-Identifier: MIT */
/*
 * The re-entrancy guard. libpq calls its own exported functions through the PLT (PQexec ->
 * PQsendQuery -> PQgetResult), and those inner calls must not be events.
 *
 * A guard is kept per thread, connection and stack frame: a notice processor that runs inside
 * PQexec may query another connection, and that is an event of its own. It heals itself: where a
 * longjmp or a cancellation skipped the leave, the frame noted is below the current stack, and the
 * entry is dropped at the next enter.
 */
#ifndef SPY_RUNTIME_GUARD_H
#define SPY_RUNTIME_GUARD_H

#include "runtime/thread.h"

#include <stdbool.h>
#include <stdint.h>

/* The caller's stack position. Stacks grow down on every supported machine. */
#define SPY_FRAME() __builtin_frame_address(0)

/*
 * Enters a call on CONN (NULL: the call makes a connection) from a wrapper at FRAME. True: this is
 * an outermost call, time it, and leave with the same CONN and FRAME. False: it is libpq's own
 * inner call, or too deep: only pass it through.
 */
bool spy_guard_enter(const void *conn, const void *frame);
void spy_guard_leave(const void *conn, const void *frame);

#endif
