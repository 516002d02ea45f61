/* SPDX-License-Identifier: MIT */
/*
 * Pointers to libpq's functions in a process' memory that it had got before somebody attached to
 * it: the process tells of those that it has replaced, and the others are looked for from here, on
 * its heaps. See doctor.h. A word there that is the address where one of libpq's functions begins
 * is taken for such a pointer; in memory that is free again it is none, so that one or two may be
 * too many. The process is only read.
 */
#include "ctl/client.h"
#include "ctl/doctor.h"
#include "ctl/format.h"
#include "ctl/inject_elf.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW_BYTES (1u << 20)
#define READ_MAX     (256ull << 20)
#define OWN_MAX      32u

/* What connects and runs statements: who keeps functions of libpq keeps some of these. */
static const char *const names[] = {
    "PQconnectdb", "PQconnectdbParams", "PQconnectStart", "PQconnectStartParams",
    "PQexec",      "PQexecParams",      "PQprepare",      "PQexecPrepared",
    "PQsendQuery", "PQsendQueryParams", "PQsendPrepare",  "PQsendQueryPrepared",
    "PQgetResult", "PQconsumeInput",    "PQfinish",
};
#define NAMES (sizeof(names) / sizeof(names[0]))

struct function {
    uint64_t at;
    struct ctl_object *object;
};

struct range {
    uint64_t begin, end;
};

struct search {
    int memory, pagemap;
    struct function function[CTL_OBJECTS * NAMES]; /* by address */
    size_t functions;
    struct range own[OWN_MAX]; /* of the library in the process */
    unsigned owns;
    uint64_t read;
    bool complete;
    uint64_t entry[WINDOW_BYTES / 4096];
    uint64_t word[WINDOW_BYTES / sizeof(uint64_t)];
};

/* ---- what the process says --------------------------------------------------------------------
 */

static uint64_t number_after(const char *text, const char *key, int base)
{
    const char *at = strstr(text, key);
    return at != NULL ? strtoull(at + strlen(key), NULL, base) : 0;
}

/* "patched=7 unsearched=0 between=0 own=7f00-7f10 own=..." */
static void take_answer(struct ctl_pointers *p, struct search *s, const char *text)
{
    static const char own[] = "own=";
    p->patched = (unsigned)number_after(text, "patched=", 10);
    p->unsearched = number_after(text, "unsearched=", 10);
    p->between = number_after(text, "between=", 10) > 0;
    for (const char *at = text; (at = strstr(at, own)) != NULL && s->owns < OWN_MAX;) {
        char *after;
        struct range *range = &s->own[s->owns++];
        range->begin = strtoull(at + strlen(own), &after, 16);
        range->end = strtoull(after + (*after == '-'), &after, 16);
        at = after;
    }
}

/* ---- the search -------------------------------------------------------------------------------
 */

static int by_address(const void *a, const void *b)
{
    const struct function *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

static void add_functions(struct search *s, struct ctl_object *object)
{
    struct ctl_elf elf;
    if (!ctl_elf_open(&elf, s->memory, object->base))
        return;
    for (size_t i = 0; i < NAMES; i++) {
        uint64_t at = ctl_elf_function(&elf, names[i]);
        if (at != 0)
            s->function[s->functions++] = (struct function){at, object};
    }
}

static bool is_own(const struct search *s, uint64_t at)
{
    for (unsigned i = 0; i < s->owns; i++)
        if (at >= s->own[i].begin && at < s->own[i].end)
            return true;
    return false;
}

static void look_at_words(struct search *s, uint64_t from, size_t count)
{
    const uint64_t low = s->function[0].at, span = s->function[s->functions - 1].at - low;
    for (size_t i = 0; i < count; i++) {
        const struct function key = {.at = s->word[i]};
        if (key.at - low > span || is_own(s, from + i * sizeof(*s->word)))
            continue;
        const struct function *found =
            bsearch(&key, s->function, s->functions, sizeof(key), by_address);
        if (found != NULL)
            found->object->kept++;
    }
}

/* Is anything in memory there? Where that is not told it may be. */
static bool is_used(struct search *s, uint64_t from, uint64_t to)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), present = 3ull << 62; /* or swapped */
    size_t bytes = (size_t)((to - from) / page * sizeof(*s->entry));
    if (pread(s->pagemap, s->entry, bytes, (off_t)(from / page * sizeof(*s->entry))) !=
        (ssize_t)bytes)
        return true;
    for (size_t i = 0; i < bytes / sizeof(*s->entry); i++)
        if ((s->entry[i] & present) != 0)
            return true;
    return false;
}

static void search_mapping(struct search *s, const struct range *range)
{
    for (uint64_t at = range->begin; at < range->end; at += WINDOW_BYTES) {
        uint64_t end = range->end - at > WINDOW_BYTES ? at + WINDOW_BYTES : range->end;
        if (!is_used(s, at, end))
            continue;
        if (s->read + (end - at) > READ_MAX) {
            s->complete = false;
            return;
        }
        ssize_t got = pread(s->memory, s->word, (size_t)(end - at), (off_t)at);
        s->read += end - at;
        look_at_words(s, at, got > 0 ? (size_t)got / sizeof(*s->word) : 0);
    }
}

/* Heaps: writable memory without a name. A closed page before it makes it a thread's stack, where a
 * function's address may be what the loader left behind. */
static void search_heaps(struct search *s, FILE *maps)
{
    char *line = NULL;
    size_t room = 0;
    uint64_t closed_end = 0;
    while (getline(&line, &room, maps) > 0) {
        struct range range;
        char protection[5] = "";
        int at = 0;
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %*s %n", &range.begin, &range.end,
                   protection, &at) < 3)
            continue;
        bool heap = at > 0 && (line[at] == '\0' || strcmp(line + at, "[heap]") == 0);
        if (heap && strcmp(protection, "rw-p") == 0 && range.begin != closed_end)
            search_mapping(s, &range);
        if (strcmp(protection, "---p") == 0)
            closed_end = range.end;
    }
    free(line);
}

static void search(struct search *s, struct ctl_facts *facts, int32_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/maps", pid);
    FILE *maps = fopen(path, "re");
    for (unsigned i = 0; i < facts->objects; i++)
        if (facts->object[i].kind == CTL_LIBPQ)
            add_functions(s, &facts->object[i]);
    qsort(s->function, s->functions, sizeof(s->function[0]), by_address);
    s->complete = maps != NULL && s->functions > 0;
    if (s->complete)
        search_heaps(s, maps);
    if (maps != NULL)
        fclose(maps);
}

void ctl_pointers_read(struct ctl_pointers *p, const struct ctl_process *process,
                       struct ctl_facts *facts)
{
    char text[CTL_CLIENT_TEXT], path[64];
    struct search *s = ctl_alloc(sizeof(*s));
    memset(s, 0, sizeof(*s));
    memset(p, 0, sizeof(*p));
    p->told = ctl_source_command(process, "pointers\n", text, NULL) == SPY_OK;
    if (p->told)
        take_answer(p, s, text);
    snprintf(path, sizeof(path), "/proc/%d/pagemap", process->proc.pid);
    s->pagemap = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/%d/mem", process->proc.pid);
    s->memory = open(path, O_RDONLY | O_CLOEXEC);
    if (p->told && s->memory >= 0)
        search(s, facts, process->proc.pid);
    p->complete = s->complete;
    if (s->pagemap >= 0)
        close(s->pagemap);
    if (s->memory >= 0)
        close(s->memory);
    free(s);
}

/* ---- what is said about it --------------------------------------------------------------------
 */

void ctl_doctor_pointers(struct ctl_findings *f, const struct ctl_pointers *p)
{
    char bytes[CTL_NUMBER_BYTES];
    if (p->patched > 0)
        ctl_find(f, CTL_NOTE, "",
                 "%u pointer%s to libpq's functions that the program had from before the attach "
                 "%s replaced: in static data",
                 p->patched, p->patched == 1 ? "" : "s", p->patched == 1 ? "was" : "were");
    if (p->between)
        ctl_find(f, CTL_WARNING, "start it under \"" CTL_NAME " run\" to see all calls",
                 "an object that has some of libpq's functions, but not all, is loaded: pointers "
                 "from before the attach were left alone");
    if (p->unsearched > 0)
        ctl_find(f, CTL_WARNING, "start it under \"" CTL_NAME " run\" to see all calls",
                 "%s of static data were not searched for pointers to libpq's functions from "
                 "before the attach: there is too much, or it may not be read",
                 ctl_format_bytes(bytes, p->unsearched));
}
