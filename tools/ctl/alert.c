/* SPDX-License-Identifier: MIT */
/*
 * Hysteresis; see alert.h.
 */
#include "ctl/alert.h"

#define RECOVERY 2u /* times as many looks as for the worse */

bool ctl_alert_look(struct ctl_alert *alert, uint32_t rank, unsigned hold)
{
    bool worse = rank > alert->rank;
    bool goes_on = alert->looks > 0 && worse == (alert->held > alert->rank);
    if (rank == alert->rank) {
        alert->looks = 0;
        return false;
    }
    if (!goes_on) {
        alert->looks = 0;
        alert->held = rank;
    }
    if (worse ? rank < alert->held : rank > alert->held)
        alert->held = rank;
    alert->looks++;
    if (alert->looks < (worse ? hold : hold * RECOVERY))
        return false;
    alert->rank = alert->held;
    alert->looks = 0;
    return true;
}
