/* SPDX-License-Identifier: MIT */
/*
 * Numbers as bits: what goes in comes out, in as many bits as it is said to need, and a reader
 * stops at its end.
 */
#include "shared/bits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define NUMBERS 4000u
#define K_MAX   32u

static uint64_t number[NUMBERS];
static unsigned char bytes[NUMBERS * 12];

/* All sizes alike, and the ends of each. */
static void make_numbers(void)
{
    srand(1);
    for (uint32_t i = 0; i < NUMBERS; i++) {
        uint64_t all = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
        uint64_t power = 1ull << rand() % 64;
        number[i] = i % 3 == 0 ? power : i % 3 == 1 ? power - 1 : all >> rand() % 64;
    }
    number[0] = UINT64_MAX;
}

static size_t write_all(unsigned k)
{
    struct spy_bit_writer w = {.at = bytes};
    for (uint32_t i = 0; i < NUMBERS; i++) {
        spy_bits_put_small(&w, number[i], k);
        if (number[i] != 0)
            spy_bits_put_wide(&w, number[i]);
    }
    spy_bits_end(&w);
    return (size_t)(w.at - bytes);
}

static void numbers_come_back(void **state)
{
    (void)state;
    for (unsigned k = 0; k <= K_MAX; k++) {
        size_t n = write_all(k);
        struct spy_bit_reader r = {.at = bytes, .end = bytes + n};
        for (uint32_t i = 0; i < NUMBERS; i++) {
            assert_int_equal(spy_bits_get_small(&r, k), number[i]);
            if (number[i] != 0)
                assert_int_equal(spy_bits_get_wide(&r), number[i]);
        }
        assert_false(r.bad);
        assert_ptr_equal(r.at, bytes + n);
    }
}

static void small_numbers_are_short(void **state)
{
    (void)state;
    struct spy_bit_writer w = {.at = bytes};
    for (int i = 0; i < 8; i++)
        spy_bits_put_small(&w, 0, 0);
    assert_ptr_equal(w.at, bytes + 1);
    spy_bits_put_small(&w, 3, 0); /* 0001 */
    spy_bits_put_small(&w, 5, 2); /* 01, and 01 with the low bit first */
    assert_ptr_equal(w.at, bytes + 2);
    assert_int_equal(bytes[1], 0x68);
    spy_bits_put_wide(&w, 1);
    spy_bits_end(&w);
    assert_ptr_equal(w.at, bytes + 3);
}

/* A copy of just so many bytes: a sanitizer sees a read past them. */
static void a_reader_stops_at_its_end(void **state)
{
    (void)state;
    size_t n = write_all(3);
    for (size_t cut = 0; cut < n; cut += 1 + n / 97) {
        unsigned char *copy = malloc(cut + 1);
        for (size_t i = 0; i < cut; i++)
            copy[i] = bytes[i];
        struct spy_bit_reader r = {.at = copy, .end = copy + cut};
        for (uint32_t i = 0; i < NUMBERS; i++) {
            spy_bits_get_small(&r, 3);
            if (number[i] != 0)
                spy_bits_get_wide(&r);
        }
        assert_true(r.bad);
        free(copy);
    }
}

static int set_up(void **state)
{
    (void)state;
    make_numbers();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_back),
        cmocka_unit_test(small_numbers_are_short),
        cmocka_unit_test(a_reader_stops_at_its_end),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
