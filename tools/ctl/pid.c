/* SPDX-License-Identifier: MIT */
/*
 * See pid.h.
 */
#include "ctl/pid.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static unsigned thread_count(int32_t pid)
{
    char path[32];
    struct stat st = {0};
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    return stat(path, &st) == 0 && st.st_nlink > 2 ? (unsigned)st.st_nlink - 2 : 0;
}

/* While a process ends its main thread may be the first, too: asked twice. */
static bool outlives_its_main_thread(int32_t pid)
{
    if (thread_count(pid) < 2)
        return false;
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    return thread_count(pid) > 1;
}

/* The process that thread TID belongs to; 0 where it cannot be told. */
static int32_t process_of(int32_t tid)
{
    char path[32], line[256];
    int32_t pid = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", tid);
    FILE *file = fopen(path, "re");
    while (file != NULL && pid == 0 && fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "Tgid: %" SCNd32, &pid) != 1)
            pid = 0;
    if (file != NULL)
        fclose(file);
    return pid;
}

/* PID was not found in /proc, or has ended. */
static enum ctl_exit explain(int32_t pid, FILE *err)
{
    char path[32];
    if (kill(pid, 0) != 0 && errno == ESRCH) {
        ctl_say(err, "there is no process %d", pid);
        return CTL_NOTHING;
    }
    snprintf(path, sizeof(path), "/proc/%d", pid);
    if (outlives_its_main_thread(pid)) {
        ctl_say(err,
                "the main thread of process %d has ended, and with it the kernel shows nothing of "
                "the process' memory: it cannot be looked into",
                pid);
        return CTL_REFUSED;
    }
    if (access(path, F_OK) == 0) {
        ctl_say(err, "process %d has ended: only its parent has not taken note of that yet", pid);
        return CTL_NOTHING;
    }
    ctl_say(err,
            "process %d is not to be seen in /proc, which hides those of other users (hidepid) or "
            "is not mounted: root sees it",
            pid);
    return CTL_REFUSED;
}

enum ctl_exit ctl_pid_operand(const struct ctl_run *run, struct ctl_proc *proc)
{
    const char *text = run->args->operand[0];
    char *end;
    errno = 0;
    long pid = strtol(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || pid <= 0 ||
        pid > INT32_MAX) {
        ctl_say(run->err, "\"%s\" is not a process id; \"" CTL_NAME " ps\" or ps(1) lists them",
                text);
        return CTL_USAGE;
    }
    int32_t process = process_of((int32_t)pid);
    if (process != 0 && process != pid) {
        ctl_say(run->err, "%ld is a thread of process %d: give that", pid, process);
        return CTL_USAGE;
    }
    if (ctl_proc_read((int32_t)pid, proc))
        return CTL_OK;
    return explain((int32_t)pid, run->err);
}

bool ctl_pid_is_detached(const struct spy_region *region)
{
    return strncmp(region->mode, "detached", sizeof(region->mode)) == 0;
}
