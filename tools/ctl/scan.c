/* SPDX-License-Identifier: MIT */
/*
 * Discovery of processes; see source.h. First /proc, which finds live ones wherever they publish,
 * in any mount or PID namespace; then the directories, which also have the dead. Of processes that
 * are asked for by their ids, and run, nothing but themselves is looked at.
 */
#include "ctl/client.h"
#include "ctl/format.h"
#include "ctl/image.h"
#include "ctl/source.h"

#include "shared/paths.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct ctl_process *add(struct ctl_source *source)
{
    source->process = ctl_grow(source->process, source->count + 1, sizeof(*source->process));
    struct ctl_process *process = &source->process[source->count++];
    memset(process, 0, sizeof(*process));
    return process;
}

/* Start of a live process by CLOCK_REALTIME. */
static uint64_t started_ns(uint64_t start_ticks)
{
    long hz = sysconf(_SC_CLK_TCK);
    uint64_t since_boot = start_ticks / (uint64_t)hz * 1000000000ull +
                          start_ticks % (uint64_t)hz * (1000000000ull / (uint64_t)hz);
    uint64_t boot = ctl_clock_ns(CLOCK_REALTIME) - ctl_clock_ns(CLOCK_BOOTTIME);
    return boot + since_boot;
}

static void set_region(struct ctl_process *process, const char *path)
{
    struct stat st;
    process->state = CTL_LIVE;
    process->region = ctl_copy(path);
    if (stat(path, &st) == 0) {
        process->device = st.st_dev;
        process->inode = st.st_ino;
    }
}

/* Why does a process that has the library have no region? */
static void explain(struct ctl_process *process)
{
    char value[SPY_PATH_BYTES];
    process->state = CTL_IDLE;
    if (ctl_proc_environ(process->proc.pid, "PERFSPY_ENABLED", value, sizeof(value)) &&
        strcmp(value, "0") == 0) {
        process->state = CTL_DORMANT;
        snprintf(process->note, sizeof(process->note), "PERFSPY_ENABLED=0");
        return;
    }
    bool preloaded = ctl_proc_environ(process->proc.pid, "LD_PRELOAD", value, sizeof(value));
    snprintf(process->note, sizeof(process->note), "%sno listen, accept or libpq connection yet",
             preloaded ? "" : "an attach is under way, or ");
}

/* A process whose region has no file answers at its abstract name only. */
static bool answers_in_memory(const struct ctl_proc *proc)
{
    struct spy_process_id id = {proc->self_pid, proc->start_ticks};
    struct spy_region *region;
    if (ctl_client_dump(NULL, proc->uid, id, &region, NULL) != SPY_OK)
        return false;
    ctl_image_free(region);
    return true;
}

bool ctl_source_look(struct ctl_process *process, const struct ctl_proc *proc)
{
    struct ctl_maps maps;
    enum ctl_maps_result result = ctl_proc_maps(proc->pid, proc->self_pid, &maps);
    if (result == CTL_MAPS_GONE || (result == CTL_MAPS_READ && !maps.library && !maps.region[0]))
        return false;
    memset(process, 0, sizeof(*process));
    process->proc = *proc;
    process->started_ns = started_ns(proc->start_ticks);
    if (result == CTL_MAPS_REFUSED) {
        process->state = CTL_CLOSED;
    } else if (maps.region[0] != '\0') {
        char path[CTL_PROC_PATH + 32];
        snprintf(path, sizeof(path), "/proc/%d/root%s", proc->pid, maps.region);
        /* Seen from here, as that of a process that has changed its root is, it stands there whole.
         */
        set_region(process, access(path, F_OK) == 0 ? path : maps.region);
    } else if (answers_in_memory(proc)) {
        process->state = CTL_LIVE;
    } else {
        explain(process);
    }
    return true;
}

static void scan_proc(struct ctl_source *source)
{
    DIR *dir = opendir("/proc");
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct ctl_proc proc;
        struct ctl_process process;
        if (isdigit((unsigned char)entry->d_name[0]) &&
            ctl_proc_read((int32_t)strtol(entry->d_name, NULL, 10), &proc) &&
            ctl_source_look(&process, &proc))
            *add(source) = process;
    }
    closedir(dir);
}

/* ---- directories ---------------------------------------------------------------------------- */

static void warn(FILE *err, const char *path, const char *reason)
{
    char clean[SPY_PATH_BYTES + 64];
    char why[256];
    ctl_format_clean(clean, sizeof(clean), path, SIZE_MAX / 2);
    ctl_format_clean(why, sizeof(why), reason, SIZE_MAX / 2);
    ctl_say(err, "warning: skipped %s: %s", clean, why);
}

static struct ctl_process *find(const struct ctl_source *source, struct spy_process_id id,
                                const struct stat *st)
{
    for (size_t i = 0; i < source->count; i++) {
        struct ctl_process *p = &source->process[i];
        if (p->proc.pid == id.pid && p->proc.start_ticks == id.start_ticks)
            return p;
        if (p->region != NULL && p->inode == st->st_ino && p->device == st->st_dev)
            return p;
    }
    return NULL;
}

static void fill_from_region(struct ctl_process *process, const struct spy_region *region,
                             struct spy_process_id id)
{
    process->proc.pid = process->proc.self_pid = id.pid;
    process->proc.start_ticks = id.start_ticks;
    process->proc.uid = region->uid;
    process->started_ns = region->epoch_real_ns;
    ctl_format_clean(process->proc.exe, sizeof(process->proc.exe), region->exe,
                     sizeof(region->exe));
}

/* A region whose process is not among those found in /proc: dead, or one we cannot look into. */
static void add_from_file(struct ctl_source *source, const char *path, struct spy_process_id id,
                          FILE *err)
{
    struct ctl_image_owner owner = {.uid = geteuid(), .any_owner = geteuid() == 0};
    struct spy_region head, *region = &head;
    struct spy_error error;
    if (ctl_image_head(path, owner, region, &error) != SPY_OK) {
        warn(err, path, error.text);
        return;
    }
    char boot_id[40];
    ctl_proc_boot_id(boot_id);
    struct ctl_proc proc;
    bool lives = ctl_proc_read(id.pid, &proc) && proc.start_ticks == id.start_ticks &&
                 strcmp(boot_id, region->boot_id) == 0;
    struct ctl_process *process = add(source);
    set_region(process, path);
    process->any_owner = owner.any_owner;
    fill_from_region(process, region, id);
    if (lives)
        process->proc = proc;
    process->state = lives ? CTL_LIVE : CTL_DEAD;
}

static void look_at_file(struct ctl_source *source, const char *dir, const char *name, FILE *err)
{
    struct spy_process_id id;
    struct stat st;
    char path[SPY_PATH_BYTES + 300];
    int n = snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (!spy_paths_parse(name, &id) || n < 0 || (size_t)n >= sizeof(path))
        return;
    if (lstat(path, &st) != 0)
        return;
    struct ctl_process *known = find(source, id, &st);
    if (known == NULL)
        add_from_file(source, path, id, err);
    else if (known->region == NULL || known->inode == st.st_ino) {
        free(known->region); /* where it is the same file, this path is the shorter one */
        set_region(known, path);
    }
}

/* Only what we, or root, made is looked through: anybody can create /tmp/perfspy-UID. Root reads
 * services' own directories too, where each file's owner is checked against its contents. */
static int open_dir(struct ctl_source *source, const char *dir, FILE *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        if (errno == EACCES)
            ctl_format_clean(source->refused, sizeof(source->refused), dir, SPY_PATH_BYTES);
        else if (errno != ENOENT)
            warn(err, dir, errno == ELOOP ? "it is a symbolic link" : strerror(errno));
        return -1;
    }
    struct stat st;
    if (fstat(fd, &st) == 0 && (st.st_uid == 0 || st.st_uid == geteuid() || geteuid() == 0))
        return fd;
    warn(err, dir, "it belongs to another user");
    close(fd);
    return -1;
}

static void scan_dir(struct ctl_source *source, const char *path, FILE *err)
{
    int fd = open_dir(source, path, err);
    if (fd < 0)
        return;
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        look_at_file(source, path, entry->d_name, err);
    closedir(dir);
}

static int by_start(const void *a, const void *b)
{
    const struct ctl_process *x = a, *y = b;
    if (x->started_ns != y->started_ns)
        return x->started_ns < y->started_ns ? -1 : 1;
    return x->proc.pid < y->proc.pid ? -1 : x->proc.pid > y->proc.pid;
}

static void in_order(struct ctl_source *source)
{
    if (source->count > 0)
        qsort(source->process, source->count, sizeof(*source->process), by_start);
}

void ctl_source_scan(struct ctl_source *source, FILE *err)
{
    memset(source, 0, sizeof(*source));
    scan_proc(source);
    char dirs[SPY_DIRS][SPY_PATH_BYTES];
    unsigned count =
        spy_paths_dirs(getenv("PERFSPY_DIR"), getenv("XDG_RUNTIME_DIR"), geteuid(), dirs);
    for (unsigned i = 0; i < count; i++)
        scan_dir(source, dirs[i], err);
    in_order(source);
}

/* ---- those of -p ---------------------------------------------------------------------------- */

static bool is_in(const struct ctl_source *source, int32_t pid)
{
    for (size_t i = 0; i < source->count; i++)
        if (source->process[i].proc.pid == pid)
            return true;
    return false;
}

/* Its file has a shorter path in one of the directories, mostly. */
static void shorten(struct ctl_source *source, struct ctl_process *process, FILE *err)
{
    char dirs[SPY_DIRS][SPY_PATH_BYTES], path[SPY_PATH_BYTES];
    struct spy_process_id id = {process->proc.self_pid, process->proc.start_ticks};
    unsigned count =
        spy_paths_dirs(getenv("PERFSPY_DIR"), getenv("XDG_RUNTIME_DIR"), geteuid(), dirs);
    for (unsigned i = 0; i < count; i++) {
        struct stat st;
        int fd = open_dir(source, dirs[i], err);
        if (fd >= 0 && spy_paths_region(path, sizeof(path), dirs[i], id) && lstat(path, &st) == 0 &&
            st.st_ino == process->inode && st.st_dev == process->device) {
            free(process->region);
            set_region(process, path);
        }
        if (fd >= 0)
            close(fd);
    }
}

/* False where one of them is given by name, does not run, or has no region: then others have to be
 * looked at, too, since a dead one may have had its id. */
static bool look_at_those(struct ctl_source *source, const struct ctl_args *args, FILE *err)
{
    struct ctl_proc proc;
    struct ctl_process process;
    for (size_t i = 0; i < args->processes; i++) {
        const char *spec = args->process[i];
        if (!ctl_source_is_pid(spec) || !ctl_proc_read(atoi(spec), &proc))
            return false;
        if (is_in(source, proc.pid))
            continue;
        if (!ctl_source_look(&process, &proc))
            return false;
        shorten(source, &process, err);
        *add(source) = process;
        if (process.state != CTL_LIVE)
            return false;
    }
    return source->count > 0;
}

void ctl_source_scan_for(struct ctl_source *source, const struct ctl_args *args, FILE *err)
{
    memset(source, 0, sizeof(*source));
    if (look_at_those(source, args, err)) {
        in_order(source);
        return;
    }
    ctl_source_free(source);
    ctl_source_scan(source, err);
}

void ctl_source_free(struct ctl_source *source)
{
    for (size_t i = 0; i < source->count; i++)
        free(source->process[i].region);
    free(source->process);
    memset(source, 0, sizeof(*source));
}
