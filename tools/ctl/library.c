/* SPDX-License-Identifier: MIT */
/*
 * Finding libperfspy.so. See library.h.
 */
#include "ctl/library.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libperfspy.so"

/* OUT becomes DIR/NAME without "..", if there is such a file. */
static bool take(char out[PATH_MAX], const char *dir, const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s", dir, name);
    return n > 0 && (size_t)n < sizeof(path) && realpath(path, out) != NULL;
}

/* The same in the folders of LIB that are named after a machine, as Debian has them. */
static bool take_multiarch(char out[PATH_MAX], const char *lib)
{
    DIR *dir = opendir(lib);
    bool taken = false;
    if (dir == NULL)
        return false;
    for (struct dirent *entry; !taken && (entry = readdir(dir)) != NULL;) {
        char name[sizeof(entry->d_name) + sizeof(LIBRARY) + 1];
        snprintf(name, sizeof(name), "%s/%s", entry->d_name, LIBRARY);
        taken = strstr(entry->d_name, "-linux-gnu") != NULL && take(out, lib, name);
    }
    closedir(dir);
    return taken;
}

void ctl_library_find(char out[PATH_MAX])
{
    char self[PATH_MAX];
    char lib[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash != NULL) {
        *slash = '\0';
        if (take(out, self, LIBRARY) || take(out, self, "../lib/" LIBRARY))
            return;
        if (take(lib, self, "../lib") && take_multiarch(out, lib))
            return;
    }
    strcpy(out, LIBRARY);
}
