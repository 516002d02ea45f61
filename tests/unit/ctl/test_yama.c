/* SPDX-License-Identifier: MIT */
/*
 * What is said of each value that kernel.yama.ptrace_scope has.
 */
#include "ctl/yama.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void each_scope_says_what_would_be_right(void **state)
{
    (void)state;
    assert_null(ctl_yama_leaves(0));
    assert_null(ctl_yama_leaves(-1));
    assert_non_null(strstr(ctl_yama_leaves(1), "ancestors and root: attach as root"));
    assert_non_null(strstr(ctl_yama_leaves(2), "CAP_SYS_PTRACE"));
    assert_non_null(strstr(ctl_yama_leaves(3), "\"perfspy-ctl run\""));
    assert_non_null(strstr(ctl_yama_leaves(4), "\"perfspy-ctl run\"")); /* stricter yet */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_scope_says_what_would_be_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
