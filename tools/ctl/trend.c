/* SPDX-License-Identifier: MIT */
/*
 * The course of a window; see trend.h.
 */
#include "ctl/trend.h"

#include "ctl/find.h"
#include "ctl/format.h"
#include "ctl/image.h"

#include <stdlib.h>
#include <string.h>

#define LAST_NS (3600 * CTL_SECOND_NS)
#define POINTS  36u /* at most, where no step was asked for */

/* ---- stretches ------------------------------------------------------------------------------ */

/* The shortest of the usual ones that gives no more than POINTS. */
static uint64_t usual_step(uint64_t last_ns)
{
    static const uint64_t seconds[] = {10,  20,   30,   60,   120,  300,
                                       600, 1200, 1800, 3600, 7200, 14400};
    size_t i = 0;
    while (i + 1 < sizeof(seconds) / sizeof(seconds[0]) &&
           last_ns / (seconds[i] * CTL_SECOND_NS) > POINTS)
        i++;
    uint64_t step = seconds[i] * CTL_SECOND_NS;
    while (last_ns / step > POINTS)
        step *= 2;
    return step;
}

/* Stretches begin at whole multiples of their length, so that two looks compare. */
static void divide(struct ctl_trend *trend, uint64_t last_ns, uint64_t now_real_ns)
{
    uint64_t step = trend->step_ns;
    uint64_t begin = (now_real_ns - last_ns) / step * step;
    trend->points = (now_real_ns - begin + step - 1) / step;
    trend->point = ctl_alloc(trend->points * sizeof(*trend->point));
    for (size_t i = 0; i < trend->points; i++) {
        struct ctl_trend_point *p = &trend->point[i];
        p->begin_ns = begin + i * step;
        p->end_ns = p->begin_ns + step < now_real_ns ? p->begin_ns + step : now_real_ns;
        spy_totals_clear(&p->totals);
    }
}

/* ---- filling them --------------------------------------------------------------------------- */

/* One process being added. */
struct adding {
    struct ctl_trend *trend;
    const struct spy_region *region;
    struct ctl_trend_point *point; /* of the step being told */
    struct spy_use *most;          /* of this process, for each point */
};

static struct ctl_trend_point *point_at(struct ctl_trend *trend, uint64_t real_ns)
{
    uint64_t begin = trend->point[0].begin_ns;
    size_t i = real_ns > begin ? (real_ns - 1 - begin) / trend->step_ns : 0;
    return &trend->point[i < trend->points ? i : trend->points - 1];
}

static bool is_wanted(struct ctl_trend *trend, const struct spy_region *region, uint32_t op)
{
    const struct ctl_operation *merged = ctl_model_operation(&trend->model, region, op);
    return merged != NULL &&
           (trend->only != NULL ? merged == trend->only : merged->kind == trend->kind);
}

static void raise_use(struct spy_use *most, const struct spy_use *use)
{
    most->rss_bytes = most->rss_bytes > use->rss_bytes ? most->rss_bytes : use->rss_bytes;
    most->threads = most->threads > use->threads ? most->threads : use->threads;
    most->fds = most->fds > use->fds ? most->fds : use->fds;
}

static void add_step(void *ctx, const struct spy_history_step *step, uint32_t op,
                     const struct spy_totals *delta)
{
    struct adding *adding = ctx;
    struct ctl_trend *trend = adding->trend;
    if (delta == NULL) {
        adding->point = step->end_ns == UINT64_MAX
                            ? &trend->point[trend->points - 1]
                            : point_at(trend, ctl_real_ns(adding->region, step->end_ns));
        raise_use(&adding->most[adding->point - trend->point], &step->use);
    } else if (is_wanted(trend, adding->region, op)) {
        spy_totals_add(&adding->point->totals, delta);
    }
}

static void add_region(struct ctl_trend *trend, const struct spy_region *region,
                       const struct ctl_member *member, const struct ctl_run *run)
{
    uint64_t now = ctl_now_mono_ns(region, run);
    uint64_t length = run->now_real_ns - trend->point[0].begin_ns;
    struct adding adding = {.trend = trend, .region = region};
    struct spy_history_window window = {.since_ns = now > length ? now - length : 0,
                                        .until_ns = UINT64_MAX};
    adding.most = ctl_alloc(trend->points * sizeof(*adding.most));
    if (spy_history_tell(region, &window, add_step, &adding) != SPY_OK)
        ctl_say(run->err, "warning: the history of process %d cannot be read", region->pid);
    if (member->state == CTL_LIVE)
        raise_use(&adding.most[trend->points - 1], &member->use);
    for (size_t i = 0; i < trend->points; i++) {
        trend->point[i].use.rss_bytes += adding.most[i].rss_bytes;
        trend->point[i].use.threads += adding.most[i].threads;
        trend->point[i].use.fds += adding.most[i].fds;
    }
    free(adding.most);
}

static enum ctl_exit choose(struct ctl_trend *trend, const struct ctl_run *run, const char *name)
{
    enum ctl_exit result = CTL_OK;
    trend->kind = SPY_KIND_SQL;
    for (size_t i = 0; i < trend->model.count; i++)
        if (trend->model.operation[i]->kind == SPY_KIND_HTTP &&
            trend->model.operation[i]->totals.calls > 0)
            trend->kind = SPY_KIND_HTTP;
    if (name == NULL)
        return CTL_OK;
    trend->only = ctl_find_operation(&trend->model, name, &result, run->err);
    if (trend->only == NULL)
        return result;
    trend->kind = trend->only->kind;
    return CTL_OK;
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* Reads every region once, one for each member of the model: the same state is looked at for names
 * and for numbers. */
static size_t read_regions(struct spy_region **region, struct ctl_trend *trend,
                           const struct ctl_source *source, const struct ctl_run *run)
{
    size_t count = 0;
    for (size_t i = 0; i < source->count; i++) {
        const struct ctl_process *process = &source->process[i];
        size_t before = trend->model.members;
        if (process->state != CTL_LIVE && process->state != CTL_DEAD)
            continue;
        region[count] = ctl_source_load(process, run->err);
        if (region[count] == NULL)
            continue;
        ctl_model_add(&trend->model, process, region[count], run);
        if (trend->model.members > before)
            count++;
        else
            ctl_image_free(region[count]);
    }
    return count;
}

enum ctl_exit ctl_trend_load(struct ctl_trend *trend, const struct ctl_source *source,
                             const struct ctl_run *run, const char *name)
{
    uint64_t last = run->args->last_ns > 0 ? run->args->last_ns : LAST_NS;
    memset(trend, 0, sizeof(*trend));
    ctl_model_init(&trend->model, last);
    trend->step_ns = run->args->step_ns > 0 ? run->args->step_ns : usual_step(last);
    if (last > run->now_real_ns || last / trend->step_ns >= CTL_TREND_POINTS) {
        ctl_say(run->err, "that is more than %u steps: choose a longer --step, or a shorter --last",
                CTL_TREND_POINTS);
        return CTL_USAGE;
    }
    struct spy_region **region = ctl_alloc((source->count + 1) * sizeof(struct spy_region *));
    size_t count = read_regions(region, trend, source, run);
    enum ctl_exit result = count > 0 ? choose(trend, run, name) : CTL_NOTHING;
    if (count == 0)
        ctl_say(run->err, "nothing to read: no watched process called anything in that time");
    if (result == CTL_OK)
        divide(trend, last, run->now_real_ns);
    for (size_t i = 0; i < count; i++) {
        if (result == CTL_OK)
            add_region(trend, region[i], &trend->model.member[i], run);
        ctl_image_free(region[i]);
    }
    for (size_t i = 0; i < trend->points; i++)
        spy_totals_estimate(&trend->point[i].totals);
    free(region);
    return result;
}

void ctl_trend_free(struct ctl_trend *trend)
{
    ctl_model_free(&trend->model);
    free(trend->point);
    memset(trend, 0, sizeof(*trend));
}
