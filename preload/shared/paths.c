/* SPDX-License-Identifier: MIT */
/*
 * Names of regions and sockets. Pure string work on the caller's buffers: no allocation, any
 * thread.
 */
#include "shared/paths.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOCKET_PATH_BYTES 108u /* sizeof(((struct sockaddr_un *)0)->sun_path) */

static bool fits(int printed, size_t cap)
{
    return printed > 0 && (size_t)printed < cap;
}

unsigned spy_paths_dirs(const char *env_dir, const char *env_xdg, uint32_t uid,
                        char dirs[SPY_DIRS][SPY_PATH_BYTES])
{
    unsigned n = 0;
    if (env_dir != NULL && *env_dir != '\0')
        return fits(snprintf(dirs[0], SPY_PATH_BYTES, "%s", env_dir), SPY_PATH_BYTES) ? 1 : 0;
    if (env_xdg != NULL && *env_xdg == '/')
        n += fits(snprintf(dirs[n], SPY_PATH_BYTES, "%s/perfspy", env_xdg), SPY_PATH_BYTES);
    n += fits(snprintf(dirs[n], SPY_PATH_BYTES, "/run/perfspy"), SPY_PATH_BYTES);
    n += fits(snprintf(dirs[n], SPY_PATH_BYTES, "/tmp/perfspy-%" PRIu32, uid), SPY_PATH_BYTES);
    return n;
}

static bool join(char *out, size_t cap, const char *dir, struct spy_process_id id,
                 const char *suffix)
{
    return fits(
        snprintf(out, cap, "%s/%" PRId32 "-%" PRIu64 "%s", dir, id.pid, id.start_ticks, suffix),
        cap);
}

bool spy_paths_region(char *out, size_t cap, const char *dir, struct spy_process_id id)
{
    return join(out, cap, dir, id, ".region");
}

bool spy_paths_socket(char *out, size_t cap, const char *dir, struct spy_process_id id)
{
    return join(out, cap < SOCKET_PATH_BYTES ? cap : SOCKET_PATH_BYTES, dir, id, ".sock");
}

bool spy_paths_abstract(char *out, size_t cap, uint32_t uid, struct spy_process_id id)
{
    return fits(
        snprintf(out, cap, "perfspy-%" PRIu32 "-%" PRId32 "-%" PRIu64, uid, id.pid, id.start_ticks),
        cap);
}

bool spy_paths_parse(const char *name, struct spy_process_id *id)
{
    char *end;
    long pid = strtol(name, &end, 10);
    if (end == name || *end != '-' || pid <= 0 || pid > INT32_MAX)
        return false;
    const char *ticks = end + 1;
    id->pid = (int32_t)pid;
    id->start_ticks = strtoull(ticks, &end, 10);
    return end != ticks && strcmp(end, ".region") == 0;
}

uint64_t spy_paths_start_ticks(const char *stat_text)
{
    const char *at = strrchr(stat_text, ')');
    if (at == NULL)
        return 0;
    at++;
    for (int field = 3; field <= 22; field++) {
        at += strspn(at, " ");
        if (field == 22)
            return strtoull(at, NULL, 10);
        at += strcspn(at, " ");
    }
    return 0;
}
