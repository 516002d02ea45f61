/* SPDX-License-Identifier: MIT */
/*
 * Hysteresis: when a state that is looked at again and again has really changed.
 *
 * States are ranks; a larger one is worse. A change for the worse is believed after HOLD looks in
 * a row that were all worse than the state believed so far, a change for the better after twice as
 * many: an alarm that comes back costs its reader more than an all-clear that comes late. What is
 * then believed is what held all the time: of worse looks the mildest, of better ones the worst.
 * So a state that swings between degraded and critical is reported as degraded, at once, and is
 * not mistaken for one that does not hold.
 *
 * Pure arithmetic.
 */
#ifndef CTL_ALERT_H
#define CTL_ALERT_H

#include <stdbool.h>
#include <stdint.h>

/* Begins as {.rank = what is believed}. */
struct ctl_alert {
    uint32_t rank;
    uint32_t held;  /* nearest to `rank` of the looks that differed from it in the same direction */
    unsigned looks; /* how many those are; 0: the last look was `rank` */
};

/* Takes one look. True where ALERT->rank has changed by it. HOLD is 1 or more. */
bool ctl_alert_look(struct ctl_alert *alert, uint32_t rank, unsigned hold);

#endif
