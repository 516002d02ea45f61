/* SPDX-License-Identifier: MIT */
/*
 * The re-entrancy guard: inner calls are none, callbacks on other connections are, and what a
 * longjmp left behind heals.
 */
#include "runtime/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char conn_a, conn_b;

__attribute__((noinline)) static bool inner(const void *conn)
{
    volatile char deeper[64] = {0};
    bool event = spy_guard_enter(conn, SPY_FRAME());
    if (event)
        spy_guard_leave(conn, SPY_FRAME());
    return event && deeper[0] == 0;
}

static void inner_calls_are_no_events(void **state)
{
    (void)state;
    assert_true(spy_guard_enter(&conn_a, SPY_FRAME()));
    assert_false(inner(&conn_a));
    spy_guard_leave(&conn_a, SPY_FRAME());
    assert_true(inner(&conn_a));
}

static void callbacks_on_another_connection_are(void **state)
{
    (void)state;
    assert_true(spy_guard_enter(&conn_a, SPY_FRAME()));
    assert_true(inner(&conn_b));
    assert_false(inner(&conn_a));
    spy_guard_leave(&conn_a, SPY_FRAME());
}

/* While a connection is made its address is not known yet: everything inside is libpq's own. */
static void nothing_inside_a_connect_is_an_event(void **state)
{
    (void)state;
    assert_true(spy_guard_enter(NULL, SPY_FRAME()));
    assert_false(inner(&conn_a));
    spy_guard_leave(NULL, SPY_FRAME());
}

static jmp_buf back;

__attribute__((noinline)) static void enter_and_jump(const void *conn)
{
    volatile char deeper[256];
    memset((char *)deeper, 0, sizeof(deeper));
    assert_true(spy_guard_enter(conn, SPY_FRAME()));
    longjmp(back, 1);
}

static void a_longjmp_heals(void **state)
{
    (void)state;
    if (setjmp(back) == 0)
        enter_and_jump(&conn_a);
    assert_true(spy_guard_enter(&conn_a, SPY_FRAME()));
    spy_guard_leave(&conn_a, SPY_FRAME());
    assert_int_equal(spy_thread.guard_depth, 0);
}

/* Recursion through ever new connections ends at the table's size, uncounted, not in a crash. */
__attribute__((noinline)) static int nest(const char *conns, int depth)
{
    if (!spy_guard_enter(&conns[depth], SPY_FRAME()))
        return depth;
    int reached = nest(conns, depth + 1);
    spy_guard_leave(&conns[depth], SPY_FRAME());
    return reached;
}

static void too_deep_is_passed_through(void **state)
{
    (void)state;
    static const char conns[SPY_GUARD_DEPTH + 1];
    assert_int_equal(nest(conns, 0), SPY_GUARD_DEPTH);
    assert_int_equal(spy_thread.guard_depth, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inner_calls_are_no_events),
        cmocka_unit_test(callbacks_on_another_connection_are),
        cmocka_unit_test(nothing_inside_a_connect_is_an_event),
        cmocka_unit_test(a_longjmp_heals),
        cmocka_unit_test(too_deep_is_passed_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
