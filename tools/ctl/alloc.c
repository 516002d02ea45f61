/* SPDX-License-Identifier: MIT */
/*
 * Memory, messages and clocks for all commands; see ctl.h.
 */
#include "ctl/ctl.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void *must(void *p)
{
    if (p == NULL) {
        fputs(CTL_NAME ": out of memory\n", stderr);
        exit(CTL_OSERR);
    }
    return p;
}

void *ctl_alloc(size_t bytes)
{
    return must(calloc(1, bytes > 0 ? bytes : 1));
}

void *ctl_grow(void *p, size_t count, size_t element)
{
    return must(reallocarray(p, count > 0 ? count : 1, element));
}

char *ctl_copy(const char *text)
{
    return must(strdup(text));
}

void ctl_say(FILE *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs(CTL_NAME ": ", err);
    vfprintf(err, format, args);
    fputc('\n', err);
    va_end(args);
}

uint64_t ctl_clock_ns(int clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        return 0;
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}
