/* SPDX-License-Identifier: MIT */
/*
 * Wrapped text, options and roff. See usage.h.
 */
#include "ctl/usage.h"

#include <stdbool.h>
#include <string.h>

void ctl_usage_wrap(FILE *out, const char *text, size_t indent, size_t column)
{
    while (*text != '\0') {
        size_t word = strcspn(text, " \n");
        if (column > indent && column + 1 + word > CTL_USAGE_WIDTH) {
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

void ctl_usage_option(FILE *out, const struct ctl_option *o)
{
    int n = o->letter != '\0' ? fprintf(out, "  -%c, --%s", o->letter, o->name)
                              : fprintf(out, "      --%s", o->name);
    if (o->argument[0] != '\0')
        n += fprintf(out, " %s", o->argument);
    size_t column = (size_t)n;
    if (column > CTL_USAGE_INDENT - 2) {
        fputc('\n', out);
        column = 0;
    }
    ctl_usage_wrap(out, o->help, CTL_USAGE_INDENT, column);
}

void ctl_roff_text(FILE *out, const char *text)
{
    bool line_start = true;
    for (; *text != '\0'; text++) {
        if (strncmp(text, "\n\n", 2) == 0) {
            fputs("\n.PP\n", out);
            line_start = true;
            text++;
            continue;
        }
        if (line_start && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        line_start = *text == '\n';
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
    }
}

void ctl_roff_option(FILE *out, const struct ctl_option *o)
{
    fputs(".TP\n", out);
    if (o->letter != '\0')
        fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
    fputs("\\fB\\-\\-", out);
    ctl_roff_text(out, o->name);
    fputs("\\fR", out);
    if (o->argument[0] != '\0') {
        fputs(" \\fI", out);
        ctl_roff_text(out, o->argument);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    ctl_roff_text(out, o->help);
    fputc('\n', out);
}
