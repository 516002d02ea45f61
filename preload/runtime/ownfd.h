/* SPDX-License-Identifier: MIT */
/*
 * The library's own file descriptors: few, high, close-on-exec, and out of the program's way.
 *
 * A program may close every descriptor it does not know (daemons do), or dup2 over any number. The
 * close wrapper tells it EBADF for ours, which is what it would have been told without us; before
 * a dup2 over one of ours the descriptor moves elsewhere. Raw system calls get past the wrappers,
 * so a number is checked to still be the file it was (spy_own_fd_number) each time before use.
 *
 * Each descriptor is named by a slot, because its number may change. Slots are written by the
 * helper thread and the thread that starts the watch, and read by every close and dup2 of the
 * program; no lock: each slot is one atomic number.
 */
#ifndef SPY_RUNTIME_OWNFD_H
#define SPY_RUNTIME_OWNFD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SPY_OWN_FDS 14

/* Lowest number of ours; INT_MAX while there is none. */
extern _Atomic int spy_own_fd_lowest;

/* Moves FD to a high number, close-on-exec, and notes it as ours. Returns its slot, or a negated
 * errno where it could not be moved: FD is as it was then. */
int spy_own_fd_adopt(int fd);

/* Notes FD, close-on-exec, as ours where it is. Returns as above. */
int spy_own_fd_note(int fd);

/* The number of SLOT if it still is the file that was adopted, else -1. */
int spy_own_fd_number(int slot);

/* Closes SLOT's descriptor, if it still is ours, and frees the slot. */
void spy_own_fd_close(int slot);

/* All of the above for every slot: in a fork's child, whose copies they are. */
void spy_own_fd_close_all(void);

/* Is FD one of ours, and still the file that was adopted? One load for the numbers that programs
 * use. */
bool spy_own_fd_is_slow(int fd);
static inline bool spy_own_fd_is(int fd)
{
    return fd >= atomic_load_explicit(&spy_own_fd_lowest, memory_order_relaxed) &&
           spy_own_fd_is_slow(fd);
}

/* The lowest of ours that is >= FROM; UINT64_MAX if there is none. */
uint64_t spy_own_fd_next(unsigned from);

/* The program is about to dup2 over FD: if it is ours, ours moves to another number. In the child
 * of a vfork it does not: the child's copy may go, and the table is its parent's. */
void spy_own_fd_yield(int fd);

#endif
