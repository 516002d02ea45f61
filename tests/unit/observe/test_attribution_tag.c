/* SPDX-License-Identifier: MIT */
/*
 * Whose query is it where threads do not tell: its tag does, unless two requests may be meant.
 */
#include "../classify/classify_fixture.h"

#include "observe/attribution.h"
#include "observe/observe.h"
#include "record/open.h"

#define RULES                                                  \
    "version: 1\n"                                             \
    "operations:\n"                                            \
    "  - {name: api.get_part, http: 'GET /parts/{part_id}'}\n" \
    "  - {name: api.put_part, http: 'PUT /parts/{part_id}'}\n" \
    "  - {name: api.list, http: GET /list}\n"

static struct fixture f;
static spy_stmt of_part, of_get, of_list, untagged;

static int setup(void **state)
{
    (void)state;
    static uint64_t epoch = 5000;
    fixture_open(&f, RULES);
    f.region->epoch_mono_ns = ++epoch;
    spy_observe_classify_with(f.c);
    of_part = fixture_sql(&f, "SELECT 1 /*route='/parts/:id'*/");
    of_get = fixture_sql(&f, "SELECT 1 /*action='api.get_part'*/");
    of_list = fixture_sql(&f, "SELECT 1 /*route='/list'*/");
    untagged = fixture_sql(&f, "SELECT 1");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    spy_observe_classify_with(NULL);
    fixture_close(&f);
    return 0;
}

/* A request of METHOD TARGET, whose head this thread read, as all others': an event loop. */
static uint32_t begin(const char *method, const char *target)
{
    uint32_t op = spy_classify_http(f.c, method, strlen(method), target, strlen(target));
    return spy_open_request(f.region, op, 100);
}

static void assert_owner(spy_stmt stmt, uint32_t request, enum spy_way way)
{
    struct spy_owner owner = spy_attribute(f.region, f.c, stmt);
    assert_int_equal(owner.way, way);
    assert_int_equal(owner.request, request);
}

static void the_only_one_of_its_operation(void **state)
{
    (void)state;
    uint32_t part = begin("GET", "/parts/1"), list = begin("GET", "/list");
    uint32_t other = begin("GET", "/unmapped/7");
    assert_owner(of_part, part + 1, SPY_WAY_TAG);
    assert_owner(of_get, part + 1, SPY_WAY_TAG);
    assert_owner(of_list, list + 1, SPY_WAY_TAG);
    assert_owner(fixture_sql(&f, "SELECT 2 /*route='/unmapped/{x}'*/"), other + 1, SPY_WAY_TAG);
    assert_owner(fixture_sql(&f, "SELECT 2 /*route='/nothing'*/"), 0, SPY_WAY_NONE);
    assert_owner(untagged, 0, SPY_WAY_NONE);
    assert_owner(SPY_STMT_OTHER, 0, SPY_WAY_NONE);
    spy_close_request(f.region, part);
    assert_owner(of_part, 0, SPY_WAY_NONE);
    assert_owner(of_list, list + 1, SPY_WAY_TAG);
    spy_close_request(f.region, other);
    assert_owner(of_part, list + 1, SPY_WAY_THREAD); /* nobody else could have asked */
}

static void two_that_may_be_meant(void **state)
{
    (void)state;
    uint32_t get = begin("GET", "/parts/1"), put = begin("PUT", "/parts/2");
    begin("GET", "/list");
    assert_owner(of_part, 0, SPY_WAY_NONE); /* a route has no method */
    assert_owner(of_get, get + 1, SPY_WAY_TAG);
    uint32_t second = begin("GET", "/parts/3");
    assert_owner(of_get, 0, SPY_WAY_NONE);
    spy_close_request(f.region, get);
    assert_owner(of_get, second + 1, SPY_WAY_TAG);
    spy_close_request(f.region, second);
    assert_owner(of_part, put + 1, SPY_WAY_TAG);
    assert_owner(of_get, 0, SPY_WAY_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_only_one_of_its_operation, setup, teardown),
        cmocka_unit_test_setup_teardown(two_that_may_be_meant, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
