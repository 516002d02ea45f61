/* SPDX-License-Identifier: MIT */
/*
 * A day of calls, rolled by the real code with a simulated clock: every window of it is compared,
 * sums exactly and percentiles within their bounds, with what was really called.
 */
#include "day.h"

#include "record/roll.h"

#include <math.h>
#include <time.h>

static void rings_keep_their_bounds(void)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < region->history_levels; i++) {
        const struct spy_history_level *l = &region->history[i];
        assert_true(atomic_load(&l->head) - atomic_load(&l->tail) <= l->bytes);
        all += l->bytes;
    }
    assert_true(all <= region->history_bytes);
}

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * SEC + (uint64_t)t.tv_nsec;
}

/* Passes a day; the last step is not rolled. */
static void pass_a_day(void)
{
    uint64_t most = 0, all = 0;
    for (uint64_t i = 0; i < STEPS; i++) {
        one_step(i);
        if (i + 1 == STEPS)
            break;
        now_ns += STEP;
        const struct spy_use use = {.rss_bytes = i + 1, .threads = 7, .fds = 9};
        uint64_t begin = cpu_ns();
        spy_history_roll(region, now_ns, &use);
        uint64_t took = cpu_ns() - begin;
        most = took > most ? took : most;
        all += took;
        rings_keep_their_bounds();
    }
    print_message("%zu calls; a roll took %.0f us on the mean, %.0f us at most\n", logged,
                  (double)all / STEPS / 1e3, (double)most / 1e3);
}

/* ---- comparing ------------------------------------------------------------------------------ */

static struct spy_totals sums[FIRST + OPS];
static struct spy_use most_use;

static void add_up(void *ctx, const struct spy_history_step *step, uint32_t op,
                   const struct spy_totals *delta)
{
    (void)ctx;
    if (delta != NULL)
        spy_totals_add(&sums[op], delta);
    else if (step->use.rss_bytes > most_use.rss_bytes)
        most_use = step->use;
}

static struct spy_history_window tell(uint64_t since, uint64_t until)
{
    struct spy_history_window w = {.since_ns = since, .until_ns = until};
    for (uint32_t i = 0; i < FIRST + OPS; i++)
        spy_totals_clear(&sums[i]);
    memset(&most_use, 0, sizeof(most_use));
    assert_int_equal(spy_history_tell(region, &w, add_up, NULL), SPY_OK);
    return w;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t exact(uint64_t *times, size_t n, double q)
{
    qsort(times, n, sizeof(*times), by_size);
    size_t rank = (size_t)ceil(q * (double)n);
    return times[rank > 0 ? rank - 1 : 0];
}

/* Below a microsecond there is one bucket. */
static void is_near(double told, uint64_t real, double bound)
{
    if (real == 0)
        assert_true(told == 0);
    else if (real < 1000)
        assert_true(told > 0 && told < 1050);
    else
        assert_true(fabs(told / (double)real - 1) <= bound);
}

static uint64_t *times;

/* All about operation OP between two times. */
static void compare_operation(uint32_t op, uint64_t begin, uint64_t end)
{
    static const double quantiles[] = {0.5, 0.95, 0.99};
    const struct spy_totals *t = &sums[op];
    for (unsigned part = 0; part <= SPY_PART_COUNT; part++) {
        size_t n = 0;
        uint64_t sum = 0, queries = 0;
        for (size_t i = 0; i < logged; i++) {
            const struct call *c = &log_of_calls[i];
            if (c->op != op || c->end_ns <= begin || c->end_ns > end)
                continue;
            times[n++] = part < SPY_PART_COUNT ? c->part_ns[part] : c->dur_ns;
            sum += c->dur_ns;
            queries += c->queries;
        }
        assert_int_equal(t->calls, n);
        assert_int_equal(t->sum_ns, sum);
        assert_int_equal(t->queries, queries);
        bool counted = part == SPY_PART_COUNT || op % 2 == 1;
        assert_int_equal(part < SPY_PART_COUNT ? spy_part_count(&t->part[part])
                                               : spy_hist_count(&t->hist),
                         counted ? n : 0);
        for (unsigned q = 0; n > 0 && counted && q < 3; q++)
            is_near(part < SPY_PART_COUNT
                        ? spy_part_quantile_ns(&t->part[part], quantiles[q], t->max_ns)
                        : spy_hist_quantile_ns(&t->hist, quantiles[q], t->min_ns, t->max_ns),
                    exact(times, n, quantiles[q]), part < SPY_PART_COUNT ? 0.0445 : 0.0110);
    }
}

static void compare(const struct spy_history_window *w)
{
    uint64_t end = w->end_ns == UINT64_MAX ? UINT64_MAX : w->end_ns;
    for (uint32_t k = 0; k < OPS; k++)
        compare_operation(FIRST + k, w->begin_ns, end);
}

/* The step that history is kept in so long ago, where bytes do not bound it. */
static uint64_t step_at(uint64_t since)
{
    uint64_t age = now_ns - since;
    return age <= 3600 * SEC ? STEP : age <= 24 * 3600 * SEC ? 60 * SEC : 600 * SEC;
}

static void compare_window(uint64_t since, uint64_t until, bool whole)
{
    struct spy_history_window w = tell(since, until);
    compare(&w);
    if (!whole)
        return;
    uint64_t epoch = region->epoch_mono_ns;
    assert_true(w.begin_ns <= (since > epoch ? since : epoch));
    assert_true(w.begin_ns + step_at(since) > since || w.begin_ns == epoch);
    assert_true(until == UINT64_MAX || (w.end_ns <= until && w.end_ns + step_at(until) >= until));
}

static uint64_t some_time(void)
{
    return region->epoch_mono_ns + next_random() % (now_ns - region->epoch_mono_ns);
}

static void compare_windows(unsigned count, bool whole)
{
    compare_window(0, UINT64_MAX, whole);
    compare_window(now_ns - 300 * SEC, UINT64_MAX, whole);
    compare_window(now_ns, UINT64_MAX, whole);
    for (unsigned i = 0; i < count; i++) {
        uint64_t a = some_time(), b = some_time();
        compare_window(a < b ? a : b, i % 3 == 0 ? UINT64_MAX : a < b ? b : a, whole);
    }
}

static void any_window_of_a_day_is_exact(void **unused)
{
    (void)unused;
    day_begins(8u << 20);
    pass_a_day();
    assert_int_equal(atomic_load(&region->history_lost_ns), 0);
    compare_windows(12, true);
    struct spy_history_window w = tell(0, UINT64_MAX);
    assert_int_equal(w.begin_ns, region->epoch_mono_ns);
    assert_int_equal(most_use.rss_bytes, STEPS - 1);
    assert_int_equal(most_use.threads, 7);
    /* Windows that meet share nothing and leave nothing out. */
    uint64_t told = 0;
    for (uint64_t at = region->epoch_mono_ns; at < now_ns; at += 4567 * SEC) {
        tell(at == region->epoch_mono_ns ? 0 : at, at + 4567 * SEC);
        for (uint32_t k = 0; k < OPS; k++)
            told += sums[FIRST + k].calls;
    }
    tell(now_ns, UINT64_MAX);
    for (uint32_t k = 0; k < OPS; k++)
        told += sums[FIRST + k].calls;
    assert_int_equal(told, logged);
    free(region);
}

/* The default: what it holds of such a day, and that what it tells of it is right. */
static void the_default_holds_most_of_a_day(void **unused)
{
    (void)unused;
    day_begins(SPY_HISTORY_BYTES);
    pass_a_day();
    struct spy_history_window w = tell(0, UINT64_MAX);
    print_message("%u KiB hold %.1f hours\n", region->history_bytes / 1024,
                  (double)(now_ns - w.begin_ns) / 3600e9);
    compare_windows(4, false);
    free(region);
}

static void a_small_history_says_how_far_it_reaches(void **unused)
{
    (void)unused;
    day_begins(SPY_HISTORY_BYTES_MIN);
    pass_a_day();
    struct spy_history_window w = tell(0, UINT64_MAX);
    assert_true(w.reach_ns > region->epoch_mono_ns);
    assert_int_equal(w.begin_ns, w.reach_ns);
    print_message("%u KiB hold %.1f hours\n", region->history_bytes / 1024,
                  (double)(now_ns - w.begin_ns) / 3600e9);
    compare_windows(4, false);
    free(region);
}

/* What a torn step says is not told, nor what stands behind it in its ring; the rest is. */
static void torn_steps_are_not_told(void **unused)
{
    (void)unused;
    day_begins(8u << 20);
    for (uint64_t i = 0; i < 20; i++) {
        one_call(FIRST, now_ns + STEP);
        now_ns += STEP;
        spy_history_roll(region, now_ns, &(struct spy_use){0});
    }
    unsigned char *ring = spy_region_section(region, SPY_SECTION_HISTORY);
    for (uint64_t at = 0, i = 0; i < 20; i++) {
        struct spy_history_step step;
        memcpy(&step, ring + at, sizeof(step));
        size_t torn = at + next_random() % step.bytes;
        ring[torn] ^= 0x10;
        tell(0, now_ns);
        assert_int_equal(sums[FIRST].calls, i);
        ring[torn] ^= 0x10;
        at += step.bytes;
    }
    tell(0, now_ns);
    assert_int_equal(sums[FIRST].calls, 20);
    free(region);
}

/* Killed between the commit of a step in the next level and its leaving of the first: both hold
 * it, and it is told once. */
static void what_two_levels_hold_is_told_once(void **unused)
{
    (void)unused;
    day_begins(8u << 20);
    for (uint64_t i = 0; i < 1000; i++) {
        one_call(FIRST, now_ns + STEP);
        now_ns += STEP;
        uint64_t tail = atomic_load(&region->history[0].tail);
        spy_history_roll(region, now_ns, &(struct spy_use){0});
        uint64_t moved = atomic_load(&region->history[0].tail);
        atomic_store(&region->history[0].tail, tail);
        tell(0, UINT64_MAX);
        assert_int_equal(sums[FIRST].calls, i + 1);
        atomic_store(&region->history[0].tail, moved);
    }
    assert_true(atomic_load(&region->history[0].tail) > 0);
    free(region);
}

static int set_up(void **unused)
{
    (void)unused;
    spy_process->pid = getpid();
    log_of_calls = calloc(CALLS_MAX, sizeof(*log_of_calls));
    times = calloc(CALLS_MAX, sizeof(*times));
    return log_of_calls == NULL || times == NULL;
}

static int tear_down(void **unused)
{
    (void)unused;
    free(log_of_calls);
    free(times);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_window_of_a_day_is_exact),
        cmocka_unit_test(the_default_holds_most_of_a_day),
        cmocka_unit_test(a_small_history_says_how_far_it_reaches),
        cmocka_unit_test(torn_steps_are_not_told),
        cmocka_unit_test(what_two_levels_hold_is_told_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
