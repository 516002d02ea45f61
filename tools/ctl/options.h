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
    uint64_t given; /* CTL_BIT()s */
};

/*
 * Options may stand anywhere before "--", also before the command; `run` takes none after its
 * first operand. Returns CTL_OK, or CTL_USAGE after a sentence on ERR. Free with
 * ctl_line_free(), in either case. ARGV must outlive LINE.
 */
enum ctl_exit ctl_line_parse(struct ctl_line *line, int argc, char **argv, FILE *err);
void ctl_line_free(struct ctl_line *line);

/* Sets option ID to VALUE, which is NULL only where an optional value was left out, or it takes
 * none. CTL_OK, or CTL_USAGE after a sentence on ERR. */
enum ctl_exit ctl_option_set(struct ctl_args *args, enum ctl_option_id id, const char *value,
                             FILE *err);

/* Would TEXT do as the optional value of --watch? */
bool ctl_option_is_seconds(const char *text);

#endif
