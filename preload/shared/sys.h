/* SPDX-License-Identifier: MIT */
/*
 * The kernel, without libc in between: the few system calls that the library makes for itself, and
 * that code which it shares with the tools makes.
 *
 * Why not libc's functions: many of them are interposed by this very library, they set errno, and
 * most are cancellation points; in a stranger's process our own calls must be none of that. Every
 * function returns what the kernel returned: a value >= 0, or a negated errno. Safe anywhere, in
 * signal handlers and between vfork and exec too.
 */
#ifndef SPY_SHARED_SYS_H
#define SPY_SHARED_SYS_H

#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>

#if defined(__x86_64__)
static inline long spy_sys6(long n, long a, long b, long c, long d, long e, long f)
{
    long ret;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return ret;
}
#elif defined(__aarch64__)
static inline long spy_sys6(long n, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = n;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}
#else
#error "perfspy knows the system call convention of x86-64 and arm64 only"
#endif

#define SPY_SYS0(n)             spy_sys6((n), 0, 0, 0, 0, 0, 0)
#define SPY_SYS1(n, a)          spy_sys6((n), (long)(a), 0, 0, 0, 0, 0)
#define SPY_SYS2(n, a, b)       spy_sys6((n), (long)(a), (long)(b), 0, 0, 0, 0)
#define SPY_SYS3(n, a, b, c)    spy_sys6((n), (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SPY_SYS4(n, a, b, c, d) spy_sys6((n), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SPY_SYS6(n, a, b, c, d, e, f) \
    spy_sys6((n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static inline int spy_sys_getpid(void)
{
    return (int)SPY_SYS0(SYS_getpid);
}

static inline int spy_sys_gettid(void)
{
    return (int)SPY_SYS0(SYS_gettid);
}

static inline uint32_t spy_sys_geteuid(void)
{
    return (uint32_t)SPY_SYS0(SYS_geteuid);
}

/* 0 when thread TID of process PID exists, -ESRCH when not. */
static inline int spy_sys_thread_exists(int pid, int tid)
{
    return (int)SPY_SYS3(SYS_tgkill, pid, tid, 0);
}

static inline int spy_sys_open(const char *path, int flags, int mode)
{
    return (int)SPY_SYS4(SYS_openat, AT_FDCWD, path, flags, mode);
}

static inline int spy_sys_openat(int dir, const char *path, int flags, int mode)
{
    return (int)SPY_SYS4(SYS_openat, dir, path, flags, mode);
}

static inline int spy_sys_close(int fd)
{
    return (int)SPY_SYS1(SYS_close, fd);
}

static inline long spy_sys_read(int fd, void *data, size_t n)
{
    return SPY_SYS3(SYS_read, fd, data, n);
}

static inline long spy_sys_write(int fd, const void *data, size_t n)
{
    return SPY_SYS3(SYS_write, fd, data, n);
}

static inline long spy_sys_send(int fd, const void *data, size_t n)
{
    return SPY_SYS6(SYS_sendto, fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
}

static inline int spy_sys_fstat(int fd, struct stat *st)
{
#if defined(__x86_64__)
    return (int)SPY_SYS2(SYS_fstat, fd, st);
#else
    return (int)SPY_SYS4(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH);
#endif
}

static inline int spy_sys_fallocate(int fd, uint64_t offset, uint64_t bytes)
{
    return (int)SPY_SYS4(SYS_fallocate, fd, 0, offset, bytes);
}

static inline int spy_sys_ftruncate(int fd, uint64_t bytes)
{
    return (int)SPY_SYS2(SYS_ftruncate, fd, bytes);
}

static inline int spy_sys_fstatfs(int fd, struct statfs *fs)
{
    return (int)SPY_SYS2(SYS_fstatfs, fd, fs);
}

static inline int spy_sys_getrlimit(int resource, struct rlimit *limit)
{
    return (int)SPY_SYS4(SYS_prlimit64, 0, resource, NULL, limit);
}

static inline int spy_sys_unlinkat(int dir, const char *path)
{
    return (int)SPY_SYS3(SYS_unlinkat, dir, path, 0);
}

static inline int spy_sys_unlink(const char *path)
{
    return spy_sys_unlinkat(AT_FDCWD, path);
}

static inline int spy_sys_rename(const char *from, const char *to)
{
    return (int)SPY_SYS6(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0, 0);
}

static inline int spy_sys_mkdir(const char *path, int mode)
{
    return (int)SPY_SYS3(SYS_mkdirat, AT_FDCWD, path, mode);
}

static inline long spy_sys_readlink(const char *path, char *out, size_t cap)
{
    return SPY_SYS4(SYS_readlinkat, AT_FDCWD, path, out, cap);
}

static inline int spy_sys_fcntl(int fd, int command, long argument)
{
    return (int)SPY_SYS3(SYS_fcntl, fd, command, argument);
}

static inline int spy_sys_poll(struct pollfd *fds, unsigned n, const struct timespec *timeout)
{
    struct timespec copy = {0, 0}; /* the kernel writes what is left back */
    if (timeout != NULL)
        copy = *timeout;
    return (int)SPY_SYS6(SYS_ppoll, fds, n, timeout != NULL ? &copy : NULL, NULL, 0, 0);
}

/* The address, or a negated errno as a small negative number: test with spy_sys_failed(). */
static inline void *spy_sys_mmap(size_t bytes, int protection, int flags, int fd)
{
    return (void *)SPY_SYS6(SYS_mmap, 0, bytes, protection, flags, fd, 0);
}

static inline int spy_sys_failed(const void *address)
{
    return (unsigned long)address > -4096ul;
}

static inline int spy_sys_munmap(void *address, size_t bytes)
{
    return (int)SPY_SYS2(SYS_munmap, address, bytes);
}

static inline int spy_sys_mprotect(void *address, size_t bytes, int protection)
{
    return (int)SPY_SYS3(SYS_mprotect, address, bytes, protection);
}

static inline int spy_sys_madvise(void *address, size_t bytes, int advice)
{
    return (int)SPY_SYS3(SYS_madvise, address, bytes, advice);
}

static inline int spy_sys_socket(int domain, int type)
{
    return (int)SPY_SYS3(SYS_socket, domain, type, 0);
}

static inline int spy_sys_bind(int fd, const void *address, unsigned len)
{
    return (int)SPY_SYS3(SYS_bind, fd, address, len);
}

static inline int spy_sys_connect(int fd, const void *address, unsigned len)
{
    return (int)SPY_SYS3(SYS_connect, fd, address, len);
}

static inline int spy_sys_getsockname(int fd, void *address, unsigned *len)
{
    return (int)SPY_SYS3(SYS_getsockname, fd, address, len);
}

static inline int spy_sys_listen(int fd, int backlog)
{
    return (int)SPY_SYS2(SYS_listen, fd, backlog);
}

static inline int spy_sys_accept(int fd)
{
    return (int)SPY_SYS4(SYS_accept4, fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

static inline int spy_sys_getsockopt(int fd, int level, int option, void *value, unsigned *len)
{
    return (int)SPY_SYS6(SYS_getsockopt, fd, level, option, value, len, 0);
}

#endif
