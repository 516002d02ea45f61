/* SPDX-License-Identifier: MIT */
/* Limits of one's own: what is accepted, what is refused and how, and what they change. */
#include "ctl/limits.h"

#include "ctl/view.h"
#include "unit/ctl/fixture.h"

static const struct ctl_run now = {.now_mono_ns = 200 * SEC, .now_real_ns = REAL + 100 * SEC};

static void parses(void **state)
{
    static const struct {
        const char *text, *operation;
        uint32_t stat;
        uint64_t limit;
    } good[] = {
        {"api.get_part=p99:50ms", "api.get_part", SPY_STAT_P99, 50 * MS},
        {"api.get_part=p99.9:1.5s", "api.get_part", SPY_STAT_P999, 1500 * MS},
        {"get_part=errors:1%", "get_part", SPY_STAT_ERRORS, 10000},
        {"get_part=errors:0%", "get_part", SPY_STAT_ERRORS, 0},
        {"get_part=mean:250us", "get_part", SPY_STAT_MEAN, 250000},
        {"get_part=max:1m", "get_part", SPY_STAT_MAX, 60 * SEC},
        {"get_part=200ms", "get_part", SPY_STAT_P95, 200 * MS},
        {"a:b.c=p50:1ms", "a:b.c", SPY_STAT_P50, MS},
        {"GET /parts/{id}=p90:1ms", "GET /parts/{id}", SPY_STAT_P90, MS},
        {"SELECT 1 WHERE a = ?=p90:1ms", "SELECT 1 WHERE a = ?", SPY_STAT_P90, MS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct ctl_limits limits = {0};
        struct spy_error err = {0};
        assert_int_equal(ctl_limits_add_text(&limits, good[i].text, &err), SPY_OK);
        assert_int_equal(limits.count, 1);
        assert_string_equal(limits.limit[0].operation, good[i].operation);
        assert_int_equal(limits.limit[0].budget.stat, good[i].stat);
        assert_int_equal(limits.limit[0].budget.limit, good[i].limit);
        ctl_limits_free(&limits);
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "\"\" is not OPERATION=STAT:LIMIT, such as api.get_part=p99:50ms"},
        {"x", "\"x\" is not OPERATION=STAT:LIMIT, such as api.get_part=p99:50ms"},
        {"=p99:50ms", "a limit needs the name of an operation"},
        {"x=p98:50ms", "\"p98\" is no statistic; write mean, p50, p90, p95, p99, p99.9, max or "
                       "errors"},
        {"x=:50ms", "\"\" is no statistic; write mean, p50, p90, p95, p99, p99.9, max or errors"},
        {"x=p99:", "limit on p99: \"\" is not a duration longer than nothing, such as 200ms or "
                   "1.5s"},
        {"x=p99:50", "limit on p99: \"50\" is not a duration longer than nothing, such as 200ms "
                     "or 1.5s"},
        {"x=p99:0ms", "limit on p99: \"0ms\" is not a duration longer than nothing, such as 200ms "
                      "or 1.5s"},
        {"x=p99:1%", "limit on p99: \"1%\" is not a duration longer than nothing, such as 200ms "
                     "or 1.5s"},
        {"x=errors:50ms", "limit on errors: \"50ms\" is not a percentage from 0% to 100%, such as "
                          "1% or 0.5%"},
        {"x=errors:101%", "limit on errors: \"101%\" is not a percentage from 0% to 100%, such as "
                          "1% or 0.5%"},
    };
    struct ctl_limits limits = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct spy_error err = {0};
        assert_int_equal(ctl_limits_add_text(&limits, bad[i].text, &err), SPY_ERR_VALUE);
        assert_string_equal(err.text, bad[i].why);
        assert_int_equal(limits.count, 0);
    }
    ctl_limits_free(&limits);
}

/* ---- on a model ------------------------------------------------------------------------------ */

static struct spy_region *load(struct ctl_model *model)
{
    struct spy_region *r = fixture_parts(10, 1000);
    struct ctl_process process = {.state = CTL_LIVE};
    process.proc.pid = r->pid;
    ctl_model_init(model, 0);
    ctl_model_add(model, &process, r, &now);
    return r;
}

static enum spy_status set(struct ctl_model *model, const char *operation, const char *stat,
                           const char *limit, struct spy_error *err)
{
    struct ctl_limits limits = {0};
    assert_int_equal(ctl_limits_add(&limits, operation, stat, limit, err), SPY_OK);
    enum spy_status status = ctl_limits_apply(&limits, model, err);
    ctl_limits_free(&limits);
    return status;
}

static void replaces_or_adds(void **state)
{
    struct ctl_model model;
    struct spy_error err;
    (void)state;
    struct spy_region *r = load(&model);
    const struct ctl_operation *sql = model.operation[1]; /* mean:100ms, errors:1% */
    assert_int_equal(set(&model, "parts_crud.get_part", "mean", "1ms", &err), SPY_OK);
    assert_int_equal(sql->budgets, 2);
    assert_int_equal(sql->budget[0].limit, MS);
    assert_int_equal(ctl_operation_verdict(sql, &sql->budget[0]), CTL_BENCH_MISSED);
    static const char *const stats[] = {"p50", "p90", "p95", "p99", "p99.9", "max"};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(set(&model, "parts_crud.get_part", stats[i], "1s", &err), SPY_OK);
    assert_int_equal(sql->budgets, SPY_STAT_COUNT); /* more than a rule can have */
    assert_int_equal(sql->budget[1].limit, 10000);
    assert_int_equal(sql->budget[7].stat, SPY_STAT_MAX);
    assert_int_equal(set(&model, "delete_part", "p50", "1s", &err), SPY_OK); /* the short name */
    assert_int_equal(model.operation[2]->budgets, 1);
    ctl_model_free(&model);
    free(r);
}

static void finds_the_operation(void **state)
{
    struct ctl_model model;
    struct ctl_limits limits = {0};
    struct spy_error err;
    (void)state;
    struct spy_region *r = load(&model);
    assert_int_equal(set(&model, "delete_prat", "p50", "1s", &err), SPY_ERR_ABSENT);
    assert_string_equal(err.text, "no operation is called \"delete_prat\"; did you mean "
                                  "parts_crud.delete_part?");
    assert_int_equal(set(&model, "get_part", "p50", "1s", &err), SPY_ERR_VALUE);
    assert_string_equal(err.text, "\"get_part\" may be api.get_part or parts_crud.get_part; give "
                                  "the whole name");
    /* All or nothing. */
    assert_int_equal(ctl_limits_add(&limits, "api.get_part", "max", "1s", &err), SPY_OK);
    assert_int_equal(ctl_limits_add(&limits, "nothing.at.all", "max", "1s", &err), SPY_OK);
    assert_int_equal(ctl_limits_apply(&limits, &model, &err), SPY_ERR_ABSENT);
    assert_int_equal(model.operation[0]->budgets, 1);
    ctl_limits_free(&limits);
    ctl_model_free(&model);
    free(r);
}

/* ---- how many calls a verdict needs -----------------------------------------------------------
 */

/* The verdict and its reason on FAST calls of 1 ms and SLOW ones of 1 s against 100 ms. */
static enum ctl_verdict judge(uint64_t fast, uint64_t slow, uint32_t stat, uint64_t min_calls,
                              char reason[CTL_REASON_BYTES])
{
    struct ctl_operation op = {.min_calls = min_calls};
    const uint64_t bounds[] = {100 * MS, 500 * MS, SEC, 3 * SEC};
    const struct spy_budget budget = {.stat = stat,
                                      .limit = stat == SPY_STAT_ERRORS ? 10000 : 100 * MS};
    spy_totals_clear(&op.totals);
    for (uint64_t i = 0; i < fast + slow; i++)
        spy_totals_add_sample(
            &op.totals, &(struct spy_sample){.dur_ns = i < fast ? MS : SEC, .failed = i >= fast},
            bounds);
    ctl_view_reason(reason, &op, &budget);
    return ctl_operation_verdict(&op, &budget);
}

static void too_few_calls_say_nothing(void **state)
{
    static const struct {
        uint32_t stat;
        uint64_t needs;
    } all[] = {
        {SPY_STAT_P50, 2},     {SPY_STAT_P90, 10}, {SPY_STAT_P95, 20}, {SPY_STAT_P99, 100},
        {SPY_STAT_P999, 1000}, {SPY_STAT_MEAN, 1}, {SPY_STAT_MAX, 1},  {SPY_STAT_ERRORS, 1},
    };
    char why[CTL_REASON_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct ctl_operation op = {0};
        assert_int_equal(ctl_calls_needed(&op, all[i].stat), all[i].needs);
        assert_int_equal(judge(all[i].needs, 0, all[i].stat, 0, why), CTL_BENCH_MET);
        assert_int_equal(judge(all[i].needs - 1, 0, all[i].stat, 0, why), CTL_BENCH_NO_DATA);
        assert_int_equal(judge(0, 0, all[i].stat, 0, why), CTL_BENCH_NO_DATA);
        assert_string_equal(why, "no calls");
    }
    assert_int_equal(judge(1, 18, SPY_STAT_P95, 0, why), CTL_BENCH_NO_DATA);
    assert_string_equal(why, "19 calls are too few for p95: it needs 20");
    assert_int_equal(judge(1, 0, SPY_STAT_P999, 0, why), CTL_BENCH_NO_DATA);
    assert_string_equal(why, "1 call is too few for p99.9: it needs 1,000");
}

static void a_certain_miss_is_one(void **state)
{
    char why[CTL_REASON_BYTES];
    (void)state;
    assert_int_equal(judge(0, 8, SPY_STAT_P95, 0, why), CTL_BENCH_MISSED);
    assert_string_equal(why, "p95 is 1.00 s, limit 100 ms, of 8 calls, each of which took longer");
    assert_int_equal(judge(0, 1, SPY_STAT_P999, 0, why), CTL_BENCH_MISSED);
    assert_int_equal(judge(0, 1, SPY_STAT_MAX, 0, why), CTL_BENCH_MISSED);
    assert_int_equal(judge(99, 1, SPY_STAT_P99, 0, why), CTL_BENCH_MET); /* one in a hundred may */
    assert_int_equal(judge(98, 2, SPY_STAT_P99, 0, why), CTL_BENCH_MISSED);
    assert_string_equal(why, "p99 is 989 ms, limit 100 ms, of 100 calls");
    assert_int_equal(judge(4, 1, SPY_STAT_ERRORS, 0, why), CTL_BENCH_MISSED);
    assert_string_equal(why, "error share is 20 %, limit 1 %, of 5 calls");
}

static void the_number_can_be_set(void **state)
{
    char why[CTL_REASON_BYTES];
    (void)state;
    assert_int_equal(judge(7, 1, SPY_STAT_P95, 8, why), CTL_BENCH_MISSED);
    assert_int_equal(judge(1, 0, SPY_STAT_P999, 1, why), CTL_BENCH_MET);
    assert_int_equal(judge(0, 8, SPY_STAT_MAX, 9, why), CTL_BENCH_NO_DATA);
    assert_string_equal(why, "8 calls are too few for max: it needs 9");
    assert_int_equal(judge(0, 8, SPY_STAT_P95, 9, why), CTL_BENCH_NO_DATA); /* not even then */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(refuses),
        cmocka_unit_test(replaces_or_adds),
        cmocka_unit_test(finds_the_operation),
        cmocka_unit_test(too_few_calls_say_nothing),
        cmocka_unit_test(a_certain_miss_is_one),
        cmocka_unit_test(the_number_can_be_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
