/* SPDX-License-Identifier: MIT */
/*
 * What changed between one look at the model and the next: health and every benchmark, each with
 * the hysteresis of alert.h. Independent of what is done about it.
 *
 * A benchmark that comes up later, as its process did, is taken to have had no data before; one
 * that is gone has no data from then on. Changes between "met" and "no data" are followed but not
 * told: nothing is wrong in either.
 */
#ifndef CTL_CHANGES_H
#define CTL_CHANGES_H

#include "ctl/alert.h"
#include "ctl/health.h"
#include "ctl/json.h"

/* A thing whose state is followed. */
struct ctl_subject {
    char *operation; /* NULL: health */
    uint32_t kind;
    struct spy_budget budget;
    struct ctl_alert alert;
    bool present; /* in the last look */
    bool open;    /* was missed, and not met since */
};

struct ctl_changes {
    struct ctl_subject *subject;
    size_t count;
    unsigned hold; /* looks; see alert.h */
    bool initial;  /* the first look is told too: as a change from unknown and from no data */
    bool begun;
};

/* Texts are good until the callback returns, JSON is a borrowed reference. */
struct ctl_change {
    const char *what; /* "health" or "benchmark" */
    const char *operation;
    const char *stat;
    const char *from;
    const char *to;
    const char *reason;
    json_t *json; /* all of it: what a machine is told */
};

/* Looks at MODEL, and calls TELL for each change. */
void ctl_changes_look(struct ctl_changes *changes, struct ctl_model *model,
                      const struct ctl_run *run,
                      void (*tell)(void *ctx, const struct ctl_change *change), void *ctx);

void ctl_changes_free(struct ctl_changes *changes);

#endif
