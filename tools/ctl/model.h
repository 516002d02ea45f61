/* SPDX-License-Identifier: MIT */
/*
 * The model: what the chosen processes did, merged by operation. Tables, JSON, health and
 * benchmarks are all made from it.
 */
#ifndef CTL_MODEL_H
#define CTL_MODEL_H

#include "ctl/source.h"
#include "shared/history.h"

#define CTL_SECOND_NS 1000000000ull
#define CTL_BUDGETS   ((uint32_t)SPY_STAT_COUNT) /* of one operation: one a statistic */

struct ctl_operation {
    char *name;      /* clean UTF-8, as all text here */
    char *statement; /* NULL: none */
    uint32_t kind;   /* enum spy_kind */
    bool mapped;
    uint32_t sample; /* one call of so many is timed, by the rules of the first process that says so
                      * of it; 0: every one is */
    uint32_t budgets;
    struct spy_budget budget[CTL_BUDGETS]; /* of the first process that has any; see limits.h */
    uint64_t min_calls;                    /* that a verdict needs; 0: see ctl_calls_needed() */
    struct spy_totals totals;
};

/* A process that is part of the answer. */
struct ctl_member {
    int32_t pid;
    uint32_t uid;
    enum ctl_state state;
    uint64_t started_ns; /* CLOCK_REALTIME */
    uint64_t seen_ns;    /* the same, of its last sign of life in the region */
    char exe[256];
    char mode[16];
    char storage[16];
    char problem[256];
    uint32_t rules_state;
    uint32_t rules_operations;
    uint32_t rules_generation;
    uint64_t off_since_ns;    /* CLOCK_REALTIME; 0: recording is on */
    uint64_t rules_loaded_ns; /* CLOCK_REALTIME; 0: never */
    uint64_t reset_ns;        /* CLOCK_REALTIME: statistics began anew; 0: never */
    char rules_path[256];
    char rules_error[320];
    uint64_t self[SPY_SELF_COUNT];
    uint64_t slow_dropped;
    uint32_t operations; /* with calls */
    uint64_t calls;
    struct spy_use use; /* at the last step of history; of the dead before they were */
};

struct ctl_repeat; /* repeats.h */

struct ctl_model {
    struct ctl_operation **operation; /* in the order found; sorted by whoever needs it */
    size_t count;
    void *index;               /* tree of the same, by kind and name */
    struct ctl_repeat *repeat; /* statements that requests repeat */
    size_t repeats;
    struct ctl_member *member;
    size_t members;
    size_t dead;   /* how many of the members are */
    size_t resets; /* of how many the statistics were begun anew */

    uint64_t window_ns; /* asked for; 0: whole lives */
    uint64_t ago_ns;    /* the window ends so long ago; 0: now */
    uint64_t begin_ns;  /* CLOCK_REALTIME: where the answer begins and ends */
    uint64_t end_ns;
    uint64_t reach_ns; /* of a window: what was before is no longer in history; 0: all is */

    /* Of the first process; health thresholds: the strictest of all. */
    bool has_rules;
    uint64_t level_bounds_ns[SPY_LEVEL_COUNT - 1];
    uint64_t health_window_ns;
    uint64_t health_slow_share_ppm;
};

void ctl_model_init(struct ctl_model *model, uint64_t window_ns);
void ctl_model_free(struct ctl_model *model);

/* Adds what PROCESS did: ever, or in the model's window before NOW. REGION must have passed
 * spy_region_check(). A dead process that did nothing in the window is left out, and so is one that
 * is younger than a window that has ended. */
void ctl_model_add(struct ctl_model *model, const struct ctl_process *process,
                   const struct spy_region *region, const struct ctl_run *now);

/* Loads and adds every process of SOURCE. CTL_NOTHING where none could be read. */
enum ctl_exit ctl_model_load(struct ctl_model *model, const struct ctl_source *source,
                             const struct ctl_run *run);

/* The merged operation of row OP of REGION, made where there is none yet; NULL where that row is
 * not complete. */
struct ctl_operation *ctl_model_operation(struct ctl_model *model, const struct spy_region *region,
                                          uint32_t op);

/* Frame of a command that answers from the model: finds, chooses and loads the processes, for
 * --last or for their whole lives, and calls SHOW. */
enum ctl_exit ctl_model_answer(const struct ctl_run *run,
                               enum ctl_exit (*show)(struct ctl_model *model,
                                                     const struct ctl_run *run));

/* Slow and failed calls that could not be kept, since the statistics of the process began. */
uint64_t ctl_slow_dropped(const struct spy_region *region);

/* Seconds that the answer covers; 0 where unknown. */
double ctl_model_span_s(const struct ctl_model *model);

/* CLOCK_MONOTONIC of the process' boot to CLOCK_REALTIME. */
uint64_t ctl_real_ns(const struct spy_region *region, uint64_t mono_ns);

/* "Now" by the monotonic clock that the region was written with: ours, unless another boot's. */
uint64_t ctl_now_mono_ns(const struct spy_region *region, const struct ctl_run *now);

/* The last sign of life of the process of REGION, by the same clock: the latest moment that it
 * tells of, which for one that is dead is when it died or shortly before (lifetime.c). */
uint64_t ctl_last_mono_ns(const struct spy_region *region, const struct ctl_run *now);

/* ---- operations ---------------------------------------------------------------------------- */

/* Worst first: by share of critical calls, then of slow ones, then by total time. For qsort() on
 * model->operation. */
int ctl_operation_worse(const void *a, const void *b);

/* Calls per second, or -1 where unknown. */
double ctl_operation_rate(const struct ctl_model *model, const struct ctl_operation *op);

/* Statistic STAT in nanoseconds; for SPY_STAT_ERRORS in millionths. 0 without calls. */
double ctl_operation_stat(const struct ctl_operation *op, uint32_t stat);

/* Limits OP: BUDGET replaces the one on the same statistic, or is added. */
void ctl_operation_limit(struct ctl_operation *op, const struct spy_budget *budget);

enum ctl_verdict { CTL_BENCH_MISSED, CTL_BENCH_MET, CTL_BENCH_NO_DATA };

/*
 * How many calls of OP it takes to say something about STAT. A quantile q needs 1 / (1 - q) of
 * them (p50 2, p90 10, p95 20, p99 100, p99.9 1,000): of fewer it is just the maximum by another
 * name. Mean, maximum and share of errors are true of any calls there were: 1.
 * op->min_calls, where set, is the answer for every statistic.
 */
uint64_t ctl_calls_needed(const struct ctl_operation *op, uint32_t stat);

/* No data on fewer calls than needed; but where every single one took longer than the limit, the
 * limit is missed, however few they are, unless op->min_calls forbids to say so. */
enum ctl_verdict ctl_operation_verdict(const struct ctl_operation *op,
                                       const struct spy_budget *budget);

/* Worst verdict of all budgets; CTL_BENCH_NO_DATA where there is none. */
enum ctl_verdict ctl_operation_verdicts(const struct ctl_operation *op);

#endif
