/* SPDX-License-Identifier: MIT */
/*
 * What this client measured, operation by operation: as a model of ctl/model.h, so that the same
 * code judges, prints and writes it that does so for watched processes.
 *
 * Threads: val_record_add() from any; the rest from the main thread while no worker runs.
 */
#ifndef VALIDATE_RECORD_H
#define VALIDATE_RECORD_H

#include "ctl/model.h"
#include "shared/rules.h"
#include "validate/http.h"

#include <pthread.h>

/* One operation. SUM counts every request that was sent, warm-up, log-in and cleaning up included:
 * what the service must have seen. */
struct val_seen {
    struct ctl_operation op; /* totals of what is timed */
    struct spy_totals sum;
    uint64_t unanswered; /* of sum: nobody knows whether the service saw them */
};

struct val_record {
    pthread_mutex_t lock;
    const struct spy_rules *rules;
    struct val_seen **seen; /* the rules', by their number, then those that no rule names */
    size_t count;
};

/* RULES must outlive RECORD. */
void val_record_init(struct val_record *record, const struct spy_rules *rules);
void val_record_free(struct val_record *record);

/* Adds one request; TIMED says whether its time counts. Returns the operation's name, which lives
 * as long as RECORD. */
const char *val_record_add(struct val_record *record, const struct val_request *request,
                           const struct val_response *response, bool timed);

/* All requests so far. */
uint64_t val_record_requests(const struct val_record *record);

/* The timed part as a model: every operation of the rules, and whatever else was called. The
 * operations stay RECORD's. Free with val_record_release(). */
void val_record_model(const struct val_record *record, uint64_t begin_ns, uint64_t end_ns,
                      struct ctl_model *model);
void val_record_release(struct ctl_model *model);

#endif
