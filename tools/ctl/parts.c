/* SPDX-License-Identifier: MIT */
/*
 * Parts of requests; see parts.h. Counters of a live process are read while they change, and those
 * of a file may be anything: no sum here is taken to be consistent with another.
 */
#include "ctl/parts.h"

#include <stdio.h>

struct ctl_parts ctl_parts_of(const struct spy_totals *t)
{
    struct ctl_parts parts = {0};
    parts.ns[SPY_PART_READ] = t->read_ns;
    parts.ns[SPY_PART_DB_WAIT] = t->db_wait_ns;
    parts.ns[SPY_PART_DB_ROWS] = t->db_rows_ns;
    parts.ns[SPY_PART_BLOCKED] = t->blocked_ns;
    uint64_t left = t->sum_ns;
    for (unsigned i = 0; i < SPY_PART_PROGRAM; i++) {
        parts.overlapping = parts.overlapping || parts.ns[i] > left;
        left -= parts.ns[i] < left ? parts.ns[i] : left;
    }
    parts.ns[SPY_PART_PROGRAM] = left;
    return parts;
}

const char *ctl_part_key(enum spy_part part)
{
    static const char *const keys[SPY_PART_COUNT] = {
#define X(id, key, name) key,
        SPY_PARTS(X)
#undef X
    };
    return keys[part];
}

const char *ctl_part_name(enum spy_part part)
{
    static const char *const names[SPY_PART_COUNT] = {
#define X(id, key, name) name,
        SPY_PARTS(X)
#undef X
    };
    return names[part];
}

/* ---- queries -------------------------------------------------------------------------------- */

struct ctl_queries ctl_queries_of(const struct spy_totals *t)
{
    struct ctl_queries q = {0};
    double counted = 0, seen = 0; /* requests; a corrupt region could make integers overflow */
    for (uint32_t i = 0; i < SPY_HIST_SUB; i++)
        counted += (double)t->spread[i];
    q.spread = counted > 0;
    q.known = q.spread || (t->queries > 0 && t->calls > 0);
    q.mean = q.spread  ? (double)t->queries / counted
             : q.known ? (double)t->queries / (double)t->calls
                       : 0;
    for (uint32_t i = 0; i < SPY_HIST_SUB; i++) {
        if (t->spread[i] == 0)
            continue;
        if (seen == 0)
            q.min = spy_spread_floor(i);
        if (2 * seen < counted)
            q.median = spy_spread_floor(i);
        q.max = spy_spread_floor(i);
        seen += (double)t->spread[i];
    }
    return q;
}

char *ctl_queries_text(char out[CTL_NUMBER_BYTES], const char *about, uint32_t queries)
{
    char number[CTL_NUMBER_BYTES];
    bool last = queries >= spy_spread_floor(SPY_HIST_SUB - 1);
    bool exact = spy_spread_floor(spy_spread_index(queries) + 1) == queries + 1;
    snprintf(out, CTL_NUMBER_BYTES, "%s%.20s",
             exact  ? ""
             : last ? ">="
                    : about,
             ctl_format_count(number, queries));
    return out;
}

char *ctl_mean_text(char out[CTL_NUMBER_BYTES], double mean)
{
    int n = snprintf(out, CTL_NUMBER_BYTES, mean < 100 ? "%.2f" : "%.0f", mean);
    if (mean >= 100)
        return out;
    while (out[n - 1] == '0')
        out[--n] = '\0';
    if (out[n - 1] == '.')
        out[n - 1] = '\0';
    return out;
}

/* ---- attribution ---------------------------------------------------------------------------- */

struct ctl_attribution ctl_attribution_of(const struct spy_totals *t)
{
    return (struct ctl_attribution){t->way_thread, t->way_only, t->way_tag, t->way_none};
}

struct ctl_attribution ctl_attribution_of_all(const struct ctl_model *model)
{
    struct ctl_attribution all = {0};
    for (size_t i = 0; i < model->count; i++) {
        if (model->operation[i]->kind != SPY_KIND_SQL)
            continue;
        struct ctl_attribution one = ctl_attribution_of(&model->operation[i]->totals);
        all.thread += one.thread;
        all.only += one.only;
        all.tag += one.tag;
        all.none += one.none;
    }
    return all;
}

bool ctl_attribution_any(const struct ctl_attribution *a)
{
    return a->thread != 0 || a->only != 0 || a->tag != 0 || a->none != 0;
}
