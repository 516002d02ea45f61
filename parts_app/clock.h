/* SPDX-License-Identifier: MIT */
/*
 * clock.h: the one clock for deadlines, waits and token expiry.
 *
 * CLOCK_MONOTONIC, so that setting the wall clock neither expires tokens nor stretches waits.
 */
#ifndef PARTS_CLOCK_H
#define PARTS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since an arbitrary fixed point. */
static inline int64_t parts_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The same instant as parts_clock_ms() counts, in the form that condition variables want. */
static inline struct timespec parts_clock_timespec(int64_t ms)
{
    return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};
}

#endif
