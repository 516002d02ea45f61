/* SPDX-License-Identifier: MIT */
/*
 * Stepping aside where the program changes the ground that the library stands on.
 *
 * Seccomp: once a filter is in force, a system call of ours may kill the program. A filter reaches
 * the thread that installs it and the threads and processes that this one makes, or (TSYNC) every
 * thread. So from then on code that runs in the program's threads makes no system call, the helper
 * goes before a filter that would reach it, and a process that was not watched before never will
 * be. Strict mode, and a processor's clock that may not be read, silence the whole process: nothing
 * is recorded any more.
 *
 * The end of the main thread by pthread_exit: then the process lasts as long as the program's other
 * threads, and the helper is none of them.
 *
 * Any thread of the program; not signal-safe.
 */
#ifndef SPY_RUNTIME_CONFINE_H
#define SPY_RUNTIME_CONFINE_H

#include "runtime/loader.h"

#include <stdatomic.h>
#include <stdbool.h>

enum spy_confinement {
    SPY_CONFINE_NOT,
    SPY_CONFINE_THREAD,  /* a filter for the calling thread */
    SPY_CONFINE_PROCESS, /* a filter for every thread */
    SPY_CONFINE_SILENCE, /* not even the clock can be read */
};

/* How the helper is told; NULL: there is none. */
struct spy_confine_helper {
    void (*end)(void);     /* returns when it has ended, its descriptors closed */
    void (*begin)(void);   /* once more */
    void (*look_up)(void); /* from here on look several times a second whether to end */
    void (*outlive)(void); /* the main thread ends: end when no other thread is left */
};

void spy_confine_init(const struct spy_confine_helper *helper);

/* The program is about to make system call NUMBER with these arguments: steps aside where that
 * would confine it, and says how it would. Afterwards spy_confine_end() takes that; FAILED: the
 * call did, and all is as it was. Both keep errno. */
enum spy_confinement spy_confine_begin(long number, long a, long b, long c);
void spy_confine_end(enum spy_confinement how, bool failed);

/* The calling thread is about to end. */
void spy_confine_thread_ends(void);

/* A filter is in force in this process, or in one that it was forked from. */
extern _Atomic bool spy_confine_in_force;

SPY_NO_SANITIZE static inline bool spy_confined(void)
{
    return atomic_load_explicit(&spy_confine_in_force, memory_order_relaxed);
}

#endif
