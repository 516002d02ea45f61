/* SPDX-License-Identifier: MIT */
/*
 * Limits of one's own: benchmarks given on the command line (`--set OPERATION=STAT:LIMIT`) or in
 * the body of a request, instead of or beside those of the rules.
 *
 * Parsed first, without a model; applied to a model once it is loaded. A limit replaces the one
 * that the operation has on the same statistic, and else is added.
 */
#ifndef CTL_LIMITS_H
#define CTL_LIMITS_H

#include "ctl/model.h"

struct ctl_limit {
    char *operation; /* as given: a whole name, or what follows a name's dot */
    struct spy_budget budget;
};

/* All zero is an empty one. */
struct ctl_limits {
    struct ctl_limit *limit;
    size_t count;
};

/*
 * Adds a limit on STAT ("mean", "p50" ... "p99.9", "max": LIMIT is a duration such as "50ms";
 * "errors": a percentage such as "1%") of OPERATION. Given twice, the last one counts.
 * SPY_ERR_VALUE, after a sentence in ERR without a full stop that names what was wrong and what
 * would be right. Whether there is such an operation is found out by ctl_limits_apply().
 */
SPY_MUST_CHECK enum spy_status ctl_limits_add(struct ctl_limits *limits, const char *operation,
                                              const char *stat, const char *limit,
                                              struct spy_error *err);

/* The same from "OPERATION=STAT:LIMIT"; "OPERATION=LIMIT" limits p95, as in the rules. */
SPY_MUST_CHECK enum spy_status ctl_limits_add_text(struct ctl_limits *limits, const char *text,
                                                   struct spy_error *err);

/* Puts LIMITS into MODEL. SPY_ERR_ABSENT where MODEL has no such operation, SPY_ERR_VALUE where a
 * short name may be several; ERR then has a sentence. Nothing is changed before all are found. */
SPY_MUST_CHECK enum spy_status ctl_limits_apply(const struct ctl_limits *limits,
                                                struct ctl_model *model, struct spy_error *err);

/* From now on, no verdict on fewer than CALLS calls in MODEL; 0: as many as each statistic needs,
 * see ctl_calls_needed() in model.h. */
void ctl_limits_min_calls(struct ctl_model *model, uint64_t calls);

/* Empties LIMITS. */
void ctl_limits_free(struct ctl_limits *limits);

#endif
