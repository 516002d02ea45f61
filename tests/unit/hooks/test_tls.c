/* SPDX-License-Identifier: MIT */
/*
 * What hooks/openssl.h and hooks/gnutls.h declare by themselves, beside what the libraries do: a
 * function of another type does not compile, and a constant of another value fails here.
 */
#include <gnutls/gnutls.h>
#include <openssl/ssl.h>

#include "hooks/gnutls.h"
#include "hooks/openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void constants_are_the_libraries_own(void **state)
{
    (void)state;
    assert_int_equal(SPY_SSL_WRITING, SSL_WRITING);
    assert_int_equal(SPY_GNUTLS_SERVER, GNUTLS_SERVER);
    assert_int_equal(SPY_GNUTLS_AGAIN, GNUTLS_E_AGAIN);
    assert_int_equal(SPY_GNUTLS_INVALID_REQUEST, GNUTLS_E_INVALID_REQUEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_are_the_libraries_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
