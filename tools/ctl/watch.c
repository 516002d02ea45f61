/* SPDX-License-Identifier: MIT */
/*
 * Redrawing; see watch.h. An answer is made in memory and written at once, so that a terminal
 * never shows half of it.
 */
#include "ctl/watch.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* Home and clear to the end: unlike a full clear it does not flicker. */
#define REDRAW "\033[H\033[J"

static bool draw(const struct ctl_run *run, enum ctl_exit (*command)(const struct ctl_run *),
                 enum ctl_exit *result)
{
    char *text = NULL;
    size_t len = 0;
    struct ctl_run once = *run;
    once.out = open_memstream(&text, &len);
    if (once.out == NULL)
        exit(CTL_OSERR);
    once.now_mono_ns = ctl_clock_ns(CLOCK_MONOTONIC);
    once.now_real_ns = ctl_clock_ns(CLOCK_REALTIME);
    *result = command(&once);
    fclose(once.out);
    if (run->term.is_terminal && !run->args->json)
        fputs(REDRAW, run->out);
    bool written = fwrite(text, 1, len, run->out) == len && fflush(run->out) == 0;
    free(text);
    return written;
}

enum ctl_exit ctl_watch(const struct ctl_run *run,
                        enum ctl_exit (*command)(const struct ctl_run *run))
{
    enum ctl_exit result = CTL_OK;
    uint64_t ns = run->args->watch_ns;
    struct timespec pause = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGHUP);
    /* Blocked and waited for: there is no moment at which one could be missed. */
    sigprocmask(SIG_BLOCK, &stop, NULL);
    while (draw(run, command, &result) && sigtimedwait(&stop, NULL, &pause) < 0)
        ;
    return result;
}
