/* SPDX-License-Identifier: MIT */
/*
 * The system calls that are made in a process because it is attached to: those of
 * preload/shared/sys.h, and those of the C library when it loads a library, takes memory and starts
 * a thread. Arguments are given where filters look at them; 0 stands for the others, too. A test
 * runs a process under a filter that kills it for everything else.
 */
#ifndef CTL_SECCOMP_CALLS_H
#define CTL_SECCOMP_CALLS_H

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* As glibc starts a thread. */
#define CTL_THREAD_FLAGS                                                                \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | \
     CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

/* X(name, six arguments) */
#define CTL_SECCOMP_CALLS(X)                                                   \
    X(accept4, 0, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC, 0, 0)                    \
    X(bind, 0, 0, 0, 0, 0, 0)                                                  \
    X(brk, 0, 0, 0, 0, 0, 0)                                                   \
    X(clock_gettime, 0, 0, 0, 0, 0, 0)                                         \
    X(clone, CTL_THREAD_FLAGS, 0, 0, 0, 0, 0)                                  \
    X(clone3, 0, 0, 0, 0, 0, 0)                                                \
    X(close, 0, 0, 0, 0, 0, 0)                                                 \
    X(connect, 0, 0, 0, 0, 0, 0)                                               \
    X(exit, 0, 0, 0, 0, 0, 0)                                                  \
    X(fallocate, 0, 0, 0, 0, 0, 0)                                             \
    X(fcntl, 0, F_GETFD, 0, 0, 0, 0)                                           \
    X(fcntl, 0, F_DUPFD_CLOEXEC, 0, 0, 0, 0)                                   \
    X(fstat, 0, 0, 0, 0, 0, 0)                                                 \
    X(fstatfs, 0, 0, 0, 0, 0, 0)                                               \
    X(ftruncate, 0, 0, 0, 0, 0, 0)                                             \
    X(futex, 0, 0, 0, 0, 0, 0)                                                 \
    X(getdents64, 0, 0, 0, 0, 0, 0)                                            \
    X(geteuid, 0, 0, 0, 0, 0, 0)                                               \
    X(getpid, 0, 0, 0, 0, 0, 0)                                                \
    X(getrandom, 0, 0, 0, 0, 0, 0)                                             \
    X(getsockname, 0, 0, 0, 0, 0, 0)                                           \
    X(getsockopt, 0, SOL_SOCKET, 0, 0, 0, 0)                                   \
    X(gettid, 0, 0, 0, 0, 0, 0)                                                \
    X(listen, 0, 0, 0, 0, 0, 0)                                                \
    X(lseek, 0, 0, 0, 0, 0, 0)                                                 \
    X(madvise, 0, 0, MADV_DONTNEED, 0, 0, 0)                                   \
    X(madvise, 0, 0, MADV_WIPEONFORK, 0, 0, 0)                                 \
    X(madvise, 0, 0, MADV_POPULATE_WRITE, 0, 0, 0)                             \
    X(memfd_create, 0, 0, 0, 0, 0, 0)                                          \
    X(mkdirat, 0, 0, 0, 0, 0, 0)                                               \
    X(mmap, 0, 0, PROT_READ, MAP_PRIVATE, 0, 0)                                \
    X(mmap, 0, 0, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, 0, 0)        \
    X(mmap, 0, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0, 0)   \
    X(mmap, 0, 0, PROT_READ | PROT_WRITE, MAP_SHARED, 0, 0)                    \
    X(mprotect, 0, 0, PROT_READ, 0, 0, 0)                                      \
    X(mprotect, 0, 0, PROT_READ | PROT_WRITE, 0, 0, 0)                         \
    X(mremap, 0, 0, 0, 0, 0, 0)                                                \
    X(munmap, 0, 0, 0, 0, 0, 0)                                                \
    X(newfstatat, 0, 0, 0, 0, 0, 0)                                            \
    X(openat, AT_FDCWD, 0, O_RDONLY | O_CLOEXEC, 0, 0, 0)                      \
    X(openat, AT_FDCWD, 0, O_RDWR | O_CREAT | O_CLOEXEC, 0, 0, 0)              \
    X(ppoll, 0, 0, 0, 0, 0, 0)                                                 \
    X(prctl, PR_GET_TSC, 0, 0, 0, 0, 0)                                        \
    X(prctl, PR_SET_NAME, 0, 0, 0, 0, 0)                                       \
    X(pread64, 0, 0, 0, 0, 0, 0)                                               \
    X(prlimit64, 0, 0, 0, 0, 0, 0)                                             \
    X(read, 0, 0, 0, 0, 0, 0)                                                  \
    X(readlinkat, AT_FDCWD, 0, 0, 0, 0, 0)                                     \
    X(renameat2, AT_FDCWD, 0, 0, 0, 0, 0)                                      \
    X(rseq, 0, 0, 0, 0, 0, 0)                                                  \
    X(rt_sigaction, 0, 0, 0, 0, 0, 0)                                          \
    X(rt_sigpending, 0, 0, 0, 0, 0, 0)                                         \
    X(rt_sigprocmask, 0, 0, 0, 0, 0, 0)                                        \
    X(rt_sigreturn, 0, 0, 0, 0, 0, 0)                                          \
    X(rt_sigtimedwait, 0, 0, 0, 0, 0, 0)                                       \
    X(sched_getaffinity, 0, 0, 0, 0, 0, 0)                                     \
    X(sendto, 0, 0, 0, 0, 0, 0)                                                \
    X(set_robust_list, 0, 0, 0, 0, 0, 0)                                       \
    X(socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, 0, 0, 0) \
    X(tgkill, 0, 0, 0, 0, 0, 0)                                                \
    X(unlinkat, AT_FDCWD, 0, 0, 0, 0, 0)                                       \
    X(write, 0, 0, 0, 0, 0, 0)

#endif
