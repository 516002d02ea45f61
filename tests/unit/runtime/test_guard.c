/* SPDX-License-Identifier: MIT */
/*
 * The re-entrancy guard: libpq's inner calls are no events, what callbacks and signal handlers do
 * is, and what a longjmp left behind is in nobody's way.
 */
#include "runtime/guard.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char conn_a, conn_b;

__attribute__((noinline)) static bool call(const void *conn, bool by_libpq)
{
    volatile char deeper[64] = {0};
    bool event = spy_guard_enter(conn, SPY_FRAME(), by_libpq);
    if (event)
        spy_guard_leave(conn, SPY_FRAME());
    return event && deeper[0] == 0;
}

static bool inner(const void *conn)
{
    return call(conn, true);
}

static bool outer(const void *conn)
{
    return call(conn, false);
}

static void inner_calls_are_no_events(void **state)
{
    (void)state;
    assert_true(spy_guard_enter(&conn_a, SPY_FRAME(), false));
    assert_false(inner(&conn_a));
    spy_guard_leave(&conn_a, SPY_FRAME());
    assert_true(inner(&conn_a));
}

static void callbacks_on_another_connection_are(void **state)
{
    (void)state;
    assert_true(spy_guard_enter(&conn_a, SPY_FRAME(), false));
    assert_true(outer(&conn_b));
    assert_false(inner(&conn_a));
    spy_guard_leave(&conn_a, SPY_FRAME());
}

static void what_the_program_does_inside_a_call_is(void **state)
{
    (void)state;
    assert_true(spy_guard_enter(&conn_a, SPY_FRAME(), false));
    assert_true(outer(&conn_b));
    assert_true(outer(SPY_GUARD_CANCEL));
    assert_false(inner(&conn_a));
    spy_guard_leave(&conn_a, SPY_FRAME());
    assert_int_equal(spy_thread.guard_depth, 0);
}

/* While a connection is made its address is not known yet: everything inside is libpq's own. */
static void nothing_inside_a_connect_is_an_event(void **state)
{
    (void)state;
    assert_true(spy_guard_enter(NULL, SPY_FRAME(), false));
    assert_false(inner(&conn_a));
    spy_guard_leave(NULL, SPY_FRAME());
}

static jmp_buf back;

__attribute__((noinline)) static void enter_and_jump(const void *conn)
{
    volatile char deeper[256];
    memset((char *)deeper, 0, sizeof(deeper));
    assert_true(spy_guard_enter(conn, SPY_FRAME(), false));
    longjmp(back, 1);
}

__attribute__((noinline)) static bool call_deeper(const void *conn)
{
    volatile char deeper[8192] = {0};
    return outer(conn) && deeper[0] == 0;
}

static void a_longjmp_leaves_nothing_in_the_way(void **state)
{
    (void)state;
    for (volatile int i = 0; i < 3 * SPY_GUARD_DEPTH; i++) {
        if (setjmp(back) == 0)
            enter_and_jump(&conn_a);
        assert_true(call_deeper(&conn_a));
        assert_int_equal(spy_thread.guard_depth, 0);
    }
    assert_true(outer(&conn_a));
    assert_true(inner(&conn_a));
    assert_true(spy_guard_enter(&conn_a, SPY_FRAME(), false));
    assert_false(inner(&conn_a));
    spy_guard_leave(&conn_a, SPY_FRAME());
}

/* ---- signal handlers ------------------------------------------------------------------------ */

#define STACK_BYTES (4096u * 1024u) /* a sanitizer needs most of it */

static volatile int handled, refused;

static void cancel(int number)
{
    (void)number;
    handled++;
    refused += !outer(SPY_GUARD_CANCEL) || !outer(&conn_b);
}

/* A thread's call is interrupted on a stack that lies above its own. */
static void *interrupted(void *above)
{
    stack_t other = {.ss_sp = above, .ss_size = STACK_BYTES};
    sigaltstack(&other, NULL);
    assert_true(spy_guard_enter(&conn_a, SPY_FRAME(), false));
    raise(SIGUSR1);
    bool told = !inner(&conn_a);
    spy_guard_leave(&conn_a, SPY_FRAME());
    return told ? above : NULL;
}

static void a_handler_on_a_stack_above_leaves_the_call_as_it_is(void **state)
{
    pthread_t thread;
    pthread_attr_t attributes;
    void *told;
    struct sigaction action = {.sa_handler = cancel, .sa_flags = SA_ONSTACK};
    char *stacks = aligned_alloc(4096, 2 * STACK_BYTES);
    (void)state;
    handled = refused = 0;
    sigaction(SIGUSR1, &action, NULL);
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stacks, STACK_BYTES);
    assert_int_equal(pthread_create(&thread, &attributes, interrupted, stacks + STACK_BYTES), 0);
    pthread_join(thread, &told);
    pthread_attr_destroy(&attributes);
    assert_ptr_equal(told, stacks + STACK_BYTES);
    assert_int_equal(handled, 1);
    assert_int_equal(refused, 0);
    free(stacks);
}

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
/* One after every single instruction: the processor's trap flag. */
static void set_trap(bool on)
{
    unsigned long long flags = __builtin_ia32_readeflags_u64();
    __builtin_ia32_writeeflags_u64(on ? flags | 0x100u : flags & ~0x100ull);
}

static void a_handler_may_come_at_any_instruction(void **state)
{
    struct sigaction action = {.sa_handler = cancel}, before;
    (void)state;
    handled = refused = 0;
    sigaction(SIGTRAP, &action, &before);
    set_trap(true);
    bool entered = spy_guard_enter(&conn_a, SPY_FRAME(), false);
    set_trap(false);
    bool told = !inner(&conn_a);
    set_trap(true);
    spy_guard_leave(&conn_a, SPY_FRAME());
    set_trap(false);
    sigaction(SIGTRAP, &before, NULL);
    assert_true(entered);
    assert_true(told);
    assert_true(handled > 20);
    assert_int_equal(refused, 0);
    assert_int_equal(spy_thread.guard_depth, 0);
}
#else
static void a_handler_may_come_at_any_instruction(void **state)
{
    (void)state;
    skip();
}
#endif

/* Each of many connections is jumped out of, and freed. */
static void a_connection_that_is_freed_leaves_nothing_either(void **state)
{
    static const char conns[3 * SPY_GUARD_DEPTH];
    (void)state;
    for (volatile size_t i = 0; i < sizeof(conns); i++) {
        if (setjmp(back) == 0)
            enter_and_jump(&conns[i]);
        assert_true(call_deeper(&conns[i]));
        spy_guard_forget(&conns[i]);
    }
    assert_int_equal(spy_thread.guard_depth, 0);
}

/* Recursion through ever new connections ends at the table's size, uncounted, not in a crash. */
__attribute__((noinline)) static int nest(const char *conns, int depth)
{
    if (!spy_guard_enter(&conns[depth], SPY_FRAME(), true))
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
        cmocka_unit_test(what_the_program_does_inside_a_call_is),
        cmocka_unit_test(a_longjmp_leaves_nothing_in_the_way),
        cmocka_unit_test(a_connection_that_is_freed_leaves_nothing_either),
        cmocka_unit_test(a_handler_on_a_stack_above_leaves_the_call_as_it_is),
        cmocka_unit_test(a_handler_may_come_at_any_instruction),
        cmocka_unit_test(too_deep_is_passed_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
