/* SPDX-License-Identifier: MIT */
/*
 * Which system calls a thread may be borrowed from: those that wait, and can be taken up again as
 * if they had never been broken off.
 *
 * A wait with a time limit that was broken off before, by an attach or by SIGSTOP and SIGCONT, the
 * kernel goes on with as restart_syscall, with the arguments of the call that it was. What is left
 * of its time the kernel keeps for as long as the thread breaks off no other such wait, and no
 * frame of a signal gives it its registers back: from then on restart_syscall gives EINTR.
 */
#ifndef CTL_INJECT_CALLS_H
#define CTL_INJECT_CALLS_H

#include <stdint.h>

/* How well a system call can be broken off, best first. */
enum ctl_rank {
    CTL_RANK_EXACT, /* the kernel takes it up where it was */
    CTL_RANK_FUTEX, /* the same; many threads wait so for a lock, and others for them */
    CTL_RANK_ANEW,  /* its time limit begins anew */
    CTL_RANK_RUNS,  /* none yet: the thread runs */
    CTL_RANK_NEVER,
};

/* The rank of system call NUMBER with arguments A, in the process with that MEMORY. */
enum ctl_rank ctl_calls_rank(int memory, long number, const uint64_t a[6]);

/* The call as which it was begun: NUMBER, but of restart_syscall the one that is gone on with; -1
 * where its arguments do not tell. */
long ctl_calls_begun(int memory, long number, const uint64_t a[6]);

#endif
