/* SPDX-License-Identifier: MIT */
/*
 * `help`: the command table for people, for man and for the shell.
 */
#include "ctl/command.h"

#include <string.h>

const struct ctl_command ctl_command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "explain this tool or one of its commands",
    .help = "Explains a command. Also prints the manual page and the completion script.",
    .options = CTL_BIT(MAN) | CTL_BIT(COMPLETION),
    .max_operands = 2,
    .run = ctl_cmd_help,
};

static enum ctl_exit unknown(const char *name, FILE *err)
{
    ctl_say(err, "no command \"%s\"; \"" CTL_NAME " help\" lists them", name);
    return CTL_USAGE;
}

static enum ctl_exit explain(const struct ctl_run *run)
{
    char name[128];
    const struct ctl_args *args = run->args;
    snprintf(name, sizeof(name), "%s%s%s", args->operand[0], args->operands > 1 ? " " : "",
             args->operands > 1 ? args->operand[1] : "");
    const struct ctl_command *command = ctl_command_find(name);
    if (command != NULL) {
        ctl_help_command(command, run->out);
        return CTL_OK;
    }
    /* `help rules` explains every command of rules. */
    size_t len = strlen(name);
    bool any = false;
    for (size_t i = 0; i < ctl_command_count; i++) {
        if (strncmp(ctl_commands[i]->name, name, len) != 0 || ctl_commands[i]->name[len] != ' ')
            continue;
        if (any)
            fputc('\n', run->out);
        ctl_help_command(ctl_commands[i], run->out);
        any = true;
    }
    return any ? CTL_OK : unknown(name, run->err);
}

enum ctl_exit ctl_cmd_help(const struct ctl_run *run)
{
    if (run->args->completion != NULL && strcmp(run->args->completion, "bash") != 0) {
        ctl_say(run->err, "no completion for \"%s\"; there is one for bash", run->args->completion);
        return CTL_USAGE;
    }
    if (run->args->completion != NULL)
        ctl_completion_bash(run->out);
    else if (run->args->man)
        ctl_man_page(run->out);
    else if (run->args->operands > 0)
        return explain(run);
    else
        ctl_help_overview(run->out);
    return CTL_OK;
}
