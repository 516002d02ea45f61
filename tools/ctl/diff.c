/* SPDX-License-Identifier: MIT */
/*
 * Two windows compared; see diff.h.
 */
#include "ctl/diff.h"

#include "ctl/find.h"
#include "ctl/format.h"
#include "ctl/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LAST_NS (300 * CTL_SECOND_NS)

/* The side of an operation that it has no calls on. */
static const struct ctl_operation uncalled = {.totals = {.min_ns = UINT64_MAX}};

/* ---- rows ----------------------------------------------------------------------------------- */

static int compare_identity(const struct ctl_operation *x, const struct ctl_operation *y)
{
    return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : strcmp(x->name, y->name);
}

static int by_identity(const void *a, const void *b)
{
    return compare_identity(*(struct ctl_operation *const *)a, *(struct ctl_operation *const *)b);
}

static void add_row(struct ctl_diff *diff, struct ctl_operation *before, struct ctl_operation *now)
{
    struct ctl_diff_row row = {
        .op = now != NULL ? now : before,
        .side = {before != NULL ? before : &uncalled, now != NULL ? now : &uncalled},
    };
    if (row.side[CTL_DIFF_BEFORE]->totals.calls == 0 && row.side[CTL_DIFF_NOW]->totals.calls == 0)
        return;
    ctl_diff_judge(&row, ctl_model_span_s(&diff->model[CTL_DIFF_BEFORE]),
                   ctl_model_span_s(&diff->model[CTL_DIFF_NOW]));
    diff->row = ctl_grow(diff->row, diff->rows + 1, sizeof(*diff->row));
    diff->row[diff->rows++] = row;
}

/* Both sides have most operations, each in its own order: sorts them alike, and merges. */
static void pair(struct ctl_diff *diff)
{
    size_t at[CTL_DIFF_SIDES] = {0};
    struct ctl_model *before = &diff->model[CTL_DIFF_BEFORE], *now = &diff->model[CTL_DIFF_NOW];
    for (int i = 0; i < CTL_DIFF_SIDES; i++)
        if (diff->model[i].count > 0)
            qsort(diff->model[i].operation, diff->model[i].count, sizeof(struct ctl_operation *),
                  by_identity);
    while (at[0] < before->count || at[1] < now->count) {
        struct ctl_operation *b = at[0] < before->count ? before->operation[at[0]] : NULL;
        struct ctl_operation *n = at[1] < now->count ? now->operation[at[1]] : NULL;
        int order = b == NULL ? 1 : n == NULL ? -1 : compare_identity(b, n);
        add_row(diff, order <= 0 ? b : NULL, order >= 0 ? n : NULL);
        at[0] += order <= 0;
        at[1] += order >= 0;
    }
}

/* 0: worse; 1: better; 2: noise. */
static int class_of(const struct ctl_diff_row *row)
{
    return !row->noticeable ? 2 : (row->marks & CTL_DIFF_WORSE) != 0 ? 0 : 1;
}

/* What hurts most first: in each class by how much total time a second was gained or lost. */
static int compare_rows(const void *a, const void *b)
{
    const struct ctl_diff_row *x = a, *y = b;
    int class = class_of(x);
    if (class != class_of(y))
        return class - class_of(y);
    double p = x->load_ns[CTL_DIFF_NOW] - x->load_ns[CTL_DIFF_BEFORE];
    double q = y->load_ns[CTL_DIFF_NOW] - y->load_ns[CTL_DIFF_BEFORE];
    if (class != 0) {
        p = fabs(p);
        q = fabs(q);
    }
    return p != q ? (p < q) - (p > q) : compare_identity(x->op, y->op);
}

/* ---- loading -------------------------------------------------------------------------------- */

/* Each region is read once, for both windows: what is in neither by then happened later. */
static void load_models(struct ctl_diff *diff, const struct ctl_source *source,
                        const struct ctl_run *run)
{
    for (size_t i = 0; i < source->count; i++) {
        const struct ctl_process *process = &source->process[i];
        if (process->state != CTL_LIVE && process->state != CTL_DEAD)
            continue;
        struct spy_region *region = ctl_source_load(process, run->err);
        if (region == NULL)
            continue;
        for (int side = 0; side < CTL_DIFF_SIDES; side++)
            ctl_model_add(&diff->model[side], process, region, run);
        ctl_image_free(region);
    }
}

static enum ctl_exit check_windows(const struct ctl_diff *diff, const struct ctl_run *run)
{
    char last[CTL_NUMBER_BYTES], before[CTL_NUMBER_BYTES];
    uint64_t ago = diff->model[CTL_DIFF_BEFORE].ago_ns;
    uint64_t length = diff->model[CTL_DIFF_NOW].window_ns;
    ctl_format_limit(last, length);
    ctl_format_limit(before, ago);
    if (ago < length) {
        ctl_say(run->err,
                "--before %s is within the last %s, which the two windows then share: it takes "
                "--before %s or more, or a shorter --last",
                before, last, last);
        return CTL_USAGE;
    }
    if (length > run->now_real_ns || ago > run->now_real_ns - length) {
        ctl_say(run->err, "--last %s and --before %s reach back too far", last, before);
        return CTL_USAGE;
    }
    return CTL_OK;
}

static enum ctl_exit check_loaded(const struct ctl_diff *diff, const struct ctl_run *run)
{
    const struct ctl_model *before = &diff->model[CTL_DIFF_BEFORE],
                           *now = &diff->model[CTL_DIFF_NOW];
    char window[CTL_NUMBER_BYTES], ago[CTL_NUMBER_BYTES];
    if (now->members == 0) {
        ctl_say(run->err, "nothing to read: no watched process called anything in that time");
        return CTL_NOTHING;
    }
    if (before->members > 0 && before->end_ns > before->begin_ns)
        return CTL_OK;
    ctl_say(run->err,
            "nothing to compare with: history has nothing of the %s that ended %s ago, %s; choose "
            "a shorter --last or --before",
            ctl_format_limit(window, before->window_ns), ctl_format_limit(ago, before->ago_ns),
            now->reach_ns > 0 ? "or holds it no more"
                              : "the processes are younger or its steps are longer");
    return CTL_NOTHING;
}

/* Finds NAME among the rows, whichever side has it. */
static enum ctl_exit choose(struct ctl_diff *diff, const struct ctl_run *run, const char *name)
{
    enum ctl_exit result = CTL_OK;
    struct ctl_model names = {.operation =
                                  ctl_alloc((diff->rows + 1) * sizeof(struct ctl_operation *))};
    for (size_t i = 0; i < diff->rows; i++)
        names.operation[names.count++] = diff->row[i].op;
    const struct ctl_operation *found = ctl_find_operation(&names, name, &result, run->err);
    for (size_t i = 0; i < diff->rows && found != NULL; i++)
        if (diff->row[i].op == found)
            diff->only = &diff->row[i];
    free(names.operation);
    return result;
}

enum ctl_exit ctl_diff_load(struct ctl_diff *diff, const struct ctl_source *source,
                            const struct ctl_run *run, const char *name)
{
    uint64_t last = run->args->last_ns > 0 ? run->args->last_ns : LAST_NS;
    memset(diff, 0, sizeof(*diff));
    for (int side = 0; side < CTL_DIFF_SIDES; side++)
        ctl_model_init(&diff->model[side], last);
    diff->model[CTL_DIFF_BEFORE].ago_ns = run->args->before_ns > 0 ? run->args->before_ns : last;
    enum ctl_exit result = check_windows(diff, run);
    if (result != CTL_OK)
        return result;
    load_models(diff, source, run);
    result = check_loaded(diff, run);
    if (result != CTL_OK)
        return result;
    pair(diff);
    if (diff->rows > 0)
        qsort(diff->row, diff->rows, sizeof(*diff->row), compare_rows);
    return name != NULL ? choose(diff, run, name) : CTL_OK;
}

void ctl_diff_free(struct ctl_diff *diff)
{
    for (int side = 0; side < CTL_DIFF_SIDES; side++)
        ctl_model_free(&diff->model[side]);
    free(diff->row);
    memset(diff, 0, sizeof(*diff));
}
