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

/* libseccomp confines by it. The other arguments are passed on as they came: six words, as many as
 * a system call can have, whatever the caller gave. */
SPY_EXPORT long syscall(long number, ...)
{
    long a[6];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
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

SPY_EXPORT void pthread_exit(void *value)
{
    spy_confine_thread_ends();
    SPY_LIBC(pthread_exit)(value);
    __builtin_unreachable();
}
