/* SPDX-License-Identifier: MIT */
/*
 * The injection itself. See inject.h for the plan, inject_arch.h for what a thread is made to run.
 *
 * At every moment from the first on we may be killed, and the kernel then lets the thread run on
 * from where it is. So its way back is on its stack before it is sent anywhere: each function that
 * we have it call returns to the C library's own code that ends signal handlers, which gives the
 * thread all its registers back from the frame there. Where we are alive at the end we give them
 * back ourselves instead, which also leaves the kernel's note of a sleep's remaining time alone.
 */
#include "ctl/inject.h"

#include "ctl/inject_arch.h"
#include "ctl/inject_confined.h"
#include "ctl/inject_elf.h"
#include "ctl/inject_thread.h"
#include "ctl/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The loader has needed 20 KiB of stack at most; static constructors may come with the library. */
#define STACK_BYTES 262144u
#define CODE_BYTES  4096u

/* The memory file's. Were we killed before its contents are there, it is also what is loaded: a
 * path that there is not, lest another libperfspy.so be found. */
#define NAME_IN_MEMORY "/nowhere/libperfspy.so"

/* These the thread itself causes: blocked, they would end the process. */
#define SYNCHRONOUS                                                                               \
    (1ull << (SIGSEGV - 1) | 1ull << (SIGBUS - 1) | 1ull << (SIGILL - 1) | 1ull << (SIGFPE - 1) | \
     1ull << (SIGTRAP - 1) | 1ull << (SIGSYS - 1))

/* glibc's own: a thread that changes the user's or group's id has all others do the same, waits for
 * each of them, and holds a lock meanwhile that starting a thread takes. */
#define SET_IDS 33

struct job {
    const struct ctl_target *target;
    const struct ctl_inject_request *request;
    struct ctl_tracee tracee;
    struct ctl_state saved;
    ctl_regs anew;
    uint64_t frame, code, block; /* addresses; 0: not there yet */
    struct ctl_stub_result result;
    char error[512]; /* what the loader said */
    const char *why; /* a call of ours could not be made, or failed */
    bool only_locks; /* in our code the thread has done nothing but wait for a lock */
    unsigned calls;
    long worker; /* thread that it has started, by the number it has there */
    FILE *err;
};

static bool write_to(const struct job *j, uint64_t address, const void *data, size_t bytes)
{
    return pwrite(j->target->memory, data, bytes, (off_t)address) == (ssize_t)bytes;
}

static enum ctl_exit refuse(const struct job *j, const char *why)
{
    struct ctl_proc proc;
    if (!ctl_proc_read(j->target->pid, &proc)) {
        ctl_say(j->err, "process %d has ended", j->target->pid);
        return CTL_NOTHING;
    }
    ctl_say(j->err, "attaching to process %d failed: %s", j->target->pid, why);
    return CTL_REFUSED;
}

/* ---- one call ---------------------------------------------------------------------------------
 */

/* A signal that the borrowed thread passes on: it is nothing that our code has caused. */
static bool passes_on(enum ctl_stop stop, int signal)
{
    return stop == CTL_STOP_SIGNAL && (signal == SET_IDS || signal == SIGSTOP);
}

/* Lets the thread run to where a call of its begins or ends, or *SIGNAL is what it causes itself.
 * Where the process is stopped meanwhile all others are, but it goes on, for it may hold the
 * loader's lock: the kernel has it stop, too, when it is let go. */
static enum ctl_stop run_on(const struct job *j, int *signal)
{
    enum ctl_stop stop = CTL_STOP_CALL;
    do {
        long deliver = stop == CTL_STOP_SIGNAL ? *signal : 0;
        if (ptrace(PTRACE_SYSCALL, j->tracee.tid, NULL, deliver) != 0)
            return CTL_STOP_GONE;
        stop = ctl_tracee_wait(&j->tracee, signal);
    } while (stop == CTL_STOP_OTHER || stop == CTL_STOP_ASKED || passes_on(stop, *signal));
    return stop;
}

static const char *reason(enum ctl_stop stop)
{
    if (stop == CTL_STOP_NONE)
        return ctl_thread_told_to_end() ? "interrupted" : "it took too long";
    return stop == CTL_STOP_SIGNAL ? "a call of its thread crashed" : "its thread has ended";
}

/* Lets the thread run to the end of the system call NUMBER; *RESULT is what it gave. False, with
 * the reason in j->why, where it does not come to it. */
static bool run_to_end_of(struct job *j, long number, long *result)
{
    ctl_regs regs;
    int signal = 0;
    for (bool entered = false;;) {
        enum ctl_stop stop = run_on(j, &signal);
        if (stop != CTL_STOP_CALL || !ctl_arch_get_regs(j->tracee.tid, &regs)) {
            j->why = reason(stop);
            return false;
        }
        if (ctl_tracee_enters(&j->tracee)) {
            entered = ctl_arch_call(&regs) == number;
            j->calls++;
        } else if (entered) {
            *result = ctl_arch_result(&regs);
            return true;
        }
    }
}

/* After the thread has been sent elsewhere: were we killed in between, it comes back by the frame,
 * which has its mask. */
static bool block_signals(const struct job *j)
{
    uint64_t mask = ~(SYNCHRONOUS | 1ull << (SET_IDS - 1)) | j->saved.mask;
    return ptrace(PTRACE_SETSIGMASK, j->tracee.tid, sizeof(mask), &mask) == 0;
}

static bool call(struct job *j, uint64_t function, long number, const uint64_t a[6], long *result)
{
    ctl_regs regs = j->saved.regs;
    ctl_arch_make_call(&regs, function, a, j->frame, j->target->restorer);
    return ctl_arch_set_regs(j->tracee.tid, &regs) && block_signals(j) &&
           run_to_end_of(j, number, result);
}

/* 0, with the reason in j->why, where it fails. */
static uint64_t map(struct job *j, size_t bytes, int protection)
{
    const uint64_t a[6] = {
        0, bytes, (uint64_t)protection, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0};
    long result;
    j->why = "its thread has ended";
    if (!call(j, j->target->mmap, SYS_mmap, a, &result))
        return 0;
    if (result > 0)
        return (uint64_t)result;
    bool forbidden = result == -EACCES || result == -EPERM;
    j->why = forbidden && (protection & PROT_EXEC) != 0
                 ? "it may not map code (a rule of SELinux, or of its service)"
                 : strerrordesc_np((int)-result);
    return 0;
}

static void unmap(struct job *j, uint64_t *address, size_t bytes)
{
    const uint64_t a[6] = {*address, bytes, 0, 0, 0, 0};
    long result;
    if (*address != 0)
        call(j, j->target->munmap, SYS_munmap, a, &result);
    *address = 0;
}

/* ---- back -------------------------------------------------------------------------------------
 */

/* Gives the thread back to itself. It may be at a system call's end, from where the kernel would
 * not take the broken-off one up again: only from a stop as at first, or one of the process. */
static bool give_back(struct job *j)
{
    j->tracee.deadline_ns = CTL_UNDISTURBED;
    enum ctl_stop stop = ctl_tracee_stop_again(&j->tracee, 0);
    bool done = (stop == CTL_STOP_ASKED || stop == CTL_STOP_OTHER) &&
                ctl_arch_set(j->tracee.tid, &j->saved);
    ctl_tracee_release(&j->tracee);
    return done;
}

/* The same where something failed: with all that we mapped gone. */
static void undo(struct job *j)
{
    j->tracee.deadline_ns = CTL_UNDISTURBED;
    unmap(j, &j->block, STACK_BYTES);
    unmap(j, &j->code, CODE_BYTES);
    give_back(j);
}

/* ---- preparing --------------------------------------------------------------------------------
 */

/* The way back first, and only then the rest. */
static bool lay_way_back(struct job *j)
{
    static unsigned char frame[CTL_FRAME_BYTES];
    size_t bytes;
    j->frame = ctl_arch_frame(&j->saved, &j->anew, j->target->restorer, frame, &bytes);
    return write_to(j, j->frame, frame, bytes);
}

static void fill_stub(const struct job *j, struct ctl_stub *stub)
{
    const struct ctl_target *t = j->target;
    bool load = t->library == 0, in_memory = load && !t->library_seen;
    *stub = (struct ctl_stub){
        .errno_location = t->__errno_location,
        .memfd_create = in_memory ? t->memfd_create : 0,
        .dlopen = load ? t->dlopen : 0,
        .dlerror = t->dlerror,
        .close = t->close,
        .munmap = t->munmap,
        .base = t->library,
        .entry = t->entry,
        .request = j->block + sizeof(struct ctl_stub_result),
        .result = j->block,
        .frame = j->frame,
        .block = j->block,
        .block_bytes = STACK_BYTES,
        .code = j->code,
        .code_bytes = CODE_BYTES,
        .restorer = t->restorer,
    };
    if (load)
        snprintf(stub->path, sizeof(stub->path), "%.*s", (int)sizeof(stub->path) - 1,
                 in_memory ? NAME_IN_MEMORY : t->library_path);
}

/* The code and its data, the entry's argument, and a stack that ends where the block does. */
static bool fill(struct job *j)
{
    size_t size;
    const void *code = ctl_arch_stub(&size);
    struct ctl_stub stub;
    fill_stub(j, &stub);
    return write_to(j, j->code, code, size) && write_to(j, j->code + size, &stub, sizeof(stub)) &&
           write_to(j, stub.request, &j->request->settings, sizeof(j->request->settings));
}

static enum ctl_exit prepare(struct job *j)
{
    if (!lay_way_back(j))
        return refuse(j, "the stack of its thread has no room");
    j->code = map(j, CODE_BYTES, PROT_READ | PROT_EXEC);
    if (j->code == 0)
        return refuse(j, j->why);
    j->block = map(j, STACK_BYTES, PROT_READ | PROT_WRITE);
    if (j->block == 0)
        return refuse(j, j->why);
    return fill(j) ? CTL_OK : refuse(j, "its memory cannot be written to");
}

/* ---- the library from memory -------------------------------------------------------------------
 */

static bool copy_library(const struct job *j, int to)
{
    int from = open(j->target->library_path, O_RDONLY | O_CLOEXEC);
    char bytes[65536];
    ssize_t n = -1;
    while (from >= 0 && (n = read(from, bytes, sizeof(bytes))) > 0)
        if (write(to, bytes, (size_t)n) != n) {
            n = -1;
            break;
        }
    if (from >= 0)
        close(from);
    return n == 0;
}

/* The thread has made a file in memory, FD: puts the library there, and its name in the way. */
static bool fill_memory_file(const struct job *j, int fd)
{
    size_t size;
    char path[64];
    ctl_arch_stub(&size);
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", j->target->pid, fd);
    int to = open(path, O_WRONLY | O_CLOEXEC);
    bool done = to >= 0 && copy_library(j, to);
    if (to >= 0)
        close(to);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return done &&
           write_to(j, j->code + size + offsetof(struct ctl_stub, path), path, strlen(path) + 1);
}

/* ---- running ----------------------------------------------------------------------------------
 */

/* The text at ADDRESS, which the loader wrote. */
static void read_text(const struct job *j, uint64_t address, char *out, size_t cap)
{
    ssize_t n = pread(j->target->memory, out, cap - 1, (off_t)address);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

/* Waits for a lock of the loader's, which dlopen takes before it does anything. */
static bool waits_for_loader(const struct job *j, const ctl_regs *regs)
{
    uint64_t a[6];
    ctl_arch_arguments(regs, a);
    return ctl_arch_call(regs) == SYS_futex && a[0] >= j->target->loader_data.begin &&
           a[0] < j->target->loader_data.end;
}

/* It may have done more than wait for a lock by the time that it stops. */
static enum ctl_stop stop_running(struct job *j)
{
    int signal = 0;
    ctl_regs regs;
    j->tracee.deadline_ns = CTL_UNDISTURBED;
    if (ptrace(PTRACE_INTERRUPT, j->tracee.tid, NULL, NULL) != 0)
        return CTL_STOP_GONE;
    enum ctl_stop stop = ctl_tracee_wait(&j->tracee, &signal);
    if (stop == CTL_STOP_CALL &&
        (!ctl_arch_get_regs(j->tracee.tid, &regs) || ctl_arch_call(&regs) != SYS_futex))
        j->only_locks = false;
    if (stop == CTL_STOP_CALL || passes_on(stop, signal))
        stop = ctl_tracee_stop_again(&j->tracee, stop == CTL_STOP_SIGNAL ? signal : 0);
    return stop;
}

/* Past the deadline. What has begun in earnest cannot be taken back, and need not: the thread finds
 * its own way. */
static enum ctl_exit give_up(struct job *j)
{
    ctl_regs regs;
    const char *why = ctl_thread_told_to_end() ? "interrupted" : "it took too long";
    enum ctl_stop stop = stop_running(j);
    if ((stop == CTL_STOP_ASKED || stop == CTL_STOP_OTHER) && j->only_locks &&
        ctl_arch_get_regs(j->tracee.tid, &regs) && waits_for_loader(j, &regs)) {
        undo(j);
        ctl_say(j->err,
                "%s: another thread of process %d holds the dynamic loader's lock; nothing was "
                "changed",
                why, j->target->pid);
        return CTL_REFUSED;
    }
    ctl_tracee_release(&j->tracee);
    ctl_say(j->err, "%s: process %d is still loading the library, and goes on with that", why,
            j->target->pid);
    return CTL_REFUSED;
}

/* The thread begins a system call of our code. True: it is the last one. */
static bool at_call(struct job *j, const ctl_regs *regs)
{
    uint64_t a[6];
    long number = ctl_arch_call(regs);
    ctl_arch_arguments(regs, a);
    j->calls++;
    if (number != SYS_futex)
        j->only_locks = false;
    if (number != SYS_munmap)
        return false;
    if (a[0] == j->block) {
        if (!ctl_elf_read(j->target->memory, j->block, &j->result, sizeof(j->result)))
            memset(&j->result, 0, sizeof(j->result));
        if (j->result.error != 0)
            read_text(j, j->result.error, j->error, sizeof(j->error));
        j->block = 0;
    }
    return a[0] == j->code;
}

static bool at_end_of_call(struct job *j, const ctl_regs *regs, bool *filled)
{
    if (ctl_arch_call(regs) == SYS_clone3 || ctl_arch_call(regs) == SYS_clone)
        j->worker = ctl_arch_result(regs);
    if (ctl_arch_call(regs) != SYS_memfd_create || *filled)
        return true;
    *filled = true;
    return ctl_arch_result(regs) >= 0 && fill_memory_file(j, (int)ctl_arch_result(regs));
}

/* Something in our code failed as only code can. */
static enum ctl_exit crashed(struct job *j, int signal)
{
    char why[128];
    snprintf(why, sizeof(why),
             "the library was stopped by signal %d while it was loaded; the "
             "thread was put back as it was",
             signal);
    undo(j);
    return refuse(j, why);
}

/* Until the thread is about to come back. CTL_OK: it is at the end of its last call. */
static enum ctl_exit run(struct job *j)
{
    ctl_regs regs = j->saved.regs;
    bool last = false, filled = j->target->library != 0 || j->target->library_seen;
    int signal = 0;
    ctl_arch_make_jump(&regs, j->code, j->block + STACK_BYTES - 64);
    j->only_locks = true;
    if (!ctl_arch_set_regs(j->tracee.tid, &regs))
        return refuse(j, "its thread is gone");
    for (;;) {
        enum ctl_stop stop = run_on(j, &signal);
        if (stop == CTL_STOP_NONE)
            return give_up(j);
        if (stop == CTL_STOP_GONE)
            return refuse(j, "its thread has ended");
        if (stop == CTL_STOP_SIGNAL)
            return crashed(j, signal);
        if (!ctl_arch_get_regs(j->tracee.tid, &regs))
            continue;
        if (ctl_tracee_enters(&j->tracee))
            last = at_call(j, &regs);
        else if (last)
            return CTL_OK;
        else if (!at_end_of_call(j, &regs, &filled))
            filled = true; /* dlopen will say what is wrong */
    }
}

static enum ctl_exit outcome(const struct job *j, uint64_t *status)
{
    *status = j->result.status;
    if (*status != 0)
        return CTL_OK;
    return refuse(j, j->error[0] != '\0' ? j->error
                                         : "somebody else has attached to it meanwhile: it is "
                                           "watched already, or will be");
}

bool ctl_inject_interrupted(void)
{
    return ctl_thread_told_to_end();
}

enum ctl_exit ctl_inject(struct ctl_target *target, const struct ctl_inject_request *request,
                         uint64_t *status, struct ctl_inject_times *times, FILE *err)
{
    uint64_t begin = ctl_clock_ns(CLOCK_MONOTONIC);
    struct job j = {.target = target, .request = request, .err = err};
    enum ctl_exit result =
        ctl_thread_borrow(target, begin + request->timeout_ns, &j.tracee, &j.saved, &j.anew, err);
    if (result != CTL_OK)
        return result;
    begin = ctl_clock_ns(CLOCK_MONOTONIC);
    result = ctl_confined_examine(target, j.tracee.tid, request->force, err);
    if (result == CTL_OK)
        result = prepare(&j);
    if (result != CTL_OK) {
        undo(&j);
        return result;
    }
    result = run(&j);
    if (result == CTL_OK && !give_back(&j))
        result = refuse(&j, "its thread has ended");
    *times = (struct ctl_inject_times){
        .stopped = ctl_clock_ns(CLOCK_MONOTONIC) - begin,
        .calls = j.calls,
        .tid = j.tracee.tid,
        .worker = ctl_threads_find(&target->proc, j.worker),
    };
    return result == CTL_OK ? outcome(&j, status) : result;
}
