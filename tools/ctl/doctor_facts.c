/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of a process; see doctor.h. Whatever cannot be read is not known, and is
 * not taken for an answer.
 */
#include "ctl/doctor.h"
#include "ctl/format.h"

#include <ctype.h>
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *open_proc(int32_t pid, const char *name)
{
    char path[400];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    return fopen(path, "re");
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void add_object(struct ctl_facts *facts, enum ctl_object_kind kind, uint64_t base,
                       const char *path)
{
    if (facts->objects == CTL_OBJECTS)
        return;
    struct ctl_object *object = &facts->object[facts->objects++];
    *object = (struct ctl_object){.kind = kind, .base = base};
    snprintf(object->path, sizeof(object->path), "%s", path);
}

/* The library's variables without contents are mapped without a file, behind its file. A region
 * that has no file is shared memory, which the kernel calls /dev/zero: told from others by its
 * size. */
static void take_own(struct ctl_facts *facts, const char *line)
{
    unsigned long long begin, end;
    int at = 0;
    if (sscanf(line, "%llx-%llx %*s %*s %*s %*s %n", &begin, &end, &at) != 2 || at == 0)
        return;
    const struct ctl_own *last = facts->owns > 0 ? &facts->own[facts->owns - 1] : NULL;
    const char *name = facts->maps.region[0] != '\0' ? facts->maps.region : "/dev/zero";
    bool region = begins(line + at, name);
    bool library = strstr(line + at, "libperfspy.so") != NULL;
    bool behind = line[at] == '\0' && last != NULL && !last->region && last->end == begin;
    if ((region || library || behind) && facts->owns < CTL_OWN)
        facts->own[facts->owns++] = (struct ctl_own){begin, end, region};
}

/* One line of maps: only where a file is mapped from its beginning, that is its base. */
static void take_mapping(struct ctl_facts *facts, const char *line)
{
    unsigned long long base, offset;
    int at = 0;
    if (sscanf(line, "%llx-%*x %*s %llx %*s %*s %n", &base, &offset, &at) < 2 || at == 0 ||
        offset != 0 || line[at] != '/')
        return;
    const char *path = line + at;
    const char *name = strrchr(path, '/') + 1;
    if (begins(name, "libpq.") || begins(name, "libpq-"))
        add_object(facts, CTL_LIBPQ, base, path);
    else if (begins(name, "libssl.") || begins(name, "libssl-") || begins(name, "libgnutls."))
        add_object(facts, CTL_TLS, base, path);
    else if (ctl_facts_is_driver(path))
        snprintf(facts->protocol, sizeof(facts->protocol), "%s", path);
}

static void read_maps(int32_t pid, struct ctl_facts *facts)
{
    FILE *file = open_proc(pid, "maps");
    char *line = NULL;
    size_t room = 0;
    if (file == NULL)
        return;
    while (getline(&line, &room, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        take_mapping(facts, line);
        take_own(facts, line);
    }
    free(line);
    fclose(file);
}

static void read_status(int32_t pid, struct ctl_facts *facts)
{
    FILE *file = open_proc(pid, "status");
    char *line = NULL;
    size_t room = 0;
    if (file == NULL)
        return;
    while (getline(&line, &room, file) > 0)
        if (sscanf(line, "TracerPid: %" SCNd32, &facts->tracer) != 1 &&
            sscanf(line, "Seccomp: %u", &facts->seccomp) == 1)
            break;
    free(line);
    fclose(file);
}

static void read_auxv(int32_t pid, struct ctl_facts *facts)
{
    FILE *file = open_proc(pid, "auxv");
    Elf64_auxv_t entry;
    if (file == NULL)
        return;
    while (fread(&entry, sizeof(entry), 1, file) == 1)
        if (entry.a_type == AT_SECURE)
            facts->secure = entry.a_un.a_val != 0;
    fclose(file);
}

static void read_threads(int32_t pid, struct ctl_facts *facts)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char name[300], comm[32] = "";
        snprintf(name, sizeof(name), "task/%s/comm", entry->d_name);
        FILE *file = isdigit((unsigned char)entry->d_name[0]) ? open_proc(pid, name) : NULL;
        if (file == NULL)
            continue;
        if (fgets(comm, sizeof(comm), file) != NULL && strcmp(comm, "perfspy\n") == 0)
            facts->helper = true;
        fclose(file);
    }
    closedir(dir);
}

/* In a container paths are others'. */
static bool is_elsewhere(int32_t pid)
{
    char path[64], own[64] = "", its[64] = "";
    snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
    ssize_t a = readlink("/proc/self/ns/mnt", own, sizeof(own) - 1);
    ssize_t b = readlink(path, its, sizeof(its) - 1);
    return a > 0 && b > 0 && strcmp(own, its) != 0;
}

static void read_environment(int32_t pid, struct ctl_facts *facts)
{
    char value[4096];
    FILE *file = open_proc(pid, "environ");
    if (file == NULL)
        return;
    facts->environ = fgetc(file) != EOF;
    fclose(file);
    facts->off =
        ctl_proc_environ(pid, "PERFSPY_ENABLED", value, sizeof(value)) && strcmp(value, "0") == 0;
    ctl_proc_environ(pid, "PERFSPY_ONLY", facts->only, sizeof(facts->only));
    ctl_proc_environ(pid, "PERFSPY_LOG", facts->log, sizeof(facts->log));
    if (ctl_proc_environ(pid, "PGPORT", value, sizeof(value)))
        facts->pg_port = (unsigned)strtoul(value, NULL, 10);
    if (!ctl_proc_environ(pid, "LD_PRELOAD", value, sizeof(value)))
        return;
    for (char *rest = NULL, *word = strtok_r(value, ": ", &rest); word != NULL;
         word = strtok_r(NULL, ": ", &rest))
        if (strstr(word, "libperfspy") != NULL) {
            facts->preloaded = true;
            ctl_format_clean(facts->preload, sizeof(facts->preload), word, sizeof(value));
        }
}

enum ctl_maps_result ctl_facts_read(const struct ctl_proc *proc, struct ctl_facts *facts)
{
    memset(facts, 0, sizeof(*facts));
    enum ctl_maps_result result = ctl_proc_maps(proc->pid, proc->self_pid, &facts->maps);
    if (result != CTL_MAPS_READ)
        return result;
    read_maps(proc->pid, facts);
    read_status(proc->pid, facts);
    read_auxv(proc->pid, facts);
    read_threads(proc->pid, facts);
    read_environment(proc->pid, facts);
    ctl_facts_program(proc->pid, facts);
    ctl_facts_descriptors(proc->pid, facts);
    facts->elsewhere = is_elsewhere(proc->pid);
    return result;
}
