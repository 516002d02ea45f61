/* SPDX-License-Identifier: MIT */
/*
 * What the output is: a terminal or not, how wide, and whether it takes colour.
 */
#ifndef CTL_TERM_H
#define CTL_TERM_H

#include <stdbool.h>
#include <stdio.h>

struct ctl_term {
    bool is_terminal;
    bool colour;    /* a terminal, NO_COLOR unset or empty, TERM not "dumb" */
    unsigned width; /* columns; 0: no limit, as in a pipe */
};

/* Meanings, not colours: the colours are chosen in term.c. */
enum ctl_paint {
    CTL_PLAIN,
    CTL_HEADING,
    CTL_QUIET,
    CTL_GOOD,
    CTL_WARN,
    CTL_BAD,
    CTL_WORST,
};

struct ctl_term ctl_term_of(FILE *out);

/* Writes TEXT in the colour of PAINT where TERM takes colour. */
void ctl_paint(FILE *out, const struct ctl_term *term, enum ctl_paint paint, const char *text);

#endif
