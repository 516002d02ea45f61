/* SPDX-License-Identifier: MIT */
/*
 * Merging regions; see model.h. Reads regions that another program wrote: what is out of range is
 * left out, every text is cleaned on the way in.
 */
#include "ctl/model.h"

#include "ctl/format.h"
#include "ctl/image.h"
#include "ctl/repeats.h"
#include "shared/history.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the index ------------------------------------------------------------------------------ */

static int by_identity(const void *a, const void *b)
{
    const struct ctl_operation *x = a, *y = b;
    return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : strcmp(x->name, y->name);
}

static struct ctl_operation *new_operation(struct ctl_model *model, uint32_t kind, const char *name)
{
    struct ctl_operation *op = ctl_alloc(sizeof(*op));
    op->kind = kind;
    op->name = ctl_copy(name);
    spy_totals_clear(&op->totals);
    model->operation = ctl_grow(model->operation, model->count + 1, sizeof(struct ctl_operation *));
    model->operation[model->count++] = op;
    return op;
}

static struct ctl_operation *find_or_make(struct ctl_model *model, const struct spy_op *in)
{
    char name[SPY_NAME_BYTES + 1];
    ctl_format_clean(name, sizeof(name), in->name, sizeof(in->name));
    struct ctl_operation key = {.kind = in->kind, .name = name};
    void *found = tfind(&key, &model->index, by_identity);
    if (found != NULL)
        return *(struct ctl_operation **)found;
    struct ctl_operation *op = new_operation(model, in->kind, name);
    if (tsearch(op, &model->index, by_identity) == NULL)
        exit(CTL_OSERR);
    return op;
}

static void take_budgets(struct ctl_operation *op, const struct spy_op *in)
{
    if (op->budgets > 0)
        return;
    for (uint32_t i = 0; i < in->budgets && i < SPY_BUDGETS; i++)
        if (in->budget[i].stat < SPY_STAT_COUNT)
            ctl_operation_limit(op, &in->budget[i]);
}

static void take_statement(struct ctl_operation *op, const struct spy_region *region,
                           const struct spy_op *in)
{
    const char *text = spy_region_text(region, in);
    size_t len = strlen(text);
    if (op->statement != NULL || len == 0)
        return;
    op->statement = ctl_alloc(len + 1);
    ctl_format_clean(op->statement, len + 1, text, len);
}

struct ctl_operation *ctl_model_operation(struct ctl_model *model, const struct spy_region *region,
                                          uint32_t op)
{
    if (op >= spy_region_ops(region))
        return NULL;
    const struct spy_op *in = spy_region_op(region, op);
    if (atomic_load_explicit(&in->state, memory_order_acquire) != SPY_OP_READY ||
        in->kind >= SPY_KIND_COUNT)
        return NULL;
    struct ctl_operation *merged = find_or_make(model, in);
    merged->mapped = merged->mapped || in->mapped == 1;
    if (merged->sample == 0)
        merged->sample = in->sample;
    take_budgets(merged, in);
    take_statement(merged, region, in);
    return merged;
}

/* ---- members -------------------------------------------------------------------------------- */

uint64_t ctl_real_ns(const struct spy_region *region, uint64_t mono_ns)
{
    return region->epoch_real_ns + (mono_ns - region->epoch_mono_ns);
}

/* Start of the process by the region's own clocks, so that every answer tells the same second.
 * Ticks count time asleep (suspend), CLOCK_MONOTONIC does not: hence the bound. */
static uint64_t started_ns(const struct spy_region *region)
{
    uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);
    uint64_t ticks = region->start_ticks;
    uint64_t start = ticks / hz * CTL_SECOND_NS + ticks % hz * (CTL_SECOND_NS / hz);
    return start < region->epoch_mono_ns ? ctl_real_ns(region, start) : region->epoch_real_ns;
}

static void copy_clean(char *out, size_t cap, const char *in)
{
    ctl_format_clean(out, cap, in, cap);
}

static uint64_t reset_real_ns(const struct spy_region *region)
{
    uint64_t reset = spy_region_reset_ns(region);
    return reset > 0 ? ctl_real_ns(region, reset) : 0;
}

uint64_t ctl_slow_dropped(const struct spy_region *region)
{
    uint64_t all = atomic_load_explicit(&region->slow_dropped, memory_order_relaxed), before = 0;
    int which = spy_region_reset(region);
    if (which >= 0)
        before = atomic_load_explicit(&region->reset[which].slow_dropped, memory_order_relaxed);
    return all > before ? all - before : 0;
}

static struct ctl_member new_member(const struct ctl_process *process,
                                    const struct spy_region *region, uint64_t seen_ns)
{
    struct ctl_member m = {
        .pid = process->proc.pid,
        .uid = process->proc.uid,
        .state = process->state,
        .started_ns = started_ns(region),
        .seen_ns = ctl_real_ns(region, seen_ns),
        .rules_state = region->rules_state,
        .rules_operations = region->rules_operations,
        .rules_generation = region->rules_generation,
        .off_since_ns = atomic_load_explicit(&region->off_since_ns, memory_order_relaxed),
        .rules_loaded_ns = region->rules_loaded_ns,
        .slow_dropped = ctl_slow_dropped(region),
        .reset_ns = reset_real_ns(region),
    };
    copy_clean(m.exe, sizeof(m.exe), region->exe);
    copy_clean(m.mode, sizeof(m.mode), region->mode);
    copy_clean(m.storage, sizeof(m.storage), region->storage);
    copy_clean(m.problem, sizeof(m.problem), region->problem);
    copy_clean(m.rules_path, sizeof(m.rules_path), region->rules_path);
    copy_clean(m.rules_error, sizeof(m.rules_error), region->rules_error);
    m.use.rss_bytes = atomic_load_explicit(&region->rss_bytes, memory_order_relaxed);
    m.use.threads = atomic_load_explicit(&region->threads, memory_order_relaxed);
    m.use.fds = atomic_load_explicit(&region->fds, memory_order_relaxed);
    for (uint32_t i = 0; i < SPY_SELF_COUNT; i++)
        m.self[i] = atomic_load_explicit(&region->self[i], memory_order_relaxed);
    return m;
}

static void take_rules(struct ctl_model *model, const struct spy_region *region)
{
    if (!model->has_rules) {
        memcpy(model->level_bounds_ns, region->level_bounds_ns, sizeof(model->level_bounds_ns));
        model->health_slow_share_ppm = region->health_slow_share_ppm;
        model->has_rules = true;
    }
    if (region->health_slow_share_ppm < model->health_slow_share_ppm)
        model->health_slow_share_ppm = region->health_slow_share_ppm;
    if (region->health_window_ns > model->health_window_ns)
        model->health_window_ns = region->health_window_ns;
}

/* ---- adding --------------------------------------------------------------------------------- */

struct adding {
    struct ctl_model *model;
    const struct spy_region *region;
    struct ctl_member *member;
    bool *counted;    /* operations already in member->operations */
    uint64_t seen_ns; /* its last sign of life */
};

static void add_totals(struct adding *adding, uint32_t op, const struct spy_totals *totals)
{
    struct ctl_operation *merged = ctl_model_operation(adding->model, adding->region, op);
    if (merged == NULL)
        return;
    spy_totals_add(&merged->totals, totals);
    adding->member->calls += totals->calls;
    adding->member->operations += totals->calls > 0 && !adding->counted[op];
    adding->counted[op] = adding->counted[op] || totals->calls > 0;
}

static void add_step(void *ctx, const struct spy_history_step *step, uint32_t op,
                     const struct spy_totals *totals)
{
    (void)step;
    if (totals != NULL)
        add_totals(ctx, op, totals);
}

static void add_life(struct adding *adding)
{
    struct spy_totals totals;
    for (uint32_t op = 0; op < spy_region_ops(adding->region); op++) {
        spy_totals_since_reset(&totals, adding->region, op);
        add_totals(adding, op, &totals);
    }
}

/* What has been added of a process is complete: times of operations that are sampled are scaled. */
static void estimate(struct ctl_model *model)
{
    for (size_t i = 0; i < model->count; i++)
        spy_totals_estimate(&model->operation[i]->totals);
}

/* Operations that saw no call in the window are still operations of the process. */
static void add_names(struct adding *adding)
{
    for (uint32_t op = 0; op < spy_region_ops(adding->region); op++)
        ctl_model_operation(adding->model, adding->region, op);
}

/* Adds the window, and fills in where it really is. False where the process had ended before it:
 * what it had not rolled yet when it died happened within one step of its last sign of life. */
static bool add_window(struct adding *adding, const struct ctl_process *process, uint64_t now,
                       struct spy_history_window *window)
{
    const struct spy_region *region = adding->region;
    uint64_t ago = adding->model->ago_ns, length = adding->model->window_ns;
    uint64_t until = now > ago ? now - ago : 0;
    uint64_t step = region->history_levels > 0 ? region->history[0].step_ns : 0;
    window->since_ns = until > length ? until - length : 0;
    window->until_ns = ago > 0 ? until : UINT64_MAX;
    window->begin_ns = window->since_ns;
    window->end_ns = UINT64_MAX;
    if (process->state == CTL_DEAD && adding->seen_ns + step < window->since_ns)
        return false;
    return spy_history_tell(region, window, add_step, adding) == SPY_OK;
}

static void widen(struct ctl_model *model, uint64_t begin_ns, uint64_t end_ns)
{
    if (model->members == 1 || begin_ns < model->begin_ns)
        model->begin_ns = begin_ns;
    if (model->members == 1 || end_ns > model->end_ns)
        model->end_ns = end_ns;
}

/* Where the answer about a process begins and ends, on its own clock. */
static void take_times(struct ctl_model *model, const struct spy_region *region,
                       const struct spy_history_window *window, uint64_t now_mono)
{
    uint64_t begin = window->begin_ns;
    uint64_t end = window->end_ns < now_mono ? window->end_ns : now_mono;
    widen(model, ctl_real_ns(region, begin), ctl_real_ns(region, end > begin ? end : begin));
    uint64_t reach = window->reach_ns > 0 ? ctl_real_ns(region, window->reach_ns) : 0;
    if (reach > model->reach_ns)
        model->reach_ns = reach;
}

void ctl_model_add(struct ctl_model *model, const struct ctl_process *process,
                   const struct spy_region *region, const struct ctl_run *now)
{
    bool counted[SPY_OPS_MAX] = {false};
    uint64_t seen = ctl_last_mono_ns(region, now);
    struct ctl_member member = new_member(process, region, seen);
    struct adding adding = {model, region, &member, counted, seen};
    uint64_t now_mono = ctl_now_mono_ns(region, now);
    bool windowed = model->window_ns > 0;
    bool dead = process->state == CTL_DEAD;
    uint64_t reset = spy_region_reset_ns(region);
    struct spy_history_window window = {
        .begin_ns = reset > region->epoch_mono_ns ? reset : region->epoch_mono_ns,
        .end_ns = dead ? seen : UINT64_MAX,
    };
    if (!windowed)
        add_life(&adding);
    else if (!add_window(&adding, process, now_mono, &window) && dead)
        return;
    if (windowed && dead && member.calls == 0)
        return;
    if (model->ago_ns > 0 && window.end_ns <= window.begin_ns)
        return; /* younger than the window */
    add_names(&adding);
    estimate(model);
    ctl_repeats_add(model, region);
    take_rules(model, region);
    model->member = ctl_grow(model->member, model->members + 1, sizeof(*model->member));
    model->member[model->members++] = member;
    model->dead += dead;
    model->resets += member.reset_ns > 0;
    take_times(model, region, &window, now_mono);
}

enum ctl_exit ctl_model_load(struct ctl_model *model, const struct ctl_source *source,
                             const struct ctl_run *run)
{
    size_t loaded = 0;
    for (size_t i = 0; i < source->count; i++) {
        const struct ctl_process *process = &source->process[i];
        if (process->state != CTL_LIVE && process->state != CTL_DEAD)
            continue;
        struct spy_region *region = ctl_source_load(process, run->err);
        if (region == NULL)
            continue;
        ctl_model_add(model, process, region, run);
        ctl_image_free(region);
        loaded++;
    }
    return loaded > 0 ? CTL_OK : CTL_NOTHING;
}

enum ctl_exit ctl_model_answer(const struct ctl_run *run,
                               enum ctl_exit (*show)(struct ctl_model *, const struct ctl_run *))
{
    struct ctl_source source;
    struct ctl_model model;
    enum ctl_want want = run->args->last_ns > 0 ? CTL_WANT_WINDOW : CTL_WANT_TOTALS;
    enum ctl_exit result = ctl_source_open(&source, run, want);
    if (result != CTL_OK)
        return result;
    ctl_model_init(&model, run->args->last_ns);
    result = ctl_model_load(&model, &source, run);
    if (result == CTL_OK && model.members == 0) {
        ctl_say(run->err, "nothing to read: no watched process called anything in that time");
        result = CTL_NOTHING;
    }
    if (result == CTL_OK)
        result = show(&model, run);
    ctl_model_free(&model);
    ctl_source_free(&source);
    return result;
}

void ctl_model_init(struct ctl_model *model, uint64_t window_ns)
{
    memset(model, 0, sizeof(*model));
    model->window_ns = window_ns;
}

static void keep(void *node)
{
    (void)node; /* the tree's nodes are freed with model->operation */
}

void ctl_model_free(struct ctl_model *model)
{
    tdestroy(model->index, keep);
    for (size_t i = 0; i < model->count; i++) {
        free(model->operation[i]->name);
        free(model->operation[i]->statement);
        free(model->operation[i]);
    }
    free(model->operation);
    free(model->repeat);
    free(model->member);
    memset(model, 0, sizeof(*model));
}
