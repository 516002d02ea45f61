/* SPDX-License-Identifier: MIT */
/*
 * dlsym and dlopen, and the stubs of libpq's functions, for x86-64 (System V ABI).
 *
 * In assembly because the real dlsym and dlopen look at their return address: it has to be the
 * program's, so they are jumped to with the stack and the arguments as they came. The stubs have
 * arguments on the stack to leave alone, too. No return address is ever pushed by hand: a shadow
 * stack stays in step. cet.h brings the landing pads and the note that says so, if the compiler
 * was asked for them.
 */
#if defined(__has_include) && __has_include(<cet.h>)
#include <cet.h>
#else
#define _CET_ENDBR
#endif

#include "runtime/handout.h"

/* Begins NAME and calls `struct spy_detour ASK(argument 1, argument 2, return address)`. Then rax
 * is the value, rdx where to go on, rdi and rsi the arguments again. 16-aligned at the call. */
.macro DETOUR name, ask
        .globl  \name
        .type   \name, @function
        .balign 16
\name:
        .cfi_startproc
        _CET_ENDBR
        pushq   %rdi
        .cfi_adjust_cfa_offset 8
        pushq   %rsi
        .cfi_adjust_cfa_offset 8
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        movq    24(%rsp), %rdx
        call    \ask
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        popq    %rsi
        .cfi_adjust_cfa_offset -8
        popq    %rdi
        .cfi_adjust_cfa_offset -8
.endm

.macro END name
        .cfi_endproc
        .size   \name, . - \name
.endm

        .hidden spy_loader_dlsym
        .hidden spy_loader_dlopen
        .hidden spy_handout_call
        .text

        DETOUR  dlsym, spy_loader_dlsym
        testq   %rdx, %rdx
        jz      1f
        jmp     *%rdx
1:      ret
        END     dlsym

        DETOUR  dlopen, spy_loader_dlopen
        movl    %eax, %esi
        jmp     *%rdx
        END     dlopen

/* One stub a copy, SPY_HANDOUT_STUB_BYTES each, then what they share: on to the wrapper, after
 * noting copy and caller in struct spy_handout_call if the function makes a connection, else copy and
 * connection. r10 and r11
 * carry no argument. The wrapper's address is taken from a table since it is exported: the linker,
 * not the loader, fills it. */
.macro STUBS name
        .globl  spy_stub_\name
        .hidden spy_stub_\name
        .type   spy_stub_\name, @function
        .balign SPY_HANDOUT_STUB_BYTES
spy_stub_\name:
        .cfi_startproc
        .set    copy, 0
        .rept   SPY_HANDOUT_COPIES
        _CET_ENDBR
        movl    $copy, %r10d
        jmp     1f
        .balign SPY_HANDOUT_STUB_BYTES
        .set    copy, copy + 1
        .endr
        .org    spy_stub_\name + SPY_HANDOUT_COPIES * SPY_HANDOUT_STUB_BYTES
1:
        .ifdef  connects_\name
        movq    spy_handout_call@gottpoff(%rip), %r11
        movq    %r10, %fs:8(%r11)
        movq    (%rsp), %r10
        movq    %r10, %fs:(%r11)
        .else
        movq    spy_handout_call@gottpoff(%rip), %r11
        addq    %rdi, %r10
        movq    %r10, %fs:16(%r11)
        .endif
        jmp     *wrapper_\name(%rip)
        END     spy_stub_\name
        .pushsection .data.rel.ro.local, "aw"
        .balign 8
wrapper_\name:
        .quad   \name
        .popsection
.endm

#define CONNECT(name) .set connects_##name, 1
#include "hooks/connects.def"

#define LIBC(name)
#define LIBPQ(name) STUBS name
#define OPENSSL(name)
#define GNUTLS(name)
#include "hooks/hooks.def"

        .section .note.GNU-stack, "", @progbits
