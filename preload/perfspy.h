/* SPDX-License-Identifier: MIT */
/*
 * What the two files at the top, perfspy.c and attach.c, know of each other: commands that change
 * something (publish/control.h has their contract).
 */
#ifndef SPY_PERFSPY_H
#define SPY_PERFSPY_H

#include "shared/region.h"

#include <stdbool.h>

/* Puts the rules of file ARGUMENT in force, or reads those in force again. */
bool spy_perfspy_reload(struct spy_region *region, const char *argument, char *text);

/* Recording is off from here on. */
void spy_perfspy_note_off(struct spy_region *region);

/* Ends a watch that began while the program ran; the helper has to end, too. */
bool spy_attach_end(struct spy_region *region, const char *argument, char *text);

#endif
