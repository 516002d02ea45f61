/* SPDX-License-Identifier: MIT */
/*
 * Pruning dead processes' regions, so that a directory never grows without bound. Runs in the
 * program's thread, once, at the start: a process that lives shorter than a helper thread takes to
 * prune (a server's that forks for each connection) would leave more than it removes. Reads the
 * directory with libc, whose internal calls do not pass through our wrappers.
 */
#include "publish/regionfile.h"
#include "shared/sys.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATES 1200u
_Static_assert(CANDIDATES > SPY_KEEP_MAX, "what is kept must not hide what is to be removed");

struct candidate {
    struct spy_process_id id;
    int64_t seen_s;
};

static bool alive(struct spy_process_id id)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%" PRId32 "/stat", id.pid);
    int fd = spy_sys_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    long n = spy_sys_read(fd, text, sizeof(text) - 1);
    spy_sys_close(fd);
    text[n > 0 ? n : 0] = '\0';
    return spy_paths_start_ticks(text) == id.start_ticks;
}

static bool know_the_living(void)
{
    int fd = spy_sys_open("/proc/self/stat", O_RDONLY | O_CLOEXEC, 0);
    if (fd >= 0)
        spy_sys_close(fd);
    return fd >= 0;
}

/* When the region's helper thread was last awake, or else when the watch began: seconds since 1970;
 * 0 where it does not say. */
static int64_t awake(int fd)
{
    struct spy_region header;
    if (spy_sys_read(fd, &header, sizeof(header)) != (long)sizeof(header) ||
        header.magic != SPY_REGION_MAGIC || header.version != SPY_REGION_VERSION)
        return 0;
    uint64_t awake_ns = atomic_load_explicit(&header.awake_ns, memory_order_relaxed);
    if (awake_ns < header.epoch_mono_ns) /* it never was: a short life */
        awake_ns = header.epoch_mono_ns;
    return (int64_t)((header.epoch_real_ns + awake_ns - header.epoch_mono_ns) / 1000000000u);
}

/* When the region's process did something last, in seconds since 1970. The file's own time will not
 * do: where it is in memory (tmpfs) it stands still once every page has been written to, and a
 * service that ran for weeks would be the first to be removed when it dies. */
static bool last_seen(const char *dir, struct spy_process_id id, int64_t *seconds)
{
    char path[SPY_PATH_BYTES];
    struct stat st;
    if (!spy_paths_region(path, sizeof(path), dir, id))
        return false;
    int fd = spy_sys_open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool ok = spy_sys_fstat(fd, &st) == 0;
    int64_t awake_s = awake(fd);
    spy_sys_close(fd);
    *seconds = awake_s > (int64_t)st.st_mtime ? awake_s : (int64_t)st.st_mtime;
    return ok;
}

static void remove_region(const char *dir, struct spy_process_id id)
{
    char path[SPY_PATH_BYTES];
    /* The region last: it is what a next time finds, if this one is killed in between. */
    if (spy_paths_socket(path, sizeof(path), dir, id))
        spy_sys_unlink(path);
    if (spy_paths_region(path, sizeof(path), dir, id))
        spy_sys_unlink(path);
}

/* NAME may be a region whose maker was killed before it was complete. */
static void remove_unrevealed(const char *dir, const char *name)
{
    char text[2 * SPY_PATH_BYTES];
    struct spy_process_id id;
    const char *suffix = strstr(name, SPY_UNREVEALED);
    if (suffix == NULL || strcmp(suffix, SPY_UNREVEALED) != 0)
        return;
    snprintf(text, sizeof(text), "%.*s", (int)(suffix - name), name);
    if (!spy_paths_parse(text, &id) || alive(id))
        return;
    remove_region(dir, id); /* it may have a socket */
    snprintf(text, sizeof(text), "%s/%s", dir, name);
    spy_sys_unlink(text);
}

static int newest_first(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    return (x->seen_s < y->seen_s) - (x->seen_s > y->seen_s);
}

static size_t collect(DIR *handle, const char *dir, struct candidate *found)
{
    size_t n = 0;
    struct dirent *entry;
    while (n < CANDIDATES && (entry = readdir(handle)) != NULL) {
        struct candidate c;
        remove_unrevealed(dir, entry->d_name);
        if (spy_paths_parse(entry->d_name, &c.id) && !alive(c.id) &&
            last_seen(dir, c.id, &c.seen_s))
            found[n++] = c;
    }
    return n;
}

void spy_regionfile_prune(const char *dir, const struct spy_config *config)
{
    struct timespec now;
    DIR *handle = dir[0] != '\0' && know_the_living() ? opendir(dir) : NULL;
    if (handle == NULL)
        return;
    struct candidate *found = malloc(CANDIDATES * sizeof(*found));
    size_t n = found != NULL ? collect(handle, dir, found) : 0;
    closedir(handle);
    qsort(found, n, sizeof(*found), newest_first);
    clock_gettime(CLOCK_REALTIME, &now);
    for (size_t i = 0; i < n; i++)
        if (i >= config->keep || now.tv_sec - found[i].seen_s > (int64_t)config->keep_seconds)
            remove_region(dir, found[i].id);
    free(found);
}
