/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic on merged operations: rates, statistics, verdicts, order. Pure functions.
 */
#include "ctl/model.h"

#include <string.h>

double ctl_model_span_s(const struct ctl_model *model)
{
    return (double)(model->end_ns - model->begin_ns) / 1e9;
}

double ctl_operation_rate(const struct ctl_model *model, const struct ctl_operation *op)
{
    double span = ctl_model_span_s(model);
    return span > 0 ? (double)op->totals.calls / span : -1;
}

double ctl_operation_stat(const struct ctl_operation *op, uint32_t stat)
{
    const struct spy_totals *t = &op->totals;
    if (t->calls == 0)
        return 0;
    switch (stat) {
    case SPY_STAT_MEAN:
        return (double)t->sum_ns / (double)t->calls;
    case SPY_STAT_MAX:
        return (double)t->max_ns;
    case SPY_STAT_ERRORS:
        return 1e6 * (double)t->errors / (double)t->calls;
    default:
        return spy_hist_quantile_ns(&t->hist, spy_stat_quantile(stat), t->min_ns, t->max_ns);
    }
}

void ctl_operation_limit(struct ctl_operation *op, const struct spy_budget *budget)
{
    uint32_t i = 0;
    while (i < op->budgets && op->budget[i].stat != budget->stat)
        i++;
    if (i == CTL_BUDGETS)
        return; /* no such statistic: all have their place already */
    op->budget[i] = *budget;
    op->budgets += i == op->budgets;
}

uint64_t ctl_calls_needed(const struct ctl_operation *op, uint32_t stat)
{
    double q = spy_stat_quantile(stat);
    if (op->min_calls > 0)
        return op->min_calls;
    return q > 0 ? (uint64_t)(1 / (1 - q) + 0.5) : 1;
}

enum ctl_verdict ctl_operation_verdict(const struct ctl_operation *op,
                                       const struct spy_budget *budget)
{
    const struct spy_totals *t = &op->totals;
    uint64_t calls = budget->stat == SPY_STAT_ERRORS ? t->calls : spy_totals_timed(t);
    bool judged = calls >= ctl_calls_needed(op, budget->stat);
    bool all_longer =
        spy_stat_quantile(budget->stat) > 0 && t->min_ns > budget->limit && t->untimed == 0;
    if (calls == 0 || (!judged && (!all_longer || op->min_calls > 0)))
        return CTL_BENCH_NO_DATA;
    return ctl_operation_stat(op, budget->stat) <= (double)budget->limit ? CTL_BENCH_MET
                                                                         : CTL_BENCH_MISSED;
}

enum ctl_verdict ctl_operation_verdicts(const struct ctl_operation *op)
{
    enum ctl_verdict worst = CTL_BENCH_NO_DATA;
    for (uint32_t i = 0; i < op->budgets; i++) {
        enum ctl_verdict verdict = ctl_operation_verdict(op, &op->budget[i]);
        if (verdict < worst)
            worst = verdict;
    }
    return worst;
}

/* Compares A/B with C/D; a share of nothing is 0. */
static int compare_shares(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    double x = b > 0 ? (double)a / (double)b : 0;
    double y = d > 0 ? (double)c / (double)d : 0;
    return (x < y) - (x > y);
}

int ctl_operation_worse(const void *a, const void *b)
{
    const struct ctl_operation *x = *(struct ctl_operation *const *)a;
    const struct ctl_operation *y = *(struct ctl_operation *const *)b;
    const struct spy_totals *t = &x->totals, *u = &y->totals;
    int order = compare_shares(t->level[SPY_LEVEL_CRITICAL], t->calls, u->level[SPY_LEVEL_CRITICAL],
                               u->calls);
    if (order == 0)
        order =
            compare_shares(t->level[SPY_LEVEL_SLOW], t->calls, u->level[SPY_LEVEL_SLOW], u->calls);
    if (order == 0)
        order = (t->sum_ns < u->sum_ns) - (t->sum_ns > u->sum_ns);
    return order != 0 ? order : strcmp(x->name, y->name);
}
