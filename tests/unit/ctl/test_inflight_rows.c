/* SPDX-License-Identifier: MIT */
/* What is under way, of rows that are half-written or garbage. */
#include "ctl/json.h"

#include "unit/ctl/inflight_fixture.h"

static void half_written_rows_are_left_out(void **state)
{
    (void)state;
    fixture_request(region, 0, HTTP, NOW - SEC, 30)->taken = 1;
    fixture_request(region, 1, HTTP, 0, 30);
    fixture_request(region, 2, 77, NOW - SEC, 30); /* no such operation */
    fixture_conn(region, 0, SPY_PHASE_SERVER, SQL, NOW - SEC)->taken = 1;
    fixture_conn(region, 1, SPY_PHASE_SERVER, SQL, 0);
    fixture_conn(region, 2, SPY_PHASE_SERVER, 77, NOW - SEC);
    spy_region_op(region, OTHER)->state = SPY_OP_FREE; /* being made */
    fixture_conn(region, 3, SPY_PHASE_SERVER, OTHER, NOW - SEC);
    add(CTL_LIVE);
    expect(20, "nothing is under way\n");
}

/* Any bytes: nothing is read outside the region, and what is printed is text. */
static void garbage(void **state)
{
    (void)state;
    static const enum ctl_state states[] = {CTL_LIVE, CTL_DEAD};
    uint64_t seed = 88172645463325252ull;
    for (int s = SPY_SECTION_REQUESTS; s <= SPY_SECTION_ENDPOINTS; s++) {
        unsigned char *bytes = spy_region_section(region, (enum spy_section)s);
        for (uint64_t i = 0; i < region->section[s].bytes; i++) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            bytes[i] = (unsigned char)(seed >> 32);
        }
    }
    struct spy_open_request *r = spy_region_section(region, SPY_SECTION_REQUESTS);
    struct spy_open_conn *conn = spy_region_section(region, SPY_SECTION_CONNS);
    struct spy_endpoint *e = spy_region_section(region, SPY_SECTION_ENDPOINTS);
    for (uint32_t i = 0; i < SPY_ENDPOINTS; i++)
        e[i].state = SPY_ENDPOINT_READY;
    for (uint32_t i = 0; i < SPY_OPEN_REQUESTS; i++) {
        r[i].taken = 2;
        r[i].op = i % 4;
        r[i].shard = i % 2 ? UINT32_MAX : i;
        r[i].stalled_ns = i % 3;
        conn[i].taken = 2;
        conn[i].op = i % 4;
        conn[i].phase = i % 7;
        conn[i].endpoint = i % 2 ? UINT32_MAX : i % 64;
        conn[i].request = i % 3 ? conn[i].request : i;
        conn[i].transaction = i % 2 ? UINT32_MAX : i;
    }
    r[0].begin_ns = UINT64_MAX;
    conn[0].since_ns = UINT64_MAX;
    for (int i = 0; i < 2; i++) {
        ctl_inflight_free(&in);
        memset(&in, 0, sizeof(in));
        add(states[i]);
        assert_true(in.requests > 100);
        assert_true(in.conns > 100);
        for (size_t k = 0; k < in.requests; k++)
            assert_true(in.request[k].place.elapsed_ns <= 200 * SEC);
        json_t *document = ctl_json_inflight(&in, 0);
        char *text = json_dumps(document, 0);
        assert_non_null(text); /* else something in it is no UTF-8 */
        free(text);
        json_decref(document);
        ctl_inflight_print(&in, SIZE_MAX, &c.run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(half_written_rows_are_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(garbage, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
