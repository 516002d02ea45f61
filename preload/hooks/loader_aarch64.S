/* SPDX-License-Identifier: MIT */
/*
 * dlsym and dlopen, and the stubs of libpq's functions, for arm64 (AAPCS64).
 *
 * In assembly because the real dlsym and dlopen look at their return address: it has to be the
 * program's, so they are jumped to with the link register, the stack and the arguments as they
 * came. The stubs have arguments on the stack to leave alone, too. Landing pads and signed return
 * addresses are hints, which older processors pass over; the note at the end says that they are
 * there.
 */
#include "runtime/handout.h"

#define BTI_C   hint 34
#define PACIASP hint 25
#define AUTIASP hint 29

/* Begins NAME and calls `struct spy_detour ASK(argument 1, argument 2, return address)`. Then x17
 * is the value, x16 where to go on, x0 and x1 the arguments again. */
.macro DETOUR name, ask
        .globl  \name
        .type   \name, %function
        .balign 16
\name:
        .cfi_startproc
        BTI_C
        mov     x2, x30
        PACIASP
        .cfi_negate_ra_state
        stp     x29, x30, [sp, #-32]!
        .cfi_def_cfa_offset 32
        .cfi_offset 29, -32
        .cfi_offset 30, -24
        mov     x29, sp
        stp     x0, x1, [sp, #16]
        bl      \ask
        mov     x17, x0
        mov     x16, x1
        ldp     x0, x1, [sp, #16]
        ldp     x29, x30, [sp], #32
        .cfi_restore 29
        .cfi_restore 30
        .cfi_def_cfa_offset 0
        AUTIASP
        .cfi_negate_ra_state
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
        cbz     x16, 1f
        br      x16
1:      mov     x0, x17
        ret
        END     dlsym

        DETOUR  dlopen, spy_loader_dlopen
        mov     w1, w17
        br      x16
        END     dlopen

/* One stub a copy, SPY_HANDOUT_STUB_BYTES each, then what they share: on to the wrapper, after
 * noting copy and caller in struct spy_handout_call if the function makes a connection, else copy and
 * connection. x9 to x17
 * carry no argument. The wrapper's address is taken from a table since it is exported: the linker,
 * not the loader, fills it. */
.macro STUBS name
        .globl  spy_stub_\name
        .hidden spy_stub_\name
        .type   spy_stub_\name, %function
        .balign SPY_HANDOUT_STUB_BYTES
spy_stub_\name:
        .cfi_startproc
        .set    copy, 0
        .rept   SPY_HANDOUT_COPIES
        BTI_C
        mov     w10, #copy
        b       1f
        .balign SPY_HANDOUT_STUB_BYTES
        .set    copy, copy + 1
        .endr
        .org    spy_stub_\name + SPY_HANDOUT_COPIES * SPY_HANDOUT_STUB_BYTES
1:
        mrs     x11, tpidr_el0
        adrp    x9, :gottprel:spy_handout_call
        ldr     x9, [x9, #:gottprel_lo12:spy_handout_call]
        add     x9, x9, x11
        .ifdef  connects_\name
        stp     x30, x10, [x9]
        .else
        add     x10, x10, x0
        str     x10, [x9, #16]
        .endif
        adrp    x16, wrapper_\name
        ldr     x16, [x16, #:lo12:wrapper_\name]
        br      x16
        END     spy_stub_\name
        .pushsection .data.rel.ro.local, "aw"
        .balign 8
wrapper_\name:
        .xword  \name
        .popsection
.endm

#define CONNECT(name) .set connects_##name, 1
#include "hooks/connects.def"

#define LIBC(name)
#define LIBPQ(name) STUBS name
#define OPENSSL(name)
#define GNUTLS(name)
#include "hooks/hooks.def"

        .section .note.GNU-stack, "", %progbits

/* GNU_PROPERTY_AARCH64_FEATURE_1_AND: BTI and PAC. */
        .section .note.gnu.property, "a"
        .balign 8
        .word   4, 16, 5
        .asciz  "GNU"
        .word   0xc0000000, 4, 3, 0
