/* SPDX-License-Identifier: MIT */
/*
 * Other rules take over while threads classify and record: every call is counted once, by one of
 * the two, and no statement is looked up in the wrong table.
 */
#include "../classify/classify_fixture.h"

#include "classify/classifier.h"
#include "observe/conn.h"
#include "observe/observe.h"
#include "observe/prepared.h"
#include "observe/reload.h"
#include "observe/sequence.h"
#include "runtime/process.h"
#include "runtime/thread.h"
#include "shared/totals.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define THREADS 4u
#define RELOADS 40u
#define RULES   (RELOADS + 2u)

static const char names_x[] = "version: 1\n"
                              "operations:\n"
                              "  - {name: x, sql: SELECT x, benchmark: 5ms}\n"
                              "  - {name: x_y, sql: [SELECT x, SELECT y]}\n";
static const char names_y[] = "version: 1\n"
                              "levels: {slow: 9s}\n"
                              "operations:\n"
                              "  - {name: y, sql: SELECT y}\n"
                              "  - {name: x_x, sql: [SELECT x, SELECT x]}\n";

static struct fixture f;
static struct spy_rules *later[RULES];
static unsigned laters;
static struct spy_totals totals;

static int setup(void **state)
{
    static uint64_t epoch = 7700;
    (void)state;
    spy_process->pid = getpid();
    fixture_open(&f, names_x);
    f.region->epoch_mono_ns = ++epoch;
    atomic_store(&f.region->arena_used, 1);
    spy_observe_classify_with(f.c);
    laters = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct spy_classifier *last = spy_observe_classifier();
    spy_thread.held_count = 0;
    while (last != f.c) {
        struct spy_classifier *before = (struct spy_classifier *)(uintptr_t)last->before;
        spy_classifier_free(last);
        last = before;
    }
    while (laters > 0)
        spy_rules_free(later[--laters]);
    fixture_close(&f);
    return 0;
}

static enum spy_status reload(const char *yaml)
{
    struct spy_error err = {0};
    struct spy_rules_diff diff;
    assert_int_equal(spy_rules_parse(yaml, strlen(yaml), &later[laters], &err), SPY_OK);
    return spy_observe_reload(later[laters++], &diff, &err);
}

static const struct spy_op *op_called(const char *name)
{
    for (uint32_t op = 0; op < spy_region_ops(f.region); op++)
        if (strcmp(spy_region_op(f.region, op)->name, name) == 0)
            return spy_region_op(f.region, op);
    return NULL;
}

static void operations_keep_their_rows(void **state)
{
    (void)state;
    const struct spy_op *x = op_called("x");
    assert_int_equal(x->budgets, 1);
    assert_int_equal(x->watch_ns, 5000000);
    assert_int_equal(reload(names_y), SPY_OK);
    assert_ptr_equal(op_called("x"), x);
    assert_int_equal(x->budgets, 0);
    assert_true(x->rule == SPY_RULE_GONE && x->watch_ns == UINT64_MAX && x->mapped);
    assert_int_equal(op_called("y")->rule, 0);
    assert_int_equal(reload(names_x), SPY_OK);
    assert_ptr_equal(op_called("x"), x);
    assert_true(x->rule == 0 && x->budgets == 1);
    assert_int_equal(op_called("y")->rule, SPY_RULE_GONE);
    assert_int_equal(spy_observe_generation(), 3);
}

static void a_statement_belongs_to_its_classifier(void **state)
{
    (void)state;
    spy_stmt before = spy_classify_sql(f.c, "SELECT x", 8);
    assert_int_equal(reload(names_y), SPY_OK);
    struct spy_classifier *now = spy_observe_classifier();
    spy_stmt after = spy_classify_sql(now, "SELECT x", 8);
    assert_string_equal(fixture_op(&f, spy_classify_single(f.c, before))->name, "x");
    assert_memory_equal(fixture_op(&f, spy_classify_single(now, after))->name, "sql:", 4);
    /* Retired, it goes on, also for what it has not seen before. */
    assert_string_equal(fixture_sql_name(&f, "SELECT  x"), "x");
}

static void prepared_texts_come_back(void **state)
{
    (void)state;
    uint64_t key = spy_prepared_key(1, "p", strlen("p"));
    struct spy_prepared_text text = {.at = "SELECT y", .len = 8}, found;
    uint32_t kept = spy_prepared_text_keep(&text);
    spy_stmt stmt;
    assert_int_not_equal(kept, 0);
    assert_int_equal(spy_prepared_text_keep(&text), kept);
    text.how = SPY_SQL_BACKSLASH;
    assert_int_not_equal(spy_prepared_text_keep(&text), kept);
    spy_prepared_put(key, f.c, 5, kept);
    assert_true(spy_prepared_get(key, f.c, &stmt) && stmt == 5);
    assert_false(spy_prepared_get(key, NULL, &stmt));
    assert_int_equal(spy_prepared_text_of(key, &found), kept);
    assert_true(found.len == 8 && memcmp(found.at, "SELECT y", 8) == 0 && found.how == 0);
    spy_prepared_drop(key, NULL);
    assert_int_equal(spy_prepared_text_of(key, &found), 0);
    assert_false(spy_prepared_text_at(0, &found));
}

static void texts_without_room_are_not_known(void **state)
{
    (void)state;
    char text[SPY_PREPARED_TEXT_BYTES + 1];
    struct spy_prepared_text kept = {.at = text, .len = sizeof(text)}, found;
    memset(text, 'x', sizeof(text));
    assert_int_equal(spy_prepared_text_keep(&kept), 0);
    kept.len--;
    for (unsigned i = 0; i < 2 * SPY_PREPARED_BYTES / SPY_PREPARED_TEXT_BYTES; i++) {
        snprintf(text, sizeof(text), "%08u", i);
        uint32_t number = spy_prepared_text_keep(&kept);
        if (spy_prepared_text_at(number, &found))
            assert_memory_equal(found.at, text, 8);
    }
    assert_false(spy_prepared_text_at(spy_prepared_text_keep(&kept), &found));
}

/* ---- threads -------------------------------------------------------------------------------- */

static atomic_bool done;

struct worker {
    pthread_t thread;
    struct spy_conn *conn;
    uint64_t calls;
};

static void run(struct worker *w, const char *text)
{
    struct spy_classifier *classifier = spy_observe_classifier();
    spy_stmt stmt = spy_classify_sql(classifier, text, strlen(text));
    struct spy_sample sample = {.dur_ns = 10, .wait_ns = 10, .end_ns = ++w->calls * 20, .rows = 1};
    spy_sequence_add(f.region, classifier, w->conn, stmt, &sample, NULL, 0);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    while (!done || w->calls < 1000) {
        run(w, "SELECT x");
        run(w, w->calls % 3 == 0 ? "SELECT y" : "SELECT z");
    }
    spy_sequence_flush(f.region, w->conn);
    return NULL;
}

static void nothing_is_lost_or_counted_twice(void **state)
{
    (void)state;
    struct worker worker[THREADS] = {0};
    done = false;
    for (unsigned i = 0; i < THREADS; i++) {
        worker[i].conn = spy_conn_add(&worker[i], NULL);
        assert_int_equal(pthread_create(&worker[i].thread, NULL, work, &worker[i]), 0);
    }
    for (unsigned i = 0; i < RELOADS; i++) {
        assert_int_equal(reload(i % 2 == 0 ? names_y : names_x), SPY_OK);
        usleep(500);
    }
    done = true;
    uint64_t ran = 0, counted = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(worker[i].thread, NULL);
        spy_conn_remove(&worker[i]);
        ran += worker[i].calls;
    }
    for (uint32_t op = 0; op < spy_region_ops(f.region); op++) {
        spy_totals_of_op(&totals, f.region, op);
        counted += totals.rows; /* one each, also of those in a sequence */
    }
    assert_int_equal(counted, ran);
}

static void there_is_an_end_to_it(void **state)
{
    (void)state;
    struct spy_error err = {0};
    struct spy_rules_diff diff;
    struct spy_rules *rules;
    assert_int_equal(spy_rules_parse(names_y, strlen(names_y), &rules, &err), SPY_OK);
    for (unsigned i = 0; i < SPY_RELOADS_MAX; i++)
        assert_int_equal(spy_observe_reload(rules, &diff, &err), SPY_OK);
    assert_int_equal(spy_observe_reload(rules, &diff, &err), SPY_ERR_FULL);
    assert_int_equal(spy_observe_generation(), SPY_RELOADS_MAX + 1);
    later[laters++] = rules;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    spy_process_init(NULL);
    const struct CMUnitTest tests[] = {
        TEST(operations_keep_their_rows), TEST(a_statement_belongs_to_its_classifier),
        TEST(prepared_texts_come_back),   TEST(nothing_is_lost_or_counted_twice),
        TEST(there_is_an_end_to_it),      TEST(texts_without_room_are_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
