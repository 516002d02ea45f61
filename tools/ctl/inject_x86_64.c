/* SPDX-License-Identifier: MIT */
/*
 * Injection on x86-64; see inject_arch.h.
 */
#if defined(__x86_64__)

#include "ctl/inject_arch.h"

#include <cpuid.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#define RED_ZONE    128u
#define SYSCALL_LEN 2u /* bytes of the instruction */

/* From include/linux/errno.h: what a broken-off call gives, which no program ever sees. */
#define RESTART_SYS        512
#define RESTART_NO_INTR    513
#define RESTART_NO_HANDLER 514
#define RESTART_BLOCK      516

/* ---- the code -------------------------------------------------------------------------------- */

/* struct ctl_stub lies behind it, at ctl_stub_end. rbx: there; r12, r13: errno's place and value;
 * r14: the frame; r15: the memory file. */
__asm__(".pushsection .text\n"
        ".globl ctl_stub_begin, ctl_stub_end\n"
        ".hidden ctl_stub_begin, ctl_stub_end\n"
        "ctl_stub_begin:\n"
        "    leaq ctl_stub_end(%rip), %rbx\n"
        "    call *0(%rbx)\n"
        "    movq %rax, %r12\n"
        "    movl (%rax), %r13d\n"
        "    movl $-1, %r15d\n"
        "    cmpq $0, 8(%rbx)\n"
        "    je 1f\n"
        "    leaq 128(%rbx), %rdi\n"
        "    movl $1, %esi\n" /* MFD_CLOEXEC */
        "    call *8(%rbx)\n"
        "    movl %eax, %r15d\n"
        "1:  movq 48(%rbx), %rax\n"
        "    cmpq $0, 16(%rbx)\n"
        "    je 2f\n"
        "    leaq 128(%rbx), %rdi\n"
        "    movl $2, %esi\n" /* RTLD_NOW, local */
        "    call *16(%rbx)\n"
        "    movq 72(%rbx), %rdx\n"
        "    movq %rax, 0(%rdx)\n"
        "    testq %rax, %rax\n"
        "    jz 3f\n"
        "    movq (%rax), %rax\n" /* struct link_map, l_addr */
        "2:  addq 56(%rbx), %rax\n"
        "    movq 64(%rbx), %rdi\n"
        "    call *%rax\n"
        "    movq 72(%rbx), %rdx\n"
        "    movq %rax, 8(%rdx)\n"
        "    jmp 4f\n"
        "3:  call *24(%rbx)\n"
        "    movq 72(%rbx), %rdx\n"
        "    movq %rax, 16(%rdx)\n"
        "4:  cmpl $0, %r15d\n"
        "    jl 5f\n"
        "    movl %r15d, %edi\n"
        "    call *32(%rbx)\n"
        "5:  movl %r13d, (%r12)\n"
        "    movq 80(%rbx), %r14\n"
        "    leaq -8(%r14), %rsp\n"
        "    movq 88(%rbx), %rdi\n"
        "    movq 96(%rbx), %rsi\n"
        "    call *40(%rbx)\n"
        "    movq %r14, %rsp\n"
        "    movq 104(%rbx), %rdi\n"
        "    movq 112(%rbx), %rsi\n"
        "    jmp *40(%rbx)\n"
        "    .balign 8\n"
        "ctl_stub_end:\n"
        "    .popsection\n");

_Static_assert(offsetof(struct ctl_stub, munmap) == 40 && offsetof(struct ctl_stub, base) == 48 &&
                   offsetof(struct ctl_stub, result) == 72 &&
                   offsetof(struct ctl_stub, code_bytes) == 112 &&
                   offsetof(struct ctl_stub, path) == 128,
               "the code has these places in it");

/* ---- registers ------------------------------------------------------------------------------- */

uint64_t ctl_arch_pc(const ctl_regs *regs)
{
    return regs->rip;
}

uint64_t ctl_arch_sp(const ctl_regs *regs)
{
    return regs->rsp;
}

bool ctl_arch_at_call(int memory, const ctl_regs *regs)
{
    (void)memory;
    return (long)regs->orig_rax >= 0;
}

long ctl_arch_call(const ctl_regs *regs)
{
    return (long)regs->orig_rax;
}

long ctl_arch_result(const ctl_regs *regs)
{
    return (long)regs->rax;
}

void ctl_arch_arguments(const ctl_regs *regs, uint64_t a[6])
{
    a[0] = regs->rdi;
    a[1] = regs->rsi;
    a[2] = regs->rdx;
    a[3] = regs->r10;
    a[4] = regs->r8;
    a[5] = regs->r9;
}

/* RESTART_NO_HANDLER has the kernel begin the call anew unless a handler has run. */
bool ctl_arch_begin_anew(ctl_regs *regs, uint64_t first)
{
    (void)first; /* is still there */
    regs->rax = (uint64_t)-RESTART_NO_HANDLER;
    return true;
}

ctl_regs ctl_arch_resume(const ctl_regs *regs, long number)
{
    long result = (long)regs->rax;
    bool broken_off = result == -RESTART_SYS || result == -RESTART_NO_INTR ||
                      result == -RESTART_NO_HANDLER || result == -RESTART_BLOCK;
    ctl_regs anew = *regs;
    if (broken_off) {
        anew.rax = (uint64_t)number;
        anew.rip -= SYSCALL_LEN;
    }
    return anew;
}

void ctl_arch_make_call(ctl_regs *regs, uint64_t function, const uint64_t a[6], uint64_t sp,
                        uint64_t return_to)
{
    (void)return_to; /* stands at SP already, as the frame's first word */
    ctl_arch_make_jump(regs, function, sp);
    regs->rdi = a[0];
    regs->rsi = a[1];
    regs->rdx = a[2];
    regs->rcx = a[3];
    regs->r8 = a[4];
    regs->r9 = a[5];
}

#define FLAG_DIRECTION 0x400u
#define FLAG_TRAP      0x100u

void ctl_arch_make_jump(ctl_regs *regs, uint64_t pc, uint64_t sp)
{
    regs->rip = pc;
    regs->rsp = sp;
    regs->rax = 0;
    regs->orig_rax = (uint64_t)-1; /* no system call to begin anew */
    regs->eflags &= ~(uint64_t)(FLAG_DIRECTION | FLAG_TRAP);
}

/* ---- the frame ------------------------------------------------------------------------------- */

/* Of <asm/sigcontext.h>, which cannot be included beside <ucontext.h>. */
#define XSTATE_MAGIC1     0x46505853u
#define XSTATE_MAGIC2     0x46505845u
#define SOFTWARE_AT       464u /* in the vector state; there the kernel says which features it holds */
#define USER_CODE_SEGMENT 0x33u
#define AMX               (3ull << 17)
#define UC_FLAGS          7u /* vector state, stack segment given, and to be taken at its word */

struct software_bytes {
    uint32_t magic1;
    uint32_t extended_bytes;
    uint64_t features;
    uint32_t bytes;
    uint32_t padding[7];
};

/* glibc's ucontext_t begins as the kernel's does; the mask is one word there. */
struct frame {
    uint64_t restorer;
    struct {
        unsigned long flags;
        void *link;
        stack_t stack;
        mcontext_t context;
        uint64_t mask;
    } uc;
};

/* How much of the vector state FEATURES take: tiles are not in the frames of a thread that has not
 * asked for them, which is how the kernel measures. */
static size_t bytes_of(uint64_t features, size_t all)
{
    size_t bytes = 576; /* legacy part and header */
    if ((features & AMX) == 0)
        return all;
    for (unsigned i = 2; i < 63; i++) {
        unsigned a, b, c, d;
        if (((features & ~AMX) >> i & 1) != 0 && __get_cpuid_count(0xd, i, &a, &b, &c, &d) &&
            a + b > bytes)
            bytes = a + b;
    }
    return bytes < all ? bytes : all;
}

static size_t add_vector(const struct ctl_state *state, unsigned char *out)
{
    struct software_bytes software = {.magic1 = XSTATE_MAGIC1};
    uint64_t features;
    const uint32_t magic2 = XSTATE_MAGIC2;
    memcpy(&features, state->vector + SOFTWARE_AT, sizeof(features));
    size_t bytes = bytes_of(features, state->vector_bytes);
    software.features = features & ~AMX;
    software.bytes = (uint32_t)bytes;
    software.extended_bytes = (uint32_t)(bytes + sizeof(magic2));
    memcpy(out, state->vector, bytes);
    memcpy(out + SOFTWARE_AT, &software, sizeof(software));
    memcpy(out + bytes, &magic2, sizeof(magic2));
    return bytes + sizeof(magic2);
}

static void fill_context(greg_t *g, const ctl_regs *r)
{
    g[REG_R8] = (greg_t)r->r8;
    g[REG_R9] = (greg_t)r->r9;
    g[REG_R10] = (greg_t)r->r10;
    g[REG_R11] = (greg_t)r->r11;
    g[REG_R12] = (greg_t)r->r12;
    g[REG_R13] = (greg_t)r->r13;
    g[REG_R14] = (greg_t)r->r14;
    g[REG_R15] = (greg_t)r->r15;
    g[REG_RDI] = (greg_t)r->rdi;
    g[REG_RSI] = (greg_t)r->rsi;
    g[REG_RBP] = (greg_t)r->rbp;
    g[REG_RBX] = (greg_t)r->rbx;
    g[REG_RDX] = (greg_t)r->rdx;
    g[REG_RAX] = (greg_t)r->rax;
    g[REG_RCX] = (greg_t)r->rcx;
    g[REG_RSP] = (greg_t)r->rsp;
    g[REG_RIP] = (greg_t)r->rip;
    g[REG_EFL] = (greg_t)r->eflags;
    g[REG_CSGSFS] = (greg_t)((r->cs & 0xffff) | (r->ss & 0xffff) << 48);
}

uint64_t ctl_arch_frame(const struct ctl_state *state, const ctl_regs *regs, uint64_t restorer,
                        unsigned char out[CTL_FRAME_BYTES], size_t *bytes)
{
    struct frame frame = {.restorer = restorer};
    uint64_t vector = (regs->rsp - RED_ZONE - state->vector_bytes - sizeof(uint32_t)) & ~63ull;
    /* At a function's first instruction the stack is 8 off from 16. */
    uint64_t at = ((vector - sizeof(frame)) & ~15ull) - 8;
    memset(out, 0, CTL_FRAME_BYTES);
    frame.uc.flags = UC_FLAGS;
    frame.uc.stack.ss_flags = -1; /* not understood, and so the thread's signal stack stays */
    frame.uc.mask = state->mask;
    fill_context(frame.uc.context.gregs, regs);
    frame.uc.context.fpregs = (fpregset_t)(uintptr_t)vector;
    memcpy(out, &frame, sizeof(frame));
    *bytes = vector - at + add_vector(state, out + (vector - at));
    return at;
}

/* The code segment of programs; where the kernel has put its mark on the vector state. */
bool ctl_arch_is_frame(const uint64_t *words, size_t count, uint64_t at)
{
    struct frame frame;
    uint32_t magic;
    if (count * sizeof(*words) < sizeof(frame))
        return true; /* not to be told: nobody is to be borrowed there */
    memcpy(&frame, words, sizeof(frame));
    uint64_t vector = (uint64_t)(uintptr_t)frame.uc.context.fpregs;
    if (frame.uc.link != NULL ||
        ((uint64_t)frame.uc.context.gregs[REG_CSGSFS] & 0xffff) != USER_CODE_SEGMENT)
        return false;
    if (vector < at || vector - at + SOFTWARE_AT + sizeof(magic) > count * sizeof(*words))
        return vector == 0 || vector >= at;
    memcpy(&magic, (const char *)words + (vector - at) + SOFTWARE_AT, sizeof(magic));
    return magic == XSTATE_MAGIC1;
}

long ctl_arch_find_restorer(const unsigned char *code, size_t bytes)
{
    static const unsigned char restorer[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
    const unsigned char *found = memmem(code, bytes, restorer, sizeof(restorer));
    return found != NULL ? found - code : -1;
}

#endif
