/* SPDX-License-Identifier: MIT */
/*
 * The library's own __assert_fail(). See assertion.h.
 */
#include "runtime/assertion.h"

#include "runtime/log.h"
#include "shared/sys.h"

jmp_buf spy_assertion_jump;
bool spy_assertion_armed;

/* Declared by <assert.h>, which this library has no other use for. */
__attribute__((noreturn)) void __assert_fail(const char *assertion, const char *file, unsigned line,
                                             const char *function);

void __assert_fail(const char *assertion, const char *file, unsigned line, const char *function)
{
    spy_log(SPY_LOG_ERROR, "event=assertion_failed at=%s:%u in=%s text=\"%s\"", file, line,
            function, assertion);
    if (spy_assertion_armed)
        longjmp(spy_assertion_jump, 1);
    for (;;) /* not reached: libyaml runs only where this is armed */
        spy_sys_poll(NULL, 0, NULL);
}
