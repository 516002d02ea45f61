/* SPDX-License-Identifier: MIT */
/*
 * `diff`: a window compared with an earlier one, operation by operation (diff.c), or one operation
 * in detail.
 */
#include "ctl/command.h"
#include "ctl/diff.h"
#include "ctl/format.h"
#include "ctl/json.h"
#include "ctl/table.h"
#include "ctl/view.h"

#include <string.h>

const struct ctl_command ctl_command_diff = {
    .name = "diff",
    .operands = "[OPERATION]",
    .summary = "compare the last minutes with earlier ones, operation by operation",
    .help = "Compares the last 5 minutes, or --last, with as long a window that ended where "
            "this one begins, or --before ago: calls, rate, share of errors, mean and "
            "percentiles of each operation on both sides, and what changed: slower, more "
            "errors, new, busier, or the opposite. LOAD is the change of the operation's "
            "total time in each second. What became worse comes first, by LOAD; then what "
            "became better; then noise. With OPERATION shows that one in detail, with the "
            "mean parts of its time.\n\n"
            "A change is told where it is beyond chance by 3 standard deviations, and large: "
            "p50, p95 or p99 by a fifth, and by 1 ms a call or 1 ms of total time a second; "
            "the share of errors by one percentage point, of 20 calls on both sides; the "
            "rate by half. A quantile needs as many calls on both sides as a benchmark's: 2, "
            "20 and 100. The calls of the two windows are taken to be independent: one burst "
            "of work that is the same each hour is \"busier\" all the same. \"few calls\" "
            "stands where a side has less than 20 and nothing was found.\n\n"
            "Windows are told in whole steps of history, and may be covered in part; both are "
            "said. Rates are those of what is covered. The exit status is 0 whatever changed, "
            "and 69 where there is nothing to compare with.",
    .options = CTL_READS | CTL_BIT(LAST) | CTL_BIT(BEFORE) | CTL_BIT(LIMIT) | CTL_BIT(WATCH),
    .max_operands = 1,
    .run = ctl_cmd_diff,
};

#define LIMIT_DEFAULT 20u
#define SENTENCES     3u /* told below the table */
#define PAIR_BYTES    (2 * CTL_NUMBER_BYTES + sizeof(" -> "))

static const struct ctl_column columns[] = {
    {.title = "OPERATION", .elastic = true},      {.title = "CHANGE"},
    {.title = "CALLS", .right = true, .rank = 4}, {.title = "RATE", .right = true, .rank = 6},
    {.title = "ERR", .right = true, .rank = 5},   {.title = "MEAN", .right = true, .rank = 3},
    {.title = "P50", .right = true, .rank = 2},   {.title = "P95", .right = true},
    {.title = "P99", .right = true, .rank = 1},   {.title = "LOAD", .right = true, .rank = 7},
};

static const struct ctl_column detail_columns[] = {
    {.title = ""},
    {.title = "BEFORE", .right = true},
    {.title = "NOW", .right = true},
    {.title = "CHANGE", .right = true},
};

#define COLUMNS(c) (sizeof(c) / sizeof((c)[0]))

/* ---- numbers -------------------------------------------------------------------------------- */

/* A value of a side as text, or "-" where that had no calls. WHAT is a statistic or one of these.
 */
enum { CALLS = SPY_STAT_COUNT, RATE };

static char *value(char out[CTL_NUMBER_BYTES], const struct ctl_diff_row *row, int side,
                   uint32_t what)
{
    const struct spy_totals *t = &row->side[side]->totals;
    if (what == CALLS)
        return ctl_format_count(out, t->calls);
    if (what == RATE)
        return ctl_format_rate(out, row->rate[side]);
    if ((what == SPY_STAT_ERRORS ? t->calls : spy_totals_timed(t)) == 0)
        return strcpy(out, "-");
    if (what == SPY_STAT_ERRORS)
        return ctl_format_percent(out, (double)t->errors, (double)t->calls);
    return ctl_format_duration(out, ctl_diff_stat(row, (enum ctl_diff_side)side, what));
}

static bool fails(const struct ctl_diff_row *row)
{
    return row->side[CTL_DIFF_BEFORE]->totals.errors > 0 ||
           row->side[CTL_DIFF_NOW]->totals.errors > 0;
}

static char *load_change(char out[CTL_NUMBER_BYTES], const struct ctl_diff_row *row)
{
    char text[CTL_NUMBER_BYTES];
    double change = row->load_ns[CTL_DIFF_NOW] - row->load_ns[CTL_DIFF_BEFORE];
    ctl_format_duration(text, change < 0 ? -change : change);
    snprintf(out, CTL_NUMBER_BYTES, "%s%.30s/s", change < 0 ? "-" : "+", text);
    return out;
}

/* ---- the table ------------------------------------------------------------------------------ */

static enum ctl_paint paint_of(const struct ctl_diff_row *row)
{
    return !row->noticeable ? CTL_QUIET : (row->marks & CTL_DIFF_WORSE) != 0 ? CTL_BAD : CTL_GOOD;
}

static void add_word(char *out, size_t cap, const char *word)
{
    size_t used = strlen(out);
    snprintf(out + used, cap - used, "%s%s", used > 0 ? ", " : "", word);
}

/* "slower x6.6, busier"; of noise "-", or "few calls". */
static void change_cell(struct ctl_table *table, const struct ctl_diff_row *row)
{
    char out[256] = "", word[2 * CTL_NUMBER_BYTES], ratio[CTL_NUMBER_BYTES];
    const unsigned times = CTL_DIFF_BIT(SLOWER) | CTL_DIFF_BIT(FASTER);
    bool told = false; /* the ratio, of the first of the two */
    for (unsigned i = 0; i < CTL_DIFF_MARK_COUNT; i++) {
        if ((row->marks & 1u << i) == 0)
            continue;
        strcpy(word, ctl_diff_mark_name(i));
        if ((1u << i & times) != 0 && !told) {
            snprintf(word, sizeof(word), "%s %s", ctl_diff_mark_name(i),
                     ctl_diff_ratio(ratio, ctl_diff_stat(row, CTL_DIFF_BEFORE, row->stat),
                                    ctl_diff_stat(row, CTL_DIFF_NOW, row->stat)));
            told = true;
        }
        add_word(out, sizeof(out), word);
    }
    if (row->few)
        add_word(out, sizeof(out), "few calls");
    ctl_table_cell(table, paint_of(row), out[0] != '\0' ? out : "-");
}

static void add_row(struct ctl_table *table, const struct ctl_diff_row *row)
{
    static const uint32_t what[] = {CALLS,        RATE,         SPY_STAT_ERRORS, SPY_STAT_MEAN,
                                    SPY_STAT_P50, SPY_STAT_P95, SPY_STAT_P99};
    enum ctl_paint paint = row->noticeable ? CTL_PLAIN : CTL_QUIET;
    char out[PAIR_BYTES], before[CTL_NUMBER_BYTES], now[CTL_NUMBER_BYTES];
    ctl_table_cell(table, paint_of(row), row->op->name);
    change_cell(table, row);
    for (size_t i = 0; i < COLUMNS(what); i++) {
        value(before, row, CTL_DIFF_BEFORE, what[i]);
        value(now, row, CTL_DIFF_NOW, what[i]);
        bool told = what[i] != SPY_STAT_ERRORS || fails(row);
        snprintf(out, sizeof(out), told ? "%s -> %s" : "-", before, now);
        ctl_table_cell(table, paint, out);
    }
    ctl_table_cell(table, paint, load_change(out, row));
}

/* What the words for noise mean, where they were used, and the findings once more, as sentences. */
static void print_footer(const struct ctl_diff *diff, size_t shown, const struct ctl_run *run)
{
    char sentence[CTL_DIFF_SENTENCE_BYTES];
    bool noise = false, few = false;
    for (size_t i = 0; i < shown; i++) {
        noise = noise || (!diff->row[i].noticeable && !diff->row[i].few);
        few = few || diff->row[i].few;
    }
    if (shown < diff->rows)
        fprintf(run->out, "%zu of %zu operations; --limit N shows more\n", shown, diff->rows);
    if (noise)
        fputs("-: no change that is beyond chance and large enough to matter\n", run->out);
    if (few)
        fprintf(run->out, "few calls: below %u on one side, too few to find anything\n",
                CTL_DIFF_CALLS);
    size_t told = 0;
    for (; told < diff->rows && told < SENTENCES && diff->row[told].noticeable; told++)
        fprintf(run->out, "%s\n", ctl_diff_sentence(sentence, &diff->row[told]));
    if (told == 0)
        fputs("nothing changed noticeably\n", run->out);
}

static void print_table(const struct ctl_diff *diff, const struct ctl_run *run)
{
    size_t limit = run->args->limit > 0 ? run->args->limit : LIMIT_DEFAULT;
    size_t shown = limit < diff->rows ? limit : diff->rows;
    struct ctl_table *table = ctl_table_new(columns, COLUMNS(columns));
    for (size_t i = 0; i < shown; i++)
        add_row(table, &diff->row[i]);
    if (diff->rows == 0)
        fputs("no calls\n", run->out);
    ctl_table_print(table, run->out, &run->term);
    ctl_table_free(table);
    if (diff->rows > 0)
        print_footer(diff, shown, run);
}

/* ---- one operation -------------------------------------------------------------------------- */

static void add_line(struct ctl_table *table, const struct ctl_diff_row *row, const char *name,
                     uint32_t what)
{
    char text[CTL_NUMBER_BYTES];
    double before = row->rate[CTL_DIFF_BEFORE], now = row->rate[CTL_DIFF_NOW];
    ctl_table_cell(table, CTL_QUIET, name);
    ctl_table_cell(table, CTL_PLAIN, value(text, row, CTL_DIFF_BEFORE, what));
    ctl_table_cell(table, CTL_PLAIN, value(text, row, CTL_DIFF_NOW, what));
    if (what < SPY_STAT_COUNT) {
        before = ctl_diff_stat(row, CTL_DIFF_BEFORE, what);
        now = ctl_diff_stat(row, CTL_DIFF_NOW, what);
    }
    bool told = what != CALLS && before > 0 && now > 0; /* of calls the rate tells more */
    ctl_table_cell(table, CTL_PLAIN, told ? ctl_diff_ratio(text, before, now) : "");
}

static void add_parts(struct ctl_table *table, const struct ctl_diff_row *row)
{
    char text[CTL_NUMBER_BYTES];
    struct ctl_diff_part part[CTL_PART_COUNT];
    size_t count = ctl_diff_parts(row, part);
    for (size_t i = 0; i < count; i++) {
        double before = part[i].ns[CTL_DIFF_BEFORE], now = part[i].ns[CTL_DIFF_NOW];
        ctl_table_cell(table, CTL_QUIET, part[i].name);
        for (int side = 0; side < CTL_DIFF_SIDES; side++)
            ctl_table_cell(table, CTL_PLAIN,
                           row->side[side]->totals.calls > 0
                               ? ctl_format_duration(text, part[i].ns[side])
                               : "-");
        bool told = before > 0 && now > 0;
        ctl_table_cell(table, CTL_PLAIN, told ? ctl_diff_ratio(text, before, now) : "");
    }
}

static void print_detail(const struct ctl_diff_row *row, const struct ctl_run *run)
{
    static const uint32_t stats[] = {SPY_STAT_ERRORS, SPY_STAT_MEAN, SPY_STAT_P50, SPY_STAT_P95,
                                     SPY_STAT_P99};
    char sentence[CTL_DIFF_SENTENCE_BYTES];
    struct ctl_table *table = ctl_table_new(detail_columns, COLUMNS(detail_columns));
    add_line(table, row, "calls", CALLS);
    add_line(table, row, "rate", RATE);
    for (size_t i = 0; i < COLUMNS(stats); i++)
        add_line(table, row, spy_stat_name(stats[i]), stats[i]);
    add_parts(table, row);
    ctl_table_print(table, run->out, &run->term);
    ctl_table_free(table);
    fputs("below p99: the mean parts of a call\n", run->out);
    if (row->noticeable)
        fprintf(run->out, "%s\n", ctl_diff_sentence(sentence, row));
    else if (row->few)
        fprintf(run->out, "below %u calls on one side: too few to find anything\n", CTL_DIFF_CALLS);
    else
        fputs("nothing changed noticeably\n", run->out);
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* Which window the one of the heading is compared with. */
static void print_before(const struct ctl_diff *diff, const struct ctl_run *run)
{
    const struct ctl_model *before = &diff->model[CTL_DIFF_BEFORE];
    char window[CTL_NUMBER_BYTES], ago[CTL_NUMBER_BYTES], text[CTL_NUMBER_BYTES];
    uint64_t covered = before->end_ns - before->begin_ns;
    fprintf(run->out, "compared with the %s ", ctl_format_limit(window, before->window_ns));
    if (before->ago_ns == before->window_ns)
        fputs("before that", run->out);
    else
        fprintf(run->out, "that ended %s ago", ctl_format_limit(ago, before->ago_ns));
    if (covered + CTL_SECOND_NS < before->window_ns) {
        ctl_format_local(text, before->begin_ns, run->now_real_ns);
        *strrchr(text, '.') = '\0'; /* milliseconds */
        fprintf(run->out, ", of which only %s are covered, since %s", ctl_format_age(ago, covered),
                text);
    } else if (covered > before->window_ns + before->window_ns / 10 + CTL_SECOND_NS) {
        fprintf(run->out, ", told in whole steps: %s", ctl_format_age(ago, covered));
    }
    fputc('\n', run->out);
}

static void print(const struct ctl_diff *diff, const struct ctl_run *run)
{
    if (run->args->json) {
        size_t limit = run->args->limit > 0 ? run->args->limit : diff->rows;
        ctl_json_print(run, ctl_json_diff(diff, limit));
        return;
    }
    ctl_view_heading(&diff->model[CTL_DIFF_NOW], run);
    print_before(diff, run);
    if (diff->only == NULL)
        print_table(diff, run);
    else
        print_detail(diff->only, run);
}

enum ctl_exit ctl_cmd_diff(const struct ctl_run *run)
{
    struct ctl_source source;
    struct ctl_diff diff;
    enum ctl_exit result = ctl_source_open(&source, run, CTL_WANT_WINDOW);
    if (result != CTL_OK)
        return result;
    result =
        ctl_diff_load(&diff, &source, run, run->args->operands > 0 ? run->args->operand[0] : NULL);
    if (result == CTL_OK)
        print(&diff, run);
    ctl_diff_free(&diff);
    ctl_source_free(&source);
    return result;
}
