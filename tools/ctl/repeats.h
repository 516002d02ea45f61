/* SPDX-License-Identifier: MIT */
/*
 * Statements that requests repeat (N+1), merged over processes: part of the model. They are kept
 * for whole lives only, whatever the window.
 */
#ifndef CTL_REPEATS_H
#define CTL_REPEATS_H

#include "ctl/model.h"

#define CTL_SITE_BYTES 200u

struct ctl_repeat {
    const struct ctl_operation *request;   /* of the model */
    const struct ctl_operation *statement; /* that it repeats */
    uint64_t requests;                     /* in which it was repeated */
    uint64_t calls;                        /* in those */
    uint64_t ns;                           /* that they took */
    uint32_t most;                         /* calls in one request */
    char site[CTL_SITE_BYTES]; /* "module+0xoffset (symbol)" or an address; "": not known */
};

/* Adds what REGION found. */
void ctl_repeats_add(struct ctl_model *model, const struct spy_region *region);

/* By time, most first. */
void ctl_repeats_sort(struct ctl_model *model);

#endif
