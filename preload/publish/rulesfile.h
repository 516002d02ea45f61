/* SPDX-License-Identifier: MIT */
/*
 * The rules file: which one it is, reading it, and what the region tells of it. Cold path;
 * allocates. At the start in the program's thread, afterwards in the helper's alone.
 */
#ifndef SPY_PUBLISH_RULESFILE_H
#define SPY_PUBLISH_RULESFILE_H

#include "shared/region.h"
#include "shared/rules.h"

/* The file in force: that of the last reload, PERFSPY_RULES, or the default. A fork's child goes
 * on with its parent's. */
const char *spy_rulesfile_path(void);

/* PATH is the file in force from here on; or, when out of memory, the one before still is. */
void spy_rulesfile_use(const char *path);

/* spy_rules_load(), but an assertion inside libyaml becomes an error like any other. */
SPY_MUST_CHECK enum spy_status spy_rulesfile_load(const char *path, struct spy_rules **rules,
                                                  struct spy_error *err);

/* The rules at the start, also noted in the region: without usable ones defaults, and the reason.
 * Kept for the life of the process. */
const struct spy_rules *spy_rulesfile_start(struct spy_region *region);

/* Notes in the region that RULES, of PATH, are in force, the GENERATION-th. */
void spy_rulesfile_note(struct spy_region *region, const struct spy_rules *rules, const char *path,
                        uint32_t generation);

/* Notes why the file at PATH is not in force. */
void spy_rulesfile_note_error(struct spy_region *region, const char *path,
                              const struct spy_error *err);

/* Around a change of what the region says of its rules: see rules_change in shared/region.h. */
void spy_rulesfile_change(struct spy_region *region);
void spy_rulesfile_changed(struct spy_region *region);

#endif
