/* SPDX-License-Identifier: MIT */
/*
 * The slots of a capture: what is kept until when, tickets that are no good any more, and an end in
 * the middle of everything.
 */
#include "record/capture.h"

#include "runtime/thread.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OP      7u
#define SECRET  "the value"
#define WRITERS 4
#define ROUNDS  20000

static struct spy_sample call_of(uint32_t op, uint64_t dur_ns)
{
    return (struct spy_sample){.op = op, .dur_ns = dur_ns};
}

static int teardown(void **state)
{
    (void)state;
    assert_true(spy_capture_disarm());
    return 0;
}

/* Keeps SECRET, and holds it. */
static spy_capture_ticket keep(void)
{
    struct spy_capture_slot *slot = spy_capture_begin();
    if (slot == NULL)
        return 0;
    struct spy_capture_item item = {.kind = SPY_CAPTURE_VALUE, .full = sizeof(SECRET)};
    assert_non_null(spy_capture_put(slot, &item, SECRET, SPY_CAPTURE_VALUE_MAX));
    return spy_capture_hold(slot);
}

static void credit(spy_capture_ticket ticket, uint32_t op, uint64_t dur_ns)
{
    struct spy_sample call = call_of(op, dur_ns);
    spy_capture_credit(&call, &call, &ticket, 1);
}

static bool has_secret(struct spy_capture_slot *slot)
{
    struct spy_capture_head *head = spy_capture_head(slot);
    return memmem(head, sizeof(*head) + SPY_CAPTURE_ITEMS_MAX, SECRET, sizeof(SECRET)) != NULL;
}

static void nothing_is_kept_without_a_capture(void **state)
{
    (void)state;
    assert_false(spy_capturing());
    assert_null(spy_capture_begin());
    credit(0, OP, 1);
    spy_capture_drop(0);
    assert_int_equal(spy_capture_clone(0), 0);
}

static void a_call_is_published_and_wiped(void **state)
{
    (void)state;
    assert_true(spy_capture_arm(OP, 2, 0));
    assert_true(spy_capturing());
    assert_null(spy_capture_next());
    credit(keep(), OP, 5);
    struct spy_capture_slot *slot = spy_capture_next();
    assert_non_null(slot);
    assert_true(has_secret(slot));
    assert_int_equal(spy_capture_head(slot)->call.dur_ns, 5);
    assert_int_equal(spy_capture_head(slot)->last, 1);
    assert_null(spy_capture_release(slot));
    assert_false(has_secret(slot));
    assert_null(spy_capture_next());
}

static void only_what_is_wanted(void **state)
{
    (void)state;
    assert_true(spy_capture_arm(OP, 1, 100));
    credit(keep(), OP + 1, 500);
    credit(keep(), OP, 99);
    assert_null(spy_capture_next());
    credit(keep(), OP, 100);
    credit(keep(), OP, 200); /* one too many */
    assert_null(spy_capture_begin());
    struct spy_capture_slot *slot = spy_capture_next();
    assert_int_equal(spy_capture_head(slot)->call.dur_ns, 100);
    spy_capture_release(slot);
    assert_null(spy_capture_next());
    assert_int_equal(spy_capture_missed(), 0);
}

static void in_the_order_of_their_ends(void **state)
{
    spy_capture_ticket ticket[3];
    (void)state;
    assert_true(spy_capture_arm(OP, 3, 0));
    for (int i = 0; i < 3; i++)
        ticket[i] = keep();
    for (int i = 3; i > 0; i--)
        credit(ticket[i - 1], OP, (uint64_t)i);
    for (int i = 3; i > 0; i--) {
        struct spy_capture_slot *slot = spy_capture_next();
        assert_int_equal(spy_capture_head(slot)->call.dur_ns, i);
        spy_capture_release(slot);
    }
}

static void statements_of_a_call_are_linked(void **state)
{
    (void)state;
    assert_true(spy_capture_arm(OP, 1, 0));
    struct spy_sample call = call_of(OP, 9);
    struct spy_sample statement[3] = {call_of(0, 1), call_of(0, 2), call_of(0, 3)};
    spy_capture_ticket ticket[3] = {keep(), 0, keep()}; /* the second was missed */
    spy_capture_credit(&call, statement, ticket, 3);
    struct spy_capture_slot *slot = spy_capture_next();
    assert_int_equal(spy_capture_head(slot)->part, 0);
    assert_int_equal(spy_capture_head(slot)->parts, 3);
    assert_int_equal(spy_capture_head(slot)->last, 0);
    slot = spy_capture_release(slot);
    assert_int_equal(spy_capture_head(slot)->part, 2);
    assert_int_equal(spy_capture_head(slot)->statement.dur_ns, 3);
    assert_int_equal(spy_capture_head(slot)->last, 1);
    assert_null(spy_capture_release(slot));
}

static void too_much_is_cut(void **state)
{
    static char text[SPY_CAPTURE_ITEMS_MAX + 100];
    (void)state;
    assert_true(spy_capture_arm(OP, 1, 0));
    struct spy_capture_slot *slot = spy_capture_begin();
    memset(text, 'x', sizeof(text));
    struct spy_capture_item item = {.kind = SPY_CAPTURE_TEXT, .full = sizeof(text)}, kept;
    const char *at = spy_capture_put(slot, &item, text, sizeof(text));
    memcpy(&kept, at - sizeof(kept), sizeof(kept));
    assert_int_equal(kept.len, SPY_CAPTURE_ITEMS_MAX - sizeof(item));
    assert_int_equal(kept.full, sizeof(text));
    assert_int_equal(spy_capture_head(slot)->bytes, SPY_CAPTURE_ITEMS_MAX);
    assert_null(spy_capture_put(slot, &item, text, 1));
    spy_capture_drop(spy_capture_hold(slot));
}

static void a_full_house_misses(void **state)
{
    spy_capture_ticket ticket[SPY_CAPTURE_SLOTS];
    (void)state;
    assert_true(spy_capture_arm(OP, SPY_CAPTURE_SLOTS, 0));
    for (uint32_t i = 0; i < SPY_CAPTURE_SLOTS; i++) {
        ticket[i] = keep();
        assert_int_not_equal(ticket[i], 0);
    }
    assert_int_equal(keep(), 0);
    assert_int_equal(spy_capture_missed(), 1);
    assert_int_equal(spy_capture_clone(ticket[0]), 0);
    spy_capture_drop(ticket[5]);
    spy_capture_ticket copy = spy_capture_clone(ticket[0]);
    assert_int_not_equal(copy, 0);
    credit(copy, OP, 1);
    assert_true(has_secret(spy_capture_next()));
}

static void the_end_wipes_what_is_held(void **state)
{
    (void)state;
    assert_true(spy_capture_arm(OP, 5, 0));
    spy_capture_ticket held = keep();
    credit(keep(), OP, 1);
    struct spy_capture_slot *ready = spy_capture_next();
    struct spy_capture_slot *filling = spy_capture_begin();
    assert_false(spy_capture_disarm()); /* somebody still copies */
    assert_false(has_secret(ready));
    assert_null(spy_capture_begin());
    spy_capture_hold(filling);
    assert_true(spy_capture_disarm());
    credit(held, OP, 1); /* its statement ends later */
    spy_capture_drop(held);
    assert_null(spy_capture_next());
}

static void a_ticket_is_for_one_holding(void **state)
{
    (void)state;
    assert_true(spy_capture_arm(OP, 500, 0));
    spy_capture_ticket old = keep();
    assert_true(spy_capture_disarm());
    assert_true(spy_capture_arm(OP, 500, 0));
    spy_capture_ticket mine[SPY_CAPTURE_SLOTS];
    for (uint32_t i = 0; i < SPY_CAPTURE_SLOTS; i++)
        mine[i] = keep(); /* one of them is where the old one was */
    spy_capture_drop(old);
    credit(old, OP, 1);
    assert_null(spy_capture_next());
    for (uint32_t i = 0; i < SPY_CAPTURE_SLOTS; i++)
        credit(mine[i], OP, 1);
    for (uint32_t i = 0; i < SPY_CAPTURE_SLOTS; i++)
        spy_capture_release(spy_capture_next());
    assert_null(spy_capture_next());
}

static void a_call_of_an_earlier_capture_takes_nobodys_place(void **state)
{
    (void)state;
    assert_true(spy_capture_arm(OP, 1, 0));
    spy_capture_ticket old = keep(); /* under way while its capture ends */
    assert_true(spy_capture_disarm());
    assert_true(spy_capture_arm(OP, 1, 0));
    credit(old, OP, 1);
    credit(keep(), OP, 2);
    struct spy_capture_slot *slot = spy_capture_next();
    assert_non_null(slot);
    assert_int_equal(spy_capture_head(slot)->call.dur_ns, 2);
    spy_capture_release(slot);
}

/* ---- threads -------------------------------------------------------------------------------- */

static void *write_calls(void *number)
{
    spy_thread.tid = *(uint32_t *)number;
    for (int i = 0; i < ROUNDS; i++) {
        spy_capture_ticket ticket[2] = {keep(), keep()};
        struct spy_sample call = call_of(i % 3 != 0 ? OP : OP + 1, 1);
        struct spy_sample statement[2] = {call, call};
        if (i % 7 == 0)
            spy_capture_drop(ticket[0]);
        spy_capture_credit(&call, statement, ticket, 2);
    }
    return NULL;
}

/* What is handed out is whole: each statement has its value. Returns how many calls there were. */
static uint32_t collect(void)
{
    uint32_t calls = 0;
    struct spy_capture_slot *slot;
    while ((slot = spy_capture_next()) != NULL) {
        for (; slot != NULL; slot = spy_capture_release(slot)) {
            assert_true(has_secret(slot));
            assert_int_equal(spy_capture_head(slot)->call.op, OP);
        }
        calls++;
    }
    return calls;
}

static void threads_and_captures_one_after_another(void **state)
{
    pthread_t thread[WRITERS];
    uint32_t number[WRITERS], calls = 0;
    (void)state;
    assert_true(spy_capture_arm(OP, 10, 0));
    for (uint32_t i = 0; i < WRITERS; i++) {
        number[i] = i * 40 + 1;
        pthread_create(&thread[i], NULL, write_calls, &number[i]);
    }
    bool over[WRITERS] = {false};
    for (uint32_t ended = 0; ended < WRITERS;) {
        uint32_t got = collect();
        calls += got;
        if (got > 0) { /* in the middle of what comes */
            while (!spy_capture_disarm())
                ;
            assert_true(spy_capture_arm(OP, 10, 0));
        }
        for (uint32_t i = 0; i < WRITERS; i++)
            if (!over[i] && pthread_tryjoin_np(thread[i], NULL) == 0) {
                over[i] = true;
                ended++;
            }
    }
    calls += collect(); /* all of them, where the threads were over before we came to look */
    assert_true(spy_capture_disarm());
    assert_null(spy_capture_next());
    assert_true(calls > 0);
}

/* A thread that is cancelled while it copies, or jumps out of that, holds up nothing for ever. */
static void what_is_never_handed_on_is_given_up(void **state)
{
    (void)state;
    assert_true(spy_capture_arm(OP, 3, 0));
    struct spy_capture_slot *lost = spy_capture_begin(), *late = spy_capture_begin();
    struct spy_capture_item item = {.kind = SPY_CAPTURE_VALUE, .full = sizeof(SECRET)};
    assert_non_null(lost);
    assert_non_null(spy_capture_put(lost, &item, SECRET, SPY_CAPTURE_VALUE_MAX));
    assert_false(spy_capture_disarm());
    spy_capture_abandon();
    assert_true(spy_capture_disarm());
    assert_false(has_secret(lost));

    assert_true(spy_capture_arm(OP, 3, 0));
    assert_non_null(spy_capture_put(late, &item, SECRET, SPY_CAPTURE_VALUE_MAX));
    assert_int_equal(spy_capture_hold(late), 0); /* it was only slow */
    assert_false(has_secret(late));
    credit(keep(), OP, 1);
    struct spy_capture_slot *next = spy_capture_next();
    assert_non_null(next);
    assert_true(has_secret(next));
    assert_ptr_not_equal(next, lost);
    spy_capture_release(next);
    for (uint32_t i = 0; i < SPY_CAPTURE_SLOTS - 1; i++)
        assert_int_not_equal(keep(), 0); /* all but the lost one can be had, the late one too */
    assert_int_equal(keep(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_kept_without_a_capture),
        cmocka_unit_test_teardown(a_call_is_published_and_wiped, teardown),
        cmocka_unit_test_teardown(only_what_is_wanted, teardown),
        cmocka_unit_test_teardown(in_the_order_of_their_ends, teardown),
        cmocka_unit_test_teardown(statements_of_a_call_are_linked, teardown),
        cmocka_unit_test_teardown(too_much_is_cut, teardown),
        cmocka_unit_test_teardown(a_full_house_misses, teardown),
        cmocka_unit_test_teardown(the_end_wipes_what_is_held, teardown),
        cmocka_unit_test_teardown(a_ticket_is_for_one_holding, teardown),
        cmocka_unit_test_teardown(a_call_of_an_earlier_capture_takes_nobodys_place, teardown),
        cmocka_unit_test_teardown(threads_and_captures_one_after_another, teardown),
        /* The last: a place that is given up stays so. */
        cmocka_unit_test_teardown(what_is_never_handed_on_is_given_up, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
