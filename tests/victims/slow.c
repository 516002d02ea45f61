/* SPDX-License-Identifier: MIT */
/* A library whose constructor takes its time, and so holds the dynamic loader's lock: in a wait
 * that nobody is borrowed from. It ends when there is a file SLOW_UNTIL. */
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NAPS 15000 /* five minutes */

__attribute__((constructor)) static void take_time(void)
{
    const struct timespec nap = {0, 20000000};
    const char *until = getenv("SLOW_UNTIL");
    sigset_t never;
    sigemptyset(&never);
    sigaddset(&never, SIGUSR2);
    for (int i = 0; i < NAPS && (until == NULL || access(until, F_OK) != 0); i++)
        sigtimedwait(&never, NULL, &nap);
}
