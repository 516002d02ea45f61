/* SPDX-License-Identifier: MIT */
/*
 * Statements of operations that are sampled (`sample: 1/N`, record/sampling.h): whether one is
 * timed is decided when it begins.
 *
 * One that is not timed costs no reading of the clock. It is counted, attributed and listed as in
 * flight like any other, since one that hangs is just what somebody will look for; what it is
 * listed as begun at is the latest moment that is known to lie before: the end of what the
 * connection did last where that was timed, the begin of its request, or when the helper thread was
 * last awake, which is at most a step of history ago.
 *
 * Always timed, and for themselves: statements that some sequence has in it, those of a text with
 * several, what a capture watches, and what is begun while results of another are left over, since
 * the moment is needed for that one.
 */
#ifndef SPY_OBSERVE_SAMPLING_H
#define SPY_OBSERVE_SAMPLING_H

#include "observe/query.h"

/* The statement of CALL begins, of which all but that is known. Where some operation is sampled. */
void spy_sampling_begin(struct spy_query *call);

#endif
