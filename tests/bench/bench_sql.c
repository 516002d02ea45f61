/* SPDX-License-Identifier: MIT */
/*
 * What finding the statement of a text costs: of one seen before (a hash and a probe), and of one
 * with literals that were never seen (hashed, lexed, normalised, hashed, two probes), for texts as
 * programs send them. Samples are nanoseconds a text. Needs no server and touches nothing.
 */
#include "bench/bench.h"
#include "classify/classify.h"
#include "shared/sql.h"

#include <string.h>

#define ROUNDS  101
#define REPEATS 4000

struct text {
    const char *name;
    const char *format; /* with literals %06u, all the same number */
};

static const struct text texts[] = {
    {"sql.long",
     "SELECT id, part_number, part_type, description FROM parts WHERE manufacturer = 'acme-%06u' "
     "AND weight > %06u.5 AND is_proprietary = false AND (stock - %06u) > 10 ORDER BY part_number "
     "LIMIT 20 OFFSET %06u"},
    {"sql.orm",
     "SELECT \"parts\".\"id\", \"parts\".\"part_number\", \"parts\".\"part_type\" FROM \"parts\" "
     "WHERE \"parts\".\"manufacturer\" = 'acme-%06u' AND \"parts\".\"id\" IN (%06u, 2, 3, 4, 5, 6) "
     "ORDER BY \"parts\".\"id\" ASC LIMIT 20"},
    {"sql.insert",
     "INSERT INTO inventory (part_id, location, quantity, updated) VALUES (%06u, 'shelf %06u', 17, "
     "'2025-11-23 10:00:00'), (%06u, 'shelf 2', 18, '2025-11-23 10:00:01')"},
    {"sql.short", "SELECT * FROM parts WHERE id = %06u"},
    {"sql.two",
     "UPDATE parts SET weight = %06u.25 WHERE id = %06u; SELECT weight FROM parts WHERE id = "
     "%06u"},
};

static char made[REPEATS][512];
static size_t len[REPEATS];
static struct spy_classifier *classifier;
static volatile uint64_t sum; /* keeps the results alive */

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

static void measure(const char *what, void (*run)(void), const struct text *t, bool all_the_same)
{
    int rounds = bench_rounds(ROUNDS);
    for (int i = 0; i < rounds; i++) {
        make_texts(t->format, (unsigned)i, all_the_same);
        double begin = bench_now_ns();
        run();
        bench_sample(t->name, what, (bench_now_ns() - begin) / REPEATS);
    }
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
        measure("seen", run_classify, t, true);
        measure("literals", run_classify, t, false);
        measure("normalise", run_normalise, t, false);
        measure("lex", run_lex, t, false);
    }
    spy_classifier_free(classifier);
    spy_rules_free(rules);
    free(region);
    return 0;
}
