/* SPDX-License-Identifier: MIT */
/*
 * Health of a model that was loaded for a window. See DESIGN, "Health".
 */
#ifndef CTL_HEALTH_H
#define CTL_HEALTH_H

#include "ctl/model.h"

enum ctl_health_status {
    CTL_STATUS_HEALTHY,
    CTL_STATUS_DEGRADED, /* some calls were slow */
    CTL_STATUS_WARNING,  /* more than the rules' share of them */
    CTL_STATUS_CRITICAL, /* some were critical */
    CTL_STATUS_UNKNOWN,  /* no calls */
};

struct ctl_health {
    enum ctl_health_status status;
    uint64_t calls;
    uint64_t slow;     /* of level slow or critical */
    uint64_t critical; /* of level critical */
    char **reason;     /* sentences; the first tells the status, the others name who is to blame */
    size_t reasons;
};

struct ctl_health ctl_health_of(struct ctl_model *model);
void ctl_health_free(struct ctl_health *health);

/* The window to judge: --last, else the longest that the rules of the live processes set, else the
 * default. Reads every region once more than the judging does; a few milliseconds each. */
uint64_t ctl_health_window(const struct ctl_source *source, const struct ctl_run *run);

const char *ctl_health_name(enum ctl_health_status status);
enum ctl_exit ctl_health_exit(enum ctl_health_status status);

#endif
