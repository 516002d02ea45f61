/* SPDX-License-Identifier: MIT */
/*
 * Alerting rules for Prometheus, made from a rules file.
 *
 * They ask the gauges of `serve`, not its histograms. A quantile of a histogram is interpolated
 * between the semantic conventions' bounds, of which there is none between 100 ms and 500 ms for
 * statements: a limit of 200 ms could not be told from one of 400 ms, and a maximum not at all. The
 * gauges are exact, and they are what `benchmarks` and `health` say: a benchmark that has too few
 * calls to tell does not alert. Nor does the first slow call of a program get lost, as it would in
 * the increase of a counter that appears with it.
 */
#ifndef CTL_PROMRULES_H
#define CTL_PROMRULES_H

#include "shared/rules.h"

#include <stdio.h>

/* Prints the rules as YAML. SOURCE is named in its head. FOR_NS is how long a condition has to
 * hold. */
void ctl_promrules_print(FILE *out, const struct spy_rules *rules, const char *source,
                         uint64_t for_ns);

#endif
