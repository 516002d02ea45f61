/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of the calls by which a program confines itself, and of the one that ends its main
 * thread and not the process.
 */
#include "runtime/confine.h"
#include "hooks/hooks.h"
#include "observe/observe.h"

#include <stdarg.h>
#include <stdbool.h>
#include <sys/syscall.h>

/* What is needed later must be there before: the program may not let us map it then. */
static enum spy_confinement confine(long number, long a, long b, long c)
{
    spy_observe_reserve();
    return spy_confine_begin(number, a, b, c);
}

SPY_EXPORT int prctl(int option, ...)
{
    unsigned long a[4];
    va_list arguments;
    va_start(arguments, option);
    for (int i = 0; i < 4; i++)
        a[i] = va_arg(arguments, unsigned long);
    va_end(arguments);
    enum spy_confinement how = SPY_CONFINE_NOT;
    if (option == PR_SET_SECCOMP || option == PR_SET_TSC)
        how = confine(SYS_prctl, option, (long)a[0], (long)a[1]);
    int result = SPY_LIBC(prctl)(option, a[0], a[1], a[2], a[3]);
    spy_confine_end(how, result == -1);
    return result;
}

static bool beside_the_point(long number)
{
    return number != SYS_close && number != SYS_close_range && number != SYS_seccomp &&
           number != SYS_prctl;
}

static long closing_or_confining(long number, const long a[6])
{
    long result;
    if (spy_closed_by_syscall(number, a, &result))
        return result;
    enum spy_confinement how = SPY_CONFINE_NOT;
    if (number == SYS_seccomp || number == SYS_prctl)
        how = confine(number, a[0], a[1], a[2]);
    result = SPY_LIBC(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    spy_confine_end(how, result == -1);
    return result;
}

/* libuv closes by it, libseccomp confines by it. The other arguments are passed on as they came:
 * six words, as many as a system call can have, whatever the caller gave. On x86-64 and arm64 they
 * come in the same places whether the function is declared with them or with "...", and are passed
 * on the faster. */
SPY_EXPORT long spy_syscall(long number, long a, long b, long c, long d, long e,
                            long f) __asm__("syscall");

long spy_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    if (beside_the_point(number)) {
        long result = SPY_LIBC(syscall)(number, a, b, c, d, e, f);
        /* No jump in place of the call: that might write F back where it was read, and there, if it
         * was not passed, is what another thread may be writing to. */
        __asm__ volatile("" : "+r"(result));
        return result;
    }
    return closing_or_confining(number, (const long[6]){a, b, c, d, e, f});
}

SPY_EXPORT void pthread_exit(void *value)
{
    spy_confine_thread_ends();
    SPY_LIBC(pthread_exit)(value);
    __builtin_unreachable();
}
