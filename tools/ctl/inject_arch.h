/* SPDX-License-Identifier: MIT */
/*
 * What injecting code depends on the machine for: a thread's registers, the frame by which the
 * kernel gives them back to it, and the code that the thread runs. One file a machine,
 * inject_MACHINE.c, and inject_arch.c for what all have alike; sources are the kernel's signal_64.c
 * and signal.c of those machines.
 */
#ifndef CTL_INJECT_ARCH_H
#define CTL_INJECT_ARCH_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#if defined(__x86_64__)
typedef struct user_regs_struct ctl_regs;
#define CTL_VECTOR_SET NT_X86_XSTATE
#else
#include <asm/ptrace.h>
typedef struct user_pt_regs ctl_regs;
/* What a function keeps of the vector registers is in the low 64 bits of eight of them, and its
 * callers are between calls: SVE's longer ones hold nothing then. */
#define CTL_VECTOR_SET NT_PRFPREG
#endif

#define CTL_STATE_VECTOR 16384u /* AVX-512 needs 2.7 KiB, AMX 11 */
#define CTL_FRAME_BYTES  (CTL_STATE_VECTOR + 2048u)

/* All that makes a stopped thread what it is. */
struct ctl_state {
    ctl_regs regs;
    size_t vector_bytes;
    uint64_t mask; /* of signals */
    /* Of x86-64: the kernel's own layout for signal frames. */
    _Alignas(64) unsigned char vector[CTL_STATE_VECTOR];
};

/* What the thread's code finds beside itself. Addresses are the process'. Order and size are known
 * to the code of each machine. */
struct ctl_stub {
    uint64_t errno_location, memfd_create, dlopen, dlerror, close, munmap; /* libc's */
    uint64_t base;    /* of the library, where it is loaded already: `dlopen` is 0 then */
    uint64_t entry;   /* from that base */
    uint64_t request; /* the entry's argument */
    uint64_t result;  /* struct ctl_stub_result */
    uint64_t frame;   /* on the thread's own stack */
    uint64_t block, block_bytes, code, code_bytes; /* are unmapped at the end */
    uint64_t restorer;                             /* struct ctl_target's */
    char path[2048]; /* what to load; the name of the memory file before it is made */
};

struct ctl_stub_result {
    uint64_t handle; /* as dlopen gave it */
    uint64_t status; /* as the entry gave it */
    uint64_t error;  /* as dlerror gave it */
};

/* The code: SIZE bytes, position-independent, with room for struct ctl_stub right behind it. Run
 * from its first byte with the stack pointer at the end of free memory, aligned to 16. It ends in
 * FRAME. */
const void *ctl_arch_stub(size_t *size);

/* Registers of a stopped thread, in all or without vectors. False where the thread is gone. */
bool ctl_arch_get(pid_t tid, struct ctl_state *state);
bool ctl_arch_set(pid_t tid, const struct ctl_state *state);
bool ctl_arch_get_regs(pid_t tid, ctl_regs *regs);
bool ctl_arch_set_regs(pid_t tid, const ctl_regs *regs);

uint64_t ctl_arch_pc(const ctl_regs *regs);
uint64_t ctl_arch_sp(const ctl_regs *regs);

/* Is a thread that was stopped by PTRACE_INTERRUPT in a system call, at its end or broken off?
 * MEMORY is its process'. */
bool ctl_arch_at_call(int memory, const ctl_regs *regs);

/* The system call that a thread with REGS makes; with which arguments (of a call that
 * is over the first may be lost); and what it gave. */
long ctl_arch_call(const ctl_regs *regs);
void ctl_arch_arguments(const ctl_regs *regs, uint64_t a[6]);
long ctl_arch_result(const ctl_regs *regs);

#define CTL_FIRST_UNKNOWN UINT64_MAX

/* REGS are of a thread that was stopped in a system call, whose first argument was FIRST, and which
 * gave EINTR for that. Makes it a call that the kernel begins anew. False: that cannot be done. */
bool ctl_arch_begin_anew(ctl_regs *regs, uint64_t first);

/* REGS are of a thread that was stopped in a system call, which had begun as NUMBER. Returns those
 * that begin the call anew where a frame gives them back; of a call that was over, REGS. */
ctl_regs ctl_arch_resume(const ctl_regs *regs, long number);

/* Makes REGS call FUNCTION(A[0] ... A[5]) on a stack at SP, to return to RETURN_TO. */
void ctl_arch_make_call(ctl_regs *regs, uint64_t function, const uint64_t a[6], uint64_t sp,
                        uint64_t return_to);

/* Makes REGS go to the code at PC with the stack at SP. */
void ctl_arch_make_jump(ctl_regs *regs, uint64_t pc, uint64_t sp);

/*
 * Writes to OUT the frame from which the kernel restores STATE, with REGS in place of its own, when
 * a function that returns to RESTORER returns with the stack at the frame. It is to lie at the
 * address returned, below SP and what is in use there; *BYTES is its size.
 */
uint64_t ctl_arch_frame(const struct ctl_state *state, const ctl_regs *regs, uint64_t restorer,
                        unsigned char out[CTL_FRAME_BYTES], size_t *bytes);

/* Is what stands in WORDS, COUNT of them from address AT on, a frame that the kernel has made for a
 * signal's handler? Its first word is the restorer. What is left of an old one, and has been
 * written over, is none. */
bool ctl_arch_is_frame(const uint64_t *words, size_t count, uint64_t at);

/* Finds the code that ends signal handlers among BYTES of code; their offset, or -1. */
long ctl_arch_find_restorer(const unsigned char *code, size_t bytes);

#endif
