/* SPDX-License-Identifier: MIT */
/*
 * --help and the manual page, from the tables of options and scenarios.
 */
#include "validate/options.h"
#include "validate/scenario.h"

#include <string.h>

#define WIDTH  78u
#define INDENT 28u

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

/* TEXT in lines of at most WIDTH columns, each after INDENT blanks. The first line has begun at
 * COLUMN already. */
static void wrap(FILE *out, const char *text, size_t indent, size_t column)
{
    while (*text != '\0') {
        size_t word = strcspn(text, " ");
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
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void print_option(const struct val_option *o, FILE *out)
{
    int n = o->letter != '\0' ? fprintf(out, "  -%c, --%s", o->letter, o->name)
                              : fprintf(out, "      --%s", o->name);
    if (o->argument[0] != '\0')
        n += fprintf(out, " %s", o->argument);
    size_t column = (size_t)n;
    if (column > INDENT - 2) {
        fputc('\n', out);
        column = 0;
    }
    wrap(out, o->help, INDENT, column);
}

void val_help(FILE *out)
{
    fputs("Usage: " VAL_NAME " --url URL [OPTION...]\n\n", out);
    wrap(out, summary, 0, 0);
    fputs("\nOptions:\n", out);
    for (unsigned i = 0; i < VAL_OPTION_COUNT; i++)
        print_option(&val_options[i], out);
    fputs("\nScenarios, with the requests in one round:\n", out);
    for (size_t i = 0; i < val_scenario_count; i++) {
        const struct val_scenario *s = &val_scenarios[i];
        int n = fprintf(out, "  %-17s %2u", s->name, s->requests);
        wrap(out, s->help, INDENT, (size_t)n);
    }
    fputs("\nExit status:\n", out);
    for (size_t i = 0; i < EXITS; i++) {
        int n = fprintf(out, "  %s", exits[i].name);
        wrap(out, exits[i].text, INDENT, (size_t)n);
    }
}

/* TEXT with what roff would take for its own escaped. */
static void put(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
    }
}

static void put_row(FILE *out, const char *name, const char *text)
{
    fputs(".TP\n\\fB", out);
    put(out, name);
    fputs("\\fR\n", out);
    put(out, text);
    fputc('\n', out);
}

static void put_option(FILE *out, const struct val_option *o)
{
    fputs(".TP\n", out);
    if (o->letter != '\0')
        fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
    fputs("\\fB\\-\\-", out);
    put(out, o->name);
    fputs("\\fR", out);
    if (o->argument[0] != '\0') {
        fputs(" \\fI", out);
        put(out, o->argument);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    put(out, o->help);
    fputc('\n', out);
}

void val_man(FILE *out)
{
    fputs(".TH PARTS\\-VALIDATE 1 \"\" \"perfspy " SPY_VERSION "\" \"User Commands\"\n"
          ".SH NAME\nparts\\-validate \\- check a running parts service and its benchmarks\n"
          ".SH SYNOPSIS\n.B parts\\-validate \\-\\-url\n.I URL\n[\\fIOPTION\\fR...]\n"
          ".SH DESCRIPTION\n",
          out);
    put(out, summary);
    fputs("\n.SH OPTIONS\n", out);
    for (unsigned i = 0; i < VAL_OPTION_COUNT; i++)
        put_option(out, &val_options[i]);
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
