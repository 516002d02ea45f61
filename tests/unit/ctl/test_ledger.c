/* SPDX-License-Identifier: MIT */
/* Counters that never go back: buckets, sums over processes, processes that are gone. */
#include "ctl/ledger.h"

#include "unit/ctl/fixture.h"

static struct ctl_sum *find(const struct ctl_sums *sums, const char *name)
{
    for (size_t i = 0; i < sums->count; i++)
        if (strcmp(sums->sum[i].name, name) == 0)
            return &sums->sum[i];
    return NULL;
}

static uint64_t calls_of(const struct ctl_sum *sum)
{
    uint64_t calls = 0;
    for (uint32_t i = 0; i < CTL_LEDGER_BOUNDS; i++)
        calls += sum->bucket[i];
    return calls;
}

static void of_region(void **state)
{
    struct ctl_sums sums;
    (void)state;
    struct spy_region *r = fixture_parts(10, 1000);
    r->self[SPY_SELF_OPS_FULL] = 7;
    r->slow_dropped = 3;
    fixture_facts(r, 1, 1);
    fixture_cell(r, 0)->read_ns = 11;
    fixture_cell(r, 0)->db_rows_ns = 12;
    fixture_cell(r, 0)->queries = 13;
    fixture_cell(r, 1)->way_tag = 14;
    fixture_repeat(r, 0, 0, 1, 3, 30, SEC);
    fixture_repeat(r, 1, 0, 2, 4, 40, SEC);
    fixture_repeat(r, 2, 1, 2, 5, 50, SEC); /* of another request */
    ctl_sums_of_region(&sums, r);
    assert_string_equal(sums.program, "parts_server");
    assert_int_equal(sums.count, 2); /* delete_part saw no call */
    assert_int_equal(sums.self[SPY_SELF_OPS_FULL], 7);
    assert_int_equal(sums.slow_dropped, 3);
    const struct ctl_sum *http = find(&sums, "api.get_part");
    assert_int_equal(calls_of(http), 10);
    assert_int_equal(http->errors, 1);
    assert_int_equal(http->sum_ns, 9 * 50 * MS + 2 * SEC);
    assert_int_equal(http->bytes_out, 1000);
    assert_int_equal(http->level[SPY_LEVEL_EXCELLENT], 9);
    assert_int_equal(http->level[SPY_LEVEL_SLOW], 1);
    assert_int_equal(http->codes, 2);
    assert_int_equal(http->bucket[10], 1); /* (1, 2.5] s */
    assert_int_equal(http->part_ns[SPY_PART_READ], 11);
    assert_int_equal(http->part_ns[SPY_PART_DB_ROWS], 12);
    assert_int_equal(http->queries, 13);
    assert_int_equal(http->repeated, 7);
    const struct ctl_sum *sql = find(&sums, "parts_crud.get_part");
    assert_int_equal(sql->rows, 5);
    assert_int_equal(sql->affected, 3);
    assert_int_equal(sql->aborted, 4);
    assert_int_equal(sql->repeated, 5);
    struct ctl_sums both = {0};
    ctl_sums_add(&both, &sums);
    ctl_sums_add(&both, &sums);
    assert_int_equal(find(&both, "parts_crud.get_part")->affected, 6);
    assert_int_equal(find(&both, "parts_crud.get_part")->aborted, 8);
    assert_int_equal(find(&both, "parts_crud.get_part")->attribution.tag, 28);
    assert_int_equal(find(&both, "api.get_part")->part_ns[SPY_PART_DB_ROWS], 24);
    assert_int_equal(find(&both, "api.get_part")->queries, 26);
    assert_int_equal(find(&both, "api.get_part")->repeated, 14);
    free(both.sum);
    assert_int_equal(sql->code[0].code, spy_sqlstate_pack("23505"));
    free(sums.sum);
    free(r);
}

/* An operation without calls has sums where statements of it were never executed. */
static void never_executed(void **state)
{
    struct ctl_sums sums;
    (void)state;
    struct spy_region *r = fixture_region(10, 1000);
    fixture_cell(r, fixture_op(r, SPY_KIND_SQL, true, "x"))->aborted = 2;
    ctl_sums_of_region(&sums, r);
    assert_int_equal(sums.count, 1);
    assert_int_equal(sums.sum[0].aborted, 2);
    assert_int_equal(calls_of(&sums.sum[0]), 0);
    free(sums.sum);
    free(r);
}

/* Which bucket one call of DUR_NS is in, by its index. */
static size_t bucket_of(uint32_t kind, uint64_t dur_ns)
{
    struct ctl_sums sums;
    struct spy_region *r = fixture_region(10, 1000);
    size_t at = 0;
    fixture_calls(r, fixture_op(r, kind, true, "x"), 1, dur_ns, 0);
    ctl_sums_of_region(&sums, r);
    assert_int_equal(calls_of(&sums.sum[0]), 1);
    while (sums.sum[0].bucket[at] == 0)
        at++;
    free(sums.sum);
    free(r);
    return at;
}

static void buckets(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < SPY_KIND_COUNT; kind++) {
        size_t count;
        const double *bound = ctl_ledger_bounds(kind, &count);
        assert_int_equal(count, kind == SPY_KIND_HTTP ? 14 : 9);
        for (size_t i = 0; i < count; i++) {
            uint64_t ns = (uint64_t)(bound[i] * 1e9 + 0.5);
            assert_int_equal(bucket_of(kind, ns * 977 / 1000), i); /* 2.3 % below */
            assert_int_equal(bucket_of(kind, ns * 1001 / 1000), i + 1);
        }
        assert_int_equal(bucket_of(kind, 1), 0);
        assert_int_equal(bucket_of(kind, 9000 * SEC), count); /* beyond the fine buckets, too */
    }
    assert_int_equal(bucket_of(SPY_KIND_SQL, SEC), 6); /* a bound of both kinds of bucket: exact */
}

static struct ctl_process process_of(int32_t pid, uint64_t ticks, enum ctl_state state)
{
    struct ctl_process process = {.state = state};
    process.proc.pid = process.proc.self_pid = pid;
    process.proc.start_ticks = ticks;
    strcpy(process.proc.exe, "/usr/bin/parts_server");
    return process;
}

/* A look at COUNT processes. */
static void look(struct ctl_ledger *ledger, struct ctl_process *process, size_t count)
{
    struct ctl_source source = {.process = process, .count = count};
    ctl_ledger_look(ledger, &source);
}

static uint64_t total(const struct ctl_ledger *ledger, const char *program, const char *name)
{
    size_t count;
    uint64_t calls = 0;
    struct ctl_sums *sums = ctl_ledger_sums(ledger, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(sums[i].program, program) == 0 && find(&sums[i], name) != NULL)
            calls = calls_of(find(&sums[i], name));
    ctl_ledger_free_sums(sums, count);
    return calls;
}

static void comes_and_goes(void **state)
{
    struct ctl_ledger ledger = {0};
    (void)state;
    struct ctl_process both[] = {process_of(10, 1000, CTL_LIVE), process_of(11, 1001, CTL_LIVE)};
    struct spy_region *a = fixture_parts(10, 1000), *b = fixture_parts(11, 1001);
    for (unsigned round = 0; round < 2; round++) { /* a second look replaces, it does not add */
        look(&ledger, both, 2);
        ctl_ledger_update(ctl_ledger_entry(&ledger, &both[0]), a);
        ctl_ledger_update(ctl_ledger_entry(&ledger, &both[1]), b);
        assert_int_equal(ledger.count, 2);
        assert_int_equal(total(&ledger, "parts_server", "api.get_part"), 20);
    }
    /* One is missing, comes back, and then is gone for good. */
    look(&ledger, both, 1);
    look(&ledger, both, 1);
    assert_int_equal(total(&ledger, "parts_server", "api.get_part"), 20);
    look(&ledger, both, 2);
    assert_int_equal(ledger.count, 2);
    for (unsigned i = 0; i < 10; i++) {
        look(&ledger, both, 1);
        assert_int_equal(total(&ledger, "parts_server", "api.get_part"), 20);
    }
    assert_int_equal(ledger.count, 1);
    assert_int_equal(ledger.programs, 1);
    /* Its id is given out again, to a process that began later. */
    struct ctl_process next = process_of(11, 2000, CTL_LIVE);
    struct spy_region *c = fixture_parts(11, 2000);
    ctl_ledger_update(ctl_ledger_entry(&ledger, &next), c);
    assert_int_equal(total(&ledger, "parts_server", "api.get_part"), 30);
    look(&ledger, NULL, 0);
    look(&ledger, NULL, 0);
    look(&ledger, NULL, 0);
    assert_int_equal(ledger.count, 0);
    assert_int_equal(total(&ledger, "parts_server", "api.get_part"), 30);
    ctl_ledger_free(&ledger);
    free(a);
    free(b);
    free(c);
}

static void statements_held_are_left_out(void **state)
{
    struct ctl_sums sums;
    (void)state;
    struct spy_region *r = fixture_region(10, 1000);
    uint32_t op = fixture_op(r, SPY_KIND_SQL, true, "x");
    struct spy_held *held = spy_region_section(r, SPY_SECTION_HELD);
    held->taken = 1;
    held->credits = 1;
    held->version = 2;
    held->credit[0] = (struct spy_sample){.op = op, .dur_ns = MS};
    ctl_sums_of_region(&sums, r);
    assert_int_equal(sums.count, 0);
    free(sums.sum);
    free(r);
}

/* Generations of processes, each of a program of its own, or with operations of its own. */
static void is_bounded(void **state)
{
    struct ctl_ledger ledger = {0};
    (void)state;
    for (int32_t i = 0; i < 80; i++) {
        struct spy_region *r = fixture_region(1000 + i, 1);
        struct ctl_process process = process_of(1000 + i, 1, CTL_LIVE);
        snprintf(r->exe, sizeof(r->exe), "/bin/program-%d", i);
        for (unsigned k = 0; k < 3; k++)
            fixture_calls(r, fixture_op(r, SPY_KIND_SQL, true, (char[]){(char)('a' + k), '\0'}), 1,
                          MS, 0);
        ctl_ledger_update(ctl_ledger_entry(&ledger, &process), r);
        for (unsigned k = 0; k < CTL_LEDGER_PATIENCE; k++)
            look(&ledger, NULL, 0);
        free(r);
    }
    assert_int_equal(ledger.programs, CTL_LEDGER_PROGRAMS);
    assert_int_equal(total(&ledger, "program-0", "a"), 1);
    assert_int_equal(total(&ledger, "other", "a"), 80 - (CTL_LEDGER_PROGRAMS - 1));
    ctl_ledger_free(&ledger);

    struct ctl_sums sums = {0};
    struct ctl_sum one = {.kind = SPY_KIND_SQL, .bucket = {1}};
    struct ctl_sums from = {.sum = &one, .count = 1};
    for (unsigned i = 0; i < CTL_LEDGER_OPERATIONS + 50; i++) {
        snprintf(one.name, sizeof(one.name), "op-%05u", i);
        ctl_sums_add(&sums, &from);
    }
    assert_int_equal(sums.count, CTL_LEDGER_OPERATIONS + 1);
    assert_int_equal(calls_of(find(&sums, "other (sql)")), 50);
    free(sums.sum);
}

static void many_codes(void **state)
{
    struct ctl_sums sums = {0};
    struct ctl_sum one = {.kind = SPY_KIND_HTTP, .name = "x", .codes = 1};
    uint32_t others = 0;
    struct ctl_sums from = {.sum = &one, .count = 1};
    uint64_t count = 0;
    (void)state;
    one.code[0] = (struct spy_code_count){SPY_CODE_OTHER, 1};
    ctl_sums_add(&sums, &from);
    for (uint32_t i = 0; i < 3 * CTL_LEDGER_CODES; i++) {
        one.code[0] = (struct spy_code_count){100 + i, 1};
        ctl_sums_add(&sums, &from);
    }
    one.code[0] = (struct spy_code_count){SPY_CODE_OTHER, 1}; /* of a region that was full */
    ctl_sums_add(&sums, &from);
    one.code[0] = (struct spy_code_count){100, 1};
    ctl_sums_add(&sums, &from);
    assert_int_equal(sums.sum[0].codes, CTL_LEDGER_CODES);
    assert_int_equal(sums.sum[0].code[1].count, 2);
    for (uint32_t i = 0; i < sums.sum[0].codes; i++) {
        count += sums.sum[0].code[i].count;
        others += sums.sum[0].code[i].code == SPY_CODE_OTHER;
    }
    assert_int_equal(others, 1);
    assert_int_equal(count, 3 * CTL_LEDGER_CODES + 3);
    free(sums.sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_executed),
        cmocka_unit_test(of_region),
        cmocka_unit_test(buckets),
        cmocka_unit_test(comes_and_goes),
        cmocka_unit_test(statements_held_are_left_out),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(many_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
