/* SPDX-License-Identifier: MIT */
/*
 * `health`: one word, the sentences that explain it, and an exit code for monitoring.
 */
#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/health.h"
#include "ctl/json.h"
#include "ctl/view.h"

const struct ctl_command ctl_command_health = {
    .name = "health",
    .operands = "",
    .summary = "judge the last minutes: healthy, degraded, warning or critical",
    .help = "Judges the window that the rules set (default: 5 minutes). critical: some call "
            "was of level critical. warning: more than the allowed share was slow (default: "
            "20 %). degraded: some calls were slow. unknown: no calls.\n\n"
            "Exit status, as monitoring systems expect of a plugin: 0 healthy, 1 degraded or "
            "warning, 2 critical, 3 unknown.",
    .options = CTL_READS | CTL_BIT(LAST) | CTL_BIT(WATCH),
    .run = ctl_cmd_health,
};

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

enum ctl_exit ctl_cmd_health(const struct ctl_run *run)
{
    struct ctl_source source;
    struct ctl_model model;
    enum ctl_exit result = ctl_source_open(&source, run, CTL_WANT_WINDOW);
    if (result == CTL_REFUSED)
        return result;
    ctl_model_init(&model, ctl_health_window(&source, run));
    /* Where nothing was found or could be read, ERR says why, and the status is unknown. */
    (void)ctl_model_load(&model, &source, run);
    struct ctl_health health = ctl_health_of(&model);
    if (run->args->json)
        ctl_json_print(run, ctl_json_health(&model, &health));
    else
        print_text(&model, &health, run);
    result = ctl_health_exit(health.status);
    ctl_health_free(&health);
    ctl_model_free(&model);
    ctl_source_free(&source);
    return result;
}
