/* SPDX-License-Identifier: MIT */
/*
 * Reading /proc/self/maps without libc's streams. See mappings.h.
 */
#include "runtime/mappings.h"

#include "shared/sys.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define TEXT_BYTES 65536u
#define ROWS_FIRST 4096u

/* Twice the room. */
static bool grow(struct spy_mappings *m)
{
    size_t bytes = m->bytes > 0 ? 2 * m->bytes : ROWS_FIRST * sizeof(*m->at);
    void *more = spy_sys_mmap(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (spy_sys_failed(more))
        return false;
    if (m->at != NULL) {
        memcpy(more, m->at, m->count * sizeof(*m->at));
        spy_sys_munmap(m->at, m->bytes);
    }
    m->at = more;
    m->bytes = bytes;
    return true;
}

/* "BEGIN-END rwxp ..." */
static bool take_line(struct spy_mappings *m, const char *line)
{
    char *after;
    if ((m->count + 1) * sizeof(*m->at) > m->bytes && !grow(m))
        return false;
    struct spy_mapping *row = &m->at[m->count];
    row->begin = strtoul(line, &after, 16);
    row->end = strtoul(after + (*after == '-'), &after, 16);
    row->protection = 0;
    if (after[0] == ' ' && strlen(after) > strlen(" rwx")) {
        row->protection |= after[1] == 'r' ? PROT_READ : 0;
        row->protection |= after[2] == 'w' ? PROT_WRITE : 0;
        row->protection |= after[3] == 'x' ? PROT_EXEC : 0;
        m->count++;
    }
    return true;
}

/* Lines come whole or in parts: what is left of the last one goes to the front. */
static bool take_text(struct spy_mappings *m, char *text, size_t *have)
{
    char *line = text, *end;
    text[*have] = '\0';
    while ((end = strchr(line, '\n')) != NULL) {
        *end = '\0';
        if (!take_line(m, line))
            return false;
        line = end + 1;
    }
    *have -= (size_t)(line - text);
    memmove(text, line, *have);
    return *have < TEXT_BYTES - 1;
}

bool spy_mappings_read(struct spy_mappings *m)
{
    *m = (struct spy_mappings){0};
    char *text = spy_sys_mmap(TEXT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (spy_sys_failed(text))
        return false;
    int fd = spy_sys_open("/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
    size_t have = 0;
    bool done = fd >= 0;
    long got = 1;
    while (done && got != 0) {
        got = spy_sys_read(fd, text + have, TEXT_BYTES - 1 - have);
        have += got > 0 ? (size_t)got : 0;
        done = got >= 0 && take_text(m, text, &have);
    }
    if (fd >= 0)
        spy_sys_close(fd);
    spy_sys_munmap(text, TEXT_BYTES);
    return done;
}

void spy_mappings_free(struct spy_mappings *m)
{
    if (m->at != NULL)
        spy_sys_munmap(m->at, m->bytes);
    *m = (struct spy_mappings){0};
}

const struct spy_mapping *spy_mappings_find(const struct spy_mappings *m, const void *address)
{
    size_t low = 0, high = m->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((uintptr_t)address >= m->at[middle].end)
            low = middle + 1;
        else
            high = middle;
    }
    return low < m->count && (uintptr_t)address >= m->at[low].begin ? &m->at[low] : NULL;
}
