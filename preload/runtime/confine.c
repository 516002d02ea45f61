/* SPDX-License-Identifier: MIT */
/*
 * Stepping aside. See confine.h. `spy_confine_in_force` is no part of the page that a fork wipes:
 * a child inherits the filter.
 */
#include "runtime/confine.h"

#include "runtime/process.h"
#include "shared/storage.h"
#include "shared/sys.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

_Atomic bool spy_confine_in_force;

static struct spy_confine_helper helper;
static struct spy_region *silenced; /* what would have been recorded to */
static _Atomic bool for_ever;       /* more than one filter: no way back */

void spy_confine_init(const struct spy_confine_helper *functions)
{
    helper = *functions;
}

/* A NULL filter is how programs ask whether the kernel knows of filters at all. */
static enum spy_confinement kind_of(long number, long a, long b, long c)
{
    if (number == SYS_prctl && a == PR_SET_TSC && b == PR_TSC_SIGSEGV)
        return SPY_CONFINE_SILENCE;
    if (number == SYS_prctl && a == PR_SET_SECCOMP && b == SECCOMP_MODE_STRICT)
        return SPY_CONFINE_SILENCE;
    if (number == SYS_prctl && a == PR_SET_SECCOMP && b == SECCOMP_MODE_FILTER && c != 0)
        return SPY_CONFINE_THREAD;
    if (number == SYS_seccomp && a == SECCOMP_SET_MODE_STRICT && b == 0 && c == 0)
        return SPY_CONFINE_SILENCE;
    if (number == SYS_seccomp && a == SECCOMP_SET_MODE_FILTER && c != 0)
        return b & SECCOMP_FILTER_FLAG_TSYNC ? SPY_CONFINE_PROCESS : SPY_CONFINE_THREAD;
    return SPY_CONFINE_NOT;
}

/* Says in the region what is missing from here on. */
static void note(struct spy_region *region, const char *what)
{
    size_t used = strlen(region->problem);
    if (strstr(region->problem, what) != NULL)
        return;
    snprintf(region->problem + used, sizeof(region->problem) - used, "%s%s", used > 0 ? "; " : "",
             what);
}

static void step_aside(enum spy_confinement how, struct spy_region *region)
{
    spy_storage_settle(region);
    if (how == SPY_CONFINE_THREAD)
        helper.look_up();
    else
        helper.end();
    if (how == SPY_CONFINE_SILENCE && spy_process_region() != NULL) {
        silenced = region;
        spy_process_publish(NULL);
    }
}

static void come_back(enum spy_confinement how)
{
    if (atomic_load_explicit(&for_ever, memory_order_relaxed))
        return;
    atomic_store_explicit(&spy_confine_in_force, false, memory_order_relaxed);
    if (how == SPY_CONFINE_SILENCE && silenced != NULL)
        spy_process_publish(silenced);
    if (how != SPY_CONFINE_THREAD && spy_process_any_region() != NULL)
        helper.begin();
}

enum spy_confinement spy_confine_begin(long number, long a, long b, long c)
{
    enum spy_confinement how = kind_of(number, a, b, c);
    struct spy_region *region = spy_process_any_region();
    /* A vfork's child confines itself, in our memory. */
    if (how == SPY_CONFINE_NOT || !spy_process_is_mine())
        return SPY_CONFINE_NOT;
    int saved_errno = errno;
    if (region != NULL)
        step_aside(how, region);
    if (atomic_exchange_explicit(&spy_confine_in_force, true, memory_order_relaxed))
        atomic_store_explicit(&for_ever, true, memory_order_relaxed);
    errno = saved_errno;
    return how;
}

void spy_confine_end(enum spy_confinement how, bool failed)
{
    int saved_errno = errno;
    if (how != SPY_CONFINE_NOT && failed)
        come_back(how);
    else if (how == SPY_CONFINE_SILENCE && silenced != NULL)
        note(silenced, "the program confined itself (seccomp): nothing is recorded any more");
    else if (how == SPY_CONFINE_PROCESS && spy_process_any_region() != NULL)
        note(spy_process_any_region(),
             "the program confined itself (seccomp): no history, socket and log any more");
    errno = saved_errno;
}

void spy_confine_thread_ends(void)
{
    if (spy_process_any_region() != NULL && spy_process_thread_id() == spy_process->pid)
        helper.outlive();
}
