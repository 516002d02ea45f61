/* SPDX-License-Identifier: MIT */
/*
 * What changed, in words. Declared in diff.h.
 */
#include "ctl/diff.h"

#include "ctl/format.h"

#include <string.h>

const char *ctl_diff_mark_key(unsigned mark)
{
    static const char *const keys[CTL_DIFF_MARK_COUNT] = {
#define X(id, key, name) key,
        CTL_DIFF_MARKS(X)
#undef X
    };
    return keys[mark];
}

const char *ctl_diff_mark_name(unsigned mark)
{
    static const char *const names[CTL_DIFF_MARK_COUNT] = {
#define X(id, key, name) name,
        CTL_DIFF_MARKS(X)
#undef X
    };
    return names[mark];
}

char *ctl_diff_ratio(char out[CTL_NUMBER_BYTES], double a, double b)
{
    if (a <= 0 || b <= 0)
        return strcpy(out, "-");
    double ratio = b / a;
    snprintf(out, CTL_NUMBER_BYTES, "x%.*f", ratio < 0.995 ? 2 : ratio < 9.95 ? 1 : 0, ratio);
    return out;
}

/* One change, "6.20 ms -> 41.0 ms (x6.6)", at the end of OUT. */
static void append(char *out, const char *before, const char *now, const char *ratio)
{
    size_t used = strlen(out);
    snprintf(out + used, CTL_DIFF_SENTENCE_BYTES - used, " %s -> %s", before, now);
    used = strlen(out);
    if (strcmp(ratio, "-") != 0)
        snprintf(out + used, CTL_DIFF_SENTENCE_BYTES - used, " (%s)", ratio);
}

static void append_times(char *out, double before_ns, double now_ns, bool with_ratio)
{
    char before[CTL_NUMBER_BYTES], now[CTL_NUMBER_BYTES], ratio[CTL_NUMBER_BYTES] = "-";
    if (with_ratio)
        ctl_diff_ratio(ratio, before_ns, now_ns);
    append(out, ctl_format_duration(before, before_ns), ctl_format_duration(now, now_ns), ratio);
}

static void append_text(char *out, const char *text)
{
    size_t used = strlen(out);
    snprintf(out + used, CTL_DIFF_SENTENCE_BYTES - used, "%s", text);
}

static void tell_times(char *out, const struct ctl_diff_row *row)
{
    struct ctl_diff_part part;
    append_text(out, " ");
    append_text(out, spy_stat_name(row->stat));
    append_times(out, ctl_diff_stat(row, CTL_DIFF_BEFORE, row->stat),
                 ctl_diff_stat(row, CTL_DIFF_NOW, row->stat), true);
    if (!ctl_diff_grown(row, &part))
        return;
    append_text(out, "; on the mean its ");
    append_text(out, part.name);
    append_times(out, part.ns[CTL_DIFF_BEFORE], part.ns[CTL_DIFF_NOW], false);
}

static void tell_errors(char *out, const struct ctl_diff_row *row)
{
    char before[CTL_NUMBER_BYTES], now[CTL_NUMBER_BYTES];
    append(out,
           ctl_format_percent(before, ctl_diff_stat(row, CTL_DIFF_BEFORE, SPY_STAT_ERRORS), 1e6),
           ctl_format_percent(now, ctl_diff_stat(row, CTL_DIFF_NOW, SPY_STAT_ERRORS), 1e6), "-");
}

static void tell_rate(char *out, const struct ctl_diff_row *row)
{
    char before[CTL_NUMBER_BYTES], now[CTL_NUMBER_BYTES], ratio[CTL_NUMBER_BYTES];
    append(out, ctl_format_rate(before, row->rate[CTL_DIFF_BEFORE]),
           ctl_format_rate(now, row->rate[CTL_DIFF_NOW]),
           ctl_diff_ratio(ratio, row->rate[CTL_DIFF_BEFORE], row->rate[CTL_DIFF_NOW]));
}

char *ctl_diff_sentence(char out[CTL_DIFF_SENTENCE_BYTES], const struct ctl_diff_row *row)
{
    unsigned mark = 0;
    while (mark < CTL_DIFF_MARK_COUNT && (row->marks & 1u << mark) == 0)
        mark++;
    if (mark == CTL_DIFF_MARK_COUNT || !row->noticeable)
        return strcpy(out, "");
    snprintf(out, CTL_DIFF_SENTENCE_BYTES, "%s: %s", ctl_diff_mark_name(mark), row->op->name);
    if (mark == CTL_DIFF_SLOWER || mark == CTL_DIFF_FASTER)
        tell_times(out, row);
    else if (mark == CTL_DIFF_MORE_ERRORS || mark == CTL_DIFF_FEWER_ERRORS)
        tell_errors(out, row);
    else
        tell_rate(out, row);
    return out;
}
