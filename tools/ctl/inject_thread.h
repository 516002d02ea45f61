/* SPDX-License-Identifier: MIT */
/*
 * Finding a thread of a process that may be borrowed, and stopping it there.
 *
 * It has to be in a system call that waits, made by libc: then it is not inside malloc, the loader
 * or any other part of libc that holds a lock, unless it is in a signal's handler, which its stack
 * tells. And the call has to be one that can be taken up again as if it had never been broken off.
 */
#ifndef CTL_INJECT_THREAD_H
#define CTL_INJECT_THREAD_H

#include "ctl/inject.h"
#include "ctl/inject_arch.h"

#define CTL_UNDISTURBED UINT64_MAX

/* A thread that we trace. */
struct ctl_tracee {
    const struct ctl_target *target;
    pid_t tid;
    uint64_t first;       /* argument of the call that it is stopped in, or CTL_FIRST_UNKNOWN */
    uint64_t deadline_ns; /* of all waiting; CTL_UNDISTURBED: no end of it, nor by a signal */
    pid_t lender;         /* of priority, see priority.h */
};

enum ctl_stop {
    CTL_STOP_CALL,   /* at a system call's beginning or end */
    CTL_STOP_ASKED,  /* as asked for, by PTRACE_INTERRUPT */
    CTL_STOP_SIGNAL, /* a signal is about to be delivered, *SIGNAL */
    CTL_STOP_OTHER,  /* with the whole process, by a signal */
    CTL_STOP_GONE,   /* it has ended */
    CTL_STOP_NONE,   /* past the deadline, or we were told to end: it runs */
};

/* Waits for the next stop. */
enum ctl_stop ctl_tracee_wait(const struct ctl_tracee *tracee, int *signal);

/* It runs: stops it, wherever it is, signals on the way being delivered. CTL_STOP_ASKED, OTHER
 * where the process is stopped, which keeps it as well, GONE or NONE. */
enum ctl_stop ctl_tracee_stop(const struct ctl_tracee *tracee);

/* It is at some other stop, where it was about to be sent the signal DELIVER, or none, 0: takes it
 * to one as above, without its running anything meanwhile but what is left of the system call that
 * it is in. */
enum ctl_stop ctl_tracee_stop_again(const struct ctl_tracee *tracee, int deliver);

/* It is at a system call's stop: the beginning? */
bool ctl_tracee_enters(const struct ctl_tracee *tracee);

/* Lets it run as if we had never been there; no more is to be done with it. */
void ctl_tracee_release(const struct ctl_tracee *tracee);

/*
 * Stops a thread of TARGET where it may be borrowed. Fills in TRACEE, *STATE, and *ANEW as
 * ctl_arch_resume() does. CTL_OK, or CTL_REFUSED after a sentence on ERR, no thread being traced.
 * From here on SIGINT, SIGTERM and SIGHUP end waiting instead of us, and an interval timer ticks.
 */
enum ctl_exit ctl_thread_borrow(const struct ctl_target *target, uint64_t deadline_ns,
                                struct ctl_tracee *tracee, struct ctl_state *state, ctl_regs *anew,
                                FILE *err);

/* Was one of those signals sent? */
bool ctl_thread_told_to_end(void);

#endif
