/* SPDX-License-Identifier: MIT */
/*
 * What finding the statement of a text costs: of one seen before (a hash and a probe), and of one
 * with literals that were never seen (hashed, lexed, normalised, hashed, two probes), for texts as
 * programs send them. Prints the best, the median and the worst of many rounds in nanoseconds per
 * text. Needs no server and touches nothing.
 */
#include "classify/classify.h"
#include "shared/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS  101
#define REPEATS 4000

struct text {
    const char *name;
    const char *format; /* with literals %06u, all the same number */
};

static const struct text texts[] = {
    {"200 bytes",
     "SELECT id, part_number, part_type, description FROM parts WHERE manufacturer = 'acme-%06u' "
     "AND weight > %06u.5 AND is_proprietary = false AND (stock - %06u) > 10 ORDER BY part_number "
     "LIMIT 20 OFFSET %06u"},
    {"an ORM's",
     "SELECT \"parts\".\"id\", \"parts\".\"part_number\", \"parts\".\"part_type\" FROM \"parts\" "
     "WHERE \"parts\".\"manufacturer\" = 'acme-%06u' AND \"parts\".\"id\" IN (%06u, 2, 3, 4, 5, 6) "
     "ORDER BY \"parts\".\"id\" ASC LIMIT 20"},
    {"insert",
     "INSERT INTO inventory (part_id, location, quantity, updated) VALUES (%06u, 'shelf %06u', 17, "
     "'2025-11-23 10:00:00'), (%06u, 'shelf 2', 18, '2025-11-23 10:00:01')"},
    {"short", "SELECT * FROM parts WHERE id = %06u"},
    {"two",
     "UPDATE parts SET weight = %06u.25 WHERE id = %06u; SELECT weight FROM parts WHERE id = "
     "%06u"},
};

static char made[REPEATS][512];
static size_t len[REPEATS];
static struct spy_classifier *classifier;
static volatile uint64_t sum; /* keeps the results alive */

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* REPEATS texts, no literal twice, none as in another round. */
static void make_texts(const char *format, unsigned round, bool all_the_same)
{
    for (unsigned i = 0; i < REPEATS; i++) {
        unsigned n = all_the_same ? 7 : round * REPEATS + i;
        char *to = made[i];
        for (const char *p = format; *p != '\0';) {
            if (*p == '%') {
                to += sprintf(to, "%06u", n);
                p += 4;
            } else {
                *to++ = *p++;
            }
        }
        *to = '\0';
        len[i] = (size_t)(to - made[i]);
    }
}

static void run_classify(void)
{
    for (unsigned i = 0; i < REPEATS; i++)
        sum += spy_classify_sql(classifier, made[i], len[i]);
}

static void run_normalise(void)
{
    for (unsigned i = 0; i < REPEATS; i++)
        sum += spy_sql_normalise(made[i], len[i], NULL, 0).fingerprint;
}

static void run_lex(void)
{
    for (unsigned i = 0; i < REPEATS; i++) {
        struct spy_sql_lexer lexer;
        spy_sql_start(&lexer, made[i], len[i]);
        while (spy_sql_next(&lexer).kind != SPY_SQL_END)
            sum++;
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *what, void (*run)(void), const char *format, bool all_the_same)
{
    static double ns[ROUNDS];
    for (unsigned i = 0; i < ROUNDS; i++) {
        make_texts(format, i, all_the_same);
        uint64_t begin = now_ns();
        run();
        ns[i] = (double)(now_ns() - begin) / REPEATS;
    }
    qsort(ns, ROUNDS, sizeof(ns[0]), ascending);
    printf("  %-14s best %6.1f  median %6.1f  p90 %6.1f  worst %6.1f ns\n", what, ns[0],
           ns[ROUNDS / 2], ns[ROUNDS * 9 / 10], ns[ROUNDS - 1]);
}

static struct spy_region *make_region(void)
{
    uint64_t bytes = spy_region_layout(NULL);
    struct spy_region *region = aligned_alloc(4096, bytes);
    if (region == NULL) {
        fputs("bench_sql: out of memory\n", stderr);
        exit(1);
    }
    memset((void *)region, 0, bytes);
    spy_region_layout(region);
    return region;
}

int main(void)
{
    static const char rules_text[] = "version: 1\n";
    struct spy_rules *rules;
    struct spy_error err;
    struct spy_region *region = make_region();
    if (spy_rules_parse(rules_text, strlen(rules_text), &rules, &err) != SPY_OK ||
        (classifier = spy_classifier_new(region, rules)) == NULL) {
        fputs("bench_sql: no classifier\n", stderr);
        return 1;
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const struct text *t = &texts[i];
        make_texts(t->format, 0, true);
        printf("%s: %zu bytes\n", t->name, len[0]);
        measure("seen before", run_classify, t->format, true);
        measure("new literals", run_classify, t->format, false);
        measure("normalise", run_normalise, t->format, false);
        measure("lex only", run_lex, t->format, false);
    }
    spy_classifier_free(classifier);
    spy_rules_free(rules);
    free(region);
    return 0;
}
