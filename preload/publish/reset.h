/* SPDX-License-Identifier: MIT */
/*
 * The command that begins statistics anew; what that means is record/reset.h's business.
 */
#ifndef SPY_PUBLISH_RESET_H
#define SPY_PUBLISH_RESET_H

#include "shared/region.h"

/* A command of the table in publish/control.h. */
bool spy_reset(struct spy_region *region, const char *argument, char *text);

#endif
