/* SPDX-License-Identifier: MIT */
/*
 * How help and manual pages look, for every tool: wrapped text, options, roff.
 */
#ifndef CTL_USAGE_H
#define CTL_USAGE_H

#include <stddef.h>
#include <stdio.h>

#define CTL_USAGE_WIDTH  78u
#define CTL_USAGE_INDENT 28u /* of an option's explanation */

/* An option, as a person is told of it. */
struct ctl_option {
    char letter; /* '\0': none */
    const char *name;
    const char *argument; /* "": none */
    const char *help;
};

/* TEXT in lines of at most CTL_USAGE_WIDTH columns, each after INDENT blanks; an empty line is
 * kept. The first line is taken to have begun at column COLUMN already. */
void ctl_usage_wrap(FILE *out, const char *text, size_t indent, size_t column);

/* "  -l, --name ARGUMENT    explanation". */
void ctl_usage_option(FILE *out, const struct ctl_option *option);

/* TEXT with what roff would take for its own escaped; an empty line begins a paragraph. */
void ctl_roff_text(FILE *out, const char *text);

/* An option as a tagged paragraph of the man macros. */
void ctl_roff_option(FILE *out, const struct ctl_option *option);

#endif
