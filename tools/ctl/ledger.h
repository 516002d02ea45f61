/* SPDX-License-Identifier: MIT */
/*
 * The ledger: what every watched program has done so far, as counters that never go back. A
 * scraper takes a counter that falls for one that began anew, and counts all of it once more.
 *
 * A process adds to the sums of its program (the base name of its executable) while it lives and
 * while its region exists. When the region is gone (pruned, or of a process without a file), the
 * ledger keeps what it saw last; so the sums fall only when `serve` itself is started anew.
 * Calls that are held because they may become part of a sequence are left out until that is
 * decided: they could move to another operation.
 *
 * Bounded: by the processes there are, and for those that are gone by CTL_LEDGER_PROGRAMS and
 * CTL_LEDGER_OPERATIONS; what goes beyond is summed up under "other".
 */
#ifndef CTL_LEDGER_H
#define CTL_LEDGER_H

#include "ctl/parts.h"
#include "ctl/source.h"
#include "shared/totals.h"

#define CTL_LEDGER_PROGRAMS   64u   /* with processes that are gone */
#define CTL_LEDGER_OPERATIONS 4096u /* of one program */
#define CTL_LEDGER_CODES      64u   /* of one operation */
#define CTL_LEDGER_BOUNDS     15u   /* enough for either kind, and +Inf */
#define CTL_LEDGER_PATIENCE   3u    /* looks at which a process may be missing before it is gone */
#define CTL_PROGRAM_BYTES     64u

/* Upper bounds of the buckets of a kind's histogram in seconds, ascending, without +Inf: those of
 * OpenTelemetry's semantic conventions. */
const double *ctl_ledger_bounds(uint32_t kind, size_t *count);

/* One operation. */
struct ctl_sum {
    char name[SPY_NAME_BYTES + 1];
    uint32_t kind;
    uint32_t codes;
    uint64_t timed;   /* calls */
    uint64_t untimed; /* of operations that are sampled; buckets and levels count those timed for
                       * several */
    uint64_t errors;
    uint64_t sum_ns;
    uint64_t rows;
    uint64_t affected;
    uint64_t aborted;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t part_ns[SPY_PART_PROGRAM]; /* of requests: all but what is left for the program */
    uint64_t queries;                   /* of requests */
    uint64_t repeated;                  /* of requests: statements, one for each time */
    struct ctl_attribution attribution; /* of statements */
    uint64_t level[SPY_LEVEL_COUNT];
    uint64_t bucket[CTL_LEDGER_BOUNDS]; /* not cumulative; the one after the last bound is +Inf */
    struct spy_code_count code[CTL_LEDGER_CODES + 1]; /* a place more, for SPY_CODE_OTHER */
};

/* What perfspy itself took (shared/cost.h), as counters. */
struct ctl_spent {
    uint64_t timed[SPY_KIND_COUNT];    /* calls whose own part was timed, and believed */
    uint64_t timed_ns[SPY_KIND_COUNT]; /* theirs */
    uint64_t helper_ns;                /* CPU time of helper threads */
    uint64_t process_ns;               /* of the processes, theirs included */
    uint64_t backoffs;
};

struct ctl_sums {
    char program[CTL_PROGRAM_BYTES];
    struct ctl_sum *sum; /* by kind and name */
    size_t count;
    uint64_t self[SPY_SELF_COUNT];
    uint64_t slow_dropped;
    struct ctl_spent spent;
};

struct ctl_ledger_process {
    int32_t self_pid;
    uint64_t start_ticks;
    unsigned missing; /* looks in a row at which it was not there */
    bool over;        /* dead for longer than any window: there is nothing new to read */
    struct ctl_sums sums;
};

/* All zero is empty. */
struct ctl_ledger {
    struct ctl_ledger_process *process;
    size_t count;
    struct ctl_sums *gone; /* one a program */
    size_t programs;
};

/* Begins a look at the processes of SOURCE: the entries of those that have been missing for too
 * long are moved to what is gone. Pointers to entries become invalid. */
void ctl_ledger_look(struct ctl_ledger *ledger, const struct ctl_source *source);

/* The entry of PROCESS, made where there is none; good until the next one is made. */
struct ctl_ledger_process *ctl_ledger_entry(struct ctl_ledger *ledger,
                                            const struct ctl_process *process);

/* Replaces what ENTRY says by what REGION says. */
void ctl_ledger_update(struct ctl_ledger_process *entry, const struct spy_region *region);

/* The sums of every program, gone and present, by name. Free with ctl_ledger_free_sums(). */
struct ctl_sums *ctl_ledger_sums(const struct ctl_ledger *ledger, size_t *count);
void ctl_ledger_free_sums(struct ctl_sums *sums, size_t count);

void ctl_ledger_free(struct ctl_ledger *ledger);

/* Base name of the executable at PATH, cleaned. */
void ctl_program_name(char out[CTL_PROGRAM_BYTES], const char *path, size_t cap);

/* ---- sums.c -----------------------------------------------------------------------------------
 */

/* What a region says of every operation that was called. */
void ctl_sums_of_region(struct ctl_sums *out, const struct spy_region *region);

/* INTO += FROM; at most CTL_LEDGER_OPERATIONS operations, the rest becomes "other". */
void ctl_sums_add(struct ctl_sums *into, const struct ctl_sums *from);

#endif
