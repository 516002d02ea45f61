/* SPDX-License-Identifier: MIT */
/*
 * `export prometheus-rules`: a rules file as alerting rules.
 */
#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/promrules.h"

#include <stdlib.h>
#include <string.h>

const struct ctl_command ctl_command_export_prometheus_rules = {
    .name = "export prometheus-rules",
    .operands = "[FILE]",
    .summary = "turn a rules file into alerting rules for Prometheus",
    .help = "Prints alerting rules in Prometheus' YAML: an alert for each benchmark and each "
            "error budget of FILE, for health that is critical or in warning by its "
            "thresholds, for \"" CTL_NAME " serve\" being down, and for calls that perfspy "
            "could not see or tell apart. Prometheus has to scrape \"" CTL_NAME
            " serve\", whose gauges the alerts are about: exact quantiles over the health "
            "window, not interpolated ones. FILE is by default PERFSPY_RULES or "
            "/etc/perfspy/rules.yml.\n\n"
            "The exit status is 1 if FILE has an error.",
    .options = CTL_BIT(FOR),
    .max_operands = 1,
    .run = ctl_cmd_export_prometheus_rules,
};

#define DEFAULT_RULES "/etc/perfspy/rules.yml"
#define FOR_NS        (60ull * 1000000000ull)

/* The file that a program started from here would be watched with. */
static const char *path_of(const struct ctl_args *args)
{
    const char *from_environment = getenv("PERFSPY_RULES");
    if (args->operands > 0)
        return args->operand[0];
    return from_environment != NULL && *from_environment != '\0' ? from_environment : DEFAULT_RULES;
}

enum ctl_exit ctl_cmd_export_prometheus_rules(const struct ctl_run *run)
{
    const char *path = path_of(run->args);
    struct spy_rules *rules;
    struct spy_error error = {0};
    char text[sizeof(error.text)];
    if (spy_rules_load(path, &rules, &error) == SPY_OK) {
        char *name = ctl_alloc(strlen(path) + 1);
        ctl_format_clean(name, strlen(path) + 1, path, strlen(path));
        ctl_promrules_print(run->out, rules, name,
                            run->args->for_ns > 0 ? run->args->for_ns : FOR_NS);
        free(name);
        spy_rules_free(rules);
        return CTL_OK;
    }
    ctl_format_clean(text, sizeof(text), error.text, sizeof(error.text));
    if (error.line == 0) {
        ctl_say(run->err, "%s: %s", path, text);
        return CTL_NOTHING;
    }
    ctl_say(run->err, "%s:%u:%u: %s", path, error.line, error.column, text);
    return CTL_INVALID;
}
