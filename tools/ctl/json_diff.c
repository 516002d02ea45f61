/* SPDX-License-Identifier: MIT */
/*
 * The schema of `diff --json`. Declared in diff.h.
 */
#include "ctl/diff.h"

#include "ctl/json.h"

static void set_stat(json_t *o, const char *key, const struct ctl_diff_row *row,
                     enum ctl_diff_side side, uint32_t stat)
{
    bool any = row->side[side]->totals.calls > 0;
    ctl_json_set(o, key, any ? ctl_json_ms(ctl_diff_stat(row, side, stat)) : json_null());
}

static json_t *side_json(const struct ctl_diff_row *row, enum ctl_diff_side side)
{
    json_t *o = json_object(), *parts = json_object();
    const struct spy_totals *t = &row->side[side]->totals;
    struct ctl_diff_part part[CTL_PART_COUNT];
    size_t count = ctl_diff_parts(row, part);
    ctl_json_set(o, "calls", ctl_json_count(t->calls));
    ctl_json_set(o, "timed", ctl_json_count(spy_totals_timed(t)));
    ctl_json_set(o, "rate", ctl_json_real(row->rate[side]));
    ctl_json_set(o, "errors", ctl_json_count(t->errors));
    ctl_json_set(o, "total_ms_per_s", ctl_json_ms(row->load_ns[side]));
    set_stat(o, "mean_ms", row, side, SPY_STAT_MEAN);
    set_stat(o, "p50_ms", row, side, SPY_STAT_P50);
    set_stat(o, "p95_ms", row, side, SPY_STAT_P95);
    set_stat(o, "p99_ms", row, side, SPY_STAT_P99);
    for (size_t i = 0; i < count; i++) {
        char key[32];
        snprintf(key, sizeof(key), "%s_ms", part[i].key);
        ctl_json_set(parts, key,
                     spy_totals_timed(t) > 0 ? ctl_json_ms(part[i].ns[side]) : json_null());
    }
    ctl_json_set(o, "parts", parts);
    return o;
}

static json_t *row_json(const struct ctl_diff_row *row)
{
    json_t *o = json_object(), *changes = json_array();
    char sentence[CTL_DIFF_SENTENCE_BYTES];
    struct ctl_diff_part grown;
    bool stat = row->stat < SPY_STAT_COUNT;
    for (unsigned i = 0; i < CTL_DIFF_MARK_COUNT; i++)
        if ((row->marks & 1u << i) != 0)
            ctl_json_append(changes, json_string(ctl_diff_mark_key(i)));
    ctl_json_set(o, "operation", json_string(row->op->name));
    ctl_json_set(o, "kind", json_string(spy_kind_name(row->op->kind)));
    ctl_json_set(o, "mapped", json_boolean(row->op->mapped));
    ctl_json_set(o, "changes", changes);
    ctl_json_set(o, "noticeable", json_boolean(row->noticeable));
    ctl_json_set(o, "few_calls", json_boolean(row->few));
    ctl_json_set(o, "stat", stat ? json_string(spy_stat_name(row->stat)) : json_null());
    ctl_json_set(o, "grown_part",
                 ctl_diff_grown(row, &grown) ? json_string(grown.key) : json_null());
    ctl_json_set(o, "text", ctl_json_text(ctl_diff_sentence(sentence, row)));
    ctl_json_set(o, "before", side_json(row, CTL_DIFF_BEFORE));
    ctl_json_set(o, "now", side_json(row, CTL_DIFF_NOW));
    return o;
}

json_t *ctl_json_diff(const struct ctl_diff *diff, size_t limit)
{
    const struct ctl_model *earlier = &diff->model[CTL_DIFF_BEFORE];
    json_t *o = ctl_json_begin(&diff->model[CTL_DIFF_NOW]), *operations = json_array();
    json_t *before = ctl_json_begin(earlier);
    (void)json_object_del(before, "version"); /* of the whole document, not of this */
    ctl_json_set(before, "ended_s_ago", ctl_json_real((double)earlier->ago_ns / 1e9));
    ctl_json_set(o, "before", before);
    for (size_t i = 0; i < diff->rows && i < limit; i++)
        if (diff->only == NULL)
            ctl_json_append(operations, row_json(&diff->row[i]));
    if (diff->only != NULL)
        ctl_json_append(operations, row_json(diff->only));
    ctl_json_set(o, "operations", operations);
    return o;
}
