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

/* A program over its health window. */
struct ctl_metrics_program {
    char name[CTL_PROGRAM_BYTES];
    unsigned live, dead;
    struct ctl_model model; /* window 0: nothing could be read */
};

/* Reads the processes of SOURCE into LEDGER and prints all metrics to RUN's OUT. */
void ctl_metrics_print(struct ctl_ledger *ledger, const struct ctl_source *source,
                       const struct ctl_run *run);

/* metrics_use.c: what the live processes of the programs use. */
void ctl_metrics_use(FILE *out, const struct ctl_metrics_program *program, size_t programs);

/* metrics_text.c: prints them. PROGRAM and SUMS are in the order in which they shall appear. */
void ctl_metrics_text(FILE *out, const struct ctl_sums *sums, size_t count,
                      struct ctl_metrics_program *program, size_t programs);

#endif
