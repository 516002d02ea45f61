/* SPDX-License-Identifier: MIT */
/*
 * Time: CLOCK_MONOTONIC in nanoseconds, read in the vDSO (no system call). Never wall clock for a
 * duration. Safe anywhere.
 */
#ifndef SPY_RUNTIME_CLOCK_H
#define SPY_RUNTIME_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t spy_clock_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static inline uint64_t spy_now(void)
{
    return spy_clock_of(CLOCK_MONOTONIC);
}

#endif
