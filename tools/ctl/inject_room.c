/* SPDX-License-Identifier: MIT */
/*
 * Reading control groups. See inject_room.h; the files are those of the kernel's cgroup-v2.rst and
 * cgroup-v1/memory.rst. What cannot be read sets no limit.
 */
#include "ctl/inject_room.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* One version's names. Page cache that can be taken back is in two lists. */
struct version {
    const char *line; /* as its line in /proc/PID/cgroup goes on after the number */
    const char *mount, *limit, *usage, *lists[2];
};

static const struct version versions[] = {
    {"::", "/sys/fs/cgroup", "memory.max", "memory.current", {"inactive_file", "active_file"}},
    {":memory:",
     "/sys/fs/cgroup/memory",
     "memory.limit_in_bytes",
     "memory.usage_in_bytes",
     {"total_inactive_file", "total_active_file"}},
};

static FILE *open_file(const struct version *v, const char *group, const char *name)
{
    char path[2 * PATH_MAX];
    snprintf(path, sizeof(path), "%s%s/%s", v->mount, group, name);
    return fopen(path, "re");
}

/* The one number of a file; false where it has another word, or is not there. */
static bool read_number(const struct version *v, const char *group, const char *name, uint64_t *out)
{
    FILE *file = open_file(v, group, name);
    bool read = file != NULL && fscanf(file, "%" SCNu64, out) == 1;
    if (file != NULL)
        fclose(file);
    return read;
}

static uint64_t page_cache(const struct version *v, const char *group)
{
    char name[64];
    uint64_t bytes, sum = 0;
    FILE *file = open_file(v, group, "memory.stat");
    while (file != NULL && fscanf(file, "%63s %" SCNu64, name, &bytes) == 2)
        if (strcmp(name, v->lists[0]) == 0 || strcmp(name, v->lists[1]) == 0)
            sum += bytes;
    if (file != NULL)
        fclose(file);
    return sum;
}

/* Is too little left in GROUP? */
static bool is_full(const struct version *v, const char *group, uint64_t *left, uint64_t *limit)
{
    uint64_t used;
    if (!read_number(v, group, v->limit, limit) || !read_number(v, group, v->usage, &used))
        return false;
    uint64_t cache = page_cache(v, group);
    used -= cache < used ? cache : used;
    *left = used < *limit ? *limit - used : 0;
    return *left < CTL_ROOM_BYTES;
}

/* GROUP and those that it is in. */
static enum ctl_exit check_groups(pid_t pid, const struct version *v, char *group, FILE *err)
{
    uint64_t left, limit;
    for (char *slash; (slash = strrchr(group, '/')) != NULL; *slash = '\0') {
        if (slash[1] == '\0') /* of the root nothing but its slash */
            *slash = '\0';
        if (is_full(v, group, &left, &limit)) {
            ctl_say(err,
                    "process %d has %" PRIu64 " KiB left of the %" PRIu64
                    " that its control group %s may use, and watching takes up to %llu: the kernel "
                    "could kill it for that. Raise the limit first",
                    pid, left >> 10, limit >> 10, group[0] != '\0' ? group : "/",
                    CTL_ROOM_BYTES >> 10);
            return CTL_REFUSED;
        }
        if (*slash == '\0')
            break;
    }
    return CTL_OK;
}

enum ctl_exit ctl_room_check(pid_t pid, FILE *err)
{
    char path[32], *line = NULL;
    size_t room = 0;
    enum ctl_exit result = CTL_OK;
    snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && result == CTL_OK && getline(&line, &room, file) > 0) {
        const char *rest = line + strspn(line, "0123456789");
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]) && result == CTL_OK; i++)
            if (strncmp(rest, versions[i].line, strlen(versions[i].line)) == 0)
                result = check_groups(pid, &versions[i],
                                      line + (rest - line) + strlen(versions[i].line), err);
    }
    free(line);
    if (file != NULL)
        fclose(file);
    return result;
}
