/* SPDX-License-Identifier: MIT */
/*
 * Finding and stopping a thread. See inject_thread.h.
 */
#include "ctl/inject_thread.h"

#include "ctl/inject_calls.h"
#include "ctl/inject_elf.h"
#include "ctl/priority.h"
#include "ctl/threads.h"
#include "ctl/yama.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS_NS 1000000ull

/* A thread that runs is followed from call to call for so long, and so many stops. */
#define FOLLOW_NS    (20 * MS_NS)
#define FOLLOW_STOPS 400u

/* So much of a stack is looked at for a signal's handler. */
#define STACK_BYTES 65536u

/* Taken of a stack beside the vector state: the red zone, the frame's other parts, and a call. */
#define ROOM_BYTES 2048u

/* In which a thread that is let go, and of priority, gets a processor. */
#define RESUME_NS 50000l

#define PAUSE_NS (2 * MS_NS) /* between one round over all threads and the next */

/* Somebody who traces a thread may let go of it just before we look who that is. */
#define LET_GO_MAX 50u

/* ---- waiting ----------------------------------------------------------------------------------
 */

static volatile sig_atomic_t told_to_end;

static void note_signal(int number)
{
    if (number != SIGALRM)
        told_to_end = 1;
}

/* The timer ends a waitpid() that began just after a signal came, or lasts too long. */
static void catch_signals(void)
{
    const struct sigaction action = {.sa_handler = note_signal};
    const struct itimerval tick = {{0, 20000}, {0, 20000}};
    const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM};
    for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaction(signals[i], &action, NULL);
    setitimer(ITIMER_REAL, &tick, NULL);
}

bool ctl_thread_told_to_end(void)
{
    return told_to_end != 0;
}

static enum ctl_stop kind_of(int status, int *number)
{
    if (!WIFSTOPPED(status))
        return CTL_STOP_GONE;
    *number = WSTOPSIG(status);
    if (*number == (SIGTRAP | 0x80))
        return CTL_STOP_CALL;
    if (status >> 16 == PTRACE_EVENT_STOP)
        return *number == SIGTRAP ? CTL_STOP_ASKED : CTL_STOP_OTHER;
    return CTL_STOP_SIGNAL;
}

enum ctl_stop ctl_tracee_wait(const struct ctl_tracee *tracee, int *number)
{
    int status;
    for (;;) {
        pid_t got = waitpid(tracee->tid, &status, __WALL);
        if (got == tracee->tid)
            return kind_of(status, number);
        if (got < 0 && errno != EINTR)
            return CTL_STOP_GONE;
        if (tracee->deadline_ns == CTL_UNDISTURBED)
            continue; /* nobody may be left as it is now */
        if (told_to_end || ctl_clock_ns(CLOCK_MONOTONIC) > tracee->deadline_ns)
            return CTL_STOP_NONE;
    }
}

/* Lets it go on from a stop, with a signal, to be stopped again. Asked for each time: any stop
 * makes the kernel forget that it was. Where the process is stopped that is as good a place. */
static enum ctl_stop ask_again(const struct ctl_tracee *tracee, int deliver)
{
    int number = 0;
    enum ctl_stop stop = CTL_STOP_CALL;
    while (stop == CTL_STOP_CALL || stop == CTL_STOP_SIGNAL) {
        if (ptrace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL) != 0 ||
            ptrace(PTRACE_CONT, tracee->tid, NULL, (long)deliver) != 0)
            return CTL_STOP_GONE;
        stop = ctl_tracee_wait(tracee, &number);
        deliver = stop == CTL_STOP_SIGNAL ? number : 0;
    }
    return stop;
}

/* Some calls give EINTR whenever their thread is stopped (epoll_wait, receiving with a time limit).
 * They are to begin anew unless a handler runs. Told to the kernel at once: whatever becomes of us
 * then, the program does not see it. */
static enum ctl_stop keep_call(const struct ctl_tracee *tracee, enum ctl_stop stop)
{
    ctl_regs regs;
    uint64_t a[6];
    if (stop != CTL_STOP_ASKED || !ctl_arch_get_regs(tracee->tid, &regs) ||
        ctl_arch_result(&regs) != -EINTR || !ctl_arch_at_call(tracee->target->memory, &regs))
        return stop;
    ctl_arch_arguments(&regs, a);
    if (ctl_calls_rank(tracee->target->memory, ctl_arch_call(&regs), a) < CTL_RANK_RUNS &&
        ctl_arch_begin_anew(&regs, tracee->first))
        ctl_arch_set_regs(tracee->tid, &regs);
    return stop;
}

enum ctl_stop ctl_tracee_stop(const struct ctl_tracee *tracee)
{
    int number = 0;
    if (ptrace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL) != 0)
        return CTL_STOP_GONE;
    enum ctl_stop stop = ctl_tracee_wait(tracee, &number);
    if (stop == CTL_STOP_CALL || stop == CTL_STOP_SIGNAL)
        stop = ask_again(tracee, stop == CTL_STOP_SIGNAL ? number : 0);
    return keep_call(tracee, stop);
}

enum ctl_stop ctl_tracee_stop_again(const struct ctl_tracee *tracee, int deliver)
{
    return keep_call(tracee, ask_again(tracee, deliver));
}

bool ctl_tracee_enters(const struct ctl_tracee *tracee)
{
    struct __ptrace_syscall_info info = {0};
    return ptrace(PTRACE_GET_SYSCALL_INFO, tracee->tid, sizeof(info), &info) > 0 &&
           info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

/* It is to be back at work before it has to queue for the processor like the rest again. */
void ctl_tracee_release(const struct ctl_tracee *tracee)
{
    ptrace(PTRACE_DETACH, tracee->tid, NULL, NULL);
    if (tracee->lender != 0)
        nanosleep(&(struct timespec){.tv_nsec = RESUME_NS}, NULL);
    ctl_priority_take_back(tracee->lender);
}

/* ---- which ------------------------------------------------------------------------------------
 */

struct candidate {
    pid_t tid;
    enum ctl_rank rank;
    uint64_t first; /* as in struct ctl_tracee */
};

static bool within(const struct ctl_range *range, uint64_t address)
{
    return address >= range->begin && address < range->end;
}

/* Reads what thread TID waits in; where that is epoll_pwait, *FIRST is the call's first argument. A
 * thread of ours, or one that is ending, is never taken. */
static enum ctl_rank look_at(const struct ctl_target *t, pid_t tid, uint64_t *first)
{
    char path[64], text[256];
    uint64_t a[6], sp, pc;
    long number;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", t->pid, tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return CTL_RANK_NEVER;
    text[n] = '\0';
    if (strncmp(text, "running", 7) == 0)
        return CTL_RANK_RUNS;
    if (sscanf(text, "%ld %lx %lx %lx %lx %lx %lx %lx %lx", &number, &a[0], &a[1], &a[2], &a[3],
               &a[4], &a[5], &sp, &pc) != 9 ||
        !within(&t->libc_text, pc))
        return CTL_RANK_NEVER;
    if (number == SYS_epoll_pwait)
        *first = a[0];
    return ctl_calls_rank(t->memory, number, a);
}

static int by_rank(const void *a, const void *b)
{
    return (int)((const struct candidate *)a)->rank - (int)((const struct candidate *)b)->rank;
}

static struct candidate *list_threads(const struct ctl_target *t, size_t *count)
{
    char path[32];
    struct candidate *list = NULL;
    snprintf(path, sizeof(path), "/proc/%d/task", t->pid);
    DIR *dir = opendir(path);
    *count = 0;
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (!isdigit((unsigned char)entry->d_name[0]) || ctl_threads_is_ours(t->pid, tid))
            continue;
        list = ctl_grow(list, *count + 1, sizeof(*list));
        struct candidate *last = &list[(*count)++];
        *last = (struct candidate){.tid = tid, .first = CTL_FIRST_UNKNOWN};
        last->rank = look_at(t, tid, &last->first);
    }
    if (dir != NULL)
        closedir(dir);
    if (*count > 0)
        qsort(list, *count, sizeof(*list), by_rank);
    return list;
}

/* ---- stopping it where it may be borrowed -----------------------------------------------------
 */

/* Is a handler of a signal under way? Whatever it interrupted may be inside malloc. What is found
 * may be left over from an earlier one; then another thread has to do. */
static bool in_handler(const struct ctl_target *t, uint64_t sp)
{
    static uint64_t stack[STACK_BYTES / sizeof(uint64_t)];
    ssize_t got = pread(t->memory, stack, sizeof(stack), (off_t)sp);
    for (ssize_t i = 0; i < got / (ssize_t)sizeof(stack[0]); i++)
        if (stack[i] == t->restorer &&
            ctl_arch_is_frame(stack + i, (size_t)(got / (ssize_t)sizeof(stack[0]) - i),
                              sp + (uint64_t)i * sizeof(stack[0])))
            return true;
    return false;
}

/* Is the thread, stopped, in a call that it may be borrowed from? At its end, or broken off. */
static bool may_be_borrowed(const struct ctl_tracee *tracee, const ctl_regs *regs,
                            enum ctl_rank worst)
{
    uint64_t a[6];
    long number = ctl_arch_call(regs);
    ctl_arch_arguments(regs, a);
    return number >= 0 && ctl_calls_rank(tracee->target->memory, number, a) <= worst &&
           ctl_arch_at_call(tracee->target->memory, regs) &&
           within(&tracee->target->libc_text, ctl_arch_pc(regs)) &&
           !in_handler(tracee->target, ctl_arch_sp(regs));
}

/* One step of a thread that is followed: to its next stop, with the signal that it was about to be
 * sent, if that is where it is. */
static enum ctl_stop next_stop(const struct ctl_tracee *tracee, enum ctl_stop at, int *number)
{
    long deliver = at == CTL_STOP_SIGNAL ? *number : 0;
    if (ptrace(PTRACE_SYSCALL, tracee->tid, NULL, deliver) != 0)
        return CTL_STOP_GONE;
    return ctl_tracee_wait(tracee, number);
}

/* Follows a thread that runs to where it begins such a call, and stops it in that. */
static bool follow(struct ctl_tracee *tracee, ctl_regs *regs)
{
    struct ctl_tracee brief = *tracee;
    uint64_t a[6];
    int number = 0;
    enum ctl_stop stop = CTL_STOP_ASKED;
    brief.deadline_ns = ctl_clock_ns(CLOCK_MONOTONIC) + FOLLOW_NS;
    for (unsigned i = 0; i < FOLLOW_STOPS && stop != CTL_STOP_NONE && stop != CTL_STOP_GONE; i++) {
        stop = next_stop(&brief, stop, &number);
        if (stop == CTL_STOP_CALL && ctl_tracee_enters(tracee) &&
            ctl_arch_get_regs(tracee->tid, regs) && may_be_borrowed(tracee, regs, CTL_RANK_ANEW)) {
            ctl_arch_arguments(regs, a);
            tracee->first = a[0];
            return ctl_tracee_stop_again(tracee, 0) == CTL_STOP_ASKED &&
                   ctl_arch_get_regs(tracee->tid, regs) &&
                   may_be_borrowed(tracee, regs, CTL_RANK_ANEW);
        }
        if (ctl_clock_ns(CLOCK_MONOTONIC) > brief.deadline_ns)
            break;
    }
    if (stop == CTL_STOP_SIGNAL) /* nothing is to be lost */
        ptrace(PTRACE_DETACH, tracee->tid, NULL, (long)number);
    if (stop == CTL_STOP_NONE)
        ctl_tracee_stop(tracee);
    return false;
}

/* Is there stack below SP for the frame, and for what runs there? Page by page from above, as a
 * stack grows, which the first of these reads has it do; it would be let into a guard page, too. */
static bool has_room(const struct ctl_tracee *tracee, const struct ctl_state *state)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), sp = ctl_arch_sp(&state->regs);
    const uint64_t lowest = sp - state->vector_bytes - ROOM_BYTES;
    for (uint64_t at = sp; at >= lowest / page * page; at = at / page * page - 1) {
        char byte;
        struct iovec here = {&byte, 1}, there = {(void *)(uintptr_t)at, 1};
        if (!ctl_elf_read(tracee->target->memory, at, &byte, 1) ||
            process_vm_readv(tracee->target->pid, &here, 1, &there, 1, 0) != 1)
            return false;
    }
    return true;
}

/* The thread has been traced: stopped, and let go where that was of no use. One that runs is lent
 * no priority for that: it may go on computing for as long as it is followed. */
static bool borrow(struct ctl_tracee *tracee, enum ctl_rank rank, struct ctl_state *state)
{
    uint64_t mask;
    ctl_regs regs;
    tracee->lender = rank == CTL_RANK_RUNS ? 0 : ctl_priority_lend(tracee->tid);
    bool done = ctl_tracee_stop(tracee) == CTL_STOP_ASKED && ctl_arch_get_regs(tracee->tid, &regs);
    if (done && rank == CTL_RANK_RUNS)
        done = follow(tracee, &regs);
    else
        done = done && may_be_borrowed(tracee, &regs, rank);
    done = done && ctl_arch_get(tracee->tid, state) && has_room(tracee, state) &&
           ptrace(PTRACE_GETSIGMASK, tracee->tid, sizeof(mask), &mask) == 0;
    if (!done) {
        ctl_tracee_release(tracee);
        return false;
    }
    state->mask = mask;
    ctl_priority_raise();
    if (tracee->lender == 0)
        tracee->lender = ctl_priority_lend(tracee->tid);
    return true;
}

/* Why no thread may be traced. */
struct refusal {
    int error;       /* 0: none was refused */
    pid_t tracer;    /* who traces one; 0: nobody, any more */
    unsigned let_go; /* how often that was so: they may be tried again */
};

/* One that is ending may not be, either, which is no refusal. */
static void note_refusal(pid_t pid, pid_t tid, int error, struct refusal *out)
{
    char path[64], line[256], state = 'X';
    out->error = error;
    out->tracer = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "State: %c", &state) == 1 ||
            sscanf(line, "TracerPid: %d", &out->tracer) == 1)
            continue;
    if (file != NULL)
        fclose(file);
    bool ended = state == 'X' || state == 'Z';
    if (ended || (error == EPERM && out->tracer == 0 && out->let_go++ < LET_GO_MAX))
        out->error = 0;
}

/* Each of hundreds that never wait takes its time: the deadline is kept between them, too. */
static bool try_threads(const struct ctl_target *target, enum ctl_rank worst,
                        struct ctl_tracee *tracee, struct ctl_state *state, struct refusal *refusal)
{
    size_t count;
    struct candidate *list = list_threads(target, &count);
    bool done = false;
    for (size_t i = 0;
         i < count && !done && !told_to_end && ctl_clock_ns(CLOCK_MONOTONIC) < tracee->deadline_ns;
         i++) {
        if (list[i].rank == CTL_RANK_NEVER ||
            (list[i].rank == CTL_RANK_ANEW && worst < CTL_RANK_ANEW))
            continue;
        tracee->tid = list[i].tid;
        tracee->first = list[i].first;
        if (ptrace(PTRACE_SEIZE, tracee->tid, NULL, PTRACE_O_TRACESYSGOOD) == 0)
            done = borrow(tracee, list[i].rank, state);
        else if (errno != ESRCH)
            note_refusal(target->pid, tracee->tid, errno, refusal);
    }
    free(list);
    return done;
}

static enum ctl_exit explain(const struct ctl_target *target, const struct refusal *refusal,
                             FILE *err)
{
    const int error = refusal->error;
    struct ctl_proc tracer = {0};
    const char *leaves = ctl_yama_leaves(ctl_yama_scope());
    if (error == ESRCH) {
        ctl_say(err, "process %d has ended", target->pid);
        return CTL_NOTHING;
    }
    if (told_to_end)
        ctl_say(err, "interrupted: process %d is as it was", target->pid);
    else if (refusal->tracer != 0)
        ctl_say(err, "process %d is being traced by process %d%s%s: end that first, or let it end",
                target->pid, refusal->tracer, ctl_proc_read(refusal->tracer, &tracer) ? ", " : "",
                tracer.exe);
    else if (error == EPERM && leaves != NULL)
        ctl_say(
            err,
            "process %d may not be traced: kernel.yama.ptrace_scope is %d, which leaves that to "
            "%s",
            target->pid, ctl_yama_scope(), leaves);
    else if (error != 0)
        ctl_say(err, "process %d may not be traced: %s", target->pid, strerror(error));
    else
        ctl_say(err,
                "no thread of process %d was found waiting in a system call, where it could be "
                "borrowed: process %d is as it was. Try again, or with a longer --timeout",
                target->pid, target->pid);
    return CTL_REFUSED;
}

/* What begins a time limit anew is taken only where nothing better has come in half the time. */
enum ctl_exit ctl_thread_borrow(const struct ctl_target *target, uint64_t deadline_ns,
                                struct ctl_tracee *tracee, struct ctl_state *state, ctl_regs *anew,
                                FILE *err)
{
    uint64_t begin = ctl_clock_ns(CLOCK_MONOTONIC);
    uint64_t half = begin + (deadline_ns - begin) / 2;
    uint64_t a[6];
    struct refusal refusal = {0};
    struct ctl_proc proc;
    *tracee = (struct ctl_tracee){.target = target, .deadline_ns = deadline_ns};
    catch_signals();
    for (uint64_t now = begin; now < deadline_ns && refusal.error == 0 && !told_to_end;
         now = ctl_clock_ns(CLOCK_MONOTONIC)) {
        if (try_threads(target, now < half ? CTL_RANK_FUTEX : CTL_RANK_ANEW, tracee, state,
                        &refusal)) {
            ctl_arch_arguments(&state->regs, a);
            *anew = ctl_arch_resume(
                &state->regs, ctl_calls_begun(target->memory, ctl_arch_call(&state->regs), a));
            return CTL_OK;
        }
        if (!ctl_proc_read(target->pid, &proc))
            refusal.error = ESRCH;
        ctl_priority_lower(); /* while there is nobody to be kept waiting */
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    return explain(target, &refusal, err);
}
