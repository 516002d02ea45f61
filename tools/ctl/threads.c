/* SPDX-License-Identifier: MIT */
/*
 * See threads.h.
 */
#include "ctl/threads.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool ctl_threads_is_ours(pid_t pid, pid_t tid)
{
    char path[64], name[16] = "";
    snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", pid, tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, name, sizeof(name) - 1) < 0)
        name[0] = '\0';
    if (fd >= 0)
        close(fd);
    return strcmp(name, "perfspy\n") == 0;
}

static DIR *open_threads(pid_t pid)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    return opendir(path);
}

/* 0: there is no more. */
static pid_t next_thread(DIR *dir)
{
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (isdigit((unsigned char)entry->d_name[0]))
            return (pid_t)strtol(entry->d_name, NULL, 10);
    return 0;
}

size_t ctl_threads_ours(pid_t pid, pid_t *tid, size_t cap)
{
    DIR *dir = open_threads(pid);
    size_t count = 0;
    for (pid_t next; count < cap && (next = next_thread(dir)) != 0;)
        if (ctl_threads_is_ours(pid, next))
            tid[count++] = next;
    if (dir != NULL)
        closedir(dir);
    return count;
}

pid_t ctl_threads_find(const struct ctl_proc *proc, long number)
{
    struct ctl_proc thread;
    pid_t tid;
    if (number <= 0 || proc->self_pid == proc->pid)
        return number > 0 ? (pid_t)number : 0;
    DIR *dir = open_threads(proc->pid);
    while ((tid = next_thread(dir)) != 0)
        if (ctl_proc_read(tid, &thread) && thread.self_pid == number)
            break;
    if (dir != NULL)
        closedir(dir);
    return tid;
}
