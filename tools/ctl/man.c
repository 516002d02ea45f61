/* SPDX-License-Identifier: MIT */
/*
 * The manual page, in roff (man macros), from the tables of command.h.
 */
#include "ctl/command.h"
#include "ctl/usage.h"

#include <string.h>

#ifndef SPY_VERSION
#define SPY_VERSION "unknown"
#endif

static void put_command(FILE *out, const struct ctl_command *command)
{
    fputs(".SS \"", out);
    ctl_roff_text(out, command->name);
    if (command->operands[0] != '\0')
        fputc(' ', out);
    ctl_roff_text(out, command->operands);
    fputs("\"\n", out);
    ctl_roff_text(out, command->help);
    fputc('\n', out);
    if (command->options == 0)
        return;
    fputs(".PP\nOptions:", out);
    const char *separator = " ";
    for (unsigned i = 0; i < CTL_OPTION_COUNT; i++)
        if ((command->options & CTL_OPTION_BIT(i)) != 0) {
            fprintf(out, "%s\\fB\\-\\-%s\\fR", separator, ctl_options[i].name);
            separator = ", ";
        }
    fputs(".\n", out);
}

static void put_table(FILE *out, const char *title, const char *const (*rows)[2], size_t count)
{
    fprintf(out, ".SH \"%s\"\n", title);
    for (size_t i = 0; i < count; i++) {
        fputs(".TP\n\\fB", out);
        ctl_roff_text(out, rows[i][0]);
        fputs("\\fR\n", out);
        ctl_roff_text(out, rows[i][1]);
        fputc('\n', out);
    }
}

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

static void put_tail(FILE *out)
{
    static const char *const exits[][2] = {
        {"0", "Fine; of health: healthy."},
        {"1", "health: degraded or warning; benchmarks: a budget is missed; rules check: an "
              "error."},
        {"2", "health: critical."},
        {"3", "health: unknown, there were no calls."},
        {"64", "The command line is wrong."},
        {"69", "There is nothing to read."},
        {"74", "The output could not be written."},
        {"77", "Permission was refused."},
        {"126, 127", "run: the program cannot be executed, or was not found."},
    };
    static const char *const variables[][2] = {
        {"PERFSPY_DIR", "The directory to look in, instead of those below."},
        {"XDG_RUNTIME_DIR", "Its subdirectory perfspy is looked in first."},
        {"NO_COLOR", "If set and not empty, no colours are used on a terminal."},
    };
    static const char *const files[][2] = {
        {"$XDG_RUNTIME_DIR/perfspy, /run/perfspy, /tmp/perfspy-UID",
         "Where processes publish: PID-STARTTICKS.region holds the statistics, "
         "PID-STARTTICKS.sock is the socket. A live process is found through /proc whichever "
         "directory it uses."},
        {"/etc/perfspy/rules.yml", "The rules that a program is watched with by default."},
    };
    put_table(out, "EXIT STATUS", exits, ROWS(exits));
    put_table(out, "ENVIRONMENT", variables, ROWS(variables));
    put_table(out, "FILES", files, ROWS(files));
    fputs(".SH EXAMPLES\n.nf\n" CTL_NAME
          " run \\-\\-rules parts.yml \\-\\- ./parts_server\n" CTL_NAME
          " stats \\-p parts_server \\-\\-last 5m\n" CTL_NAME " health \\-\\-json\n.fi\n",
          out);
}

void ctl_man_page(FILE *out)
{
    fputs(".TH PERFSPY\\-CTL 1 \"\" \"perfspy " SPY_VERSION "\" \"User Commands\"\n"
          ".SH NAME\nperfspy\\-ctl \\- read the latencies of a service watched by libperfspy\n"
          ".SH SYNOPSIS\n",
          out);
    for (size_t i = 0; i < ctl_command_count; i++) {
        fputs(i > 0 ? ".br\n" : "", out);
        fprintf(out, "\\fBperfspy\\-ctl %s\\fR", ctl_commands[i]->name);
        char synopsis[1024] = "";
        FILE *text = fmemopen(synopsis, sizeof(synopsis), "w");
        if (text != NULL) {
            ctl_command_synopsis(ctl_commands[i], text);
            fclose(text);
        }
        ctl_roff_text(out, synopsis);
        fputc('\n', out);
    }
    fputs(".SH DESCRIPTION\nlibperfspy.so, loaded into a program, times its queries and its HTTP "
          "responses.\n\\fBperfspy\\-ctl\\fR reads them, from live programs and from dead ones, "
          "and shows which operation is slow, where its time goes, and since when.\n"
          ".SH COMMANDS\n",
          out);
    for (size_t i = 0; i < ctl_command_count; i++)
        put_command(out, ctl_commands[i]);
    fputs(".SH OPTIONS\n", out);
    for (unsigned i = 0; i < CTL_OPTION_COUNT; i++)
        ctl_roff_option(out, &ctl_options[i]);
    put_tail(out);
}
