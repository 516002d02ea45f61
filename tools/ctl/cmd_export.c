/* SPDX-License-Identifier: MIT */
/*
 * `export prometheus-rules`: a rules file as alerting rules.
 */
#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/promrules.h"

#include <stdlib.h>
#include <string.h>

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
