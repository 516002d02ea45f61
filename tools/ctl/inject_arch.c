/* SPDX-License-Identifier: MIT */
/*
 * What injection does alike on each machine; see inject_arch.h.
 */
#include "ctl/inject_arch.h"

#include <sys/ptrace.h>
#include <sys/uio.h>

/* In the machine's file. Hidden, so that none goes through the GOT: there the linker gives all
 * local symbols of one section the same entry, whatever their offsets. */
extern const char ctl_stub_begin[] __attribute__((visibility("hidden")));
extern const char ctl_stub_end[] __attribute__((visibility("hidden")));

const void *ctl_arch_stub(size_t *size)
{
    *size = (size_t)(ctl_stub_end - ctl_stub_begin);
    return ctl_stub_begin;
}

static bool get_set(int request, pid_t tid, uintptr_t type, void *data, size_t *bytes)
{
    struct iovec iov = {data, *bytes};
    bool done = ptrace((enum __ptrace_request)request, tid, type, &iov) == 0;
    *bytes = iov.iov_len;
    return done;
}

bool ctl_arch_get_regs(pid_t tid, ctl_regs *regs)
{
    size_t bytes = sizeof(*regs);
    return get_set(PTRACE_GETREGSET, tid, NT_PRSTATUS, regs, &bytes);
}

/* At a system call's beginning or end the number is a register set of its own on arm64: -1, none.
 */
bool ctl_arch_set_regs(pid_t tid, const ctl_regs *regs)
{
    ctl_regs copy = *regs;
    size_t bytes = sizeof(copy);
    return get_set(PTRACE_SETREGSET, tid, NT_PRSTATUS, &copy, &bytes);
}

bool ctl_arch_get(pid_t tid, struct ctl_state *state)
{
    state->vector_bytes = sizeof(state->vector);
    return ctl_arch_get_regs(tid, &state->regs) &&
           get_set(PTRACE_GETREGSET, tid, CTL_VECTOR_SET, state->vector, &state->vector_bytes);
}

/* The registers last: with them the thread is itself again. */
bool ctl_arch_set(pid_t tid, const struct ctl_state *state)
{
    struct ctl_state copy = *state;
    return get_set(PTRACE_SETREGSET, tid, CTL_VECTOR_SET, copy.vector, &copy.vector_bytes) &&
           ptrace(PTRACE_SETSIGMASK, tid, sizeof(copy.mask), &copy.mask) == 0 &&
           ctl_arch_set_regs(tid, &copy.regs);
}
