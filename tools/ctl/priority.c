/* SPDX-License-Identifier: MIT */
/*
 * See priority.h. A thread is lent a priority as one is that holds a lock for which somebody more
 * urgent waits (futex(2), "Priority-inheritance futexes"): a child of ours waits for a lock of its
 * own, whose word says that the thread has it. The thread knows nothing of that, and the kernel
 * asks no more of it than its id.
 */
#include "ctl/priority.h"

#include "ctl/ctl.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Should the thread not stop working: attaching is to be over by then. */
#define LEND_NS 100000000ull

#define SECOND_NS 1000000000ull

static void set_policy(int policy, int priority)
{
    sched_setscheduler(0, policy, &(struct sched_param){.sched_priority = priority});
}

void ctl_priority_raise(void)
{
    set_policy(SCHED_FIFO, 1);
}

void ctl_priority_lower(void)
{
    if (sched_getscheduler(0) == SCHED_FIFO)
        set_policy(SCHED_OTHER, 0);
}

static void wait_for(pid_t tid)
{
    const uint64_t end = ctl_clock_ns(CLOCK_MONOTONIC) + LEND_NS;
    const struct timespec until = {(time_t)(end / SECOND_NS), (long)(end % SECOND_NS)};
    uint32_t *lock =
        mmap(NULL, sizeof(*lock), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (lock == MAP_FAILED)
        return;
    *lock = (uint32_t)tid;
    syscall(SYS_futex, lock, FUTEX_LOCK_PI2, 0, &until);
}

pid_t ctl_priority_lend(pid_t tid)
{
    const pid_t parent = getpid();
    if (tid == 0 || sched_getscheduler(0) != SCHED_FIFO)
        return 0;
    pid_t lender = fork();
    if (lender != 0)
        return lender > 0 ? lender : 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent)
        wait_for(tid);
    _exit(0);
}

void ctl_priority_take_back(pid_t lender)
{
    if (lender == 0)
        return;
    kill(lender, SIGKILL);
    while (waitpid(lender, NULL, 0) < 0 && errno == EINTR)
        ;
}
