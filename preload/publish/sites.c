/* SPDX-License-Identifier: MIT */
/*
 * From addresses to "module+0xoffset". See sites.h. The offset counts from where the object begins
 * in memory, as addr2line wants it of a shared object.
 */
#include "publish/sites.h"

#include "shared/sys.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SITE_BYTES 160u

/* The mappings, line by line: "BEGIN-END rwxp OFFSET DEVICE INODE    PATH". */
struct maps {
    int fd;
    size_t have; /* bytes in `text`, from the beginning of a line */
    char text[4096];
};

/* The next line, NUL-terminated, or NULL. It is good until the next call. A line that is longer
 * than the buffer (a path of 4 KiB) ends the walk. */
static const char *next_line(struct maps *maps, char line[sizeof(maps->text)])
{
    char *end;
    while ((end = memchr(maps->text, '\n', maps->have)) == NULL) {
        long got = maps->have < sizeof(maps->text) ? spy_sys_read(maps->fd, maps->text + maps->have,
                                                                  sizeof(maps->text) - maps->have)
                                                   : 0;
        if (got <= 0)
            return NULL;
        maps->have += (size_t)got;
    }
    size_t len = (size_t)(end - maps->text);
    memcpy(line, maps->text, len);
    line[len] = '\0';
    maps->have -= len + 1;
    memmove(maps->text, end + 1, maps->have);
    return line;
}

/* Writes the text of ADDRESS to OUT; false where no object has it. */
static bool find(uint64_t address, char out[SITE_BYTES])
{
    struct maps maps = {.fd = spy_sys_open("/proc/self/maps", O_RDONLY | O_CLOEXEC, 0)};
    char line[sizeof(maps.text)], object[sizeof(maps.text)] = "";
    uint64_t base = 0;
    bool found = false;
    while (maps.fd >= 0 && !found && next_line(&maps, line) != NULL) {
        char *after, *path = strchr(line, '/');
        uint64_t begin = strtoull(line, &after, 16);
        uint64_t end = strtoull(after + (*after == '-'), &after, 16);
        if (path != NULL && strcmp(path, object) != 0) { /* the first mapping of an object */
            strcpy(object, path);
            base = begin;
        }
        found = path != NULL && address >= begin && address < end;
    }
    if (maps.fd >= 0)
        spy_sys_close(maps.fd);
    if (found)
        snprintf(out, SITE_BYTES, "%s+0x%" PRIx64, strrchr(object, '/') + 1, address - base);
    return found;
}

static void name(struct spy_region *region, struct spy_repeat *row)
{
    char text[SITE_BYTES];
    uint32_t at = 0;
    if (find(atomic_load_explicit(&row->site, memory_order_relaxed), text))
        at = spy_region_text_add(region, text, (uint32_t)strlen(text));
    /* Pairs with the readers' acquire. Claimed for good where there is nothing to tell. */
    atomic_store_explicit(&row->site_text, at != 0 ? at : SPY_TEXT_CLAIMED, memory_order_release);
}

void spy_sites_name(struct spy_region *region)
{
    struct spy_repeat *row = spy_region_section(region, SPY_SECTION_REPEATS);
    for (uint32_t i = 0; i < SPY_REPEATS; i++, row++) {
        if (atomic_load_explicit(&row->key, memory_order_relaxed) == 0)
            break; /* rows are taken in order */
        if (atomic_load_explicit(&row->site, memory_order_relaxed) != 0 &&
            atomic_load_explicit(&row->site_text, memory_order_relaxed) == 0)
            name(region, row);
    }
}
