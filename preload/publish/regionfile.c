/* SPDX-License-Identifier: MIT */
/*
 * The region's file: directory, allocation, mapping, name. Raw system calls throughout: nothing
 * here may set the program's errno or meet our own wrappers.
 */
#include "publish/regionfile.h"

#include "publish/allocation.h"
#include "runtime/clock.h"
#include "runtime/log.h"
#include "shared/history.h"
#include "shared/sys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* Reads a small file, NUL-terminated; false where it cannot be read. */
static bool read_small(const char *path, char *out, size_t cap)
{
    int fd = spy_sys_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    long n = spy_sys_read(fd, out, cap - 1);
    spy_sys_close(fd);
    out[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static struct spy_process_id own_id(void)
{
    char stat_text[1024];
    struct spy_process_id id = {.pid = spy_sys_getpid()};
    if (read_small("/proc/self/stat", stat_text, sizeof(stat_text)))
        id.start_ticks = spy_paths_start_ticks(stat_text);
    return id;
}

/* ---- the directory -------------------------------------------------------------------------- */

/* Opens DIR if it may be trusted with a region; makes it if it is missing. Negative errno
 * otherwise; -EPERM where it is somebody else's or open to others. */
static int open_dir(const char *dir)
{
    struct stat st;
    int made = spy_sys_mkdir(dir, 0700);
    if (made != 0 && made != -EEXIST)
        return made;
    int fd = spy_sys_open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    if (spy_sys_fstat(fd, &st) == 0 && st.st_uid == spy_sys_geteuid() && (st.st_mode & 077) == 0)
        return fd;
    spy_sys_close(fd);
    return -EPERM;
}

static void explain(char *problem, size_t cap, const char *dir, long error)
{
    size_t used = strlen(problem);
    const char *why = error == -EPERM   ? "is not a directory of mode 0700 owned by this user"
                      : error == -ELOOP ? "is a symbolic link"
                                        : strerrordesc_np((int)-error);
    snprintf(problem + used, cap - used, "%s%s: %s", used > 0 ? "; " : "", dir, why);
}

/* ---- the file ------------------------------------------------------------------------------- */

/* Maps a new file in the directory DIR_FD. Returns the mapping or a negated errno. */
static void *map_file(int dir_fd, const char *name, struct spy_region_sizes sizes)
{
    spy_sys_unlinkat(dir_fd, name);
    int fd = spy_sys_openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return (void *)(long)fd;
    void *memory = spy_allocation_map(fd, sizes);
    spy_sys_close(fd);
    if (spy_sys_failed(memory))
        spy_sys_unlinkat(dir_fd, name);
    return memory;
}

static void *map_in_dir(const char *dir, struct spy_process_id id, struct spy_region_sizes sizes)
{
    char path[SPY_PATH_BYTES], name[SPY_PATH_BYTES];
    if (!spy_paths_region(path, sizeof(path) - sizeof(SPY_UNREVEALED), dir, id))
        return (void *)(long)-ENAMETOOLONG;
    snprintf(name, sizeof(name), "%s" SPY_UNREVEALED, path + strlen(dir) + 1);
    int dir_fd = open_dir(dir);
    if (dir_fd < 0)
        return (void *)(long)dir_fd;
    void *memory = map_file(dir_fd, name, sizes);
    spy_sys_close(dir_fd);
    return memory;
}

/* The region's memory: from the first directory that works, else anonymous. */
static void *map_anywhere(struct spy_publication *p, const struct spy_config *config, char *problem,
                          size_t cap)
{
    char dirs[SPY_DIRS][SPY_PATH_BYTES];
    const char *env_dir = config->dir[0] != '\0' ? config->dir : NULL;
    unsigned n = spy_paths_dirs(env_dir, config->xdg, spy_sys_geteuid(), dirs);
    for (unsigned i = 0; i < n; i++) {
        void *memory = map_in_dir(dirs[i], p->id, config->sizes);
        if (!spy_sys_failed(memory)) {
            strcpy(p->dir, dirs[i]);
            problem[0] = '\0'; /* an earlier choice that did not work is no problem */
            return memory;
        }
        explain(problem, cap, dirs[i], (long)memory);
    }
    return spy_sys_mmap(spy_region_bytes(config->sizes), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1);
}

/* Of one that was replaced since it was started, too: without what the kernel adds. */
static void read_exe(struct spy_region *region)
{
    static const char mark[] = " (deleted)";
    const long mark_len = sizeof(mark) - 1;
    long n = spy_sys_readlink("/proc/self/exe", region->exe, sizeof(region->exe) - 1);
    if (n > mark_len && memcmp(region->exe + n - mark_len, mark, (size_t)mark_len) == 0)
        n -= mark_len;
    region->exe[n > 0 ? n : 0] = '\0';
}

static void describe(struct spy_region *region, const struct spy_publication *p)
{
    region->pid = p->id.pid;
    region->start_ticks = p->id.start_ticks;
    region->uid = spy_sys_geteuid();
    region->epoch_mono_ns = spy_now();
    region->epoch_real_ns = spy_clock_of(CLOCK_REALTIME);
    read_exe(region);
    strcpy(region->mode, spy_config.attached ? "attach" : "preload");
    strcpy(region->storage, p->dir[0] != '\0' ? "file" : "memory");
    if (read_small("/proc/sys/kernel/random/boot_id", region->boot_id, sizeof(region->boot_id)))
        region->boot_id[strcspn(region->boot_id, "\n")] = '\0';
}

bool spy_regionfile_create(struct spy_publication *p, const struct spy_config *config)
{
    char problem[sizeof(p->region->problem)] = "";
    memset(p, 0, sizeof(*p));
    p->id = own_id();
    void *memory = map_anywhere(p, config, problem, sizeof(problem));
    if (spy_sys_failed(memory))
        return false;
    p->region = memory;
    p->region->history_bytes = config->sizes.history_bytes;
    p->region->arena_bytes = config->sizes.arena_bytes;
    spy_region_layout(p->region);
    spy_history_begin(p->region, &config->history);
    describe(p->region, p);
    memcpy(p->region->problem, problem, sizeof(problem));
    atomic_store_explicit(&p->region->arena_used, 1, memory_order_relaxed); /* 0 means none */
    atomic_store_explicit(&p->region->text_used, 1, memory_order_relaxed);
    if (problem[0] != '\0')
        spy_log(SPY_LOG_ERROR, "event=no_region_file problem=\"%s\"", problem);
    return true;
}

/* Its name until it is revealed. */
static bool unrevealed(char path[SPY_PATH_BYTES + sizeof(SPY_UNREVEALED)],
                       const struct spy_publication *p)
{
    if (p->dir[0] == '\0' || !spy_paths_region(path, SPY_PATH_BYTES, p->dir, p->id))
        return false;
    strcat(path, SPY_UNREVEALED);
    return true;
}

void spy_regionfile_reveal(const struct spy_publication *p)
{
    char path[SPY_PATH_BYTES], temporary[SPY_PATH_BYTES + sizeof(SPY_UNREVEALED)];
    if (unrevealed(temporary, p) && spy_paths_region(path, sizeof(path), p->dir, p->id))
        spy_sys_rename(temporary, path);
}

void spy_regionfile_discard(const struct spy_publication *p)
{
    char temporary[SPY_PATH_BYTES + sizeof(SPY_UNREVEALED)];
    const struct spy_region_sizes sizes = {p->region->history_bytes, p->region->arena_bytes};
    if (unrevealed(temporary, p))
        spy_sys_unlink(temporary);
    spy_sys_munmap(p->region, spy_region_bytes(sizes));
}
