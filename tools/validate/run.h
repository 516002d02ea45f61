/* SPDX-License-Identifier: MIT */
/*
 * Running scenarios: workers side by side, each with its own connection; first to warm up, then
 * timed.
 */
#ifndef VALIDATE_RUN_H
#define VALIDATE_RUN_H

#include "validate/options.h"
#include "validate/scenario.h"

/* What came of one scenario. */
struct val_outcome {
    const struct val_scenario *scenario; /* NULL: the log-in and the cleaning up */
    struct val_findings findings;
    uint64_t requests; /* timed */
    uint64_t warmup;
    uint64_t begin_ns; /* CLOCK_REALTIME, of the timed part */
    uint64_t dur_ns;
    bool complete; /* all rounds were run */
};

/* Outcomes in the order of the run; the last is the cleaning up. */
struct val_outcomes {
    struct val_outcome *outcome;
    size_t count;
};

/* What all workers share. */
struct val_run {
    const struct val_settings *settings;
    const char *token;
    struct val_record *record;
    const struct val_sample *sample;
    struct val_own_parts *own;
    uint64_t seed;
    struct val_worker *worker; /* settings->concurrency */
};

/* Opens the workers' connections. False when out of memory. */
bool val_run_open(struct val_run *run);
void val_run_close(struct val_run *run);

/* Runs the chosen scenarios, and shows on standard error how far it is where that is a terminal.
 * What stops the run leaves the rest undone, and incomplete. */
void val_run_scenarios(struct val_run *run, struct val_outcomes *out);

/* Removes what the scenarios made, whatever has stopped them. */
void val_run_clean(struct val_run *run, struct val_outcomes *out);

void val_outcomes_free(struct val_outcomes *outcomes);

/* Failed checks and incomplete scenarios: what an outcome, or all of them, can be blamed for. */
bool val_outcome_good(const struct val_outcome *outcome);
bool val_outcomes_good(const struct val_outcomes *outcomes);

#endif
