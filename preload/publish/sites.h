/* SPDX-License-Identifier: MIT */
/*
 * Call sites of repeated statements, as text: which object the address lies in, and where there.
 * The helper thread's: reads /proc/self/maps, since the loader's own answer needs a lock that the
 * program may hold.
 */
#ifndef SPY_PUBLISH_SITES_H
#define SPY_PUBLISH_SITES_H

#include "shared/region.h"

/* Names the sites of REGION that have no text yet. Cheap where there is none. */
void spy_sites_name(struct spy_region *region);

#endif
