/* SPDX-License-Identifier: MIT */
/*
 * Attribution: which request does a query belong to? Decided when the query begins, by the first
 * of these that gives one answer, and never guessed:
 *
 *   the calling thread has read the head of one request that is still open;
 *   one request is open in the process;
 *   the query's sqlcommenter tags name operations (classify/origins.h) of which, of all together,
 *   one request is open.
 *
 * A thread that has read several heads (an event loop) is never answered by the first rule: its
 * last request is not the one it works for.
 *
 * Any thread; no lock, no allocation. errno is not touched.
 */
#ifndef SPY_OBSERVE_ATTRIBUTION_H
#define SPY_OBSERVE_ATTRIBUTION_H

#include "classify/classify.h"
#include "shared/region.h"

#include <stdbool.h>

struct spy_owner {
    uint16_t request; /* row of the request, plus 1; 0: none */
    uint8_t way;      /* enum spy_way */
};

/* Whose is a query of STMT (of CLASSIFIER) that begins now? SPY_STMT_OTHER: nothing is known of its
 * tags, and CLASSIFIER may be NULL. */
struct spy_owner spy_attribute(struct spy_region *region, struct spy_classifier *classifier,
                               spy_stmt stmt);

/* A query of OWNER, of statement operation OP, begun at BEGIN_NS by a call from SITE, is over:
 * SAMPLE. Adds it to the request, and tells SAMPLE which that was, unless it has ended meanwhile.
 */
void spy_attribute_ended(struct spy_region *region, struct spy_owner owner, uint32_t op,
                         struct spy_sample *sample, const void *site);

/* The same of a connect: its request waited for it, but it is none of its queries. */
void spy_attribute_waited(struct spy_region *region, struct spy_owner owner,
                          const struct spy_sample *sample);

/* Request ROW, or SPY_OPEN_NO_ROW, ends as SAMPLE, which gets what was attributed to it. */
void spy_attribute_close(struct spy_region *region, uint32_t row, struct spy_sample *sample);

#endif
