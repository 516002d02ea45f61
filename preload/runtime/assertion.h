/* SPDX-License-Identifier: MIT */
/*
 * What libyaml's assertions do in a stranger's process: nothing fatal.
 *
 * The library links libyaml, which calls __assert_fail() where its contract is broken; libc's would
 * abort the program. Ours, hidden in the library and therefore found first, jumps back to whoever
 * armed it. Cold path; one thread at a time (the one that starts the watch).
 */
#ifndef SPY_RUNTIME_ASSERTION_H
#define SPY_RUNTIME_ASSERTION_H

#include <setjmp.h>
#include <stdbool.h>

/* Armed between `if (setjmp(spy_assertion_jump) == 0)` and the end of the guarded call. What the
 * guarded code had allocated is lost. */
extern jmp_buf spy_assertion_jump;
extern bool spy_assertion_armed;

#endif
