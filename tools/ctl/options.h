/* SPDX-License-Identifier: MIT */
/*
 * Parsing the command line.
 */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include "ctl/command.h"

struct ctl_line {
    const struct ctl_command *command; /* NULL: none given */
    struct ctl_args args;
    unsigned given; /* CTL_BIT()s */
};

/*
 * Options may stand anywhere before "--", also before the command; `run` takes none after its
 * first operand. Returns CTL_OK, or CTL_USAGE after a sentence on ERR. Free with
 * ctl_line_free(), in either case. ARGV must outlive LINE.
 */
enum ctl_exit ctl_line_parse(struct ctl_line *line, int argc, char **argv, FILE *err);
void ctl_line_free(struct ctl_line *line);

#endif
