/* SPDX-License-Identifier: MIT */
/*
 * Numbers in as few bits as they need, the low bit first: what history's records are made of.
 * Reading trusts nothing and never goes past its end: it then says `bad`, and gives zeros. Pure.
 *
 * Two codes. A wide number is how many bits it has, in six, and then these less its highest. A
 * small one is Rice's code (R. F. Rice, "Some practical universal noiseless coding techniques", JPL
 * 79-22, 1979): its high part in as many zeros, a one, and its low K bits; where the zeros would be
 * too many, these and a wide number.
 */
#ifndef SPY_SHARED_BITS_H
#define SPY_SHARED_BITS_H

#include <stdbool.h>
#include <stdint.h>

/* Zeros that say that a wide number follows. */
#define SPY_BITS_ESCAPE 12u

struct spy_bit_writer {
    unsigned char *at;
    uint64_t pending; /* fewer than eight bits, the rest 0 */
    unsigned count;
};

struct spy_bit_reader {
    const unsigned char *at;
    const unsigned char *end;
    uint64_t pending; /* fewer than eight bits, the rest 0 */
    unsigned count;
    bool bad;
};

/* The low COUNT <= 32 bits of VALUE, whose other bits are 0. */
static inline void spy_bits_put(struct spy_bit_writer *w, uint64_t value, unsigned count)
{
    w->pending |= value << w->count;
    for (w->count += count; w->count >= 8; w->count -= 8) {
        *w->at++ = (unsigned char)w->pending;
        w->pending >>= 8;
    }
}

static inline uint64_t spy_bits_get(struct spy_bit_reader *r, unsigned count)
{
    for (; r->count < count; r->count += 8) {
        if (r->at == r->end) {
            r->bad = true;
            return 0;
        }
        r->pending |= (uint64_t)*r->at++ << r->count;
    }
    uint64_t value = r->pending & ((1ull << count) - 1);
    r->pending >>= count;
    r->count -= count;
    return value;
}

/* VALUE is not 0. */
static inline void spy_bits_put_wide(struct spy_bit_writer *w, uint64_t value)
{
    unsigned more = 63u - (unsigned)__builtin_clzll(value);
    value -= 1ull << more;
    spy_bits_put(w, more, 6);
    spy_bits_put(w, value & UINT32_MAX, more < 32 ? more : 32);
    if (more > 32)
        spy_bits_put(w, value >> 32, more - 32);
}

static inline uint64_t spy_bits_get_wide(struct spy_bit_reader *r)
{
    unsigned more = (unsigned)spy_bits_get(r, 6);
    uint64_t value = spy_bits_get(r, more < 32 ? more : 32);
    if (more > 32)
        value |= spy_bits_get(r, more - 32) << 32;
    return value + (1ull << more);
}

/* With K <= 32: best where numbers are about as large as 2^K. */
static inline void spy_bits_put_small(struct spy_bit_writer *w, uint64_t value, unsigned k)
{
    if (value >> k < SPY_BITS_ESCAPE) {
        spy_bits_put(w, 1ull << (value >> k), (unsigned)(value >> k) + 1);
        spy_bits_put(w, value & ((1ull << k) - 1), k);
        return;
    }
    spy_bits_put(w, 0, SPY_BITS_ESCAPE);
    spy_bits_put_wide(w, value);
}

static inline uint64_t spy_bits_get_small(struct spy_bit_reader *r, unsigned k)
{
    uint64_t high = 0;
    while (high < SPY_BITS_ESCAPE && spy_bits_get(r, 1) == 0 && !r->bad)
        high++;
    return high < SPY_BITS_ESCAPE ? high << k | spy_bits_get(r, k) : spy_bits_get_wide(r);
}

/* Ends the last byte. */
static inline void spy_bits_end(struct spy_bit_writer *w)
{
    if (w->count > 0)
        *w->at++ = (unsigned char)w->pending;
    w->pending = w->count = 0;
}

#endif
