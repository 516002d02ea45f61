/* SPDX-License-Identifier: MIT */
/*
 * Help texts from the tables of command.h.
 */
#include "ctl/command.h"
#include "ctl/usage.h"

#include <string.h>

#define NAME_WIDTH 13u /* of a command; a longer one has a line of its own */

static void print_options(uint64_t options, FILE *out)
{
    options |= CTL_BIT(HELP) | CTL_BIT(VERSION);
    fputs("\nOptions:\n", out);
    for (unsigned i = 0; i < CTL_OPTION_COUNT; i++)
        if ((options & CTL_OPTION_BIT(i)) != 0)
            ctl_usage_option(out, &ctl_options[i]);
}

void ctl_help_overview(FILE *out)
{
    unsigned common = CTL_BIT(PROCESS) | CTL_BIT(LAST) | CTL_BIT(JSON) | CTL_BIT(WATCH);
    fputs("Usage: " CTL_NAME " COMMAND [OPTION...] [OPERAND...]\n\n"
          "Tells which operation of a live service is slow, where its time goes, and since "
          "when.\n\nCommands:\n",
          out);
    for (size_t i = 0; i < ctl_command_count; i++) {
        bool fits = strlen(ctl_commands[i]->name) <= NAME_WIDTH;
        fprintf(out, "  %-*s%s", (int)NAME_WIDTH, ctl_commands[i]->name, fits ? " " : "\n");
        fprintf(out, "%*s%s\n", fits ? 0 : (int)NAME_WIDTH + 3, "", ctl_commands[i]->summary);
    }
    print_options(common, out);
    fputs("\n\"" CTL_NAME " help COMMAND\" tells more.\n", out);
}

void ctl_help_command(const struct ctl_command *command, FILE *out)
{
    fprintf(out, "Usage: " CTL_NAME " %s", command->name);
    ctl_command_synopsis(command, out);
    fputs("\n\n", out);
    ctl_usage_wrap(out, command->help, 0, 0);
    print_options(command->options, out);
}
