/* SPDX-License-Identifier: MIT */
/*
 * Processes that confined themselves. See inject_confined.h.
 */
#include "ctl/inject_confined.h"

#include "ctl/seccomp.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

/* What /proc/PID/task/TID/status tells. */
struct confined {
    unsigned mode;    /* SECCOMP_MODE_* */
    unsigned filters; /* how many; 0 before Linux 5.9 */
};

/* False: the thread has ended. */
static bool look(pid_t pid, pid_t tid, struct confined *out)
{
    char path[64], line[512], state = 'Z';
    *out = (struct confined){0};
    snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "State: %c", &state) != 1 && sscanf(line, "Seccomp: %u", &out->mode) != 1)
            sscanf(line, "Seccomp_filters: %u", &out->filters);
    if (file != NULL)
        fclose(file);
    return state != 'Z' && state != 'X';
}

/* Of all threads. One that is started meanwhile has the filters of the one that starts it. */
struct survey {
    bool strict; /* there is one in that mode */
    bool mixed;  /* they are not all confined alike */
};

static struct survey look_at_all(pid_t pid)
{
    char path[32];
    struct confined first, other;
    struct survey out = {0};
    unsigned threads = 0;
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (!isdigit((unsigned char)entry->d_name[0]) ||
            !look(pid, (pid_t)strtol(entry->d_name, NULL, 10), &other))
            continue;
        if (threads++ == 0)
            first = other;
        out.strict |= other.mode == SECCOMP_MODE_STRICT;
        out.mixed |= other.mode != first.mode || other.filters != first.filters;
    }
    if (dir != NULL)
        closedir(dir);
    return out;
}

enum ctl_exit ctl_confined_check(const struct ctl_target *target, bool force, FILE *err)
{
    struct survey threads = look_at_all(target->pid);
    if (threads.strict) {
        ctl_say(err, "%s %d has confined itself to reading and writing (strict seccomp)",
                threads.mixed ? "a thread of process" : "process", target->pid);
        return CTL_REFUSED;
    }
    if (force || !threads.mixed)
        return CTL_OK;
    ctl_say(err,
            "seccomp filters bind the threads of process %d, not the same ones all of them: if you "
            "know that all let it load a library, open files and sockets and start a thread, give "
            "--force",
            target->pid);
    return CTL_REFUSED;
}

static void say_hidden(const struct ctl_target *target, int error, FILE *err)
{
    ctl_say(
        err,
        "a seccomp filter binds process %d, and may not be looked at (%s; root on the host may): "
        "it may refuse the calls that loading and watching need (openat, mmap, clone, socket), "
        "or kill the process for them. The filters of containers and of systemd's "
        "@system-service allow them: if it is one of those, give --force",
        target->pid, strerrordesc_np(error));
}

enum ctl_exit ctl_confined_examine(const struct ctl_target *target, pid_t tid, bool force,
                                   FILE *err)
{
    struct ctl_seccomp_filters *filters;
    struct confined own;
    const char *call = NULL;
    look(target->pid, tid, &own);
    if (own.mode != SECCOMP_MODE_FILTER)
        return CTL_OK;
    if (!ctl_seccomp_read(tid, &filters)) {
        if (!force)
            say_hidden(target, errno, err);
        return force ? CTL_OK : CTL_REFUSED;
    }
    enum ctl_seccomp harm = ctl_seccomp_judge(filters, &call);
    ctl_seccomp_free(filters);
    if (harm == CTL_SECCOMP_HARMLESS || (harm == CTL_SECCOMP_ASKS && force))
        return CTL_OK;
    if (harm == CTL_SECCOMP_FATAL)
        ctl_say(err,
                "a seccomp filter binds process %d that kills it for %s, a call that watching it "
                "takes: it is not attached to, also not with --force",
                target->pid, call);
    else
        ctl_say(err,
                "a seccomp filter binds process %d that leaves it to another process whether %s is "
                "called, which watching it takes: if that one allows it, give --force",
                target->pid, call);
    return CTL_REFUSED;
}
