/* SPDX-License-Identifier: MIT */
/*
 * What the seccomp filters of a process would do to it for the system calls that loading the
 * library takes, and those that it makes later. Sources: seccomp(2), ptrace(2) on
 * PTRACE_SECCOMP_GET_FILTER, the kernel's Documentation/userspace-api/seccomp_filter.rst.
 */
#ifndef CTL_SECCOMP_H
#define CTL_SECCOMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* All filters of a thread; NULL: none. */
struct ctl_seccomp_filters;

/* Reads the filters of thread TID, which we trace and which is stopped. That takes CAP_SYS_ADMIN on
 * the host and no filter of our own. False, with errno, where they cannot be read. */
bool ctl_seccomp_read(pid_t tid, struct ctl_seccomp_filters **out);
void ctl_seccomp_free(struct ctl_seccomp_filters *filters);

/* One more filter, of COUNT instructions as the kernel has them; those are copied. */
struct ctl_seccomp_filters *ctl_seccomp_add(struct ctl_seccomp_filters *filters,
                                            const void *instructions, size_t count);

/* SECCOMP_RET_*, the most restrictive answer of all to that call. */
uint32_t ctl_seccomp_answer(const struct ctl_seccomp_filters *filters, long number,
                            const uint64_t arguments[6]);

/* What becomes of a process for our calls. */
enum ctl_seccomp {
    CTL_SECCOMP_HARMLESS, /* each is let through, or fails */
    CTL_SECCOMP_ASKS,  /* another process is asked whether one is to be made, and may not answer */
    CTL_SECCOMP_FATAL, /* one ends the process, or has it sent SIGSYS */
};

/* The worst of all; but for HARMLESS *CALL is the name of a system call for which it is so. */
enum ctl_seccomp ctl_seccomp_judge(const struct ctl_seccomp_filters *filters, const char **call);

#endif
