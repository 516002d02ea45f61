/* SPDX-License-Identifier: MIT */
/*
 * Every budget of a model against what was measured: what `benchmarks`, the table and the JSON,
 * is made from.
 */
#ifndef CTL_BENCH_H
#define CTL_BENCH_H

#include "ctl/model.h"

struct ctl_bench {
    const struct ctl_operation *op; /* both point into the model */
    const struct spy_budget *budget;
    enum ctl_verdict verdict;
};

struct ctl_bench_list {
    struct ctl_bench *bench; /* missed, met, no data; the worst of each first */
    size_t count;
    size_t with[CTL_BENCH_NO_DATA + 1]; /* how many of each verdict */
};

/* Judges every budget of MODEL, which must outlive the list. Free with ctl_bench_free(). */
struct ctl_bench_list ctl_bench_judge(const struct ctl_model *model);
void ctl_bench_free(struct ctl_bench_list *list);

#endif
