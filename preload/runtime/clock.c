/* SPDX-License-Identifier: MIT */
/*
 * Anchoring the time stamp counter in the system's clock. See clock.h.
 */
#include "runtime/clock.h"

#include "shared/sys.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)

#include <sys/prctl.h>

#define RELAXED memory_order_relaxed

#define SOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

/* For how long the rate is measured at least: 500 ns are 25 ppm of it. */
#define MEASURE_NS 20000000u

/* An anchor is not compared with one that is older than so many windows: the machine may have slept
 * between them. */
#define COMPARED_WINDOWS 8u

enum { BY_VDSO, BY_COUNTER };

/* Of the whole process. The rate is nanoseconds a tick, 32 bits of them behind the point; 0: not
 * known yet. It is stored once, and any thread's measurement is as good as another's. */
static _Atomic int way;
static _Atomic uint64_t rate;
static uint64_t begin_ticks, begin_ns; /* written before a thread reads time by the counter */

/* A reading of both clocks; false where they were read too far apart: something came between. */
struct reading {
    uint64_t ticks;
    uint64_t ns;
    bool close;
};

/* How far apart, in ticks. Before the rate is known that of the slowest counter there is, 1 GHz or
 * so, is taken. */
static uint64_t apart_at_most(uint64_t per_tick)
{
    return per_tick != 0 ? (500ull << 32) / per_tick : 500;
}

static struct reading read_both(uint64_t per_tick)
{
    uint64_t before = __builtin_ia32_rdtsc();
    uint64_t ns = spy_clock_of(CLOCK_MONOTONIC);
    uint64_t after = __builtin_ia32_rdtsc();
    return (struct reading){before + (after - before) / 2, ns,
                            after - before <= apart_at_most(per_tick)};
}

/* The quotient by integers alone: floating point would leave its marks in the program's status. */
static uint64_t rate_of(uint64_t ns, uint64_t ticks)
{
    for (; ns >> 32 != 0; ns >>= 1)
        ticks >>= 1;
    uint64_t per_tick = ticks != 0 ? (ns << 32) / ticks : 0;
    return per_tick >> 36 == 0 ? per_tick : 0; /* less than 60 MHz: no such counter */
}

/* The rate, measured by now or before; 0: not yet. */
static uint64_t known_rate(const struct reading *now)
{
    uint64_t known = atomic_load_explicit(&rate, RELAXED);
    if (known != 0 || now->ns < begin_ns + MEASURE_NS || !now->close)
        return known;
    uint64_t measured = rate_of(now->ns - begin_ns, now->ticks - begin_ticks);
    if (atomic_compare_exchange_strong_explicit(&rate, &known, measured, RELAXED, RELAXED))
        return measured;
    return known;
}

/* Is the anchor so recent that it can be compared with NOW? An older one has told nothing that NOW
 * is not past. */
static bool is_recent(const struct spy_clock *clock, const struct reading *now)
{
    return now->ticks - clock->ticks < COMPARED_WINDOWS * clock->window;
}

/* The latest time that the anchor can have told at NOW. */
static uint64_t told_by(const struct spy_clock *clock, const struct reading *now)
{
    uint64_t elapsed = now->ticks - clock->ticks;
    uint64_t counted = elapsed < clock->window ? elapsed : clock->window;
    uint64_t told = clock->offset_ns + spy_clock_ns(clock->ticks + counted, clock->rate);
    return told > clock->floor_ns ? told : clock->floor_ns;
}

/* Did the counter go on from the anchor as the system's clock did? 1,000 ppm are twice what that
 * can be slewed by. */
static bool in_step(const struct spy_clock *clock, const struct reading *now)
{
    uint64_t elapsed_ns = spy_clock_ns(now->ticks - clock->ticks, clock->rate);
    uint64_t counted = clock->offset_ns + spy_clock_ns(now->ticks, clock->rate);
    uint64_t off = counted > now->ns ? counted - now->ns : now->ns - counted;
    return !now->close || off <= 2000 + elapsed_ns / 1000;
}

/* The window is closed meanwhile: a signal handler makes an anchor of its own. */
static void put_anchor(struct spy_clock *clock, const struct reading *now, uint64_t per_tick)
{
    clock->window = 0;
    atomic_signal_fence(memory_order_seq_cst);
    clock->rate = per_tick;
    clock->ticks = now->ticks;
    clock->offset_ns = now->ns - spy_clock_ns(now->ticks, per_tick);
    atomic_signal_fence(memory_order_seq_cst);
    clock->window = ((uint64_t)SPY_CLOCK_WINDOW_NS << 32) / per_tick;
}

static void leave_counter(struct spy_clock *clock)
{
    atomic_store_explicit(&way, BY_VDSO, RELAXED);
    clock->window = 0;
}

uint64_t spy_clock_anchor(void)
{
    struct spy_clock *clock = &spy_thread.clock;
    /* Acquire: pairs with the release in spy_clock_init(). */
    if (atomic_load_explicit(&way, memory_order_acquire) == BY_VDSO) {
        clock->window = 0;
        return spy_clock_of(CLOCK_MONOTONIC);
    }
    struct reading now = read_both(clock->rate);
    if (is_recent(clock, &now)) {
        if (!in_step(clock, &now)) {
            leave_counter(clock);
            return now.ns;
        }
        clock->floor_ns = told_by(clock, &now);
    }
    uint64_t per_tick = known_rate(&now);
    if (per_tick != 0 && now.close)
        put_anchor(clock, &now, per_tick);
    return now.ns > clock->floor_ns ? now.ns : clock->floor_ns;
}

/* Is the counter what the kernel itself tells time by, and may we read it? The first is its own
 * judgement of this machine's counter. */
static bool is_trusted(void)
{
    char name[8] = "";
    int may = PR_TSC_SIGSEGV;
    int fd = spy_sys_open(SOURCE, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    long got = spy_sys_read(fd, name, sizeof(name) - 1);
    spy_sys_close(fd);
    return got > 0 && strcmp(name, "tsc\n") == 0 && SPY_SYS2(SYS_prctl, PR_GET_TSC, &may) == 0 &&
           may == PR_TSC_ENABLE;
}

void spy_clock_init(void)
{
    memset(&spy_thread.clock, 0, sizeof(spy_thread.clock));
    atomic_store_explicit(&way, BY_VDSO, RELAXED);
    if (!is_trusted())
        return;
    struct reading now = read_both(0);
    for (int i = 0; i < 8 && !now.close; i++) /* the first has to bring in the vDSO's pages */
        now = read_both(0);
    begin_ticks = now.ticks;
    begin_ns = now.ns;
    atomic_store_explicit(&rate, 0, RELAXED);
    /* Release: whoever sees the way finds where measuring the rate began. */
    atomic_store_explicit(&way, now.close ? BY_COUNTER : BY_VDSO, memory_order_release);
}

#else

void spy_clock_init(void)
{
}

uint64_t spy_clock_anchor(void)
{
    return spy_clock_of(CLOCK_MONOTONIC);
}

#endif
