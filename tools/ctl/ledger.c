/* SPDX-License-Identifier: MIT */
/*
 * Processes that come and go, and what remains of them; see ledger.h.
 */
#include "ctl/ledger.h"

#include "ctl/format.h"

#include <stdlib.h>
#include <string.h>

#define OTHER "other"

void ctl_program_name(char out[CTL_PROGRAM_BYTES], const char *path, size_t cap)
{
    size_t len = strnlen(path, cap);
    const char *slash = memrchr(path, '/', len);
    const char *base = slash != NULL ? slash + 1 : path;
    ctl_format_clean(out, CTL_PROGRAM_BYTES, base, len - (size_t)(base - path));
}

/* As the process sees its own id, which is also what its region's name says when it is dead. */
static bool is_of(const struct ctl_ledger_process *entry, const struct ctl_process *process)
{
    return entry->self_pid == process->proc.self_pid &&
           entry->start_ticks == process->proc.start_ticks;
}

static struct ctl_ledger_process *find(const struct ctl_ledger *ledger,
                                       const struct ctl_process *process)
{
    for (size_t i = 0; i < ledger->count; i++)
        if (is_of(&ledger->process[i], process))
            return &ledger->process[i];
    return NULL;
}

struct ctl_ledger_process *ctl_ledger_entry(struct ctl_ledger *ledger,
                                            const struct ctl_process *process)
{
    struct ctl_ledger_process *found = find(ledger, process);
    if (found != NULL)
        return found;
    ledger->process = ctl_grow(ledger->process, ledger->count + 1, sizeof(*ledger->process));
    struct ctl_ledger_process *entry = &ledger->process[ledger->count++];
    *entry = (struct ctl_ledger_process){
        .self_pid = process->proc.self_pid,
        .start_ticks = process->proc.start_ticks,
    };
    ctl_program_name(entry->sums.program, process->proc.exe, sizeof(process->proc.exe));
    return entry;
}

void ctl_ledger_update(struct ctl_ledger_process *entry, const struct spy_region *region)
{
    free(entry->sums.sum);
    ctl_sums_of_region(&entry->sums, region);
}

/* ---- programs ------------------------------------------------------------------------------- */

/* The sums of PROGRAM among *COUNT; made where there are none. */
static struct ctl_sums *program_of(struct ctl_sums **sums, size_t *count, const char *program)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp((*sums)[i].program, program) == 0)
            return &(*sums)[i];
    *sums = ctl_grow(*sums, *count + 1, sizeof(**sums));
    struct ctl_sums *made = &(*sums)[(*count)++];
    memset(made, 0, sizeof(*made));
    snprintf(made->program, sizeof(made->program), "%s", program);
    return made;
}

static bool is_known_gone(const struct ctl_ledger *ledger, const char *program)
{
    for (size_t i = 0; i < ledger->programs; i++)
        if (strcmp(ledger->gone[i].program, program) == 0)
            return true;
    return false;
}

static void bury(struct ctl_ledger *ledger, struct ctl_ledger_process *entry)
{
    bool room = ledger->programs + 1 < CTL_LEDGER_PROGRAMS;
    const char *program =
        room || is_known_gone(ledger, entry->sums.program) ? entry->sums.program : OTHER;
    ctl_sums_add(program_of(&ledger->gone, &ledger->programs, program), &entry->sums);
    free(entry->sums.sum);
}

static bool is_in(const struct ctl_source *source, const struct ctl_ledger_process *entry)
{
    for (size_t i = 0; i < source->count; i++)
        if (is_of(entry, &source->process[i]))
            return true;
    return false;
}

void ctl_ledger_look(struct ctl_ledger *ledger, const struct ctl_source *source)
{
    size_t kept = 0;
    for (size_t i = 0; i < ledger->count; i++) {
        struct ctl_ledger_process *entry = &ledger->process[i];
        entry->missing = is_in(source, entry) ? 0 : entry->missing + 1;
        if (entry->missing >= CTL_LEDGER_PATIENCE)
            bury(ledger, entry);
        else
            ledger->process[kept++] = *entry;
    }
    ledger->count = kept;
}

static int by_program(const void *a, const void *b)
{
    const struct ctl_sums *x = a, *y = b;
    return strcmp(x->program, y->program);
}

struct ctl_sums *ctl_ledger_sums(const struct ctl_ledger *ledger, size_t *count)
{
    struct ctl_sums *sums = NULL;
    *count = 0;
    for (size_t i = 0; i < ledger->programs; i++)
        ctl_sums_add(program_of(&sums, count, ledger->gone[i].program), &ledger->gone[i]);
    for (size_t i = 0; i < ledger->count; i++)
        ctl_sums_add(program_of(&sums, count, ledger->process[i].sums.program),
                     &ledger->process[i].sums);
    if (*count > 0)
        qsort(sums, *count, sizeof(*sums), by_program);
    return sums;
}

void ctl_ledger_free_sums(struct ctl_sums *sums, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(sums[i].sum);
    free(sums);
}

void ctl_ledger_free(struct ctl_ledger *ledger)
{
    for (size_t i = 0; i < ledger->count; i++)
        free(ledger->process[i].sums.sum);
    free(ledger->process);
    ctl_ledger_free_sums(ledger->gone, ledger->programs);
    memset(ledger, 0, sizeof(*ledger));
}
