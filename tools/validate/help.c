/* SPDX-License-Identifier: MIT */
/*
 * --help and the manual page, from the tables of options and scenarios.
 */
#include "ctl/usage.h"
#include "validate/options.h"
#include "validate/scenario.h"

#include <string.h>

static const char summary[] =
    "Drives a running parts service through scenarios, checks what it answers, and holds the "
    "times against the benchmarks of the rules. Where the service is watched by libperfspy, its "
    "own view is set beside the client's. What the scenario \"write\" makes is removed again.";

struct row {
    const char *name;
    const char *text;
};

static const struct row exits[] = {
    {"0", "All checks passed and no benchmark is missed."},
    {"1", "A check failed, a benchmark is missed, or the time limit was reached."},
    {"64", "The command line or a file that it names is no good."},
    {"69", "The service cannot be reached, or refused the log-in."},
    {"74", "A report could not be written."},
    {"130, 143", "Interrupted by SIGINT or SIGTERM; what was made has been removed."},
};

#define EXITS (sizeof(exits) / sizeof(exits[0]))

void val_help(FILE *out)
{
    fputs("Usage: " VAL_NAME " --url URL [OPTION...]\n\n", out);
    ctl_usage_wrap(out, summary, 0, 0);
    fputs("\nOptions:\n", out);
    for (unsigned i = 0; i < VAL_OPTION_COUNT; i++)
        ctl_usage_option(out, &val_options[i]);
    fputs("\nScenarios, with the requests in one round:\n", out);
    for (size_t i = 0; i < val_scenario_count; i++) {
        const struct val_scenario *s = &val_scenarios[i];
        int n = fprintf(out, "  %-17s %2u", s->name, s->requests);
        ctl_usage_wrap(out, s->help, CTL_USAGE_INDENT, (size_t)n);
    }
    fputs("\nExit status:\n", out);
    for (size_t i = 0; i < EXITS; i++) {
        int n = fprintf(out, "  %s", exits[i].name);
        ctl_usage_wrap(out, exits[i].text, CTL_USAGE_INDENT, (size_t)n);
    }
}

static void put_row(FILE *out, const char *name, const char *text)
{
    fputs(".TP\n\\fB", out);
    ctl_roff_text(out, name);
    fputs("\\fR\n", out);
    ctl_roff_text(out, text);
    fputc('\n', out);
}

void val_man(FILE *out)
{
    fputs(".TH PARTS\\-VALIDATE 1 \"\" \"perfspy " SPY_VERSION "\" \"User Commands\"\n"
          ".SH NAME\nparts\\-validate \\- check a running parts service and its benchmarks\n"
          ".SH SYNOPSIS\n.B parts\\-validate \\-\\-url\n.I URL\n[\\fIOPTION\\fR...]\n"
          ".SH DESCRIPTION\n",
          out);
    ctl_roff_text(out, summary);
    fputs("\n.SH OPTIONS\n", out);
    for (unsigned i = 0; i < VAL_OPTION_COUNT; i++)
        ctl_roff_option(out, &val_options[i]);
    fputs(".SH SCENARIOS\n", out);
    for (size_t i = 0; i < val_scenario_count; i++)
        put_row(out, val_scenarios[i].name, val_scenarios[i].help);
    fputs(".SH \"EXIT STATUS\"\n", out);
    for (size_t i = 0; i < EXITS; i++)
        put_row(out, exits[i].name, exits[i].text);
    fputs(".SH ENVIRONMENT\n", out);
    put_row(out, "PARTS_ADMIN_USER, PARTS_ADMIN_PASSWORD",
            "Whom to log in as, where --user, --password-file and --token-file do not say.");
    put_row(out, "PERFSPY_DIR, XDG_RUNTIME_DIR",
            "Where watched processes publish; see perfspy-ctl(1).");
    fputs(".SH EXAMPLES\n.nf\nparts\\-validate \\-\\-url http://localhost:8000 \\-\\-output "
          "report.txt\nparts\\-validate \\-\\-url http://localhost:8000 \\-\\-output report.xml "
          "\\-\\-set api.get_part=p99:50ms\n.fi\n.SH \"SEE ALSO\"\nperfspy\\-ctl(1)\n",
          out);
}
