/* SPDX-License-Identifier: MIT */
/*
 * Statistics that begin anew while threads count: each call is before or after, whole lives and
 * windows agree, and a reset is there whole or not at all, also after kill -9.
 */
#include "../region_fixture.h"

#include "record/record.h"
#include "record/reset.h"
#include "record/roll.h"
#include "runtime/process.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS 8
#define CALLS   40000u /* of each thread */
#define RESETS  30
#define OPS     24u
#define KILLS   100

static const struct spy_use no_use;

static struct spy_region *region_of(uint32_t ops)
{
    struct spy_region *r = region_fixture();
    for (uint32_t i = 4; i < ops; i++) {
        struct spy_op *op = spy_region_op(r, i);
        op->kind = i % 2 == 0 ? SPY_KIND_SQL : SPY_KIND_HTTP;
        op->watch_ns = UINT64_MAX;
        atomic_store(&op->state, SPY_OP_READY);
    }
    atomic_store(&r->ops_used, ops);
    spy_process->pid = getpid();
    return r;
}

static uint64_t since(const struct spy_region *r, uint32_t op)
{
    struct spy_totals totals;
    spy_totals_since_reset(&totals, r, op);
    return totals.calls;
}

static void call(struct spy_region *r, uint32_t op, uint64_t end_ns, uint64_t dur_ns)
{
    spy_record(r, &(struct spy_sample){
                      .op = op, .end_ns = end_ns, .dur_ns = dur_ns, .code = 200, .rows = 3});
}

/* ---- what is reset --------------------------------------------------------------------------- */

static void everything_begins_anew(void **state)
{
    struct spy_region *r = region_of(4);
    struct spy_totals t;
    uint64_t now = r->epoch_mono_ns;
    (void)state;
    assert_int_equal(spy_region_reset_ns(r), 0);
    call(r, 2, now + 1, 4000 * FIXTURE_MS);
    call(r, 2, now + 2, 2 * FIXTURE_MS);
    assert_true(spy_record_reset(r, now + 10, &no_use));
    assert_int_equal(spy_region_reset_ns(r), now + 10);
    spy_totals_since_reset(&t, r, 2);
    assert_false(spy_totals_any(&t));
    assert_int_equal(t.min_ns, UINT64_MAX);
    assert_int_equal(t.max_ns, 0);
    call(r, 2, now + 12, 30 * FIXTURE_MS);
    call(r, 3, now + 13, 7 * FIXTURE_MS); /* never called before: its times are exact */
    spy_totals_since_reset(&t, r, 2);
    assert_int_equal(t.calls, 1);
    assert_int_equal(t.rows, 3);
    assert_int_equal(t.level[SPY_LEVEL_EXCELLENT], 1);
    assert_int_equal(t.level[SPY_LEVEL_CRITICAL], 0);
    assert_int_equal(t.code[0].count, 1);
    assert_in_range(t.min_ns, 29 * FIXTURE_MS, 30 * FIXTURE_MS);
    assert_in_range(t.max_ns, 30 * FIXTURE_MS, 31 * FIXTURE_MS);
    spy_totals_since_reset(&t, r, 3);
    assert_int_equal(t.max_ns, 7 * FIXTURE_MS);
    spy_totals_of_op(&t, r, 2); /* for those who want all there ever was */
    assert_int_equal(t.calls, 3);
    free(r);
}

static void the_longest_are_found_anew(void **state)
{
    struct spy_region *r = region_of(4);
    uint64_t now = r->epoch_mono_ns;
    (void)state;
    for (uint64_t i = 0; i < SPY_WORST_CALLS; i++)
        call(r, 2, now + 1 + i, (9000 + i) * FIXTURE_MS);
    atomic_store(&r->slow_dropped, 5);
    assert_true(spy_record_reset(r, now + 10, &no_use));
    assert_int_equal(r->reset[spy_region_reset(r)].slow_dropped, 5);
    for (uint64_t i = 0; i < SPY_WORST_CALLS; i++)
        call(r, 2, now + 20 + i, (1100 + i) * FIXTURE_MS);
    const struct spy_worst *worst = spy_region_worst(r, spy_region_op(r, 2));
    assert_non_null(worst);
    for (uint32_t i = 0; i < SPY_WORST_CALLS; i++) {
        assert_true(worst->set[0].event[i].sample.end_ns >= now + 20);
        assert_int_equal(worst->set[0].event[i].sample.dur_ns, worst->set[0].rank[i]);
    }
    free(r);
}

static void repeats_are_kept_aside(void **state)
{
    struct spy_region *r = region_of(4);
    struct spy_repeat *row = spy_region_section(r, SPY_SECTION_REPEATS);
    (void)state;
    atomic_store(&row->key, 3ull << 32 | 3);
    atomic_store(&row->requests, 4);
    atomic_store(&row->calls, 40);
    atomic_store(&row->ns, 400);
    atomic_store(&row->most, 12);
    assert_true(spy_record_reset(r, r->epoch_mono_ns + 10, &no_use));
    int which = spy_region_reset(r);
    assert_int_equal(row->before[which].requests, 4);
    assert_int_equal(row->before[which].calls, 40);
    assert_int_equal(row->before[which].ns, 400);
    assert_int_equal(row->most, 0);
    free(r);
}

static void without_room_nothing_changes(void **state)
{
    struct spy_region *r = region_of(4);
    (void)state;
    call(r, 2, r->epoch_mono_ns + 1, FIXTURE_MS);
    spy_history_roll(r, r->epoch_mono_ns + 5, &no_use);
    uint32_t used = atomic_load(&r->arena_used);
    atomic_store(&r->arena_used, SPY_ARENA_CHUNKS); /* full */
    assert_false(spy_record_reset(r, r->epoch_mono_ns + 10, &no_use));
    assert_int_equal(spy_region_reset(r), -1);
    assert_int_equal(since(r, 2), 1);
    atomic_store(&r->arena_used, used);
    assert_true(spy_record_reset(r, r->epoch_mono_ns + 20, &no_use));
    assert_int_equal(since(r, 2), 0);
    free(r);
}

/* ---- windows --------------------------------------------------------------------------------- */

static uint64_t told;

static void add_up(void *ctx, const struct spy_history_step *step, uint32_t op,
                   const struct spy_totals *delta)
{
    const uint32_t *wanted = ctx;
    (void)step;
    if (delta != NULL && op == *wanted)
        told += delta->calls;
}

static uint64_t in_window(const struct spy_region *r, uint32_t op, struct spy_history_window *w)
{
    *w = (struct spy_history_window){.until_ns = UINT64_MAX};
    told = 0;
    assert_int_equal(spy_history_tell(r, w, add_up, &op), SPY_OK);
    return told;
}

/* Steps of before and after the reset are handed on to the next level, where they would be one. */
static void windows_begin_with_the_reset(void **state)
{
    static const struct spy_history_plan plan = {
        .levels = 2, .step_ns = {10, 1000}, .keep_ns = {100, 100000}};
    struct spy_region *r = region_of(4);
    struct spy_history_window w;
    (void)state;
    spy_history_begin(r, &plan);
    r->epoch_mono_ns = 1000; /* where a stretch begins */
    for (uint64_t now = 1010; now <= 1900; now += 10) {
        call(r, 2, now - 1, FIXTURE_MS);
        if (now == 1500)
            assert_true(spy_record_reset(r, now, &no_use));
        else
            spy_history_roll(r, now, &no_use);
        assert_int_equal(in_window(r, 2, &w), since(r, 2));
    }
    assert_int_equal(since(r, 2), 40);
    for (uint64_t now = 1910; now < 5000; now += 10) { /* the fine steps move on */
        spy_history_roll(r, now, &no_use);
        assert_int_equal(in_window(r, 2, &w), 40);
        assert_int_equal(w.begin_ns, 1500);
        assert_int_equal(w.reach_ns, 0);
    }
    assert_true(r->history[1].head > 0);
    w = (struct spy_history_window){.since_ns = 1100, .until_ns = 1400};
    uint32_t op = 2;
    told = 0;
    assert_int_equal(spy_history_tell(r, &w, add_up, &op), SPY_OK);
    assert_int_equal(told, 0);
    assert_true(w.end_ns <= w.begin_ns);
    free(r);
}

/* ---- under threads --------------------------------------------------------------------------- */

static struct spy_region *busy;

static void *work(void *arg)
{
    uint32_t seed = (uint32_t)(uintptr_t)arg;
    for (uint32_t i = 0; i < CALLS; i++)
        call(busy, 2 + (i + seed) % 4, 0, FIXTURE_MS << (i + seed) % 9);
    return NULL;
}

static void all_work(void (*meanwhile)(void))
{
    pthread_t thread[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, work, (void *)i), 0);
    meanwhile();
    for (uint32_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(thread[i], NULL), 0);
}

static uint64_t busy_ns;

static void reset_all_the_time(void)
{
    for (int i = 0; i < RESETS; i++) {
        const struct timespec pause = {0, 200000};
        assert_true(spy_record_reset(busy, busy_ns += 10, &no_use));
        nanosleep(&pause, NULL);
        spy_history_roll(busy, busy_ns += 10, &no_use);
    }
}

static void do_nothing(void)
{
}

/* All that was ever counted is what was kept aside and what came after. */
static void check_split(uint32_t op)
{
    struct spy_totals all, before;
    struct spy_history_window w;
    uint32_t shard = SPY_SHARD_RESET + (uint32_t)spy_region_reset(busy);
    spy_totals_of_op(&all, busy, op);
    spy_totals_clear(&before);
    spy_totals_add_cell(&before, busy, spy_region_cell(busy, shard, op));
    assert_int_equal(all.calls, THREADS * CALLS / 4);
    assert_int_equal(before.calls + since(busy, op), all.calls);
    assert_int_equal(in_window(busy, op, &w), since(busy, op));
}

/* Calls of after the reset, and of nothing else. */
static void check_exact(uint32_t op)
{
    struct spy_totals after;
    uint64_t levels = 0;
    spy_totals_since_reset(&after, busy, op);
    assert_int_equal(after.calls, THREADS * CALLS / 4);
    assert_int_equal(after.rows, 3 * after.calls);
    assert_int_equal(after.code[0].count, after.calls);
    for (int i = 0; i < SPY_LEVEL_COUNT; i++)
        levels += after.level[i];
    assert_int_equal(levels, after.calls);
    assert_int_equal(spy_hist_count(&after.hist), after.calls);
}

static void under_threads(void **state)
{
    (void)state;
    busy = region_of(8);
    busy_ns = busy->epoch_mono_ns;
    all_work(reset_all_the_time);
    for (uint32_t op = 2; op < 6; op++)
        check_split(op);
    assert_true(spy_record_reset(busy, busy_ns += 10, &no_use));
    for (uint32_t op = 2; op < 6; op++)
        assert_int_equal(since(busy, op), 0);
    all_work(do_nothing);
    for (uint32_t op = 2; op < 6; op++)
        check_exact(op);
    free(busy);
}

/* ---- killed ---------------------------------------------------------------------------------- */

/* One call of each operation, in their order, and a reset; until it is killed. */
static void live(struct spy_region *r)
{
    spy_process->pid = getpid();
    for (uint64_t now = r->epoch_mono_ns + 10;; now += 10) {
        for (uint32_t op = 2; op < OPS; op++)
            call(r, op, now - 1, FIXTURE_MS << (op % 8));
        if (!spy_record_reset(r, now, &no_use))
            _exit(1);
    }
}

static void killed_anywhere(void **state)
{
    (void)state;
    srand(7);
    for (int i = 0; i < KILLS; i++) {
        struct spy_region *model = region_of(OPS);
        uint64_t bytes = model->total_bytes;
        struct spy_region *r =
            mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(r, MAP_FAILED);
        memcpy((void *)r, (const void *)model, bytes);
        free(model);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            live(r);
        const struct timespec pause = {0, 1000000 + rand() % 10000000};
        nanosleep(&pause, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        uint64_t resets = atomic_load(&r->resets);
        for (uint32_t op = 2; op < OPS; op++) {
            struct spy_totals all;
            spy_totals_of_op(&all, r, op);
            assert_int_equal(all.calls - since(r, op), resets);
        }
        assert_int_equal(munmap(r, bytes), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_begins_anew),
        cmocka_unit_test(the_longest_are_found_anew),
        cmocka_unit_test(repeats_are_kept_aside),
        cmocka_unit_test(without_room_nothing_changes),
        cmocka_unit_test(windows_begin_with_the_reset),
        cmocka_unit_test(under_threads),
        cmocka_unit_test(killed_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
