/* SPDX-License-Identifier: MIT */
/*
 * Shared pieces of text; see view.h.
 */
#include "ctl/view.h"

#include "ctl/format.h"

#include <string.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static void print_processes(const struct ctl_model *model, FILE *out)
{
    const struct ctl_member *first = &model->member[0];
    bool same = true;
    for (size_t i = 1; i < model->members; i++)
        same = same && strcmp(model->member[i].exe, first->exe) == 0;
    if (model->members == 1)
        fprintf(out, "%s, process %d", base_name(first->exe), first->pid);
    else if (same)
        fprintf(out, "%s, %zu processes", base_name(first->exe), model->members);
    else
        fprintf(out, "%zu processes", model->members);
    if (model->dead == model->members)
        fputs(" (dead)", out);
    else if (model->dead > 0)
        fprintf(out, " (%zu dead)", model->dead);
}

/* Of whom the statistics were begun anew since they started. */
static const char *reset_note(char out[CTL_NUMBER_BYTES], const struct ctl_model *model)
{
    if (model->resets == model->members)
        return model->members > 0 ? " (reset)" : "";
    if (model->resets == 0)
        return "";
    snprintf(out, CTL_NUMBER_BYTES, " (%zu were reset)", model->resets);
    return out;
}

void ctl_view_heading(const struct ctl_model *model, const struct ctl_run *run)
{
    char span[CTL_NUMBER_BYTES], since[CTL_NUMBER_BYTES], window[CTL_NUMBER_BYTES];
    char note[CTL_NUMBER_BYTES];
    uint64_t covered = model->end_ns - model->begin_ns;
    ctl_format_age(span, covered);
    ctl_format_local(since, model->begin_ns, run->now_real_ns);
    *strrchr(since, '.') = '\0'; /* milliseconds are of no use here */
    print_processes(model, run->out);
    if (model->window_ns == 0)
        fprintf(run->out, "; %s, since %s%s\n", span, since, reset_note(note, model));
    else if (covered + CTL_SECOND_NS < model->window_ns)
        fprintf(run->out, "; the last %s, of which only %s are covered, since %s%s\n",
                ctl_format_limit(window, model->window_ns), span, since,
                model->reach_ns > 0 ? ": history holds no more" : "");
    else if (covered > model->window_ns + model->window_ns / 10 + CTL_SECOND_NS)
        fprintf(run->out, "; the last %s, told in whole steps: %s\n",
                ctl_format_limit(window, model->window_ns), span);
    else
        fprintf(run->out, "; the last %s\n", ctl_format_limit(window, model->window_ns));
}

void ctl_view_label(const struct ctl_run *run, const char *name)
{
    fputs("  ", run->out);
    ctl_paint(run->out, &run->term, CTL_QUIET, name);
    for (size_t i = strlen(name); i < 11; i++)
        fputc(' ', run->out);
}

char *ctl_view_short(char *out, size_t width, const char *text)
{
    size_t bytes = 0;
    for (size_t seen = 0; text[bytes] != '\0'; bytes++)
        if (((unsigned char)text[bytes] & 0xC0) != 0x80 && seen++ == width)
            break;
    memcpy(out, text, bytes);
    strcpy(out + bytes, text[bytes] != '\0' ? "…" : "");
    return out;
}

enum ctl_paint ctl_level_paint(uint32_t level)
{
    static const enum ctl_paint paints[SPY_LEVEL_COUNT] = {
        [SPY_LEVEL_EXCELLENT] = CTL_GOOD,  [SPY_LEVEL_GOOD] = CTL_GOOD,
        [SPY_LEVEL_ACCEPTABLE] = CTL_WARN, [SPY_LEVEL_SLOW] = CTL_BAD,
        [SPY_LEVEL_CRITICAL] = CTL_WORST,
    };
    return level < SPY_LEVEL_COUNT ? paints[level] : CTL_PLAIN;
}

enum ctl_paint ctl_operation_paint(const struct ctl_operation *op)
{
    if (op->totals.level[SPY_LEVEL_CRITICAL] > 0)
        return CTL_WORST;
    if (op->totals.level[SPY_LEVEL_SLOW] > 0)
        return CTL_BAD;
    return CTL_PLAIN;
}

/* Cells of LEVEL among ROOM for TOTAL calls, rounded to the nearest. */
static size_t cells_of(uint64_t level, double total, size_t room)
{
    size_t cells = (size_t)((double)level / total * (double)room + 0.5);
    return cells < room ? cells : room;
}

void ctl_view_bar(char out[CTL_BAR_CELLS + 1], const uint64_t level[SPY_LEVEL_COUNT])
{
    size_t cells[SPY_LEVEL_COUNT] = {0};
    double total = 0; /* not a sum of integers: a corrupt region could make that overflow */
    for (uint32_t i = 0; i < SPY_LEVEL_COUNT; i++)
        total += (double)level[i];
    memset(out, ' ', CTL_BAR_CELLS);
    out[CTL_BAR_CELLS] = '\0';
    if (total == 0)
        return;
    /* Worst first, so that rounding takes cells away from the good ones only. */
    size_t left = CTL_BAR_CELLS;
    for (uint32_t i = SPY_LEVEL_COUNT; i-- > 0;) {
        cells[i] = cells_of(level[i], total, CTL_BAR_CELLS);
        if (cells[i] == 0 && level[i] > 0 && i >= SPY_LEVEL_SLOW)
            cells[i] = 1;
        if (cells[i] > left)
            cells[i] = left;
        left -= cells[i];
    }
    for (uint32_t i = 0; left > 0 && i < SPY_LEVEL_COUNT; i++)
        if (level[i] > 0) {
            cells[i] += left;
            left = 0;
        }
    char *at = out;
    for (uint32_t i = 0; i < SPY_LEVEL_COUNT; i++)
        for (; cells[i] > 0; cells[i]--)
            *at++ = CTL_BAR_CHARS[i];
}

const char *ctl_verdict_name(enum ctl_verdict verdict)
{
    return verdict == CTL_BENCH_MISSED ? "missed" : verdict == CTL_BENCH_MET ? "met" : "no data";
}

enum ctl_paint ctl_verdict_paint(enum ctl_verdict verdict)
{
    return verdict == CTL_BENCH_MISSED ? CTL_BAD : verdict == CTL_BENCH_MET ? CTL_GOOD : CTL_QUIET;
}

char *ctl_view_limit(char *out, const struct spy_budget *budget)
{
    if (budget->stat == SPY_STAT_ERRORS)
        return ctl_format_percent(out, (double)budget->limit, 1e6);
    return ctl_format_limit(out, budget->limit);
}

char *ctl_view_value(char *out, const struct ctl_operation *op, const struct spy_budget *budget)
{
    bool errors = budget->stat == SPY_STAT_ERRORS;
    if ((errors ? op->totals.calls : spy_totals_timed(&op->totals)) == 0)
        return strcpy(out, "-");
    double value = ctl_operation_stat(op, budget->stat);
    if (errors)
        return ctl_format_percent(out, value, 1e6);
    return ctl_format_duration(out, value);
}

static char *too_few(char *out, const struct ctl_operation *op, const char *stat, uint64_t needed)
{
    char calls[CTL_NUMBER_BYTES], wanted[CTL_NUMBER_BYTES];
    uint64_t timed = spy_totals_timed(&op->totals);
    bool one = timed == 1;
    snprintf(out, CTL_REASON_BYTES, "%s %s%s too few for %s: it needs %s",
             ctl_format_count(calls, timed), op->totals.untimed > 0 ? "timed " : "",
             one ? "call is" : "calls are", stat, ctl_format_count(wanted, needed));
    return out;
}

char *ctl_view_reason(char out[CTL_REASON_BYTES], const struct ctl_operation *op,
                      const struct spy_budget *budget)
{
    char value[CTL_NUMBER_BYTES], limit[CTL_NUMBER_BYTES], calls[CTL_NUMBER_BYTES];
    const struct spy_totals *t = &op->totals;
    uint64_t needed = ctl_calls_needed(op, budget->stat);
    if (t->calls == 0)
        return strcpy(out, "no calls");
    if (ctl_operation_verdict(op, budget) == CTL_BENCH_NO_DATA)
        return too_few(out, op, spy_stat_name(budget->stat), needed);
    int n = snprintf(out, CTL_REASON_BYTES, "%s is %s, limit %s, of %s call%s",
                     budget->stat == SPY_STAT_ERRORS ? "error share" : spy_stat_name(budget->stat),
                     ctl_view_value(value, op, budget), ctl_view_limit(limit, budget),
                     ctl_format_count(calls, t->calls), t->calls == 1 ? "" : "s");
    if (spy_totals_timed(t) < needed && budget->stat != SPY_STAT_ERRORS)
        snprintf(out + n, CTL_REASON_BYTES - (size_t)n, ", each of which took longer");
    return out;
}

void ctl_view_use(struct ctl_table *table, const struct spy_use *use)
{
    char text[CTL_NUMBER_BYTES];
    ctl_table_cell(table, CTL_PLAIN,
                   use->rss_bytes > 0 ? ctl_format_bytes(text, use->rss_bytes) : "-");
    ctl_table_cell(table, CTL_PLAIN, use->threads > 0 ? ctl_format_count(text, use->threads) : "-");
    ctl_table_cell(table, CTL_PLAIN, use->fds > 0 ? ctl_format_count(text, use->fds) : "-");
}
