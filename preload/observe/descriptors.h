/* SPDX-License-Identifier: MIT */
/*
 * What each descriptor number means to us: one word a number, whatever the number is.
 *
 * The numbers that nearly all programs use are a static array, so that asking is one load; higher
 * ones are found in chunks that are mapped when a connection gets such a number. Memory is touched
 * only where numbers are used. Any thread, no lock; a word is changed by compare-and-swap.
 */
#ifndef SPY_OBSERVE_DESCRIPTORS_H
#define SPY_OBSERVE_DESCRIPTORS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers below this one are in the static array, 1 MiB of zero pages; it is also a chunk's size.
 */
#define SPY_FD_DIRECT (1u << 17)

/* A word. Words above FOREIGN, read as signed, are handles of streams (observe/stream.h) whose
 * bytes are read; a handle with the CIPHER bit is negative, and so is passed over as quickly as
 * FOREIGN is. */
#define SPY_FD_UNKNOWN 0ull /* nothing is known */
#define SPY_FD_FOREIGN 1ull /* for certain none of our business until it is closed */
#define SPY_FD_CIPHER  (1ull << 63)

extern _Atomic uint64_t spy_fd_direct[SPY_FD_DIRECT];

/* The word of FD, which is not in the static array; NULL where no chunk has been made for it, and
 * for a negative one. */
_Atomic uint64_t *spy_fd_find(int fd);

/* The word of FD, made where it is not there; NULL for a negative one, or where memory is short. */
_Atomic uint64_t *spy_fd_make(int fd);

static inline _Atomic uint64_t *spy_fd_word(int fd)
{
    return (unsigned)fd < SPY_FD_DIRECT ? &spy_fd_direct[fd] : spy_fd_find(fd);
}

static inline uint64_t spy_fd_load(int fd)
{
    _Atomic uint64_t *word = spy_fd_word(fd);
    return word != NULL ? atomic_load_explicit(word, memory_order_acquire) : SPY_FD_UNKNOWN;
}

/* Puts NEXT in the place of BEFORE, unless the word is another one by now. */
static inline bool spy_fd_replace(int fd, uint64_t before, uint64_t next)
{
    _Atomic uint64_t *word = spy_fd_word(fd);
    return word != NULL && atomic_compare_exchange_strong_explicit(
                               word, &before, next, memory_order_acq_rel, memory_order_relaxed);
}

/* The lowest number from FIRST to LAST whose word may be other than UNKNOWN; negative: none. For
 * walks over ranges: skips what was never used. */
int spy_fd_next_used(unsigned first, unsigned last);

#endif
