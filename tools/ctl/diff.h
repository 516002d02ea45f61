/* SPDX-License-Identifier: MIT */
/*
 * Two windows compared, operation by operation: what happened lately, and what happened in a window
 * of the same length before that. Made from the same histograms as every other answer.
 */
#ifndef CTL_DIFF_H
#define CTL_DIFF_H

#include "ctl/parts.h"

#include <jansson.h>

/*
 * What is a finding and what is noise (diff_judge.c). A difference counts where it is
 * CTL_DIFF_SIGMAS standard deviations beyond what two samples of one distribution would show, and
 * is large enough to matter:
 *  - a quantile, of as many calls on both sides as ctl_calls_needed() asks: the share of calls
 *    longer than the other side's quantile differs so much, the quantile by CTL_DIFF_TIMES, and by
 *    CTL_DIFF_MIN_NS either a call or in total each second;
 *  - the share of errors, of CTL_DIFF_CALLS calls on both sides: by CTL_DIFF_ERRORS_PPM;
 *  - the rate of calls, as if they came independently (Poisson): by CTL_DIFF_RATE.
 */
#define CTL_DIFF_SIGMAS     3.0
#define CTL_DIFF_TIMES      1.2
#define CTL_DIFF_RATE       1.5
#define CTL_DIFF_MIN_NS     1e6
#define CTL_DIFF_ERRORS_PPM 10000.0
#define CTL_DIFF_CALLS      20u /* with fewer on a side, that nothing was found says little */

enum ctl_diff_side { CTL_DIFF_BEFORE, CTL_DIFF_NOW, CTL_DIFF_SIDES };

/* What changed: those for the worse first, in each half what matters most. */
#define CTL_DIFF_MARKS(X)                           \
    X(SLOWER, "slower", "slower")                   \
    X(MORE_ERRORS, "more_errors", "more errors")    \
    X(NEW, "new", "new")                            \
    X(BUSIER, "busier", "busier")                   \
    X(FASTER, "faster", "faster")                   \
    X(FEWER_ERRORS, "fewer_errors", "fewer errors") \
    X(GONE, "gone", "gone")                         \
    X(QUIETER, "quieter", "quieter")

enum ctl_diff_mark {
#define X(id, key, name) CTL_DIFF_##id,
    CTL_DIFF_MARKS(X)
#undef X
        CTL_DIFF_MARK_COUNT
};

#define CTL_DIFF_BIT(mark) (1u << CTL_DIFF_##mark)
#define CTL_DIFF_WORSE     (CTL_DIFF_BIT(FASTER) - 1u)

struct ctl_diff_row {
    struct ctl_operation *op; /* which it is: the side that knows it */
    const struct ctl_operation *side[CTL_DIFF_SIDES];
    double rate[CTL_DIFF_SIDES];    /* calls a second */
    double load_ns[CTL_DIFF_SIDES]; /* total time a second: rate times mean */
    unsigned marks;                 /* CTL_DIFF_BIT()s */
    bool noticeable;                /* false: noise, even where it is marked new or gone */
    bool few;                       /* noise that more calls might have made a finding */
    uint32_t stat;                  /* of slower or faster: which statistic is; else the count */
};

struct ctl_diff {
    struct ctl_model model[CTL_DIFF_SIDES];
    struct ctl_diff_row *row; /* called on either side; what hurts most first, noise last */
    size_t rows;
    const struct ctl_diff_row *only; /* NULL: all */
};

/* Loads the processes of SOURCE for run->args->last_ns (default: 5 minutes) and for as long a
 * window that ended run->args->before_ns ago (default: where the other begins). NAME is an
 * operation, as for ctl_find_operation(), or NULL. Says on run->err what is wrong; CTL_NOTHING
 * where there is nothing on one of the sides. Free with ctl_diff_free(), in any case. */
enum ctl_exit ctl_diff_load(struct ctl_diff *diff, const struct ctl_source *source,
                            const struct ctl_run *run, const char *name);
void ctl_diff_free(struct ctl_diff *diff);

/* diff_judge.c: fills in marks and what follows them. */
void ctl_diff_judge(struct ctl_diff_row *row, double before_s, double now_s);

/* STAT of a side in nanoseconds, or for errors in millionths. */
double ctl_diff_stat(const struct ctl_diff_row *row, enum ctl_diff_side side, uint32_t stat);

/* Were there calls on both sides? */
bool ctl_diff_is_pair(const struct ctl_diff_row *row);

/* The mean parts of the time of a call, up to CTL_PART_COUNT of them. Returns how many. */
struct ctl_diff_part {
    const char *key;
    const char *name;
    double ns[CTL_DIFF_SIDES];
};
size_t ctl_diff_parts(const struct ctl_diff_row *row, struct ctl_diff_part part[CTL_PART_COUNT]);

/* The part that grew most, of an operation that became slower. False: it did not, or no part did.
 */
bool ctl_diff_grown(const struct ctl_diff_row *row, struct ctl_diff_part *part);

/* diff_text.c */
const char *ctl_diff_mark_key(unsigned mark);
const char *ctl_diff_mark_name(unsigned mark);

/* How much larger B is than A: "x6.6"; from or to nothing "-". */
char *ctl_diff_ratio(char out[CTL_NUMBER_BYTES], double a, double b);

/* What ROW has come to, in a sentence: "slower: api.get_part p95 6.20 ms -> 41.0 ms (x6.6)". */
#define CTL_DIFF_SENTENCE_BYTES 1024u
char *ctl_diff_sentence(char out[CTL_DIFF_SENTENCE_BYTES], const struct ctl_diff_row *row);

/* json_diff.c: the schema of `diff --json`, of the first LIMIT rows. */
json_t *ctl_json_diff(const struct ctl_diff *diff, size_t limit);

#endif
