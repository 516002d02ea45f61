/* SPDX-License-Identifier: MIT */
/*
 * What changed, and what is noise; the rules are in diff.h. Pure functions.
 */
#include "ctl/diff.h"

#include <math.h>

/* Those that can make an operation slower or faster, in the order in which they are told. */
static const uint32_t stats[] = {SPY_STAT_P95, SPY_STAT_P50, SPY_STAT_P99};

#define STATS (sizeof(stats) / sizeof(stats[0]))

double ctl_diff_stat(const struct ctl_diff_row *row, enum ctl_diff_side side, uint32_t stat)
{
    return ctl_operation_stat(row->side[side], stat);
}

bool ctl_diff_is_pair(const struct ctl_diff_row *row)
{
    return row->side[CTL_DIFF_BEFORE]->totals.calls > 0 &&
           row->side[CTL_DIFF_NOW]->totals.calls > 0;
}

/* Is MORE of N a larger share than LESS of M, by more than chance? The two-proportion z test. */
static bool is_larger_share(double more, double n, double less, double m)
{
    double pooled = (more + less) / (n + m);
    double deviation = sqrt(pooled * (1 - pooled) * (1 / n + 1 / m));
    return more / n - less / m > CTL_DIFF_SIGMAS * deviation;
}

/* Timed calls in the buckets above that of NS. Chance goes by what was seen, not by what that
 * stands for. */
static double calls_above(const struct spy_totals *t, double ns)
{
    double calls = 0;
    for (uint32_t i = spy_hist_index((uint64_t)ns) + 1; i < SPY_HIST_BUCKETS; i++)
        calls += (double)t->hist.bucket[i];
    return t->untimed > 0 ? calls * (double)spy_totals_timed(t) / (double)t->calls : calls;
}

/* Is STAT of side A noticeably longer than that of B? */
static bool is_longer(const struct ctl_diff_row *row, enum ctl_diff_side a, enum ctl_diff_side b,
                      uint32_t stat)
{
    const struct spy_totals *t = &row->side[a]->totals, *u = &row->side[b]->totals;
    uint64_t needed = ctl_calls_needed(row->op, stat);
    double longer = ctl_diff_stat(row, a, stat), shorter = ctl_diff_stat(row, b, stat);
    uint64_t seen = spy_totals_timed(t), other = spy_totals_timed(u);
    if (seen < needed || other < needed || longer < CTL_DIFF_TIMES * shorter)
        return false;
    if (longer - shorter < CTL_DIFF_MIN_NS &&
        fabs(row->load_ns[a] - row->load_ns[b]) < CTL_DIFF_MIN_NS)
        return false;
    return is_larger_share(calls_above(t, shorter), (double)seen, calls_above(u, shorter),
                           (double)other);
}

/* Marks slower or faster by the first statistic that says so; by another one it may be both. */
static void judge_times(struct ctl_diff_row *row)
{
    row->stat = SPY_STAT_COUNT;
    for (size_t i = 0; i < STATS; i++) {
        unsigned mark = 0;
        if (is_longer(row, CTL_DIFF_NOW, CTL_DIFF_BEFORE, stats[i]))
            mark = CTL_DIFF_BIT(SLOWER);
        else if (is_longer(row, CTL_DIFF_BEFORE, CTL_DIFF_NOW, stats[i]))
            mark = CTL_DIFF_BIT(FASTER);
        bool worse = mark == CTL_DIFF_BIT(SLOWER) && (row->marks & mark) == 0;
        if (worse || (mark != 0 && row->stat == SPY_STAT_COUNT))
            row->stat = stats[i];
        row->marks |= mark;
    }
}

static void judge_errors(struct ctl_diff_row *row)
{
    const struct spy_totals *before = &row->side[CTL_DIFF_BEFORE]->totals;
    const struct spy_totals *now = &row->side[CTL_DIFF_NOW]->totals;
    double rise = ctl_diff_stat(row, CTL_DIFF_NOW, SPY_STAT_ERRORS) -
                  ctl_diff_stat(row, CTL_DIFF_BEFORE, SPY_STAT_ERRORS);
    double errors[] = {(double)before->errors, (double)now->errors};
    double calls[] = {(double)before->calls, (double)now->calls};
    if (before->calls < CTL_DIFF_CALLS || now->calls < CTL_DIFF_CALLS)
        return;
    if (rise >= CTL_DIFF_ERRORS_PPM && is_larger_share(errors[1], calls[1], errors[0], calls[0]))
        row->marks |= CTL_DIFF_BIT(MORE_ERRORS);
    if (-rise >= CTL_DIFF_ERRORS_PPM && is_larger_share(errors[0], calls[0], errors[1], calls[1]))
        row->marks |= CTL_DIFF_BIT(FEWER_ERRORS);
}

/* Are N calls in S seconds noticeably more than M in T? The variance of a count is the count. */
static bool is_more(double n, double s, double m, double t)
{
    if (s <= 0 || t <= 0)
        return false;
    double deviation = sqrt(n / (s * s) + m / (t * t));
    return n / s >= CTL_DIFF_RATE * m / t && n / s - m / t >= CTL_DIFF_SIGMAS * deviation;
}

static void judge_rate(struct ctl_diff_row *row, double before_s, double now_s)
{
    double before = (double)row->side[CTL_DIFF_BEFORE]->totals.calls;
    double now = (double)row->side[CTL_DIFF_NOW]->totals.calls;
    bool up = is_more(now, now_s, before, before_s), down = is_more(before, before_s, now, now_s);
    if (before == 0)
        row->marks |= CTL_DIFF_BIT(NEW);
    else if (now == 0)
        row->marks |= CTL_DIFF_BIT(GONE);
    else if (up || down)
        row->marks |= up ? CTL_DIFF_BIT(BUSIER) : CTL_DIFF_BIT(QUIETER);
    row->noticeable = row->noticeable || up || down;
}

static double per_second(double amount, double seconds)
{
    return seconds > 0 ? amount / seconds : 0;
}

void ctl_diff_judge(struct ctl_diff_row *row, double before_s, double now_s)
{
    const double seconds[] = {before_s, now_s};
    bool enough = true;
    for (int i = 0; i < CTL_DIFF_SIDES; i++) {
        const struct spy_totals *t = &row->side[i]->totals;
        row->rate[i] = per_second((double)t->calls, seconds[i]);
        row->load_ns[i] = per_second((double)t->sum_ns, seconds[i]);
        enough = enough && t->calls >= CTL_DIFF_CALLS;
    }
    judge_times(row);
    judge_errors(row);
    row->noticeable = row->marks != 0;
    judge_rate(row, before_s, now_s);
    row->few = !row->noticeable && !enough;
}

/* ---- parts ---------------------------------------------------------------------------------- */

static double mean_of(const struct spy_totals *t, uint64_t ns)
{
    return t->calls > 0 ? (double)ns / (double)t->calls : 0;
}

size_t ctl_diff_parts(const struct ctl_diff_row *row, struct ctl_diff_part part[CTL_PART_COUNT])
{
    bool http = row->op->kind == SPY_KIND_HTTP;
    size_t count = http ? CTL_PART_COUNT : 2;
    for (size_t i = 0; i < count; i++) {
        part[i].key = http ? ctl_part_key((enum spy_part)i) : i == 0 ? "wait" : "consume";
        part[i].name = http ? ctl_part_name((enum spy_part)i) : part[i].key;
    }
    for (int side = 0; side < CTL_DIFF_SIDES; side++) {
        const struct spy_totals *t = &row->side[side]->totals;
        struct ctl_parts parts = ctl_parts_of(t);
        const uint64_t sql[] = {t->wait_ns, t->tail_ns};
        for (size_t i = 0; i < count; i++)
            part[i].ns[side] = mean_of(t, http ? parts.ns[i] : sql[i]);
    }
    return count;
}

bool ctl_diff_grown(const struct ctl_diff_row *row, struct ctl_diff_part *grown)
{
    struct ctl_diff_part part[CTL_PART_COUNT];
    size_t count = ctl_diff_parts(row, part);
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        double rise = part[i].ns[CTL_DIFF_NOW] - part[i].ns[CTL_DIFF_BEFORE];
        if (rise <= most)
            continue;
        most = rise;
        *grown = part[i];
    }
    return most > 0 && ctl_diff_is_pair(row) && (row->marks & CTL_DIFF_BIT(SLOWER)) != 0;
}
