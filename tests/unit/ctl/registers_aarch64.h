/* SPDX-License-Identifier: MIT */
/*
 * All registers of arm64, filled with what can be told apart. For test programs.
 */
#ifndef TEST_CTL_REGISTERS_AARCH64_H
#define TEST_CTL_REGISTERS_AARCH64_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Order and size are known to the code below. */
struct registers {
    uint64_t x[31];
    uint64_t condition, fpsr, fpcr;       /* 248, 256, 264 */
    _Alignas(16) unsigned char v[32][16]; /* 272 */
};
_Static_assert(offsetof(struct registers, condition) == 248 &&
                   offsetof(struct registers, fpsr) == 256 && offsetof(struct registers, v) == 272,
               "the code below has these places in it");

/* fill_and_spin(registers, go): loads all registers from *REGISTERS but x0, x1, x18 and x30, waits
 * until *GO is not 0, and stores them there. */
void fill_and_spin(struct registers *registers, volatile uint32_t *go);
__asm__(".text\n"
        ".globl fill_and_spin\n"
        ".hidden fill_and_spin\n"
        "fill_and_spin:\n"
        "    sub sp, sp, #192\n"
        "    stp x19, x20, [sp, #0]\n"
        "    stp x21, x22, [sp, #16]\n"
        "    stp x23, x24, [sp, #32]\n"
        "    stp x25, x26, [sp, #48]\n"
        "    stp x27, x28, [sp, #64]\n"
        "    stp x29, x30, [sp, #80]\n"
        "    stp d8, d9, [sp, #96]\n"
        "    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n"
        "    stp d14, d15, [sp, #144]\n"
        "    mrs x2, fpcr\n"
        "    str x2, [sp, #160]\n"
        "    ldr x2, [x0, #248]\n"
        "    msr nzcv, x2\n"
        "    ldr x2, [x0, #256]\n"
        "    msr fpsr, x2\n"
        "    ldr x2, [x0, #264]\n"
        "    msr fpcr, x2\n"
        "    .irp n,0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30\n"
        "    ldr q\\n, [x0, #272 + \\n * 16]\n"
        "    .endr\n"
        "    .irp n,1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31\n"
        "    ldr q\\n, [x0, #272 + \\n * 16]\n"
        "    .endr\n"
        "    .irp n,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,19,20,21,22,23,24,25,26,27,28,29\n"
        "    ldr x\\n, [x0, #\\n * 8]\n"
        "    .endr\n"
        "1:  ldr w30, [x1]\n"
        "    cbz w30, 1b\n"
        "    .irp n,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,19,20,21,22,23,24,25,26,27,28,29\n"
        "    str x\\n, [x0, #\\n * 8]\n"
        "    .endr\n"
        "    .irp n,0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30\n"
        "    str q\\n, [x0, #272 + \\n * 16]\n"
        "    .endr\n"
        "    .irp n,1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31\n"
        "    str q\\n, [x0, #272 + \\n * 16]\n"
        "    .endr\n"
        "    mrs x2, nzcv\n"
        "    str x2, [x0, #248]\n"
        "    mrs x2, fpsr\n"
        "    str x2, [x0, #256]\n"
        "    mrs x2, fpcr\n"
        "    str x2, [x0, #264]\n"
        "    ldr x2, [sp, #160]\n"
        "    msr fpcr, x2\n"
        "    ldp d14, d15, [sp, #144]\n"
        "    ldp d12, d13, [sp, #128]\n"
        "    ldp d10, d11, [sp, #112]\n"
        "    ldp d8, d9, [sp, #96]\n"
        "    ldp x29, x30, [sp, #80]\n"
        "    ldp x27, x28, [sp, #64]\n"
        "    ldp x25, x26, [sp, #48]\n"
        "    ldp x23, x24, [sp, #32]\n"
        "    ldp x21, x22, [sp, #16]\n"
        "    ldp x19, x20, [sp, #0]\n"
        "    add sp, sp, #192\n"
        "    ret\n");

static inline void fill(struct registers *r)
{
    for (unsigned i = 0; i < 31; i++)
        r->x[i] = 0x1111111111111111u * (i % 15 + 1) + i;
    r->condition = 0xa0000000; /* negative, carry */
    r->fpsr = 0x11;            /* invalid, inexact */
    r->fpcr = 0x00c00000;      /* towards zero */
    for (unsigned i = 0; i < 32; i++)
        memset(r->v[i], (int)(i * 7 + 1), sizeof(r->v[i]));
}

#endif
