/* SPDX-License-Identifier: MIT */
/*
 * The helper thread's life. It ends with the process; nothing waits for it, so exit never does.
 */
#include "publish/helper.h"

#include "publish/logwriter.h"
#include "publish/server.h"
#include "record/roll.h"
#include "runtime/clock.h"
#include "shared/history.h"
#include "shared/sys.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

/* A roll needs about 40 KiB; the rest is room for static TLS of the program's libraries, which
 * glibc takes from the stack. */
#define STACK_BYTES (512u * 1024u)

#define SECOND_NS 1000000000ull

static struct spy_publication published; /* written before the thread starts, then constant */

static struct timespec until(uint64_t now_ns, uint64_t then_ns)
{
    uint64_t wait = then_ns > now_ns ? then_ns - now_ns : 0;
    return (struct timespec){.tv_sec = (time_t)(wait / SECOND_NS),
                             .tv_nsec = (long)(wait % SECOND_NS)};
}

/* A dump is sent straight from the region, so a step of history should not move from the shards to
 * the ring in the middle of one. A slow reader may put the roll off for one step, not longer. */
static bool roll_is_due(uint64_t now_ns, uint64_t due_ns)
{
    if (now_ns < due_ns)
        return false;
    return !spy_server_answering() || now_ns >= due_ns + SPY_HISTORY_STEP_NS;
}

/* Until when to sleep, if no client comes. With clients there are deadlines to keep, and perhaps a
 * roll that was put off. Where the program has taken our descriptor's number it has moved
 * (runtime/ownfd.h), but ppoll goes on looking at the old one: a client may then have to wait for
 * the next roll. perfspy-ctl reads the file after a second. */
static uint64_t wake_time(uint64_t now_ns, uint64_t next_roll_ns)
{
    if (spy_logwriter_active())
        return now_ns + SPY_LOGWRITER_INTERVAL_NS;
    return spy_server_busy() ? now_ns + SECOND_NS : next_roll_ns;
}

static void *help(void *unused)
{
    struct pollfd fds[SPY_CLIENTS + 1];
    (void)unused;
    SPY_SYS2(SYS_prctl, PR_SET_NAME, "perfspy");
    uint64_t next_roll = spy_now() + SPY_HISTORY_STEP_NS;
    for (;;) {
        uint64_t now = spy_now();
        if (roll_is_due(now, next_roll)) {
            spy_history_roll(published.region, now);
            next_roll = now + SPY_HISTORY_STEP_NS;
        }
        if (spy_logwriter_active())
            spy_logwriter_drain(published.region, now);
        struct timespec timeout = until(now, wake_time(now, next_roll));
        unsigned count = spy_server_prepare(fds);
        spy_sys_poll(fds, count, &timeout);
        spy_server_serve(&published, fds, count, spy_now());
    }
    return NULL;
}

static int create(const pthread_attr_t *attributes)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the thread inherits this mask */
    int error = pthread_create(&thread, attributes, help, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

bool spy_helper_start(const struct spy_publication *publication)
{
    pthread_attr_t attributes;
    published = *publication;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int error = create(&attributes);
    if (error != 0) { /* very much static TLS: let glibc choose the stack */
        pthread_attr_setstacksize(&attributes, 8u * 1024u * 1024u);
        error = create(&attributes);
    }
    pthread_attr_destroy(&attributes);
    if (error == 0)
        return true;
    char *problem = published.region->problem;
    size_t used = strlen(problem);
    snprintf(problem + used, sizeof(published.region->problem) - used, "%sno helper thread: %s",
             used > 0 ? "; " : "", strerrordesc_np(error));
    return false;
}
