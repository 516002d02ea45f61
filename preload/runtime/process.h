/* SPDX-License-Identifier: MIT */
/*
 * This process, as the library sees it: is it watched, and where is its region.
 *
 * The state is on a page of its own that the kernel clears in a child (MADV_WIPEONFORK): whatever
 * way a child came about (fork, _Fork, raw clone), it finds "not watched yet" there and never
 * writes into its parent's region. No getpid() on the hot path, no fork hook. A vfork child shares
 * the page, as it shares everything, until it execs.
 */
#ifndef SPY_RUNTIME_PROCESS_H
#define SPY_RUNTIME_PROCESS_H

#include "shared/region.h"

#include <stdatomic.h>
#include <stdbool.h>

struct spy_process {
    /* NULL: nothing is recorded. Stored with release by spy_process_publish(), when the region and
     * all that it needs are complete, and when recording is switched on again; pairs with the
     * acquire load below. Who has loaded it once may use it for the whole call: it stays. */
    _Atomic(struct spy_region *) region;
    _Atomic(struct spy_region *) paused; /* the region while recording is switched off, else NULL */
    _Atomic uint32_t capturing;          /* 1: a capture is under way (record/capture.h) */
    _Atomic int starting;                /* 1: a thread is, or was, in spy_process_start() */
    int pid;
};

extern struct spy_process *spy_process;

/* Calls are passed through, and that is all. One flag, so that a wrapper looks at it and jumps. */
extern _Atomic bool spy_process_dormant;

/* How often recording was switched on again: what was noted of a connection under another number
 * may have changed unseen. */
extern _Atomic uint32_t spy_process_resumed;

/* The first number of it since the program's calls were not even passed through. */
extern _Atomic uint32_t spy_process_returned;

/* Were there such calls since the resumption of number WHEN? */
static inline bool spy_process_unseen_since(uint32_t when)
{
    uint32_t returned = atomic_load_explicit(&spy_process_returned, memory_order_relaxed);
    return (int32_t)(returned - when) > 0;
}

/* There were, until now: before spy_process_resume(), where nobody else calls that. */
void spy_process_note_unseen(void);

/* Has this process begun its watch, or will it never? A child of one that is switched off has not:
 * it begins one of its own, switched off, too, by which it can be reached. */
static inline bool spy_process_is_settled(void)
{
    return atomic_load_explicit(&spy_process->starting, memory_order_relaxed) != 0;
}

/* The region, or NULL: not watched. */
static inline struct spy_region *spy_process_region(void)
{
    return atomic_load_explicit(&spy_process->region, memory_order_acquire);
}

/* Makes the page. Called once by the constructor, with START: what begins the watch, run in the
 * program's thread at the first listen, accept or libpq connect. Without the page (a kernel older
 * than 4.14) the process stays unwatched. */
void spy_process_init(void (*start)(void));

/* The same in two steps: START, and then the page, unless there is one. */
void spy_process_offer(void (*start)(void));
void spy_process_prepare(void);

/* RESTING: from here on no watch begins, neither here nor in a fork's child; until it is said that
 * it is over. */
void spy_process_rest(bool resting);

/* Runs START unless the process is watched already or another thread is at it. Keeps errno. Any
 * thread; does nothing before spy_process_init(). */
void spy_process_start(void);

/* The region, also while recording is switched off; NULL: none. */
static inline struct spy_region *spy_process_any_region(void)
{
    struct spy_region *region = spy_process_region();
    return region != NULL ? region
                          : atomic_load_explicit(&spy_process->paused, memory_order_acquire);
}

/* Declares the region complete: from here calls are recorded; or, where the process is dormant,
 * once it is resumed. */
void spy_process_publish(struct spy_region *region);

/* Switches recording off, and on again; false where it is so already. Helper thread only. */
bool spy_process_pause(void);
bool spy_process_resume(void);

/* The calling thread's id; 0 < id < 2^22. Does thread TID of this process exist? If in doubt, yes.
 * A system call each, but none where the program has confined itself. */
int spy_process_thread_id(void);
bool spy_process_has_thread(int tid);

/* Is the caller really in this process, and not in a child that a vfork lent our memory? Always so
 * in a process that is not watched (a fork's child, whose page was cleared): what it drops is its
 * own copy. One system call: only where state is about to be dropped. Where the program has
 * confined itself a child cannot be told from its parent: then it is taken for that. */
bool spy_process_is_mine(void);

#endif
