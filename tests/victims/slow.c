/* SPDX-License-Identifier: MIT */
/* A library whose constructor takes its time, and so holds the dynamic loader's lock: in a wait
 * that nobody is borrowed from. */
#include <signal.h>
#include <time.h>

__attribute__((constructor)) static void take_time(void)
{
    const struct timespec time = {300, 0};
    sigset_t never;
    sigemptyset(&never);
    sigaddset(&never, SIGUSR2);
    sigtimedwait(&never, NULL, &time);
}
