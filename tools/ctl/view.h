/* SPDX-License-Identifier: MIT */
/*
 * Pieces of text that several commands print for people.
 */
#ifndef CTL_VIEW_H
#define CTL_VIEW_H

#include "ctl/model.h"
#include "ctl/table.h"

/* Behind the name of an operation whose times are estimated from some of its calls. */
#define CTL_VIEW_ESTIMATED " ~"

/* One line: which processes, and which span of time. */
void ctl_view_heading(const struct ctl_model *model, const struct ctl_run *run);

/* How a line of a long form begins: NAME, and blanks to where what it names stands. */
void ctl_view_label(const struct ctl_run *run, const char *name);

/* The first WIDTH characters of TEXT, and where there are more an ellipsis. OUT has
 * CTL_VIEW_SHORT_BYTES(WIDTH) bytes. Returns OUT. */
#define CTL_VIEW_SHORT_BYTES(width) (4 * (width) + sizeof("…"))
char *ctl_view_short(char *out, size_t width, const char *text);

enum ctl_paint ctl_level_paint(uint32_t level);

/* Colour of an operation: that of its worst level that matters. */
enum ctl_paint ctl_operation_paint(const struct ctl_operation *op);

/* Shares of the levels as CTL_BAR_CELLS characters, one of CTL_BAR_CHARS each, best first. A level
 * of slow or critical that was seen at all gets a character. */
#define CTL_BAR_CELLS 10u
#define CTL_BAR_CHARS ".-=#!"
void ctl_view_bar(char out[CTL_BAR_CELLS + 1], const uint64_t level[SPY_LEVEL_COUNT]);

/* "met", "missed", "-". */
const char *ctl_verdict_name(enum ctl_verdict verdict);
enum ctl_paint ctl_verdict_paint(enum ctl_verdict verdict);

/* A budget's limit or value: "100 ms", "1 %". */
char *ctl_view_limit(char *out, const struct spy_budget *budget);
char *ctl_view_value(char *out, const struct ctl_operation *op, const struct spy_budget *budget);

/* Why the verdict on BUDGET is what it is, with value, limit and the calls behind it, into OUT:
 * "p95 is 312 ms, limit 200 ms, of 1,234 calls", "8 calls are too few for p95: it needs 20". */
#define CTL_REASON_BYTES 200u
char *ctl_view_reason(char out[CTL_REASON_BYTES], const struct ctl_operation *op,
                      const struct spy_budget *budget);

/* Three cells: memory, threads and descriptors of a process; "-" for what is not known. */
void ctl_view_use(struct ctl_table *table, const struct spy_use *use);

#endif
