/* SPDX-License-Identifier: MIT */
/*
 * A process killed in the middle of rolling its history: what windows then tell is what it had
 * counted. Nothing twice, and nothing missing but in the one operation that was being added.
 */
#include "../region_fixture.h"

#include "record/record.h"
#include "record/roll.h"
#include "runtime/process.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define OPS   24u
#define KILLS 150
#define BURST 3u /* calls of each operation between two rolls */

static struct spy_region *shared_region(void)
{
    struct spy_region *model = region_fixture();
    uint64_t bytes = model->total_bytes;
    struct spy_region *r =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(r, MAP_FAILED);
    memcpy((void *)r, (const void *)model, bytes);
    free(model);
    /* So small that steps are handed on, and at last dropped, all the time. */
    static const struct spy_history_plan plan = {
        .levels = 3,
        .step_ns = {10, 20, 40},
        .keep_ns = {1000000, 1000000, 1000000},
    };
    spy_history_begin(r, &plan);
    for (uint32_t i = 0; i < r->history_levels; i++)
        r->history[i].bytes = 2u * 1024u;
    for (uint32_t i = 4; i < OPS; i++) {
        struct spy_op *op = spy_region_op(r, i);
        op->kind = i % 2 == 0 ? SPY_KIND_SQL : SPY_KIND_HTTP;
        op->watch_ns = UINT64_MAX;
        atomic_store(&op->state, SPY_OP_READY);
    }
    atomic_store(&r->ops_used, OPS);
    return r;
}

/* Until it is killed. */
static void live(struct spy_region *r)
{
    spy_process->pid = getpid();
    for (uint64_t now = r->epoch_mono_ns + 10;; now += 10) {
        for (uint32_t op = 0; op < OPS; op++)
            for (uint32_t i = 0; i < BURST; i++)
                spy_record(r,
                           &(struct spy_sample){
                               .op = op, .dur_ns = FIXTURE_MS << (op % 8), .wait_ns = 1, .way = 1});
        spy_history_roll(r, now, &(struct spy_use){0});
    }
}

static uint64_t told[OPS];

static void add_up(void *ctx, const struct spy_history_step *step, uint32_t op,
                   const struct spy_totals *delta)
{
    (void)ctx;
    (void)step;
    if (delta == NULL)
        return;
    told[op] += delta->calls;
    assert_true(spy_hist_count(&delta->hist) + 1 >= delta->calls); /* killed while it counted */
}

/* With what was dropped, the window is the whole life. */
static void look(const struct spy_region *r, bool *killed_in_a_roll)
{
    struct spy_history_window w = {.until_ns = UINT64_MAX};
    struct spy_totals life;
    unsigned incomplete = 0;
    memset(told, 0, sizeof(told));
    assert_int_equal(spy_history_tell(r, &w, add_up, NULL), SPY_OK);
    uint64_t dropped_rolls = w.reach_ns > 0 ? (w.reach_ns - r->epoch_mono_ns) / 10 : 0;
    for (uint32_t op = 0; op < OPS; op++) {
        spy_totals_of_shards(&life, r, op);
        uint64_t there = life.calls - dropped_rolls * BURST;
        assert_true(told[op] <= there);
        assert_true(there - told[op] <= BURST);
        incomplete += told[op] != there;
    }
    assert_true(incomplete <= 1);
    *killed_in_a_roll = *killed_in_a_roll || atomic_load(&r->history_turn) % 2 != 0;
}

static void killed_anywhere(void **state)
{
    bool in_a_roll = false, dropped = false;
    (void)state;
    srand(5);
    for (int i = 0; i < KILLS; i++) {
        struct spy_region *r = shared_region();
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            live(r);
        const struct timespec pause = {0, 1000000 + rand() % 20000000};
        nanosleep(&pause, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        look(r, &in_a_roll);
        dropped = dropped || atomic_load(&r->history_lost_ns) > 0;
        assert_int_equal(munmap(r, r->total_bytes), 0);
    }
    print_message("killed in a roll: %s; steps dropped: %s\n", in_a_roll ? "yes" : "no",
                  dropped ? "yes" : "no");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(killed_anywhere)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
