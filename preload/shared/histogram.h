/* SPDX-License-Identifier: MIT */
/*
 * The latency histogram: base-2 exponential buckets, scale 5, over seconds.
 *
 * Layout: bucket i of OpenTelemetry's ExponentialHistogram (data model, "Exponential Buckets") and
 * of Prometheus' native histograms covers (2^(i/32), 2^((i+1)/32)] seconds. The 1,024 buckets kept
 * here are i = -640 .. 383, i.e. 2^-20 s (0.95 us) to 2^12 s (68 min). Durations are measured in
 * nanoseconds but bucketed in seconds, so that an export renames indices and moves no count.
 * Shorter and longer durations are counted in the first and last bucket; the exact extremes are
 * kept beside the histogram.
 *
 * Error: a quantile is reported as the geometric middle of its bucket, at most 2^(1/64) - 1 =
 * 1.09 % from any duration in it, and is clamped to the exact minimum and maximum.
 */
#ifndef SPY_SHARED_HISTOGRAM_H
#define SPY_SHARED_HISTOGRAM_H

#include <stdint.h>

#define SPY_HIST_SCALE     5
#define SPY_HIST_SUB       32 /* buckets per octave, 2^scale */
#define SPY_HIST_OCTAVES   32
#define SPY_HIST_BUCKETS   (SPY_HIST_SUB * SPY_HIST_OCTAVES)
#define SPY_HIST_MIN_EXP   (-20)                             /* first octave begins at 2^-20 s */
#define SPY_HIST_OTEL_BASE (SPY_HIST_MIN_EXP * SPY_HIST_SUB) /* OpenTelemetry index of bucket 0 */

/* Dense histogram, for readers. Writers keep octaves separately and only those touched. */
struct spy_hist {
    uint64_t bucket[SPY_HIST_BUCKETS];
};

/* 2^(k/32) in 1.63 fixed point, rounded up, k = 0 .. 31; then what no mantissa reaches. */
extern const uint64_t spy_hist_mantissa[SPY_HIST_SUB + 1];

/* For the top five bits of a mantissa: the lowest sub-bucket that any such mantissa can fall in.
 * Every cell spans fewer than three sub-buckets, so two comparisons finish the search. */
extern const uint8_t spy_hist_guess[32];

/* Bucket of a duration in nanoseconds. No division, no log: one multiplication turns nanoseconds
 * into units of 2^-40 s (the constant is floor(2^72 / 10^9), so that an exact power of two of
 * seconds falls just below its boundary, which belongs to the lower bucket), the position of the
 * highest bit is the octave, a table of mantissas the rest. */
static inline uint32_t spy_hist_index(uint64_t ns)
{
    const uint64_t per_ns = 4722366482869ull; /* 2^40 / 10^9 in 32.32 fixed point */
    if (ns >= 1ull << 43) /* 2.4 h; also keeps the product below from overflowing 64 bits */
        return SPY_HIST_BUCKETS - 1;
    uint64_t units = (uint64_t)(((unsigned __int128)ns * per_ns) >> 32);
    if (units <= 1ull << 20)
        return 0;
    uint32_t exponent = 63u - (uint32_t)__builtin_clzll(units);
    uint64_t mantissa = units << (63 - exponent);
    uint32_t sub = spy_hist_guess[(mantissa >> 58) & 31];
    sub += mantissa >= spy_hist_mantissa[sub + 1];
    sub += mantissa >= spy_hist_mantissa[sub + 1];
    uint32_t index = (exponent - 20) * SPY_HIST_SUB + sub;
    return index < SPY_HIST_BUCKETS ? index : SPY_HIST_BUCKETS - 1;
}

/* Bounds of bucket INDEX in seconds; the lower one is exclusive. */
double spy_hist_lower_s(uint32_t index);
double spy_hist_upper_s(uint32_t index);

/* Sum of all buckets. */
uint64_t spy_hist_count(const struct spy_hist *hist);

/* Adds FROM to INTO. Exact. */
void spy_hist_merge(struct spy_hist *into, const struct spy_hist *from);

/* Nearest rank: ceil(Q * COUNT), at least 1; 0 of nothing. */
uint64_t spy_hist_rank(double q, uint64_t count);

/*
 * Quantile Q (0..1) in nanoseconds by nearest rank: the value of the ceil(Q * count)-th smallest
 * call, told as the geometric middle of its bucket, clamped to [MIN_NS, MAX_NS] (the exact
 * extremes). 0 when the histogram is empty.
 */
double spy_hist_quantile_ns(const struct spy_hist *hist, double q, uint64_t min_ns,
                            uint64_t max_ns);

#endif
