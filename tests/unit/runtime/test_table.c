/* SPDX-License-Identifier: MIT */
/*
 * Tables are made once, and not at all where the program may kill us for it.
 */
#include "runtime/table.h"

#include "runtime/confine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void a_table_is_made_once(void **state)
{
    static _Atomic(void *) slot;
    (void)state;
    assert_null(spy_table(&slot));
    char *table = spy_table_map(&slot, 10000);
    assert_non_null(table);
    memset(table, 1, 10000);
    assert_ptr_equal(spy_table_map(&slot, 10000), table);
    assert_ptr_equal(spy_table(&slot), table);
}

static void a_confined_program_gets_no_new_one(void **state)
{
    static _Atomic(void *) before, after;
    (void)state;
    void *table = spy_table_map(&before, 100);
    atomic_store(&spy_confine_in_force, true);
    assert_ptr_equal(spy_table_map(&before, 100), table);
    assert_null(spy_table_map(&after, 100));
    atomic_store(&spy_confine_in_force, false);
    assert_non_null(spy_table_map(&after, 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_made_once),
        cmocka_unit_test(a_confined_program_gets_no_new_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
