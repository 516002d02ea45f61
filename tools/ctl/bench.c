/* SPDX-License-Identifier: MIT */
/*
 * Judging and ordering budgets; see bench.h.
 */
#include "ctl/bench.h"

#include <stdlib.h>
#include <string.h>

/* Value in units of the limit. */
static double excess(const struct ctl_bench *bench)
{
    double value = ctl_operation_stat(bench->op, bench->budget->stat);
    return bench->budget->limit > 0 ? value / (double)bench->budget->limit : value;
}

/* Missed, met, no data; the worst of each first. */
static int by_verdict(const void *a, const void *b)
{
    const struct ctl_bench *x = a, *y = b;
    if (x->verdict != y->verdict)
        return x->verdict < y->verdict ? -1 : 1;
    double p = excess(x), q = excess(y);
    return p != q ? (p < q ? 1 : -1) : strcmp(x->op->name, y->op->name);
}

struct ctl_bench_list ctl_bench_judge(const struct ctl_model *model)
{
    struct ctl_bench_list list = {0};
    list.bench = ctl_alloc(model->count * CTL_BUDGETS * sizeof(*list.bench));
    for (size_t i = 0; i < model->count; i++) {
        const struct ctl_operation *op = model->operation[i];
        for (uint32_t k = 0; k < op->budgets; k++) {
            enum ctl_verdict verdict = ctl_operation_verdict(op, &op->budget[k]);
            list.bench[list.count++] = (struct ctl_bench){op, &op->budget[k], verdict};
            list.with[verdict]++;
        }
    }
    qsort(list.bench, list.count, sizeof(*list.bench), by_verdict);
    return list;
}

void ctl_bench_free(struct ctl_bench_list *list)
{
    free(list->bench);
}
