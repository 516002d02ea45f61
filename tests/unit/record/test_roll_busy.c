/* SPDX-License-Identifier: MIT */
/*
 * What the default of history's bytes is worth: a day of 24 operations that are each called ten
 * times a second without a pause, half of them requests, is kept whole.
 */
#include "../region_fixture.h"

#include "record/record.h"
#include "record/roll.h"
#include "runtime/process.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#define SEC   1000000000ull
#define STEP  (10 * SEC)
#define STEPS 8640u /* a day */
#define OPS   24u   /* from FIRST on: even ones are statements, odd ones requests */
#define FIRST 2u
#define CALLS 100u /* of each in a step */

static struct spy_region *region;
static uint64_t state = 88172645463325252ull;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

#define FACTORS 65536u
static float factor[FACTORS];

/* Log-normal, as the latencies of services are found to be: the slowest call in a hundred takes
 * two and a half times as long as the middle one. One in a thousand waits for a lock. Box and
 * Muller's transformation. */
static void make_factors(void)
{
    for (uint32_t i = 0; i < FACTORS; i++) {
        double u = ((double)(next_random() % 1000000) + 1) / 1000001;
        double v = (double)(next_random() % 1000000) / 1000000;
        double normal = sqrt(-2 * log(u)) * cos(2 * M_PI * v);
        factor[i] = (float)(exp(0.4 * normal) * (next_random() % 1000 == 0 ? 50 : 1));
    }
}

static uint64_t vary(uint64_t ns)
{
    return (uint64_t)((double)ns * (double)factor[next_random() % FACTORS]);
}

static void busy_region(void)
{
    region = region_fixture();
    for (uint32_t i = FIRST; i < FIRST + OPS; i++) {
        struct spy_op *op = spy_region_op(region, i);
        op->kind = i % 2 == 0 ? SPY_KIND_SQL : SPY_KIND_HTTP;
        op->watch_ns = UINT64_MAX;
        atomic_store(&op->state, SPY_OP_READY);
    }
    atomic_store(&region->ops_used, FIRST + OPS);
}

static void one_call(uint32_t op)
{
    struct spy_sample s = {.op = op, .wait_ns = vary((200ull << (op - FIRST) / 4) * 1000)};
    s.dur_ns = s.wait_ns + vary(50000);
    if (op % 2 == 1) {
        s.code = 200;
        s.way = 1;
        s.queries = 1 + (uint32_t)(next_random() % 3);
        s.db_wait_ns = s.wait_ns / 2 + next_random() % (s.wait_ns / 4 + 1);
        s.db_rows_ns = s.queries > 1 ? vary(20000) : 0;
        s.blocked_ns = vary(8000);
        s.bytes_in = 200 + next_random() % 50;
        s.bytes_out = 1000 + next_random() % 4000;
    } else {
        s.way = SPY_WAY_THREAD;
        s.rows = next_random() % 20;
        s.params = 2;
        s.bytes_out = s.rows * 100;
    }
    spy_record(region, &s);
}

static uint64_t told[FIRST + OPS];

static void add_up(void *ctx, const struct spy_history_step *step, uint32_t op,
                   const struct spy_totals *delta)
{
    (void)ctx;
    (void)step;
    told[op] += delta != NULL ? delta->calls : 0;
}

static void a_busy_day_is_kept_whole(void **unused)
{
    (void)unused;
    make_factors();
    busy_region();
    uint64_t now = region->epoch_mono_ns;
    for (uint32_t i = 0; i < STEPS; i++) {
        for (uint32_t k = 0; k < OPS * CALLS; k++)
            one_call(FIRST + k % OPS);
        now += STEP;
        spy_history_roll(region, now, &(struct spy_use){.rss_bytes = now, .threads = 9, .fds = 40});
    }
    struct spy_history_window w = {.until_ns = UINT64_MAX};
    assert_int_equal(spy_history_tell(region, &w, add_up, NULL), SPY_OK);
    assert_int_equal(w.reach_ns, 0);
    for (uint32_t k = 0; k < OPS; k++)
        assert_int_equal(told[FIRST + k], STEPS * CALLS);
    free(region);
}

int main(void)
{
    spy_process->pid = getpid();
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_busy_day_is_kept_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
