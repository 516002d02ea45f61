/* SPDX-License-Identifier: MIT */
/*
 * The tables of command.h.
 */
#include "ctl/command.h"

#include <string.h>

const struct ctl_option ctl_options[CTL_OPTION_COUNT] = {
#define X(id, letter, name, argument, help) {letter, name, argument, help},
    CTL_OPTIONS(X)
#undef X
};

const struct ctl_command *const ctl_commands[] = {
#define X(name) &ctl_command_##name,
    CTL_COMMANDS(X)
#undef X
};

const size_t ctl_command_count = sizeof(ctl_commands) / sizeof(ctl_commands[0]);

const struct ctl_command *ctl_command_find(const char *name)
{
    for (size_t i = 0; i < ctl_command_count; i++)
        if (strcmp(ctl_commands[i]->name, name) == 0)
            return ctl_commands[i];
    return NULL;
}

void ctl_command_synopsis(const struct ctl_command *command, FILE *out)
{
    for (unsigned i = 0; i < CTL_OPTION_COUNT; i++) {
        const struct ctl_option *o = &ctl_options[i];
        const char *blank = o->argument[0] != '\0' ? " " : "";
        if ((command->options & CTL_OPTION_BIT(i)) == 0)
            continue;
        if (o->letter != '\0')
            fprintf(out, " [-%c%s%s]", o->letter, blank, o->argument);
        else
            fprintf(out, " [--%s%s%s]", o->name, blank, o->argument);
    }
    if (command->operands[0] != '\0')
        fprintf(out, " %s", command->operands);
}
