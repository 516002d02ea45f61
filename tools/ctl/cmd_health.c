/* SPDX-License-Identifier: MIT */
/*
 * `health`: one word, the sentences that explain it, and an exit code for monitoring.
 */
#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/health.h"
#include "ctl/image.h"
#include "ctl/json.h"
#include "ctl/view.h"
#include "shared/rules.h"

#include <string.h>

static enum ctl_paint paint_of(enum ctl_health_status status)
{
    static const enum ctl_paint paints[] = {
        [CTL_STATUS_HEALTHY] = CTL_GOOD,    [CTL_STATUS_DEGRADED] = CTL_WARN,
        [CTL_STATUS_WARNING] = CTL_BAD,     [CTL_STATUS_CRITICAL] = CTL_WORST,
        [CTL_STATUS_UNKNOWN] = CTL_HEADING,
    };
    return paints[status];
}

static void print_text(const struct ctl_model *model, const struct ctl_health *health,
                       const struct ctl_run *run)
{
    ctl_paint(run->out, &run->term, paint_of(health->status), ctl_health_name(health->status));
    fprintf(run->out, ": %s\n", health->reason[0]);
    for (size_t i = 1; i < health->reasons; i++)
        fprintf(run->out, "  %s\n", health->reason[i]);
    if (model->members > 0)
        ctl_view_heading(model, run);
}

static void print_json(const struct ctl_model *model, const struct ctl_health *health,
                       const struct ctl_run *run)
{
    json_t *o = ctl_json_begin(model);
    json_t *reasons = json_array();
    for (size_t i = 0; i < health->reasons; i++)
        ctl_json_append(reasons, json_string(health->reason[i]));
    ctl_json_set(o, "status", json_string(ctl_health_name(health->status)));
    ctl_json_set(o, "reasons", reasons);
    ctl_json_set(o, "calls", ctl_json_count(health->calls));
    ctl_json_set(o, "slow", ctl_json_count(health->slow));
    ctl_json_set(o, "critical", ctl_json_count(health->critical));
    ctl_json_set(o, "covered_s", ctl_json_real(ctl_model_span_s(model)));
    ctl_json_print(run, o);
}

/* The longest window that the rules of the processes set. Reads every region once more than the
 * judging does; a few milliseconds each. */
static uint64_t window_of(const struct ctl_source *source, const struct ctl_run *run)
{
    if (run->args->last_ns > 0)
        return run->args->last_ns;
    struct spy_rules defaults;
    uint64_t window = 0;
    for (size_t i = 0; i < source->count; i++) {
        if (source->process[i].state != CTL_LIVE)
            continue;
        struct spy_region *region = ctl_source_load(&source->process[i], run->err);
        if (region != NULL && region->health_window_ns > window)
            window = region->health_window_ns;
        ctl_image_free(region);
    }
    spy_rules_defaults(&defaults);
    return window > 0 ? window : defaults.health_window_ns;
}

enum ctl_exit ctl_cmd_health(const struct ctl_run *run)
{
    struct ctl_source source;
    struct ctl_model model;
    enum ctl_exit result = ctl_source_open(&source, run, CTL_WANT_WINDOW);
    if (result == CTL_REFUSED)
        return result;
    ctl_model_init(&model, window_of(&source, run));
    /* Where nothing was found or could be read, ERR says why, and the status is unknown. */
    (void)ctl_model_load(&model, &source, run);
    struct ctl_health health = ctl_health_of(&model);
    if (run->args->json)
        print_json(&model, &health, run);
    else
        print_text(&model, &health, run);
    result = ctl_health_exit(health.status);
    ctl_health_free(&health);
    ctl_model_free(&model);
    ctl_source_free(&source);
    return result;
}
