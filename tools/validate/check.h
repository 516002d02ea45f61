/* SPDX-License-Identifier: MIT */
/*
 * Findings: what was checked in a scenario, how often, and how it came out. A check is known by
 * what it says ("the filter part_type is applied"); of its failures the first is kept in full.
 *
 * Threads: val_check() from any; the rest while no worker runs.
 */
#ifndef VALIDATE_CHECK_H
#define VALIDATE_CHECK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VAL_WHAT_BYTES 96u

struct val_check {
    char what[VAL_WHAT_BYTES];
    uint64_t passed;
    uint64_t failed;
    char detail[400]; /* of the first failure, clean UTF-8; "" */
};

struct val_findings {
    pthread_mutex_t lock;
    struct val_check *check; /* in the order in which they were first made */
    size_t count;
};

void val_findings_init(struct val_findings *findings);
void val_findings_free(struct val_findings *findings);

/* Counts one check of WHAT. FORMAT and what follows say what was found, and are looked at only if
 * it FAILED to hold. Returns HOLDS. */
bool val_check(struct val_findings *findings, const char *what, bool holds, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

uint64_t val_findings_checks(const struct val_findings *findings);
uint64_t val_findings_failed(const struct val_findings *findings);

#endif
