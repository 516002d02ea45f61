/* SPDX-License-Identifier: MIT */
/*
 * Injection on arm64; see inject_arch.h.
 */
#if defined(__aarch64__)

#include "ctl/inject_arch.h"

#include <asm/sigcontext.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INSTRUCTION 4u
#define SYSTEM_CALL 0xd4000001u /* svc #0 */

/* ---- the code -------------------------------------------------------------------------------- */

/* struct ctl_stub lies behind it, at ctl_stub_end. x19: there; x20, w21: errno's place and value;
 * x22: the frame; w23: the memory file. */
__asm__(".pushsection .text\n"
        ".globl ctl_stub_begin, ctl_stub_end\n"
        ".hidden ctl_stub_begin, ctl_stub_end\n"
        ".balign 8\n"
        "ctl_stub_begin:\n"
        "    adr x19, ctl_stub_end\n"
        "    ldr x9, [x19, #0]\n"
        "    blr x9\n"
        "    mov x20, x0\n"
        "    ldr w21, [x0]\n"
        "    mov w23, #-1\n"
        "    ldr x9, [x19, #8]\n"
        "    cbz x9, 1f\n"
        "    add x0, x19, #128\n"
        "    mov x1, #1\n" /* MFD_CLOEXEC */
        "    blr x9\n"
        "    mov w23, w0\n"
        "1:  ldr x0, [x19, #48]\n"
        "    ldr x9, [x19, #16]\n"
        "    cbz x9, 2f\n"
        "    add x0, x19, #128\n"
        "    mov x1, #2\n" /* RTLD_NOW, local */
        "    blr x9\n"
        "    ldr x10, [x19, #72]\n"
        "    str x0, [x10, #0]\n"
        "    cbz x0, 3f\n"
        "    ldr x0, [x0]\n" /* struct link_map, l_addr */
        "2:  ldr x10, [x19, #56]\n"
        "    add x9, x0, x10\n"
        "    ldr x0, [x19, #64]\n"
        "    blr x9\n"
        "    ldr x10, [x19, #72]\n"
        "    str x0, [x10, #8]\n"
        "    b 4f\n"
        "3:  ldr x9, [x19, #24]\n"
        "    blr x9\n"
        "    ldr x10, [x19, #72]\n"
        "    str x0, [x10, #16]\n"
        "4:  tbnz w23, #31, 5f\n"
        "    mov w0, w23\n"
        "    ldr x9, [x19, #32]\n"
        "    blr x9\n"
        "5:  str w21, [x20]\n"
        "    ldr x22, [x19, #80]\n"
        "    mov sp, x22\n"
        "    ldp x0, x1, [x19, #88]\n"
        "    ldr x9, [x19, #40]\n"
        "    blr x9\n"
        "    ldr x30, [x19, #120]\n"
        "    ldr x0, [x19, #104]\n"
        "    ldr x1, [x19, #112]\n"
        "    ldr x16, [x19, #40]\n"
        "    br x16\n"
        "    .balign 8\n"
        "ctl_stub_end:\n"
        "    .popsection\n");

_Static_assert(offsetof(struct ctl_stub, munmap) == 40 && offsetof(struct ctl_stub, base) == 48 &&
                   offsetof(struct ctl_stub, result) == 72 &&
                   offsetof(struct ctl_stub, code_bytes) == 112 &&
                   offsetof(struct ctl_stub, restorer) == 120 &&
                   offsetof(struct ctl_stub, path) == 128,
               "the code has these places in it");

/* ---- registers ------------------------------------------------------------------------------- */

uint64_t ctl_arch_pc(const ctl_regs *regs)
{
    return regs->pc;
}

uint64_t ctl_arch_sp(const ctl_regs *regs)
{
    return regs->sp;
}

/* Just behind the instruction that makes a system call, or back at it, x8 has the number. */
bool ctl_arch_at_call(int memory, const ctl_regs *regs)
{
    uint32_t code[2];
    return pread(memory, code, sizeof(code), (off_t)(regs->pc - INSTRUCTION)) == sizeof(code) &&
           (code[0] == SYSTEM_CALL || code[1] == SYSTEM_CALL);
}

long ctl_arch_call(const ctl_regs *regs)
{
    return (long)regs->regs[8];
}

long ctl_arch_result(const ctl_regs *regs)
{
    return (long)regs->regs[0];
}

void ctl_arch_arguments(const ctl_regs *regs, uint64_t a[6])
{
    memcpy(a, regs->regs, 6 * sizeof(a[0]));
}

/* The result has taken the first argument's place. FIRST was read before the thread was stopped: a
 * loop may receive from one descriptor after the other at one place, but waits for events at one.
 */
bool ctl_arch_begin_anew(ctl_regs *regs, uint64_t first)
{
    if (ctl_arch_call(regs) != SYS_epoll_pwait || first == CTL_FIRST_UNKNOWN)
        return false;
    regs->regs[0] = first;
    regs->pc -= INSTRUCTION;
    return true;
}

/* Of a call that it will begin anew the kernel has put the registers back to its beginning already.
 * A sleep begins anew: how much of it was left the kernel keeps to itself. */
ctl_regs ctl_arch_resume(const ctl_regs *regs, long number)
{
    ctl_regs anew = *regs;
    anew.regs[8] = (uint64_t)number;
    return anew;
}

void ctl_arch_make_call(ctl_regs *regs, uint64_t function, const uint64_t a[6], uint64_t sp,
                        uint64_t return_to)
{
    ctl_arch_make_jump(regs, function, sp);
    memcpy(regs->regs, a, 6 * sizeof(a[0]));
    regs->regs[30] = return_to;
}

/* PSTATE's type of branch: none, so that the place need not be a landing pad. */
#define BRANCH_TYPE (3ull << 10)

void ctl_arch_make_jump(ctl_regs *regs, uint64_t pc, uint64_t sp)
{
    regs->pc = pc;
    regs->sp = sp;
    regs->regs[8] = (uint64_t)-1; /* no system call */
    regs->pstate &= ~BRANCH_TYPE;
}

/* ---- the frame ------------------------------------------------------------------------------- */

/* arch/arm64/kernel/signal.c, struct rt_sigframe. */
struct frame {
    unsigned char info[128];
    struct {
        unsigned long flags;
        void *link;
        struct {
            void *sp;
            int flags;
            size_t bytes;
        } stack;
        uint64_t mask;
        unsigned char unused[1024 / 8 - sizeof(uint64_t)];
        struct sigcontext context;
    } uc;
};

uint64_t ctl_arch_frame(const struct ctl_state *state, const ctl_regs *regs, uint64_t restorer,
                        unsigned char out[CTL_FRAME_BYTES], size_t *bytes)
{
    struct frame frame;
    struct fpsimd_context vector = {.head = {FPSIMD_MAGIC, sizeof(vector)}};
    const struct user_fpsimd_state *saved = (const void *)state->vector;
    (void)restorer; /* is in x30 at each call */
    memset(&frame, 0, sizeof(frame));
    frame.uc.stack.flags = -1; /* not understood, and so the thread's signal stack stays */
    frame.uc.mask = state->mask;
    memcpy(frame.uc.context.regs, regs->regs, sizeof(regs->regs));
    frame.uc.context.sp = regs->sp;
    frame.uc.context.pc = regs->pc;
    frame.uc.context.pstate = regs->pstate;
    vector.fpsr = saved->fpsr;
    vector.fpcr = saved->fpcr;
    memcpy(vector.vregs, saved->vregs, sizeof(vector.vregs));
    memcpy(frame.uc.context.__reserved, &vector, sizeof(vector));
    memcpy(out, &frame, sizeof(frame));
    *bytes = sizeof(frame);
    return (regs->sp - sizeof(frame)) & ~15ull;
}

/* A word by chance is taken for one, too: then another thread has to do. */
bool ctl_arch_is_frame(const uint64_t *words, size_t count, uint64_t at)
{
    (void)words;
    (void)count;
    (void)at;
    return true;
}

/* mov x8, #__NR_rt_sigreturn; svc #0 */
long ctl_arch_find_restorer(const unsigned char *code, size_t bytes)
{
    static const uint32_t restorer[] = {0xd2801168, SYSTEM_CALL};
    const unsigned char *found = memmem(code, bytes, restorer, sizeof(restorer));
    return found != NULL ? found - code : -1;
}

#endif
