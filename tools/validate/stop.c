/* SPDX-License-Identifier: MIT */
/*
 * When to stop: a signal, the time limit, or a service that has gone away. See validate.h.
 */
#include "validate/validate.h"

#include "ctl/ctl.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A service that restarts is away for a moment; one that misses this many requests is gone. */
#define SILENT_AFTER 20

static atomic_int came; /* a signal's number; lock-free, so that the handler may write it */
static atomic_uint unanswered;
static _Atomic uint64_t deadline_ns; /* CLOCK_MONOTONIC */
static atomic_bool forgotten;        /* signals no longer count: we are cleaning up */

void val_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    flockfile(stderr);
    fputs(VAL_NAME ": ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    funlockfile(stderr);
    va_end(args);
}

static void on_signal(int number)
{
    static const char text[] =
        "\n" VAL_NAME ": stopping; removing the parts that were made (again to end at once)\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
    (void)ignored; /* nobody is left to tell */
    atomic_store(&came, number);
}

void val_stop_prepare(uint64_t limit_ns)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    sigaction(SIGPIPE, &ignore, NULL); /* a peer that hangs up is an error, not our end */
    deadline_ns = ctl_clock_ns(CLOCK_MONOTONIC) + limit_ns;
}

enum val_stop val_stop_asked(void)
{
    if (!forgotten && came != 0)
        return VAL_STOP_SIGNAL;
    if (unanswered >= SILENT_AFTER)
        return VAL_STOP_SILENT;
    return val_stop_left_ns() == 0 ? VAL_STOP_TIME : VAL_GO;
}

int val_stop_signal(void)
{
    return came;
}

void val_stop_answered(bool answered)
{
    if (answered)
        unanswered = 0;
    else
        unanswered++;
}

uint64_t val_stop_left_ns(void)
{
    uint64_t now = ctl_clock_ns(CLOCK_MONOTONIC);
    uint64_t end = deadline_ns;
    return end > now ? end - now : 0;
}

void val_stop_forget(uint64_t limit_ns)
{
    forgotten = true;
    unanswered = 0;
    deadline_ns = ctl_clock_ns(CLOCK_MONOTONIC) + limit_ns;
}
