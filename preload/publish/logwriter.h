/* SPDX-License-Identifier: MIT */
/*
 * Writing the log of calls. Runs in the helper thread only: formats what record/calllog.h holds,
 * one logfmt line a call, and appends it to PERFSPY_LOG in batches.
 */
#ifndef SPY_PUBLISH_LOGWRITER_H
#define SPY_PUBLISH_LOGWRITER_H

#include "shared/region.h"

/* How often the helper looks for calls to log, where calls are logged at all. */
#define SPY_LOGWRITER_INTERVAL_NS 200000000ull

/* Lines of INFO and DEBUG that are written in a second; more are dropped and counted. Slow and
 * failed calls are always written. */
#define SPY_LOGWRITER_LINES_S 2000u

/* Is there a log of calls? */
bool spy_logwriter_active(void);

/* Writes what has come in. */
void spy_logwriter_drain(struct spy_region *region, uint64_t now_ns);

#endif
