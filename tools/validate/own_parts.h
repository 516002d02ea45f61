/* SPDX-License-Identifier: MIT */
/*
 * The parts that this run has made, so that every one of them is removed again, whatever happens:
 * those whose ids are known by id, and those whose making was not answered by their numbers, which
 * all begin with this run's prefix.
 *
 * Threads: any; a lock inside.
 */
#ifndef VALIDATE_OWN_PARTS_H
#define VALIDATE_OWN_PARTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct val_own_parts {
    pthread_mutex_t lock;
    char prefix[32]; /* "VALIDATE-1A2B3C4D-" */
    uint64_t made;   /* numbers given out */
    int64_t *id;     /* parts that are there */
    size_t count;
    uint64_t unsure; /* requests to make one that were not answered: it may yet come to be */
};

/* RUN makes the prefix: another number for each run. */
void val_own_init(struct val_own_parts *own, uint32_t run);
void val_own_free(struct val_own_parts *own);

/* A part number of this run's that was not used before. */
void val_own_number(struct val_own_parts *own, char out[64]);

void val_own_add(struct val_own_parts *own, int64_t id);
void val_own_remove(struct val_own_parts *own, int64_t id);
void val_own_unsure(struct val_own_parts *own);

struct val_worker;

/* Deletes what is left, by WORKER's connection; what comes of it goes to WORKER's findings.
 * Returns how many parts it removed. */
size_t val_own_clean(struct val_worker *worker);

#endif
