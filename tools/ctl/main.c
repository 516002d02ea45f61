/* SPDX-License-Identifier: MIT */
/*
 * perfspy-ctl: reads what libperfspy wrote, and shows it. Parses the command line, runs the
 * command once, or again and again for --watch, and tells whether its output arrived.
 */
#include "ctl/ctl.h"

#include "ctl/options.h"
#include "ctl/watch.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#ifndef SPY_VERSION
#define SPY_VERSION "unknown"
#endif

/* A reader that has seen enough (`| head`) is no error; a full disk is one. */
static enum ctl_exit finish(enum ctl_exit result)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return result;
    if (errno == EPIPE)
        return result;
    ctl_say(stderr, "cannot write the output: %s", errno != 0 ? strerror(errno) : "write error");
    return CTL_WRITE;
}

static enum ctl_exit execute(const struct ctl_line *line)
{
    struct ctl_run run = {
        .args = &line->args,
        .out = stdout,
        .err = stderr,
        .term = ctl_term_of(stdout),
        .now_mono_ns = ctl_clock_ns(CLOCK_MONOTONIC),
        .now_real_ns = ctl_clock_ns(CLOCK_REALTIME),
    };
    if (line->args.watch_ns > 0)
        return ctl_watch(&run, line->command->run);
    return line->command->run(&run);
}

static enum ctl_exit dispatch(const struct ctl_line *line)
{
    if ((line->given & CTL_BIT(VERSION)) != 0) {
        puts(CTL_NAME " " SPY_VERSION);
        return CTL_OK;
    }
    if ((line->given & CTL_BIT(HELP)) != 0) {
        if (line->command != NULL)
            ctl_help_command(line->command, stdout);
        else
            ctl_help_overview(stdout);
        return CTL_OK;
    }
    if (line->command != NULL)
        return execute(line);
    ctl_say(stderr, "no command given");
    ctl_help_overview(stderr);
    return CTL_USAGE;
}

int main(int argc, char **argv)
{
    struct ctl_line line;
    enum ctl_exit result = ctl_line_parse(&line, argc, argv, stderr);
    if (result == CTL_OK)
        result = dispatch(&line);
    ctl_line_free(&line);
    return (int)finish(result);
}
