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

#define CANDIDATES 1024u

struct candidate {
    struct spy_process_id id;
    int64_t modified_s;
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

static bool modified(const char *dir, struct spy_process_id id, int64_t *seconds)
{
    char path[SPY_PATH_BYTES];
    struct stat st;
    if (!spy_paths_region(path, sizeof(path), dir, id))
        return false;
    int fd = spy_sys_open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool ok = spy_sys_fstat(fd, &st) == 0;
    spy_sys_close(fd);
    *seconds = (int64_t)st.st_mtime;
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
    return (x->modified_s < y->modified_s) - (x->modified_s > y->modified_s);
}

static size_t collect(DIR *handle, const char *dir, struct candidate *found)
{
    size_t n = 0;
    struct dirent *entry;
    while (n < CANDIDATES && (entry = readdir(handle)) != NULL) {
        struct candidate c;
        remove_unrevealed(dir, entry->d_name);
        if (spy_paths_parse(entry->d_name, &c.id) && !alive(c.id) &&
            modified(dir, c.id, &c.modified_s))
            found[n++] = c;
    }
    return n;
}

void spy_regionfile_prune(const char *dir)
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
        if (i >= SPY_KEEP_DEAD || now.tv_sec - found[i].modified_s > (int64_t)SPY_KEEP_SECONDS)
            remove_region(dir, found[i].id);
    free(found);
}
