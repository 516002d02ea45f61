/* SPDX-License-Identifier: MIT */
/*
 * Histogram tables and the readers' arithmetic. Pure functions; the floating point here runs only
 * in tools and in the helper thread, never on a program's hot path.
 */
#include "shared/histogram.h"

const uint64_t spy_hist_mantissa[SPY_HIST_SUB + 1] = {
    0x8000000000000000ull, 0x82cd8698ac2ba1d8ull, 0x85aac367cc487b15ull,
    0x88980e8092da8528ull, 0x8b95c1e3ea8bd6e7ull, 0x8ea4398b45cd53c1ull,
    0x91c3d373ab11c337ull, 0x94f4efa8fef70962ull, 0x9837f0518db8a970ull,
    0x9b8d39b9d54e5539ull, 0x9ef5326091a111aeull, 0xa27043030c496819ull,
    0xa5fed6a9b15138ebull, 0xa9a15ab4ea7c0ef9ull, 0xad583eea42a14ac7ull,
    0xb123f581d2ac2590ull, 0xb504f333f9de6485ull, 0xb8fbaf4762fb9eeaull,
    0xbd08a39f580c36bfull, 0xc12c4cca66709457ull, 0xc5672a115506dadeull,
    0xc9b9bd866e2f27a3ull, 0xce248c151f8480e4ull, 0xd2a81d91f12ae45bull,
    0xd744fccad69d6af5ull, 0xdbfbb797daf23756ull, 0xe0ccdeec2a94e112ull,
    0xe5b906e77c8348a9ull, 0xeac0c6e7dd24392full, 0xefe4b99bdcdaf5ccull,
    0xf5257d152486cc2dull, 0xfa83b2db722a033bull, UINT64_MAX,
};

const uint8_t spy_hist_guess[32] = {
    0,  1,  2,  4,  5,  6,  7,  9,  10, 11, 12, 13, 14, 15, 16, 17,
    18, 19, 20, 21, 22, 23, 24, 25, 25, 26, 27, 28, 29, 29, 30, 31,
};

/* 2^(1/64): from the lower bound of a bucket to its geometric middle. */
#define TO_MIDDLE 1.0108892860517005

/* From the table of mantissas, not by exp2(): the library must need nothing but libc. The octave
 * is a power of two, so the product is exact. */
double spy_hist_lower_s(uint32_t index)
{
    int exponent = SPY_HIST_MIN_EXP + (int)(index / SPY_HIST_SUB);
    double mantissa = (double)spy_hist_mantissa[index % SPY_HIST_SUB] / 0x1p63;
    double octave = exponent < 0 ? 1.0 / (double)(1ull << -exponent) : (double)(1ull << exponent);
    return mantissa * octave;
}

double spy_hist_upper_s(uint32_t index)
{
    return spy_hist_lower_s(index + 1);
}

uint64_t spy_hist_count(const struct spy_hist *hist)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < SPY_HIST_BUCKETS; i++)
        count += hist->bucket[i];
    return count;
}

void spy_hist_merge(struct spy_hist *into, const struct spy_hist *from)
{
    for (uint32_t i = 0; i < SPY_HIST_BUCKETS; i++)
        into->bucket[i] += from->bucket[i];
}

static double clamp(double value, double low, double high)
{
    if (value < low)
        return low;
    return value > high ? high : value;
}

uint64_t spy_hist_rank(double q, uint64_t count)
{
    double rank = clamp(q, 0, 1) * (double)count;
    uint64_t wanted = (uint64_t)rank;
    return wanted + ((double)wanted < rank || (wanted == 0 && count > 0));
}

double spy_hist_quantile_ns(const struct spy_hist *hist, double q, uint64_t min_ns, uint64_t max_ns)
{
    uint64_t count = spy_hist_count(hist);
    if (count == 0)
        return 0;
    uint64_t wanted = spy_hist_rank(q, count);
    uint64_t seen = 0;
    uint32_t index = 0;
    for (; index < SPY_HIST_BUCKETS - 1; index++) {
        seen += hist->bucket[index];
        if (seen >= wanted)
            break;
    }
    double middle = spy_hist_lower_s(index) * TO_MIDDLE * 1e9;
    return clamp(middle, (double)min_ns, (double)max_ns);
}
