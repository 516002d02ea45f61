/* SPDX-License-Identifier: MIT */
/*
 * Seeded hashes of short keys: what is asked of them in practice is names like P_0 under small
 * numbers, where a hash function's promises are weakest.
 */
#include "classify/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NAMES 64
#define SEEDS 512

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* LEN bytes, of which the last goes through NAMES values: no two of them under any two seeds. */
static void no_two_collide(size_t len)
{
    static uint64_t hashes[NAMES * SEEDS];
    char name[16] = "P_______________";
    size_t count = 0;
    for (int n = 0; n < NAMES; n++)
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            name[len - 1] = (char)('0' + n);
            hashes[count++] = spy_hash_seeded(name, len, seed);
        }
    qsort(hashes, count, sizeof(hashes[0]), by_value);
    for (size_t i = 1; i < count; i++)
        assert_true(hashes[i] != hashes[i - 1]);
}

static void short_names_and_small_seeds(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 16; len++)
        no_two_collide(len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(short_names_and_small_seeds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
