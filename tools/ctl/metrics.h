/* SPDX-License-Identifier: MIT */
/*
 * Metrics for Prometheus: text format 0.0.4, names and buckets of OpenTelemetry's semantic
 * conventions where they have one.
 *
 * Labels: `exe`, the base name of the program, whose processes are summed up; `operation`, of
 * which a process has some thousand at most. There is none that a client or a process id could
 * multiply. Counters are those of the ledger: whole lives, the dead included. Health and
 * benchmarks are gauges over the window that the program's rules set for health.
 */
#ifndef CTL_METRICS_H
#define CTL_METRICS_H

#include "ctl/ledger.h"
#include "ctl/model.h"
#include "ctl/occupancy.h"

/* What perfspy is and costs in the living processes of a program now. Zeroed: none was read. */
struct ctl_metrics_self {
    unsigned processes;
    uint64_t timed[SPY_KIND_COUNT]; /* calls whose own part was timed, and what it took */
    uint64_t timed_ns[SPY_KIND_COUNT];
    uint64_t own_ns; /* perfspy's part of process_ns, at the last look */
    uint64_t process_ns;
    uint32_t limit_ppm;              /* the least; 0: all are off */
    uint32_t backoff;                /* enum spy_backoff: the furthest */
    double fullest[CTL_TABLE_COUNT]; /* share of a table that is used, where that is most */
    uint64_t stored_bytes;           /* of regions */
    uint64_t region_bytes;           /* what they can become */
};

/* A program over its health window. */
struct ctl_metrics_program {
    char name[CTL_PROGRAM_BYTES];
    unsigned live, dead;
    struct ctl_metrics_self self;
    struct ctl_model model; /* window 0: nothing could be read */
};

/* Reads the processes of SOURCE into LEDGER and prints all metrics to RUN's OUT. */
void ctl_metrics_print(struct ctl_ledger *ledger, const struct ctl_source *source,
                       const struct ctl_run *run);

/* metrics_use.c: what the live processes of the programs use. */
void ctl_metrics_use(FILE *out, const struct ctl_metrics_program *program, size_t programs);

/* metrics_self.c: adds what REGION, of a living process, says; and prints it, and the counters of
 * SUMS that tell of perfspy itself. */
void ctl_metrics_self_add(struct ctl_metrics_self *self, const struct spy_region *region);
void ctl_metrics_self(FILE *out, const struct ctl_sums *sums, size_t count,
                      const struct ctl_metrics_program *program, size_t programs);

/* metrics_text.c: prints them. PROGRAM and SUMS are in the order in which they shall appear. */
void ctl_metrics_text(FILE *out, const struct ctl_sums *sums, size_t count,
                      struct ctl_metrics_program *program, size_t programs);

#endif
