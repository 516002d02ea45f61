/* SPDX-License-Identifier: MIT */
/*
 * Interning endpoints: the same texts have one row, also when many threads come at once; what is
 * full says so; what readers get.
 */
#include "../region_fixture.h"

#include "record/endpoint.h"
#include "shared/endpoint.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct spy_region *region;

static int setup(void **state)
{
    (void)state;
    region = region_fixture();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(region);
    return 0;
}

static uint16_t intern_host(const char *host)
{
    return spy_endpoint_intern(region, host, "5432", "parts", "app");
}

static uint64_t full(void)
{
    return atomic_load(&region->self[SPY_SELF_ENDPOINTS_FULL]);
}

static void the_same_texts_have_one_row(void **state)
{
    (void)state;
    uint16_t a = intern_host("a"), b = intern_host("b");
    assert_int_not_equal(a, 0);
    assert_int_not_equal(b, 0);
    assert_int_not_equal(a, b);
    assert_int_equal(intern_host("a"), a);
    assert_int_equal(intern_host("b"), b);
    /* One text that differs is enough, whichever it is; so is where one ends and the next begins.
     */
    assert_int_not_equal(spy_endpoint_intern(region, "a", "5433", "parts", "app"), a);
    assert_int_not_equal(spy_endpoint_intern(region, "a", "5432", "party", "app"), a);
    assert_int_not_equal(spy_endpoint_intern(region, "a", "5432", "parts", "ap"), a);
    assert_int_not_equal(spy_endpoint_intern(region, "a", "5432", "parts", "apps"), a);
    const struct spy_endpoint *e = spy_endpoint_at(region, b);
    assert_string_equal(e->host, "b");
    assert_string_equal(e->port, "5432");
    assert_string_equal(e->database, "parts");
    assert_string_equal(e->user, "app");
}

static void no_text_is_an_empty_one(void **state)
{
    (void)state;
    uint16_t row = spy_endpoint_intern(region, NULL, NULL, NULL, NULL);
    assert_int_not_equal(row, 0);
    assert_int_equal(spy_endpoint_intern(region, "", "", "", ""), row);
    assert_string_equal(spy_endpoint_at(region, row)->host, "");
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    char host[300];
    memset(host, 'h', sizeof(host));
    host[sizeof(host) - 1] = '\0';
    uint16_t row = spy_endpoint_intern(region, host, host, host, host);
    const struct spy_endpoint *e = spy_endpoint_at(region, row);
    assert_int_equal(strlen(e->host), sizeof(e->host) - 1);
    assert_int_equal(strlen(e->port), sizeof(e->port) - 1);
    assert_int_equal(strlen(e->database), sizeof(e->database) - 1);
    assert_int_equal(strlen(e->user), sizeof(e->user) - 1);
    assert_int_equal(spy_endpoint_intern(region, host, host, host, host), row);
}

static void a_full_table_says_so(void **state)
{
    (void)state;
    char host[16];
    uint16_t first = 0;
    for (unsigned i = 1; i < SPY_ENDPOINTS; i++) {
        snprintf(host, sizeof(host), "host-%u", i);
        uint16_t row = intern_host(host);
        assert_in_range(row, 1, SPY_ENDPOINTS - 1);
        first = i == 1 ? row : first;
    }
    assert_int_equal(full(), 0);
    assert_int_equal(intern_host("one-more"), 0);
    assert_int_equal(intern_host("one-more"), 0);
    assert_int_equal(full(), 2);
    assert_int_equal(intern_host("host-1"), first);
    assert_int_equal(full(), 2);
}

static void readers_get_nothing_that_is_not_there(void **state)
{
    (void)state;
    uint16_t row = intern_host("a");
    assert_non_null(spy_endpoint_at(region, row));
    assert_null(spy_endpoint_at(region, 0));
    assert_null(spy_endpoint_at(region, row + 1u));
    assert_null(spy_endpoint_at(region, SPY_ENDPOINTS));
    assert_null(spy_endpoint_at(region, UINT32_MAX));
    struct spy_endpoint *e = spy_region_section(region, SPY_SECTION_ENDPOINTS);
    atomic_store(&e[row].state, SPY_ENDPOINT_CLAIMED); /* its writer was killed on the way */
    assert_null(spy_endpoint_at(region, row));
}

static void addresses(void **state)
{
    (void)state;
    char out[SPY_ENDPOINT_ADDRESS_BYTES];
    assert_string_equal(spy_endpoint_address(out, "db", "5432"), "db:5432");
    assert_string_equal(spy_endpoint_address(out, "::1", "5432"), "[::1]:5432");
    assert_string_equal(spy_endpoint_address(out, "/run/a:b", "5432"), "/run/a:b:5432");
    assert_string_equal(spy_endpoint_address(out, "db", ""), "db");
    assert_string_equal(spy_endpoint_address(out, "", "5432"), ":5432");
    assert_string_equal(spy_endpoint_address(out, "", ""), "");
}

/* ---- threads -------------------------------------------------------------------------------- */

#define THREADS 8
#define HOSTS   40
#define ROUNDS  200

static pthread_barrier_t together;
static uint16_t rows[THREADS][HOSTS];

/* All threads intern the same texts at the same time, each in an order of its own in which
 * neighbours meet at every text. */
static void *intern_all(void *arg)
{
    uint16_t *mine = arg;
    char host[16];
    pthread_barrier_wait(&together);
    for (unsigned i = 0; i < HOSTS; i++) {
        unsigned which = (mine - rows[0]) / HOSTS % 2 == 0 ? i : i ^ 1;
        snprintf(host, sizeof(host), "host-%u", which);
        mine[which] = intern_host(host);
        const struct spy_endpoint *e = spy_endpoint_at(region, mine[which]);
        if (e == NULL || strcmp(e->host, host) != 0)
            mine[which] = 0;
    }
    return NULL;
}

static void threads_agree(void **state)
{
    (void)state;
    pthread_barrier_init(&together, NULL, THREADS);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t thread[THREADS];
        unsigned ready = 0;
        memset(spy_region_section(region, SPY_SECTION_ENDPOINTS), 0,
               SPY_ENDPOINTS * sizeof(struct spy_endpoint));
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&thread[i], NULL, intern_all, rows[i]), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(thread[i], NULL);
        for (unsigned which = 0; which < HOSTS; which++) {
            assert_int_not_equal(rows[0][which], 0);
            for (int i = 1; i < THREADS; i++)
                assert_int_equal(rows[i][which], rows[0][which]);
        }
        for (uint32_t row = 1; row < SPY_ENDPOINTS; row++)
            ready += spy_endpoint_at(region, row) != NULL;
        assert_int_equal(ready, HOSTS); /* what came too late was given back */
    }
    assert_int_equal(full(), 0);
    pthread_barrier_destroy(&together);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_same_texts_have_one_row),
        TEST(no_text_is_an_empty_one),
        TEST(long_texts_are_cut),
        TEST(a_full_table_says_so),
        TEST(readers_get_nothing_that_is_not_there),
        TEST(addresses),
        TEST(threads_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
