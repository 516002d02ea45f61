/* SPDX-License-Identifier: MIT */
/*
 * Sequences: whatever the order, every statement is credited once, to the longest rule, and what
 * lies open is published.
 */
#include "../classify/classify_fixture.h"
#include "../region_fixture.h"

#include "observe/conn.h"
#include "observe/sequence.h"
#include "runtime/process.h"
#include "runtime/thread.h"
#include "shared/totals.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

static const char rules[] = "version: 1\n"
                            "operations:\n"
                            "  - name: a\n"
                            "    sql: SELECT a\n"
                            "  - name: a_b\n"
                            "    sql: [SELECT a, SELECT b]\n"
                            "  - name: a_b_c_d\n"
                            "    sql: [SELECT a, SELECT b, SELECT c, SELECT d]\n"
                            "  - name: x_y\n"
                            "    sql: [SELECT x, SELECT y]\n";

static struct fixture f;
static struct spy_conn *conn;
static uint64_t clock_ns;
static struct spy_totals totals;

static int setup(void **state)
{
    static uint64_t epoch = 77;
    (void)state;
    spy_process->pid = getpid();
    fixture_open(&f, rules);
    f.region->epoch_mono_ns = ++epoch;
    atomic_store(&f.region->arena_used, 1); /* 0 means no chunk */
    conn = spy_conn_add((const PGconn *)&f, NULL);
    clock_ns = 1000;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    spy_thread.held_count = 0;
    spy_conn_remove((const PGconn *)&f);
    fixture_close(&f);
    return 0;
}

/* A statement that takes 10 and is followed by a pause of 5. */
static void run_on(struct spy_conn *on, const char *text, bool failed)
{
    struct spy_sample s = {.dur_ns = 10,
                           .wait_ns = 10,
                           .end_ns = clock_ns + 10,
                           .rows = 1,
                           .failed = failed,
                           .code = failed ? 9 : 0};
    clock_ns += 15;
    spy_sequence_add(f.region, f.c, on, fixture_sql(&f, text), &s, NULL, 0);
}

static void run(const char *text)
{
    run_on(conn, text, false);
}

/* Calls of operation NAME; with what is held, and without. */
static uint64_t calls(const char *name, bool with_held)
{
    for (uint32_t op = 0; op < spy_region_ops(f.region); op++) {
        if (strcmp(spy_region_op(f.region, op)->name, name) != 0)
            continue;
        spy_totals_of_shards(&totals, f.region, op);
        if (with_held)
            spy_totals_add_held(&totals, f.region, op);
        return totals.calls;
    }
    return 0;
}

static uint64_t unmapped_calls(void)
{
    uint64_t sum = 0;
    for (uint32_t op = 0; op < spy_region_ops(f.region); op++) {
        if (spy_region_op(f.region, op)->mapped)
            continue;
        spy_totals_of_op(&totals, f.region, op);
        sum += totals.calls;
    }
    return sum;
}

static void a_whole_sequence_is_one_call(void **state)
{
    (void)state;
    run("SELECT x");
    run("SELECT y");
    assert_int_equal(calls("x_y", false), 1);
    assert_int_equal(totals.sum_ns, 25); /* first begin to last end */
    assert_int_equal(totals.wait_ns, 20);
    assert_int_equal(totals.rows, 2);
    assert_int_equal(unmapped_calls(), 0);
}

static void what_lies_open_is_published_and_not_recorded(void **state)
{
    (void)state;
    run("SELECT a");
    assert_int_equal(calls("a", false), 0);
    assert_int_equal(calls("a", true), 1);
    run("SELECT b");
    assert_int_equal(calls("a", true), 0);
    assert_int_equal(calls("a_b", true), 1);
    run("SELECT c");
    assert_int_equal(calls("a_b", true), 1);
    assert_int_equal(unmapped_calls(), 1);
    run("SELECT d");
    assert_int_equal(calls("a_b_c_d", false), 1);
    assert_int_equal(calls("a_b", true), 0);
    assert_int_equal(unmapped_calls(), 0);
}

static void a_broken_sequence_goes_to_the_longest_match(void **state)
{
    (void)state;
    run("SELECT a");
    run("SELECT b");
    run("SELECT c");
    run("SELECT nothing");
    assert_int_equal(calls("a_b", false), 1);
    assert_int_equal(unmapped_calls(), 2); /* c and nothing */
    run("SELECT a");
    run("SELECT a");
    assert_int_equal(calls("a", false), 1);
    assert_int_equal(calls("a", true), 2);
}

static void what_breaks_a_sequence_may_begin_one(void **state)
{
    (void)state;
    run("SELECT a");
    run("SELECT x");
    run("SELECT y");
    assert_int_equal(calls("a", false), 1);
    assert_int_equal(calls("x_y", false), 1);
}

static void the_end_of_a_request_credits(void **state)
{
    (void)state;
    run("SELECT a");
    spy_sequence_flush_thread(f.region);
    assert_int_equal(calls("a", false), 1);
    run("SELECT b"); /* no longer a continuation */
    assert_int_equal(calls("a_b", true), 0);
    assert_int_equal(unmapped_calls(), 1);
    spy_sequence_flush_thread(f.region);
    assert_int_equal(calls("a", true), 1);
}

static void the_end_of_a_connection_credits(void **state)
{
    (void)state;
    run("SELECT x");
    spy_sequence_flush(f.region, conn);
    assert_int_equal(unmapped_calls(), 1);
    assert_int_equal(atomic_load(&conn->pending.count), 0);
}

static void connections_do_not_mix(void **state)
{
    (void)state;
    struct spy_conn *other = spy_conn_add((const PGconn *)&rules, NULL);
    run_on(conn, "SELECT a", false);
    run_on(other, "SELECT b", false);
    spy_sequence_flush_thread(f.region);
    assert_int_equal(calls("a_b", true), 0);
    assert_int_equal(calls("a", false), 1);
    spy_conn_remove((const PGconn *)&rules);
}

/* A failure midway is a failed call of the sequence, and ends it. */
static void a_failure_midway_is_the_sequences(void **state)
{
    (void)state;
    run_on(conn, "SELECT x", true);
    assert_int_equal(calls("x_y", false), 1);
    assert_int_equal(totals.errors, 1);
    assert_int_equal(totals.code[0].code, 9);
    run("SELECT y");
    assert_int_equal(unmapped_calls(), 1);
}

/* But what is a whole call of a named operation stays that. */
static void a_failed_single_is_itself(void **state)
{
    (void)state;
    run_on(conn, "SELECT a", true);
    assert_int_equal(calls("a", false), 1);
    assert_int_equal(totals.errors, 1);
    run("SELECT a");
    run("SELECT b");
    run_on(conn, "SELECT c", true);
    assert_int_equal(calls("a_b_c_d", false), 1);
    assert_int_equal(totals.errors, 1);
}

/* Without a connection's row (the table is full) statements count singly. */
static void without_a_row_statements_are_single(void **state)
{
    (void)state;
    run_on(NULL, "SELECT x", false);
    run_on(NULL, "SELECT y", false);
    assert_int_equal(calls("x_y", true), 0);
    assert_int_equal(unmapped_calls(), 2);
}

/* Property: any order of statements, requests' ends and failures counts every statement once. */
static void no_order_loses_or_doubles(void **state)
{
    (void)state;
    static const char *const texts[] = {"SELECT a", "SELECT b", "SELECT c",
                                        "SELECT d", "SELECT x", "SELECT y"};
    const int steps = 20000;
    srand(3);
    for (int i = 0; i < steps; i++) {
        run_on(conn, texts[rand() % 6], rand() % 20 == 0);
        if (rand() % 10 == 0)
            spy_sequence_flush_thread(f.region);
    }
    uint64_t rows = 0;
    for (uint32_t op = 0; op < spy_region_ops(f.region); op++) {
        spy_totals_of_op(&totals, f.region, op);
        rows += totals.rows; /* one for each statement */
    }
    assert_int_equal(rows, steps);
}

/* ---- a connection that migrates while the first thread's request ends ------------------------ */

static _Atomic int turn;

static void *second_thread(void *unused)
{
    (void)unused;
    for (int i = 0; i < 5000; i++) {
        while (atomic_load(&turn) != 1)
            sched_yield();
        run("SELECT b"); /* the first thread may be flushing at this very moment */
        spy_sequence_flush_thread(f.region);
        atomic_store(&turn, 0);
    }
    return NULL;
}

static void a_migrating_connection_loses_nothing(void **state)
{
    (void)state;
    pthread_t thread;
    pthread_create(&thread, NULL, second_thread, NULL);
    for (int i = 0; i < 5000; i++) {
        run("SELECT a");
        atomic_store(&turn, 1);
        spy_sequence_flush_thread(f.region);
        while (atomic_load(&turn) != 0)
            sched_yield();
    }
    pthread_join(thread, NULL);
    uint64_t rows = 0;
    for (uint32_t op = 0; op < spy_region_ops(f.region); op++) {
        spy_totals_of_op(&totals, f.region, op);
        rows += totals.rows;
    }
    assert_int_equal(rows, 10000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_whole_sequence_is_one_call),
        TEST(what_lies_open_is_published_and_not_recorded),
        TEST(a_broken_sequence_goes_to_the_longest_match),
        TEST(what_breaks_a_sequence_may_begin_one),
        TEST(the_end_of_a_request_credits),
        TEST(the_end_of_a_connection_credits),
        TEST(connections_do_not_mix),
        TEST(a_failure_midway_is_the_sequences),
        TEST(a_failed_single_is_itself),
        TEST(without_a_row_statements_are_single),
        TEST(no_order_loses_or_doubles),
        TEST(a_migrating_connection_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
