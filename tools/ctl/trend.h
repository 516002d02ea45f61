/* SPDX-License-Identifier: MIT */
/*
 * The course of a window: what was called in each stretch of it, and what the processes used. Made
 * from the steps of history, each of which goes to the stretch that it ended in.
 */
#ifndef CTL_TREND_H
#define CTL_TREND_H

#include "ctl/model.h"

#include <jansson.h>

#define CTL_TREND_POINTS 500u

struct ctl_trend_point {
    uint64_t begin_ns; /* CLOCK_REALTIME */
    uint64_t end_ns;
    struct spy_totals totals;
    struct spy_use use; /* the most of each process, added up */
};

struct ctl_trend {
    struct ctl_model model;           /* of the whole window */
    const struct ctl_operation *only; /* NULL: all of KIND */
    uint32_t kind;                    /* requests, or statements where there were none */
    uint64_t step_ns;
    size_t points;
    struct ctl_trend_point *point; /* the oldest first; the last may be cut short by now */
};

/*
 * Loads the processes of SOURCE and divides the last run->args->last_ns (default: an hour) into
 * stretches of run->args->step_ns, or where that is 0 of some length that gives some thirty of
 * them. NAME is an operation, as for ctl_find_operation(), or NULL. Says on run->err what is wrong.
 */
enum ctl_exit ctl_trend_load(struct ctl_trend *trend, const struct ctl_source *source,
                             const struct ctl_run *run, const char *name);
void ctl_trend_free(struct ctl_trend *trend);

/* json_trend.c: the schema of `trend --json` and of GET /performance/history. */
json_t *ctl_json_trend(const struct ctl_trend *trend);

#endif
