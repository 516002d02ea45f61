/* SPDX-License-Identifier: MIT */
/*
 * Reading /proc; see proc.h. Processes come and go while we read: whatever is missing means that
 * the process is gone, never an error.
 */
#include "ctl/proc.h"

#include "ctl/format.h"
#include "shared/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libperfspy.so"
#define REGION  ".region"
#define DELETED " (deleted)"

static int open_proc(int32_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* Up to CAP - 1 bytes of a /proc file, NUL-terminated. Returns how many, or -1. */
static ssize_t slurp(int32_t pid, const char *name, char *out, size_t cap)
{
    int fd = open_proc(pid, name);
    if (fd < 0)
        return -1;
    size_t used = 0;
    ssize_t n = 0;
    while (used < cap - 1 && (n = read(fd, out + used, cap - 1 - used)) > 0)
        used += (size_t)n;
    close(fd);
    out[used] = '\0';
    return n < 0 && used == 0 ? -1 : (ssize_t)used;
}

static void read_exe(struct ctl_proc *proc)
{
    char path[64];
    char link[CTL_PROC_PATH];
    snprintf(path, sizeof(path), "/proc/%d/exe", proc->pid);
    ssize_t n = readlink(path, link, sizeof(link) - 1);
    if (n < 0)
        n = slurp(proc->pid, "comm", link, sizeof(link));
    link[n > 0 ? n : 0] = '\0';
    link[strcspn(link, "\n")] = '\0';
    char *deleted = strstr(link, DELETED);
    if (deleted != NULL && deleted[strlen(DELETED)] == '\0')
        *deleted = '\0';
    ctl_format_clean(proc->exe, sizeof(proc->exe), link, sizeof(link));
}

/* Effective uid, and the innermost of the ids in NSpid. */
static bool read_status(struct ctl_proc *proc)
{
    char text[8192];
    if (slurp(proc->pid, "status", text, sizeof(text)) <= 0)
        return false;
    const char *uid = strstr(text, "\nUid:");
    if (uid == NULL || sscanf(uid, "\nUid: %*u %u", &proc->uid) != 1)
        return false;
    proc->self_pid = proc->pid;
    const char *ns = strstr(text, "\nNSpid:");
    if (ns == NULL)
        return true;
    ns += strlen("\nNSpid:");
    for (const char *end = ns + strcspn(ns, "\n"); ns < end;) {
        char *next;
        long pid = strtol(ns, &next, 10);
        if (next == ns)
            break;
        proc->self_pid = (int32_t)pid;
        ns = next;
    }
    return true;
}

bool ctl_proc_read(int32_t pid, struct ctl_proc *out)
{
    char stat[1024];
    memset(out, 0, sizeof(*out));
    out->pid = pid;
    if (slurp(pid, "stat", stat, sizeof(stat)) <= 0)
        return false;
    const char *command_end = strrchr(stat, ')');
    out->start_ticks = spy_paths_start_ticks(stat);
    if (command_end == NULL || sscanf(command_end, ") %c", &out->state) != 1 ||
        out->start_ticks == 0 || out->state == 'Z' || out->state == 'X')
        return false;
    if (!read_status(out))
        return false;
    read_exe(out);
    return true;
}

/* The path in a line of maps: after five fields. NULL where there is none. */
static char *path_of_line(char *line)
{
    line[strcspn(line, "\n")] = '\0';
    for (int field = 0; field < 5; field++) {
        line += strcspn(line, " ");
        line += strspn(line, " ");
    }
    return *line == '/' ? line : NULL;
}

static bool is_own_region(const char *base, int32_t self_pid)
{
    struct spy_process_id id;
    return spy_paths_parse(base, &id) && id.pid == self_pid;
}

/* A mapped file that was removed has its name still, and this behind it. */
static void drop_mark(char *path)
{
    static const char mark[] = " (deleted)";
    size_t len = strlen(path), mark_len = sizeof(mark) - 1;
    if (len > mark_len && strcmp(path + len - mark_len, mark) == 0)
        path[len - mark_len] = '\0';
}

static void look_at(char *path, int32_t self_pid, struct ctl_maps *out)
{
    drop_mark(path);
    char *base = strrchr(path, '/') + 1;
    if (strncmp(base, "memfd:", 6) == 0) /* where it was attached from memory */
        base += 6;
    if (strncmp(base, LIBRARY, strlen(LIBRARY)) == 0)
        out->library = true;
    else if (is_own_region(base, self_pid) && strlen(path) < sizeof(out->region))
        strcpy(out->region, path);
}

enum ctl_maps_result ctl_proc_maps(int32_t pid, int32_t self_pid, struct ctl_maps *out)
{
    memset(out, 0, sizeof(*out));
    int fd = open_proc(pid, "maps");
    FILE *maps = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (maps == NULL)
        return errno == EACCES || errno == EPERM ? CTL_MAPS_REFUSED : CTL_MAPS_GONE;
    char *line = NULL;
    size_t room = 0;
    errno = 0;
    while (getline(&line, &room, maps) > 0) {
        char *path = path_of_line(line);
        if (path != NULL)
            look_at(path, self_pid, out);
    }
    /* The kernel may check permission only when the file is read. */
    bool refused = errno == EACCES || errno == EPERM;
    free(line);
    fclose(maps);
    return refused ? CTL_MAPS_REFUSED : CTL_MAPS_READ;
}

bool ctl_proc_environ(int32_t pid, const char *name, char *out, size_t cap)
{
    int fd = open_proc(pid, "environ");
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (file == NULL)
        return false;
    char *entry = NULL;
    size_t room = 0;
    size_t len = strlen(name);
    bool found = false;
    while (!found && getdelim(&entry, &room, '\0', file) > 0) {
        found = strncmp(entry, name, len) == 0 && entry[len] == '=';
        if (found)
            ctl_format_clean(out, cap, entry + len + 1, SIZE_MAX / 2);
    }
    free(entry);
    fclose(file);
    return found;
}

void ctl_proc_boot_id(char out[40])
{
    memset(out, 0, 40);
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = read(fd, out, 39);
    close(fd);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

bool ctl_proc_is_called(const char *exe, const char *name)
{
    const char *slash = strrchr(exe, '/');
    return strcmp(slash != NULL ? slash + 1 : exe, name) == 0;
}
