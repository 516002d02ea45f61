/* SPDX-License-Identifier: MIT */
/*
 * Whose query is it: the thread's own request, the only one there is, or nobody knows; and what a
 * request gets when its queries end in time, late, or on several threads at once.
 */
#include "../region_fixture.h"

#include "observe/attribution.h"
#include "record/open.h"
#include "record/record.h"
#include "runtime/process.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#define HTTP 3u
#define SQL  2u

static struct spy_region *region;

static int setup(void **state)
{
    (void)state;
    region = region_fixture();
    region->repeats_calls = 5;
    region->repeats_ns = 50 * FIXTURE_MS;
    region->repeats_share_ppm = 300000;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(region);
    return 0;
}

static void *begin_request(void *row)
{
    *(uint32_t *)row = spy_open_request(region, HTTP, 100);
    return NULL;
}

static void *begin_query(void *owner)
{
    *(struct spy_owner *)owner = spy_attribute(region, NULL, SPY_STMT_OTHER);
    return NULL;
}

/* Runs FUNCTION in a thread of its own, which then ends. */
static void elsewhere(void *(*function)(void *), void *arg)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, function, arg), 0);
    pthread_join(thread, NULL);
}

static void assert_owner(struct spy_owner owner, uint32_t request, enum spy_way way)
{
    assert_int_equal(owner.way, way);
    assert_int_equal(owner.request, request);
}

/* A query from BEGIN_NS to END_NS, a quarter of it waiting. */
static struct spy_sample query(uint64_t begin_ns, uint64_t end_ns)
{
    uint64_t dur_ns = end_ns - begin_ns;
    return (struct spy_sample){
        .op = SQL, .end_ns = end_ns, .dur_ns = dur_ns, .wait_ns = dur_ns / 4};
}

static void end_query(struct spy_owner owner, uint64_t begin_ns, uint64_t end_ns)
{
    struct spy_sample sample = query(begin_ns, end_ns);
    spy_attribute_ended(region, owner, SQL, &sample, &sample);
}

static struct spy_sample close_request(uint32_t row, uint64_t dur_ns)
{
    struct spy_sample sample = {.op = HTTP, .dur_ns = dur_ns};
    spy_attribute_close(region, row, &sample);
    return sample;
}

/* ---- whose ---------------------------------------------------------------------------------- */

static void without_a_request(void **state)
{
    (void)state;
    assert_owner(spy_attribute(region, NULL, SPY_STMT_OTHER), 0, SPY_WAY_NO_REQUEST);
    uint32_t row = spy_open_request(region, HTTP, 100);
    close_request(row, 1);
    assert_owner(spy_attribute(region, NULL, SPY_STMT_OTHER), 0, SPY_WAY_NO_REQUEST);
}

static void a_blocking_server(void **state)
{
    (void)state;
    uint32_t other, another;
    elsewhere(begin_request, &other);
    uint32_t own = spy_open_request(region, HTTP, 100);
    assert_owner(spy_attribute(region, NULL, SPY_STMT_OTHER), own + 1, SPY_WAY_THREAD);
    elsewhere(begin_request, &another); /* the only one of another thread is not ours */
    assert_owner(spy_attribute(region, NULL, SPY_STMT_OTHER), own + 1, SPY_WAY_THREAD);
    close_request(own, 1);
    assert_owner(spy_attribute(region, NULL, SPY_STMT_OTHER), 0, SPY_WAY_NONE);
    close_request(other, 1);
    assert_owner(spy_attribute(region, NULL, SPY_STMT_OTHER), another + 1, SPY_WAY_ONLY);
}

static void a_pool_of_workers(void **state)
{
    (void)state;
    struct spy_owner owner;
    uint32_t a = spy_open_request(region, HTTP, 100);
    elsewhere(begin_query, &owner);
    assert_owner(owner, a + 1, SPY_WAY_ONLY);
    uint32_t b = spy_open_request(region, HTTP, 100);
    elsewhere(begin_query, &owner);
    assert_owner(owner, 0, SPY_WAY_NONE);
    close_request(a, 1);
    elsewhere(begin_query, &owner);
    assert_owner(owner, b + 1, SPY_WAY_ONLY);
}

/* It has read two heads: the last one is no more likely than the first. */
static void an_event_loop(void **state)
{
    (void)state;
    uint32_t a = spy_open_request(region, HTTP, 100), b = spy_open_request(region, HTTP, 100);
    assert_owner(spy_attribute(region, NULL, SPY_STMT_OTHER), 0, SPY_WAY_NONE);
    close_request(b, 1);
    assert_owner(spy_attribute(region, NULL, SPY_STMT_OTHER), a + 1, SPY_WAY_THREAD);
}

/* Beyond SPY_SHARDS threads several count in one shard: another's request is not taken for one's
 * own. */
static void a_shard_of_several_threads(void **state)
{
    (void)state;
    struct spy_owner owner;
    uint32_t other, another;
    (void)spy_open_shard(region); /* this thread, which stays alive, owns the first shard */
    uint32_t self = atomic_load(&spy_region_shard(region, 0)->owner);
    for (uint32_t i = 1; i < SPY_SHARDS; i++)
        atomic_store(&spy_region_shard(region, i)->owner, self);
    atomic_store(&region->shards_used, SPY_SHARDS);
    elsewhere(begin_request, &other); /* in the shared shard */
    elsewhere(begin_query, &owner);
    assert_owner(owner, other + 1, SPY_WAY_ONLY);
    another = spy_open_request(region, HTTP, 100);
    elsewhere(begin_query, &owner);
    assert_owner(owner, 0, SPY_WAY_NONE);
    assert_owner(spy_attribute(region, NULL, SPY_STMT_OTHER), another + 1, SPY_WAY_THREAD);
}

/* ---- what it gets --------------------------------------------------------------------------- */

static void a_request_gets_its_queries(void **state)
{
    (void)state;
    uint32_t row = spy_open_request(region, HTTP, 100);
    struct spy_owner owner = spy_attribute(region, NULL, SPY_STMT_OTHER);
    end_query(owner, 100, 500); /* begun with it */
    end_query(owner, 600, 1000);
    end_query((struct spy_owner){0, SPY_WAY_NONE}, 600, 1000);
    struct spy_sample sample = close_request(row, 2000);
    assert_int_equal(sample.queries, 2);
    assert_int_equal(sample.db_wait_ns, 200);
    assert_int_equal(sample.db_rows_ns, 600);
    assert_int_equal(region->open, 0);
}

static void a_query_that_outlives_its_request(void **state)
{
    (void)state;
    uint32_t row = spy_open_request(region, HTTP, 100);
    struct spy_owner owner = spy_attribute(region, NULL, SPY_STMT_OTHER);
    close_request(row, 100);
    end_query(owner, 150, 1000); /* nobody's */
    assert_int_equal(spy_open_request(region, HTTP, 200), row);
    end_query(owner, 150, 1000); /* nor the next one's in that row */
    struct spy_sample sample = close_request(row, 2000);
    assert_int_equal(sample.queries, 0);
    assert_int_equal(sample.db_wait_ns, 0);
    assert_int_equal(sample.db_rows_ns, 0);
}

static void a_request_without_a_row(void **state)
{
    (void)state;
    struct spy_sample sample = close_request(SPY_OPEN_NO_ROW, 2000);
    assert_int_equal(sample.queries + sample.db_wait_ns + sample.way, 0);
}

static void repeated_statements_are_noted(void **state)
{
    (void)state;
    const struct spy_repeat *found = spy_region_section(region, SPY_SECTION_REPEATS);
    for (uint64_t calls = 4; calls <= 5; calls++) {
        uint32_t row = spy_open_request(region, HTTP, 100);
        struct spy_owner owner = spy_attribute(region, NULL, SPY_STMT_OTHER);
        for (uint64_t i = 0; i < calls; i++)
            end_query(owner, 100 + i * 100, 150 + i * 100);
        close_request(row, 500);
        assert_int_equal(found->key != 0, calls == 5);
    }
    assert_int_equal(found->key, (uint64_t)HTTP << 32 | (SQL + 1));
    assert_int_equal(found->calls, 5);
    assert_int_equal(found->ns, 250);
}

/* A request that was under way at any time while it was left out tells nothing of its queries. */
static void left_out_for_its_cost(void **state)
{
    (void)state;
    uint32_t before = spy_open_request(region, HTTP, 100);
    end_query(spy_attribute(region, NULL, SPY_STMT_OTHER), 100, 500);
    region->cost.changed_ns = 600;
    region->cost.backoff = SPY_BACKOFF_CAPTURE;
    assert_owner(spy_attribute(region, NULL, SPY_STMT_OTHER), before + 1, SPY_WAY_THREAD);
    region->cost.backoff = SPY_BACKOFF_DETAIL;
    assert_owner(spy_attribute(region, NULL, SPY_STMT_OTHER), 0, SPY_WAY_NONE);
    uint32_t meanwhile = spy_open_request(region, HTTP, 700);
    region->queried = 1;
    struct spy_sample sample = close_request(before, 600);
    assert_int_equal(sample.way + sample.queries + sample.db_wait_ns + sample.db_rows_ns, 0);
    region->cost.changed_ns = 800;
    region->cost.backoff = SPY_BACKOFF_NONE;
    end_query(spy_attribute(region, NULL, SPY_STMT_OTHER), 850, 890);
    sample = close_request(meanwhile, 600);
    assert_int_equal(sample.way + sample.queries + sample.db_wait_ns + sample.db_rows_ns, 0);
    uint32_t after = spy_open_request(region, HTTP, 900);
    end_query(spy_attribute(region, NULL, SPY_STMT_OTHER), 900, 940);
    sample = close_request(after, 600);
    assert_int_equal(sample.way, 1);
    assert_int_equal(sample.queries, 1);
    assert_int_equal(sample.db_wait_ns, 10);
    assert_int_equal(region->open, 0);
}

/* ---- threads -------------------------------------------------------------------------------- */

#define SERVERS  40 /* each with a shard of its own */
#define REQUESTS 500u
#define QUERIES  7u

static pthread_barrier_t together;
static _Atomic uint32_t wrong;
static _Atomic bool over;

static void *serve(void *unused)
{
    pthread_barrier_wait(&together);
    for (uint64_t i = 0; i < REQUESTS; i++) {
        uint32_t row = spy_open_request(region, HTTP, 1 + i);
        for (uint32_t q = 0; q < QUERIES; q++) {
            struct spy_owner owner = spy_attribute(region, NULL, SPY_STMT_OTHER);
            wrong += owner.way != SPY_WAY_THREAD || owner.request != row + 1;
            end_query(owner, 1 + i, 1 + i + 40);
        }
        struct spy_sample sample = close_request(row, 1000);
        wrong += sample.queries != QUERIES || sample.db_wait_ns != 10 * QUERIES ||
                 sample.db_rows_ns != 30 * QUERIES;
    }
    return unused;
}

/* Has no request of its own, ever: whatever it is told, it is not by its thread. */
static void *work(void *unused)
{
    pthread_barrier_wait(&together);
    while (!over) {
        struct spy_owner owner = spy_attribute(region, NULL, SPY_STMT_OTHER);
        wrong += owner.way == SPY_WAY_THREAD;
        wrong += (owner.request != 0) != (owner.way == SPY_WAY_ONLY);
    }
    return unused;
}

static void every_thread_its_own(void **state)
{
    (void)state;
    pthread_t server[SERVERS], worker;
    pthread_barrier_init(&together, NULL, SERVERS + 1);
    assert_int_equal(pthread_create(&worker, NULL, work, NULL), 0);
    for (int i = 0; i < SERVERS; i++)
        assert_int_equal(pthread_create(&server[i], NULL, serve, NULL), 0);
    for (int i = 0; i < SERVERS; i++)
        pthread_join(server[i], NULL);
    over = true;
    pthread_join(worker, NULL);
    pthread_barrier_destroy(&together);
    assert_int_equal(wrong, 0);
    assert_int_equal(region->open, 0);
    const struct spy_repeat *found = spy_region_section(region, SPY_SECTION_REPEATS);
    assert_int_equal(found->requests, 0); /* 280 ns of 1 µs are no 30 % */
}

/* Of a sampled operation: a query that was not timed takes as long as the one before that was, and
 * is told apart. */
static void what_was_not_timed_is_guessed(void **state)
{
    (void)state;
    uint32_t row = spy_open_request(region, HTTP, 100);
    struct spy_owner owner = spy_attribute(region, NULL, SPY_STMT_OTHER);
    struct spy_sample timed = query(200, 1000), untimed = {.op = SQL, .end_ns = 1000};
    timed.sampled = 16;
    untimed.sampled = SPY_UNTIMED;
    for (int i = 0; i < 3; i++) {
        struct spy_sample *sample = i == 1 ? &timed : &untimed;
        spy_attribute_ended(region, owner, SQL, sample, sample);
        assert_int_equal(sample->request_op, HTTP + 1);
        spy_record(region, sample);
    }
    assert_int_equal(untimed.dur_ns, 0); /* it is the request's that are guessed, not its own */
    struct spy_sample request = close_request(row, 5000);
    assert_int_equal(request.queries, 3);
    assert_int_equal(request.guessed, 2); /* the first when there was nothing to go by */
    assert_int_equal(request.db_wait_ns, 2 * 200);
    assert_int_equal(request.db_rows_ns, 2 * 600);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    spy_process->pid = getpid();
    const struct CMUnitTest tests[] = {
        TEST(without_a_request),
        TEST(a_blocking_server),
        TEST(a_pool_of_workers),
        TEST(an_event_loop),
        TEST(a_shard_of_several_threads),
        TEST(a_request_gets_its_queries),
        TEST(a_query_that_outlives_its_request),
        TEST(a_request_without_a_row),
        TEST(repeated_statements_are_noted),
        TEST(left_out_for_its_cost),
        TEST(every_thread_its_own),
        TEST(what_was_not_timed_is_guessed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
