/* SPDX-License-Identifier: MIT */
/*
 * Other rules take over while the program runs: statements and requests that begin from here on go
 * by them, those under way end by those they began under, and what was counted stays where it is.
 *
 * The classifier before is not freed, since a thread may be in it, and a statement of its on some
 * connection, for any length of time; it only gives back its caches, and its parsed rules and
 * statement table stay. Hence the bound on how often.
 */
#ifndef SPY_OBSERVE_RELOAD_H
#define SPY_OBSERVE_RELOAD_H

#include "shared/rules_diff.h"

/* Reloads that change something, in the life of a process. */
#define SPY_RELOADS_MAX 100u

/* Have RULES been in force since they were last read: the very same file? */
bool spy_observe_has_rules(const struct spy_rules *rules);

/* Puts RULES in force, which then stay for the life of the process, and tells what changed. On
 * failure those before stay in force. One thread at a time, while the region says that its rules
 * are being changed; allocates. */
SPY_MUST_CHECK enum spy_status spy_observe_reload(const struct spy_rules *rules,
                                                  struct spy_rules_diff *diff,
                                                  struct spy_error *err);

#endif
