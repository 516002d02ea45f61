/* SPDX-License-Identifier: MIT */
/*
 * Writing samples; see prom.h.
 */
#include "ctl/prom.h"

#include "ctl/model.h"

void ctl_prom_heading(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Backslash, quote and newline are escaped; there is nothing else to escape. */
void ctl_prom_label(FILE *out, const char *before, const char *value)
{
    fputs(before, out);
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"')
            fputc('\\', out);
        if (*value == '\n')
            fputs("\\n", out);
        else
            fputc(*value, out);
    }
    fputc('"', out);
}

void ctl_prom_identity(FILE *out, const char *metric, const char *program, const char *operation)
{
    fputs(metric, out);
    ctl_prom_label(out, "{exe=\"", program);
    if (operation != NULL)
        ctl_prom_label(out, ",operation=\"", operation);
}

void ctl_prom_count(FILE *out, uint64_t value)
{
    fprintf(out, "} %llu\n", (unsigned long long)value);
}

void ctl_prom_seconds(FILE *out, uint64_t ns)
{
    fprintf(out, "} %llu.%09llu\n", (unsigned long long)(ns / CTL_SECOND_NS),
            (unsigned long long)(ns % CTL_SECOND_NS));
}

void ctl_prom_real(FILE *out, double value)
{
    fprintf(out, "} %.12g\n", value);
}
