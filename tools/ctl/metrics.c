/* SPDX-License-Identifier: MIT */
/*
 * Reading what the metrics tell; see metrics.h. Each region is read once: for the ledger and for
 * the window. Those of processes that died before the window are not read again.
 */
#include "ctl/metrics.h"

#include "ctl/image.h"

#include <stdlib.h>
#include <string.h>

struct programs {
    struct ctl_metrics_program *program;
    size_t count;
};

static struct ctl_metrics_program *program_of(struct programs *programs, const char *name)
{
    for (size_t i = 0; i < programs->count; i++)
        if (strcmp(programs->program[i].name, name) == 0)
            return &programs->program[i];
    programs->program =
        ctl_grow(programs->program, programs->count + 1, sizeof(*programs->program));
    struct ctl_metrics_program *made = &programs->program[programs->count++];
    memset(made, 0, sizeof(*made));
    snprintf(made->name, sizeof(made->name), "%s", name);
    return made;
}

/* The window is that of the process read first. */
static void add_region(struct ctl_metrics_program *program, struct ctl_ledger_process *entry,
                       const struct ctl_process *process, const struct spy_region *region,
                       const struct ctl_run *run)
{
    if (program->model.window_ns == 0)
        ctl_model_init(&program->model, region->health_window_ns);
    size_t before = program->model.members;
    ctl_model_add(&program->model, process, region, run);
    if (process->state == CTL_LIVE)
        ctl_metrics_self_add(&program->self, region);
    entry->over = process->state == CTL_DEAD && program->model.members == before;
}

static void add_process(struct ctl_ledger *ledger, struct programs *programs,
                        const struct ctl_process *process, const struct ctl_run *run)
{
    struct ctl_ledger_process *entry = ctl_ledger_entry(ledger, process);
    struct spy_region *region = entry->over ? NULL : ctl_source_load(process, run->err);
    if (region != NULL)
        ctl_ledger_update(entry, region);
    struct ctl_metrics_program *program = program_of(programs, entry->sums.program);
    program->live += process->state == CTL_LIVE;
    program->dead += process->state == CTL_DEAD;
    if (region != NULL)
        add_region(program, entry, process, region, run);
    ctl_image_free(region);
}

static int by_name(const void *a, const void *b)
{
    const struct ctl_metrics_program *x = a, *y = b;
    return strcmp(x->name, y->name);
}

void ctl_metrics_print(struct ctl_ledger *ledger, const struct ctl_source *source,
                       const struct ctl_run *run)
{
    struct programs programs = {0};
    size_t count;
    ctl_ledger_look(ledger, source);
    /* The newest first: it has the rules that are in force now. */
    for (size_t i = source->count; i > 0; i--)
        add_process(ledger, &programs, &source->process[i - 1], run);
    if (programs.count > 0)
        qsort(programs.program, programs.count, sizeof(*programs.program), by_name);
    struct ctl_sums *sums = ctl_ledger_sums(ledger, &count);
    ctl_metrics_text(run->out, sums, count, programs.program, programs.count);
    ctl_ledger_free_sums(sums, count);
    for (size_t i = 0; i < programs.count; i++)
        ctl_model_free(&programs.program[i].model);
    free(programs.program);
}
