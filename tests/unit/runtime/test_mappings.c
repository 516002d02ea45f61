/* SPDX-License-Identifier: MIT */
/*
 * How this process' memory is protected, against what it asked for.
 */
#include "runtime/mappings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <cmocka.h>

#define PAGE  4096u
#define PAGES 3000u /* more lines than are read at once */

static void each_page_has_the_protection_it_was_given(void **state)
{
    static const int kinds[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
                                PROT_READ | PROT_EXEC};
    struct spy_mappings mappings;
    (void)state;
    char *at = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(at, MAP_FAILED);
    for (unsigned i = 0; i < PAGES; i++)
        assert_int_equal(mprotect(at + i * PAGE, PAGE, kinds[i % 4]), 0);
    assert_true(spy_mappings_read(&mappings));
    for (unsigned i = 0; i < PAGES; i++) {
        const struct spy_mapping *row = spy_mappings_find(&mappings, at + i * PAGE + i % PAGE);
        assert_non_null(row);
        assert_int_equal(row->protection, kinds[i % 4]);
    }
    munmap(at, PAGES * PAGE);
    spy_mappings_free(&mappings);
}

static void what_is_not_mapped_is_not_found(void **state)
{
    struct spy_mappings mappings;
    (void)state;
    assert_true(spy_mappings_read(&mappings));
    assert_null(spy_mappings_find(&mappings, NULL));
    assert_null(spy_mappings_find(&mappings, (void *)(PAGE - 1ul)));
    spy_mappings_free(&mappings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_page_has_the_protection_it_was_given),
        cmocka_unit_test(what_is_not_mapped_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
