/* SPDX-License-Identifier: MIT */
/*
 * `rules check`: the library's parser, and what it says.
 */
#include "ctl/command.h"
#include "ctl/format.h"
#include "shared/rules.h"

const struct ctl_command ctl_command_rules_check = {
    .name = "rules check",
    .operands = "FILE...",
    .summary = "check rules files with the library's own parser",
    .help = "Says how many operations a rules file names, or where its first error is, as "
            "FILE:LINE:COLUMN. The exit status is 1 if a file has an error.",
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .run = ctl_cmd_rules_check,
};

static bool check(const char *path, const struct ctl_run *run)
{
    struct spy_rules *rules;
    struct spy_error error = {0};
    if (spy_rules_load(path, &rules, &error) != SPY_OK) {
        char text[sizeof(error.text)];
        ctl_format_clean(text, sizeof(text), error.text, sizeof(error.text));
        fputs(path, run->err);
        if (error.line > 0)
            fprintf(run->err, ":%u:%u", error.line, error.column);
        fprintf(run->err, ": error: %s\n", text);
        return false;
    }
    uint32_t http = 0;
    for (uint32_t i = 0; i < rules->count; i++)
        http += rules->rule[i].match == SPY_RULE_HTTP;
    fprintf(run->out, "%s: ok: %u operation%s (%u http, %u sql)\n", path, rules->count,
            rules->count == 1 ? "" : "s", http, rules->count - http);
    spy_rules_free(rules);
    return true;
}

enum ctl_exit ctl_cmd_rules_check(const struct ctl_run *run)
{
    enum ctl_exit result = CTL_OK;
    for (size_t i = 0; i < run->args->operands; i++)
        if (!check(run->args->operand[i], run))
            result = CTL_INVALID;
    return result;
}
