/* SPDX-License-Identifier: MIT */
/*
 * Having a running process load libperfspy.so, or, where it has it already, be watched again.
 *
 * One thread of the process is stopped, for as long as it takes to have it load the library; the
 * others never are. It is one that waits, in a system call that libc makes: there it holds no lock
 * of libc's, and stopped there the call can be taken up again where it was. What it runs for us
 * gives it back to itself even if we die: all its state is in a frame, as for a signal's handler,
 * on its own stack, where our code ends. No text of the process is written to.
 *
 *   ctl_target_open()    may this be done to the process, and where in it is what?
 *   ctl_inject()         does it
 */
#ifndef CTL_INJECT_H
#define CTL_INJECT_H

#include "ctl/ctl.h"
#include "ctl/proc.h"
#include "shared/attach.h"

#include <limits.h>
#include <sys/types.h>

struct ctl_range {
    uint64_t begin, end;
};

/* Functions of libc that the thread calls. */
#define CTL_TARGET_FUNCTIONS(X) \
    X(dlopen)                   \
    X(dlerror)                  \
    X(mmap)                     \
    X(munmap)                   \
    X(memfd_create)             \
    X(close)                    \
    X(__errno_location)

struct ctl_target {
    pid_t pid;
    struct ctl_proc proc;
    int memory; /* of the process */
#define X(name) uint64_t name;
    CTL_TARGET_FUNCTIONS(X)
#undef X
    uint64_t restorer;            /* where handlers of signals return to */
    struct ctl_range libc_text;   /* code of libc */
    struct ctl_range vdso;        /* of the kernel's own */
    struct ctl_range loader_data; /* variables of the dynamic loader */
    uint64_t library;             /* base of libperfspy.so in the process; 0: not there */
    uint64_t entry;               /* the library's attach entry, from that base */
    char library_path[PATH_MAX];  /* to load, as we see it */
    bool library_seen;            /* by the process, too, under that path */
};

/* What is asked for. */
struct ctl_inject_request {
    struct spy_attach_request settings;
    uint64_t timeout_ns;
    bool force; /* although a seccomp filter binds it that may not be looked at */
};

/* Nanoseconds that it took. */
struct ctl_inject_times {
    uint64_t stopped; /* the one thread: from stopping it until it was given back */
    unsigned calls;   /* system calls it made for us */
    pid_t tid;
    pid_t worker; /* the library's thread, which is at work now; 0: not known */
};

/* Looks at process PID. CTL_OK, or another code after a sentence on ERR: CTL_NOTHING where there is
 * no such process, CTL_REFUSED. Close with ctl_target_close(), in either case. */
enum ctl_exit ctl_target_open(struct ctl_target *target, pid_t pid, bool force, FILE *err);
void ctl_target_close(struct ctl_target *target);

/* Has TARGET load the library, unless it is there, and call its entry. *STATUS is where the process
 * has its answer. CTL_OK, or CTL_REFUSED after a sentence on ERR, with the process as it was. */
enum ctl_exit ctl_inject(struct ctl_target *target, const struct ctl_inject_request *request,
                         uint64_t *status, struct ctl_inject_times *times, FILE *err);

/* Has a signal told us to end since the first of these began? It has to be looked at: it ends
 * nothing by itself any more. */
bool ctl_inject_interrupted(void);

#endif
