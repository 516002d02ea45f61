/* SPDX-License-Identifier: MIT */
/*
 * The table of own descriptors. See ownfd.h. Raw system calls: close and fcntl's relatives are
 * interposed here.
 */
#include "runtime/ownfd.h"

#include "runtime/confine.h"
#include "runtime/process.h"
#include "shared/sys.h"

#include <errno.h>
#include <limits.h>

/* Numbers from here up where the limit allows: above what programs with select() use and below
 * the usual limit of 1,024. */
#define HIGH_FD 900

struct own_fd {
    _Atomic int number; /* 0: free */
    dev_t dev;          /* written before number is stored with release */
    ino_t ino;
};

static struct own_fd table[SPY_OWN_FDS];
_Atomic int spy_own_fd_lowest = INT_MAX;

static int number_of(int slot)
{
    return atomic_load_explicit(&table[slot].number, memory_order_acquire);
}

static int high_number(void)
{
    struct rlimit limit = {0, 0};
    if (spy_sys_getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return HIGH_FD;
    uint64_t soft = limit.rlim_cur;
    if (soft > HIGH_FD + SPY_OWN_FDS)
        return HIGH_FD;
    return soft > 2 * SPY_OWN_FDS ? (int)(soft - SPY_OWN_FDS) : 3;
}

static void set_number(int slot, int number)
{
    atomic_store_explicit(&table[slot].number, number, memory_order_release);
    int lowest = INT_MAX;
    for (int i = 0; i < SPY_OWN_FDS; i++)
        if (number_of(i) != 0 && number_of(i) < lowest)
            lowest = number_of(i);
    atomic_store_explicit(&spy_own_fd_lowest, lowest, memory_order_relaxed);
}

/* What the program's threads go by. Where it has confined itself, and the kernel cannot be asked,
 * the table is taken at its word. */
static int number_for_program(int slot)
{
    return spy_confined() ? number_of(slot) : spy_own_fd_number(slot);
}

/* The slot of FD. A number that is another file's by now (closed by a raw system call, then used
 * again) is the program's, whatever the table says. */
static int find(int fd)
{
    for (int i = 0; i < SPY_OWN_FDS; i++)
        if (fd > 0 && number_of(i) == fd && number_for_program(i) == fd)
            return i;
    return -1;
}

int spy_own_fd_note(int fd)
{
    struct stat st;
    int slot = 0;
    while (slot < SPY_OWN_FDS && number_of(slot) != 0)
        slot++;
    if (slot == SPY_OWN_FDS || spy_sys_fstat(fd, &st) != 0)
        return -EMFILE;
    table[slot].dev = st.st_dev;
    table[slot].ino = st.st_ino;
    set_number(slot, fd);
    return slot;
}

int spy_own_fd_adopt(int fd)
{
    int high = spy_sys_fcntl(fd, F_DUPFD_CLOEXEC, high_number());
    int slot = high >= 0 ? spy_own_fd_note(high) : high;
    if (slot < 0 && high >= 0)
        spy_sys_close(high);
    if (slot >= 0)
        spy_sys_close(fd);
    return slot;
}

int spy_own_fd_number(int slot)
{
    struct stat st;
    int fd = number_of(slot);
    bool intact = fd > 0 && spy_sys_fstat(fd, &st) == 0 && st.st_dev == table[slot].dev &&
                  st.st_ino == table[slot].ino;
    return intact ? fd : -1;
}

void spy_own_fd_close(int slot)
{
    int fd = spy_own_fd_number(slot);
    set_number(slot, 0);
    if (fd >= 0)
        spy_sys_close(fd);
}

void spy_own_fd_close_all(void)
{
    for (int slot = 0; slot < SPY_OWN_FDS; slot++)
        if (number_of(slot) != 0)
            spy_own_fd_close(slot);
}

bool spy_own_fd_is_slow(int fd)
{
    return find(fd) >= 0;
}

uint64_t spy_own_fd_next(unsigned from)
{
    uint64_t next = UINT64_MAX;
    for (int i = 0; i < SPY_OWN_FDS; i++) {
        int fd = number_of(i);
        if (fd > 0 && (uint64_t)fd >= from && (uint64_t)fd < next && number_for_program(i) == fd)
            next = (uint64_t)fd;
    }
    return next;
}

void spy_own_fd_yield(int fd)
{
    int slot = spy_own_fd_is(fd) ? find(fd) : -1;
    if (slot < 0 || !spy_process_is_mine())
        return;
    int moved = spy_confined() ? -1 : spy_sys_fcntl(fd, F_DUPFD_CLOEXEC, fd + 1);
    set_number(slot, moved > 0 ? moved : 0);
}
