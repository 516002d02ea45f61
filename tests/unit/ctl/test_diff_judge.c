/* SPDX-License-Identifier: MIT */
/* What `diff` takes for a finding, and what for noise. */
#include "ctl/diff.h"

#include "unit/ctl/fixture.h"

/* A row with COUNT calls of DUR on each side, in 100 s. */
static struct ctl_diff_row judged(struct ctl_operation side[CTL_DIFF_SIDES],
                                  const uint64_t count[CTL_DIFF_SIDES],
                                  const uint64_t dur[CTL_DIFF_SIDES],
                                  const uint64_t errors[CTL_DIFF_SIDES])
{
    static const uint64_t bounds[] = {100 * MS, 500 * MS, SEC, 3 * SEC};
    struct ctl_diff_row row = {.op = &side[0], .side = {&side[0], &side[1]}};
    for (int s = 0; s < CTL_DIFF_SIDES; s++) {
        side[s].kind = SPY_KIND_SQL;
        spy_totals_clear(&side[s].totals);
        for (uint64_t i = 0; i < count[s]; i++)
            spy_totals_add_sample(&side[s].totals,
                                  &(struct spy_sample){.dur_ns = dur[s], .failed = i < errors[s]},
                                  bounds);
    }
    ctl_diff_judge(&row, 100, 100);
    return row;
}

/* The bounds of each rule, from both sides of it. */
static void what_is_a_finding(void **state)
{
    static const struct {
        uint64_t calls[2], dur[2], errors[2];
        unsigned marks;
    } cases[] = {
        {{100, 100}, {10 * MS, 13 * MS}, {0, 0}, CTL_DIFF_BIT(SLOWER)},
        {{100, 100}, {13 * MS, 10 * MS}, {0, 0}, CTL_DIFF_BIT(FASTER)},
        {{100, 100}, {10 * MS, 11 * MS}, {0, 0}, 0},                   /* a tenth */
        {{4, 4}, {10 * MS, 100 * MS}, {0, 0}, 0},                      /* may be chance */
        {{5, 5}, {10 * MS, 100 * MS}, {0, 0}, CTL_DIFF_BIT(SLOWER)},   /* 5 all above 5 */
        {{100, 100}, {MS, MS + 900000}, {0, 0}, 0},                    /* below 1 ms */
        {{200, 200}, {MS, MS + 900000}, {0, 0}, CTL_DIFF_BIT(SLOWER)}, /* 1.8 ms a second */
        {{20, 20}, {MS, MS}, {0, 7}, 0},                               /* 2.9 deviations */
        {{20, 20}, {MS, MS}, {0, 8}, CTL_DIFF_BIT(MORE_ERRORS)},       /* 3.2 */
        {{20, 20}, {MS, MS}, {8, 0}, CTL_DIFF_BIT(FEWER_ERRORS)},
        {{19, 19}, {MS, MS}, {0, 19}, 0},       /* below 20 calls */
        {{10000, 10000}, {MS, MS}, {0, 99}, 0}, /* below 1 % */
        {{10000, 10000}, {MS, MS}, {0, 100}, CTL_DIFF_BIT(MORE_ERRORS)},
        {{100, 149}, {MS, MS}, {0, 0}, 0},                    /* below a half */
        {{100, 150}, {MS, MS}, {0, 0}, CTL_DIFF_BIT(BUSIER)}, /* 3.2 deviations */
        {{150, 100}, {MS, MS}, {0, 0}, CTL_DIFF_BIT(QUIETER)},
        {{50, 75}, {MS, MS}, {0, 0}, 0}, /* 2.2 deviations */
        {{50, 200},
         {4 * MS, 9 * MS},
         {0, 100},
         CTL_DIFF_BIT(SLOWER) | CTL_DIFF_BIT(BUSIER) | CTL_DIFF_BIT(MORE_ERRORS)},
    };
    static struct ctl_operation side[CTL_DIFF_SIDES];
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ctl_diff_row row = judged(side, cases[i].calls, cases[i].dur, cases[i].errors);
        if (row.marks != cases[i].marks)
            print_error("case %zu\n", i);
        assert_int_equal(row.marks, cases[i].marks);
        assert_int_equal(row.noticeable, cases[i].marks != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_a_finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
