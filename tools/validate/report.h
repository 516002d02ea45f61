/* SPDX-License-Identifier: MIT */
/*
 * What came of a run, and the three forms in which it is told: text for people, JSON for programs,
 * JUnit XML for continuous integration.
 *
 * JSON: {"version": 1, "verdict": "passed"|"failed"|"interrupted", ...}; durations are
 * milliseconds, keys end in _ms. Its operations and benchmarks are those of `perfspy-ctl stats
 * --json` and `benchmarks --json`. The version changes when something is taken away or changes its
 * meaning.
 */
#ifndef VALIDATE_REPORT_H
#define VALIDATE_REPORT_H

#include "ctl/bench.h"
#include "validate/run.h"
#include "validate/server.h"

struct val_report {
    const struct val_settings *settings;
    const char *rules_path;
    const struct val_record *record;
    const struct val_outcomes *outcomes;
    const struct val_server *server;
    struct ctl_model model;      /* the client's view */
    struct ctl_bench_list bench; /* of the model */
    int64_t parts;               /* in the catalogue */
    uint64_t begin_ns;           /* CLOCK_REALTIME */
    uint64_t dur_ns;
    enum val_stop stop; /* what ended it early */
};

/*
 * Judges: the client's view of the requests, and where the service is watched its own view of the
 * statements, which no client sees; by the rules' benchmarks and --set. VAL_USAGE after a sentence
 * where a limit cannot be applied.
 */
enum val_exit val_report_judge(struct val_report *report);
void val_report_free(struct val_report *report);

/* 0 when all is well, 1 when something is wrong, 128 + the signal when interrupted. */
int val_report_exit(const struct val_report *report);

/* "passed", "failed", "interrupted"; and in a sentence. */
const char *val_report_verdict(const struct val_report *report);
void val_report_sentence(const struct val_report *report, FILE *out);

/* "write", or for what is no scenario "clean-up". */
const char *val_outcome_name(const struct val_outcome *outcome);
/* "passed", "failed", "incomplete". */
const char *val_outcome_word(const struct val_outcome *outcome);

/* One operation on both sides. Both count every request of the run. */
struct val_pair {
    const char *name;
    uint64_t client_calls; /* answered */
    uint64_t server_calls;
    bool known; /* the service has an operation of this name */
    double client_p95_ns;
    double server_p95_ns;
};

/* The operations that were called, one after the other: *AT is the number of the next to look at,
 * 0 at first. False when there are no more. */
bool val_report_pair(const struct val_report *report, size_t *at, struct val_pair *out);

void val_report_text(const struct val_report *report, FILE *out, const struct ctl_term *term);
void val_report_json(const struct val_report *report, FILE *out);
void val_report_junit(const struct val_report *report, FILE *out);

#endif
