/* SPDX-License-Identifier: MIT */
/*
 * Reading /proc/self/status and /proc/self/fd; see use.h.
 */
#include "publish/use.h"

#include "runtime/ownfd.h"
#include "shared/sys.h"

#include <errno.h>
#include <string.h>

static int status_slot = -1;
static int fds_slot = -1;
static bool lent;    /* closed for a while */
static bool starved; /* there were not enough descriptors */

static int open_own(const char *path, int flags)
{
    int fd = spy_sys_open(path, O_RDONLY | O_CLOEXEC | flags, 0);
    int slot = fd >= 0 ? spy_own_fd_adopt(fd) : fd;
    starved |= slot == -EMFILE || slot == -ENFILE;
    if (fd >= 0 && slot < 0)
        spy_sys_close(fd);
    return slot;
}

void spy_use_open(void)
{
    starved = false;
    status_slot = open_own("/proc/self/status", 0);
    fds_slot = open_own("/proc/self/fd", O_DIRECTORY);
    lent = false;
}

static bool is_open(void)
{
    return status_slot >= 0 || fds_slot >= 0;
}

bool spy_use_starved(void)
{
    return starved && !is_open();
}

bool spy_use_lend(void)
{
    if (!is_open())
        return false;
    if (status_slot >= 0)
        spy_own_fd_close(status_slot);
    if (fds_slot >= 0)
        spy_own_fd_close(fds_slot);
    status_slot = fds_slot = -1;
    lent = true;
    return true;
}

/* The number behind NAME at the start of a line; 0 where there is none. */
static uint64_t value_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    uint64_t n = 0;
    if (at == NULL)
        return 0;
    for (at += strlen(name); *at == ' ' || *at == '\t'; at++)
        ;
    for (; *at >= '0' && *at <= '9'; at++)
        n = n * 10 + (uint64_t)(*at - '0');
    return n;
}

/* Not stat or statm: what these say of the memory may be many pages behind. */
static void read_status(struct spy_use *use)
{
    char text[4096];
    int fd = status_slot >= 0 ? spy_own_fd_number(status_slot) : -1;
    long n = fd >= 0 ? SPY_SYS4(SYS_pread64, fd, text, sizeof(text) - 1, 0) : 0;
    if (n <= 0)
        return;
    text[n] = '\0';
    use->threads = (uint32_t)value_of(text, "\nThreads:");
    use->rss_bytes = value_of(text, "\nVmRSS:") * 1024;
}

/* Entries of the directory, but "." and "..". */
static uint32_t count_entries(int fd)
{
    _Alignas(8) char entries[8192];
    uint32_t count = 0;
    long n;
    if (SPY_SYS3(SYS_lseek, fd, 0, SEEK_SET) != 0)
        return 0;
    while (count < SPY_USE_FDS_MAX &&
           (n = SPY_SYS3(SYS_getdents64, fd, entries, sizeof(entries))) > 0)
        for (long at = 0; at < n; count++) {
            uint16_t bytes; /* of the entry: behind its inode and its offset */
            memcpy(&bytes, entries + at + 16, sizeof(bytes));
            at += bytes;
        }
    return count > 2 ? count - 2 : 0;
}

/* Since Linux 6.2 the directory's size is the number of descriptors. */
static uint32_t count_fds(void)
{
    struct stat st = {0};
    int fd = fds_slot >= 0 ? spy_own_fd_number(fds_slot) : -1;
    if (fd < 0 || spy_sys_fstat(fd, &st) != 0)
        return 0;
    return st.st_size > 0 ? (uint32_t)st.st_size : count_entries(fd);
}

struct spy_use spy_use_read(void)
{
    if (lent)
        spy_use_open();
    struct spy_use use = {.fds = count_fds()};
    read_status(&use);
    return use;
}
