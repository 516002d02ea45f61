/* SPDX-License-Identifier: MIT */
/*
 * What the benchmarks share: a clock, an order, and the one form in which they say what they saw,
 *
 *   sample <TAB> SERIES <TAB> VALUE
 *
 * a line for each round, to be read by report.py. Series of the same number of rounds are paired in
 * the order of their lines.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* How many rounds: as the caller wants, few in a test that only looks whether it works. */
static inline int bench_rounds(int wanted)
{
    return getenv("BENCH_TINY") != NULL ? 5 : wanted;
}

static inline double bench_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static inline void bench_sample(const char *series, const char *variant, double value)
{
    printf("sample\t%s.%s\t%.3f\n", series, variant, value);
}

#endif
