/* SPDX-License-Identifier: MIT */
/*
 * URL parameters: of a request's query, only those that the rules allow are ever looked at twice.
 *
 * Pure: any thread, no allocation, signal-safe.
 */
#ifndef SPY_CLASSIFY_PARAMS_H
#define SPY_CLASSIFY_PARAMS_H

#include "shared/region.h"
#include "shared/rules.h"

#include <stddef.h>

/* Longest value that is kept; a longer one is cut and ends in "~". */
#define SPY_PARAM_VALUE_BYTES 40u

/*
 * Writes the allowed parameters of TARGET's query to OUT as "name=value name=value", in the order
 * of the query, values as on the wire (percent-encoded) with anything that is no usual URL
 * character as an underscore. NUL-terminated; what does not fit whole is left out. Returns the
 * length, 0 where there is nothing to keep.
 */
size_t spy_params_keep(const struct spy_rules *rules, const char *target, size_t len,
                       char out[SPY_PARAMS_BYTES]);

#endif
