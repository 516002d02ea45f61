/* SPDX-License-Identifier: MIT */
/*
 * Judging system calls. See inject_calls.h.
 */
#include "ctl/inject_calls.h"

#include "ctl/inject_elf.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

/* A time limit of an event loop that may as well begin anew. */
#define SHORT_MS 100

/* More descriptors than this no process may have. */
#define MOST_FDS (1u << 20)

static bool is_time(int memory, uint64_t address)
{
    struct timespec t;
    return address != 0 && ctl_elf_read(memory, address, &t, sizeof(t)) && t.tv_sec >= 0 &&
           t.tv_nsec >= 0 && t.tv_nsec < 1000000000l;
}

#ifdef SYS_poll
/* An empty list of no address; one that has an address might be nanosleep's argument. */
static bool is_poll(int memory, const uint64_t a[6])
{
    char byte;
    return a[1] == 0 ? a[0] == 0 : a[1] <= MOST_FDS && ctl_elf_read(memory, a[0], &byte, 1);
}
#endif

/* Of libc's calls these are taken up so. Sleeping until a time is not, nor is a futex without a
 * time limit; libc waits on one for a time with WAIT_BITSET and all bits. */
static long restarted(int memory, const uint64_t a[6])
{
    if (((uint32_t)a[1] & (uint32_t)FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET &&
        (uint32_t)a[5] == FUTEX_BITSET_MATCH_ANY && is_time(memory, a[3]))
        return SYS_futex;
    if (a[0] <= CLOCK_TAI && a[1] == 0 && is_time(memory, a[2]))
        return SYS_clock_nanosleep;
#ifdef SYS_poll
    if (is_poll(memory, a))
        return SYS_poll;
#endif
    return -1;
}

long ctl_calls_begun(int memory, long number, const uint64_t a[6])
{
    return number == SYS_restart_syscall ? restarted(memory, a) : number;
}

enum ctl_rank ctl_calls_rank(int memory, long number, const uint64_t a[6])
{
    switch (ctl_calls_begun(memory, number, a)) {
    case SYS_read:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_accept:
    case SYS_accept4:
    case SYS_wait4:
    case SYS_waitid:
    case SYS_ppoll:
    case SYS_pselect6:
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
#ifdef SYS_poll
    case SYS_poll:
    case SYS_select:
    case SYS_pause:
#endif
        return CTL_RANK_EXACT;
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait:
        return (int)a[3] < 0           ? CTL_RANK_EXACT
               : (int)a[3] <= SHORT_MS ? CTL_RANK_FUTEX
                                       : CTL_RANK_ANEW;
    case SYS_futex: /* not that of locks, which malloc and the loader have */
        return (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET ? CTL_RANK_FUTEX : CTL_RANK_NEVER;
    default:
        return CTL_RANK_NEVER;
    }
}
