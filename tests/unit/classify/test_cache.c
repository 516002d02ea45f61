/* SPDX-License-Identifier: MIT */
/*
 * The cache: what is found, what a full set loses, and that no probe ever gives a wrong answer
 * while other threads replace entries.
 */
#include "classify/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>

#define THREADS 4u

/* The N-th hash of SET. */
static uint64_t hash_of(uint64_t set, uint64_t n)
{
    return n << 20 | set;
}

static void test_find(void **state)
{
    (void)state;
    struct spy_cache cache;
    uint32_t value = 77;
    assert_true(spy_cache_open(&cache));
    assert_int_equal((uintptr_t)cache.word % 64, 0);
    assert_false(spy_cache_find(&cache, 0, &value));
    assert_false(spy_cache_find(&cache, hash_of(5, 1), &value));
    spy_cache_insert(&cache, hash_of(5, 1), 0);
    spy_cache_insert(&cache, hash_of(SPY_CACHE_SETS - 1, 1), 65534);
    assert_true(spy_cache_find(&cache, hash_of(5, 1), &value));
    assert_int_equal(value, 0);
    assert_true(spy_cache_find(&cache, hash_of(SPY_CACHE_SETS - 1, 1), &value));
    assert_int_equal(value, 65534);
    assert_false(spy_cache_find(&cache, hash_of(5, 2), &value));
    assert_false(spy_cache_find(&cache, hash_of(6, 1), &value));
    spy_cache_insert(&cache, hash_of(5, 1), 9); /* replaced, not doubled */
    assert_true(spy_cache_find(&cache, hash_of(5, 1), &value));
    assert_int_equal(value, 9);
    spy_cache_close(&cache);
}

static unsigned count_found(const struct spy_cache *cache, uint64_t set, uint64_t many)
{
    unsigned found = 0;
    uint32_t value;
    for (uint64_t n = 1; n <= many; n++) {
        if (!spy_cache_find(cache, hash_of(set, n), &value))
            continue;
        assert_int_equal(value, n);
        found++;
    }
    return found;
}

static void test_eviction(void **state)
{
    (void)state;
    struct spy_cache cache;
    assert_true(spy_cache_open(&cache));
    spy_cache_insert(&cache, hash_of(4, 1), 1); /* the neighbours' are not touched */
    spy_cache_insert(&cache, hash_of(6, 1), 1);
    for (uint32_t n = 1; n <= 4; n++)
        spy_cache_insert(&cache, hash_of(5, n), n);
    assert_int_equal(count_found(&cache, 5, 1000), 4);
    uint32_t value;
    for (uint32_t n = 5; n <= 1000; n++) {
        spy_cache_insert(&cache, hash_of(5, n), n);
        assert_true(spy_cache_find(&cache, hash_of(5, n), &value)); /* the newest is there */
        assert_int_equal(count_found(&cache, 5, 1000), 4);
    }
    assert_int_equal(count_found(&cache, 4, 1), 1);
    assert_int_equal(count_found(&cache, 6, 1), 1);
    spy_cache_close(&cache);
}

/* One set, more texts than ways, always asked in turn: every way gets its share of the losses,
 * or a text that lost once would lose for ever. */
static void test_victims_vary(void **state)
{
    (void)state;
    struct spy_cache cache;
    assert_true(spy_cache_open(&cache));
    unsigned victim[SPY_CACHE_WAYS] = {0};
    const _Atomic uint64_t *set = spy_cache_set(&cache, 3);
    for (uint32_t n = 1; n <= 400; n++) {
        uint64_t before[SPY_CACHE_WAYS];
        for (unsigned way = 0; way < SPY_CACHE_WAYS; way++)
            before[way] = atomic_load(&set[way]);
        spy_cache_insert(&cache, hash_of(3, n), n);
        for (unsigned way = 0; way < SPY_CACHE_WAYS; way++)
            victim[way] += before[way] != atomic_load(&set[way]);
    }
    for (unsigned way = 0; way < SPY_CACHE_WAYS; way++)
        assert_in_range(victim[way], 50, 200);
    spy_cache_close(&cache);
}

static struct spy_cache shared;

static void *hammer(void *arg)
{
    uint64_t state = (uintptr_t)arg;
    for (int i = 0; i < 300000; i++) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        uint32_t n = (uint32_t)(state >> 33) % 64 + 1, value;
        if (!spy_cache_find(&shared, hash_of(1, n), &value))
            spy_cache_insert(&shared, hash_of(1, n), n);
        else if (value != n)
            return arg;
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t thread[THREADS];
    assert_true(spy_cache_open(&shared));
    for (uintptr_t t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&thread[t], NULL, hammer, (void *)(t + 1)), 0);
    for (unsigned t = 0; t < THREADS; t++) {
        void *wrong;
        pthread_join(thread[t], &wrong);
        assert_null(wrong);
    }
    spy_cache_close(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_eviction),
        cmocka_unit_test(test_victims_vary),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
