/* SPDX-License-Identifier: MIT */
/*
 * See yama.h.
 */
#include "ctl/yama.h"

#include <stddef.h>
#include <stdio.h>

int ctl_yama_scope(void)
{
    FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
    int scope = 0;
    if (file == NULL)
        return 0;
    if (fscanf(file, "%d", &scope) != 1)
        scope = 0;
    fclose(file);
    return scope;
}

const char *ctl_yama_leaves(int scope)
{
    if (scope <= 0)
        return NULL;
    if (scope == 1)
        return "a process' ancestors and root: attach as root (sudo)";
    if (scope == 2)
        return "root (CAP_SYS_PTRACE): attach as root (sudo)";
    return "nobody until the next boot: start the program by \"perfspy-ctl run\"";
}
