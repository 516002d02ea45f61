/* SPDX-License-Identifier: MIT */
/*
 * A program without a C library: dynamically linked to nothing, or (-m32) made for another kind of
 * machine. It waits for a signal, for ever.
 */
void _start(void);
void _start(void)
{
    for (;;) {
#if defined(__i386__)
        long call = 29; /* pause */
        __asm__ volatile("int $0x80" : "+a"(call)::"memory");
#elif defined(__x86_64__)
        long call = 34; /* pause */
        __asm__ volatile("syscall" : "+a"(call)::"rcx", "r11", "memory");
#elif defined(__aarch64__)
        register long call __asm__("x8") = 73; /* ppoll */
        register long x0 __asm__("x0") = 0, x1 __asm__("x1") = 0, x2 __asm__("x2") = 0,
                         x3 __asm__("x3") = 0;
        __asm__ volatile("svc #0" : "+r"(x0) : "r"(call), "r"(x1), "r"(x2), "r"(x3) : "memory");
#endif
    }
}
