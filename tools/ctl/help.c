/* SPDX-License-Identifier: MIT */
/*
 * Help texts from the tables of command.h.
 */
#include "ctl/command.h"

#include <string.h>

#define WIDTH      78u
#define NAME_WIDTH 13u /* of a command; a longer one has a line of its own */

/* TEXT in lines of at most WIDTH columns, each after INDENT blanks; an empty line is kept. The
 * first line is taken to have begun at column COLUMN already. */
static void wrap(FILE *out, const char *text, size_t indent, size_t column)
{
    while (*text != '\0') {
        size_t word = strcspn(text, " \n");
        if (column > indent && column + 1 + word > WIDTH) {
            fputc('\n', out);
            column = 0;
        }
        if (column < indent)
            fprintf(out, "%*s", (int)(indent - column), "");
        else if (column > indent)
            fputc(' ', out);
        column = (column > indent ? column + 1 : indent) + word;
        fwrite(text, 1, word, out);
        text += word;
        if (strncmp(text, "\n\n", 2) == 0) {
            fputs("\n\n", out);
            column = 0;
        }
        text += strspn(text, " \n");
    }
    fputc('\n', out);
}

static void print_option(const struct ctl_option *o, FILE *out)
{
    int n = o->letter != '\0' ? fprintf(out, "  -%c, --%s", o->letter, o->name)
                              : fprintf(out, "      --%s", o->name);
    if (o->argument[0] != '\0')
        n += fprintf(out, " %s", o->argument);
    size_t column = (size_t)n;
    if (column > 26) {
        fputc('\n', out);
        column = 0;
    }
    wrap(out, o->help, 28, column);
}

static void print_options(unsigned options, FILE *out)
{
    options |= CTL_BIT(HELP) | CTL_BIT(VERSION);
    fputs("\nOptions:\n", out);
    for (unsigned i = 0; i < CTL_OPTION_COUNT; i++)
        if ((options & 1u << i) != 0)
            print_option(&ctl_options[i], out);
}

void ctl_help_overview(FILE *out)
{
    unsigned common = CTL_BIT(PROCESS) | CTL_BIT(LAST) | CTL_BIT(JSON) | CTL_BIT(WATCH);
    fputs("Usage: " CTL_NAME " COMMAND [OPTION...] [OPERAND...]\n\n"
          "Tells which operation of a live service is slow, where its time goes, and since "
          "when.\n\nCommands:\n",
          out);
    for (size_t i = 0; i < ctl_command_count; i++) {
        bool fits = strlen(ctl_commands[i].name) <= NAME_WIDTH;
        fprintf(out, "  %-*s%s", (int)NAME_WIDTH, ctl_commands[i].name, fits ? " " : "\n");
        fprintf(out, "%*s%s\n", fits ? 0 : (int)NAME_WIDTH + 3, "", ctl_commands[i].summary);
    }
    print_options(common, out);
    fputs("\n\"" CTL_NAME " help COMMAND\" tells more.\n", out);
}

void ctl_help_command(const struct ctl_command *command, FILE *out)
{
    fprintf(out, "Usage: " CTL_NAME " %s", command->name);
    ctl_command_synopsis(command, out);
    fputs("\n\n", out);
    wrap(out, command->help, 0, 0);
    print_options(command->options, out);
}
