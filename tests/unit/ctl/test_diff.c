/* SPDX-License-Identifier: MIT */
/* `diff`: what is compared with what, and what is told of it. */
#include "ctl/command.h"
#include "ctl/diff.h"

#include "unit/ctl/fixture.h"

#define PID  99999995
#define LAST (40 * SEC)

static char dir[SPY_PATH_BYTES];

/* COUNT calls of OP of DUR, WAIT of it for the database, ERRORS of them failed, in a step. */
static void step(struct spy_region *r, uint32_t op, uint64_t count, uint64_t dur, uint64_t wait,
                 uint64_t errors, uint64_t begin_s)
{
    static struct spy_totals delta;
    spy_totals_clear(&delta);
    for (uint64_t i = 0; i < count; i++)
        spy_totals_add_sample(
            &delta, &(struct spy_sample){.dur_ns = dur, .wait_ns = wait, .failed = i < errors},
            r->level_bounds_ns);
    if (spy_region_op(r, op)->kind == SPY_KIND_HTTP)
        delta.db_wait_ns = count * wait;
    fixture_delta(r, op, &delta, begin_s * SEC, (begin_s + 4) * SEC);
}

enum { GET, ADD, RARE, SAME, GONE, FAILING, SLOWED, OPS };

/* A process that began at 100 s of its machine, which is now at 200 s. Compared are its last 40 s
 * with the 40 s before: what ended after 160 s, and after 120 s. */
static struct spy_region *make(void)
{
    static const char *const names[OPS] = {
        "api.get_part",   "api.add_part",       "api.rare",         "parts_crud.get_part",
        "parts_crud.old", "parts_crud.failing", "parts_crud.slowed"};
    struct spy_region *r = fixture_region(PID, 1000);
    uint32_t op[OPS];
    for (int i = 0; i < OPS; i++)
        op[i] = fixture_op(r, i <= RARE ? SPY_KIND_HTTP : SPY_KIND_SQL, true, names[i]);
    step(r, op[GET], 77, SEC, SEC, 0, 112);
    step(r, op[GET], 40, 4 * MS, 3 * MS, 0, 120);
    step(r, op[SAME], 40, 2 * MS, MS, 0, 124);
    step(r, op[GONE], 16, 8 * MS, MS, 0, 128);
    step(r, op[FAILING], 20, MS, MS, 0, 132);
    step(r, op[SLOWED], 3, MS, MS, 0, 156);
    step(r, op[GET], 20, 20 * MS, 18 * MS, 0, 160);
    step(r, op[SAME], 42, 2 * MS + 100000, MS, 0, 164);
    step(r, op[ADD], 9, MS, MS, 0, 168);
    step(r, op[RARE], 8, MS, MS, 0, 172);
    step(r, op[FAILING], 20, MS, MS, 8, 176);
    step(r, op[SLOWED], 3, 100 * MS, MS, 0, 180);
    return r;
}

static void save(void)
{
    struct spy_region *r = make();
    fixture_save(r, dir);
    free(r);
}

static enum ctl_exit load(struct ctl_diff *diff, uint64_t last, uint64_t before, const char *name,
                          char **said)
{
    static const char *process[] = {"99999995"};
    struct ctl_args args = {
        .process = process, .processes = 1, .last_ns = last, .before_ns = before};
    struct ctl_source source;
    struct capture c;
    capture_begin(&c, &args);
    assert_int_equal(ctl_source_open(&source, &c.run, CTL_WANT_WINDOW), CTL_OK);
    enum ctl_exit result = ctl_diff_load(diff, &source, &c.run, name);
    capture_end(&c);
    ctl_source_free(&source);
    *said = strdup(c.err);
    capture_free(&c);
    return result;
}

static void what_hurts_most_comes_first_and_noise_last(void **state)
{
    static const struct {
        const char *name;
        unsigned marks;
        bool noticeable, few;
        uint64_t before, now;
    } wanted[] = {
        {"api.get_part", CTL_DIFF_BIT(SLOWER), true, false, 40, 20},
        {"api.add_part", CTL_DIFF_BIT(NEW), true, false, 0, 9},
        {"parts_crud.failing", CTL_DIFF_BIT(MORE_ERRORS), true, false, 20, 20},
        {"parts_crud.old", CTL_DIFF_BIT(GONE), true, false, 16, 0},
        {"parts_crud.slowed", 0, false, true, 3, 3},
        {"parts_crud.get_part", 0, false, false, 40, 42},
        {"api.rare", CTL_DIFF_BIT(NEW), false, true, 0, 8},
    };
    struct ctl_diff diff;
    char *said;
    (void)state;
    assert_int_equal(load(&diff, LAST, 0, NULL, &said), CTL_OK);
    assert_int_equal(diff.rows, OPS);
    for (size_t i = 0; i < diff.rows; i++) {
        const struct ctl_diff_row *row = &diff.row[i];
        assert_string_equal(row->op->name, wanted[i].name);
        assert_int_equal(row->marks, wanted[i].marks);
        assert_int_equal(row->noticeable, wanted[i].noticeable);
        assert_int_equal(row->few, wanted[i].few);
        assert_int_equal(row->side[CTL_DIFF_BEFORE]->totals.calls, wanted[i].before);
        assert_int_equal(row->side[CTL_DIFF_NOW]->totals.calls, wanted[i].now);
    }
    assert_float_equal(diff.row[0].rate[CTL_DIFF_BEFORE], 1.0, 1e-9);
    assert_float_equal(diff.row[0].rate[CTL_DIFF_NOW], 0.5, 1e-9);
    assert_float_equal(diff.row[0].load_ns[CTL_DIFF_BEFORE], 4e6, 1);
    assert_float_equal(diff.row[0].load_ns[CTL_DIFF_NOW], 10e6, 1);
    ctl_diff_free(&diff);
    free(said);
}

static void a_sentence_says_what_grew(void **state)
{
    static const char *const wanted[] = {
        "slower: api.get_part p95 4.04 ms -> 20.0 ms (x5.0); on the mean its database wait 3.00 ms "
        "-> 18.0 ms",
        "new: api.add_part 0.00/s -> 0.23/s",
        "more errors: parts_crud.failing 0 % -> 40 %",
        "gone: parts_crud.old 0.40/s -> 0.00/s",
        "",
    };
    struct ctl_diff diff;
    char *said, sentence[CTL_DIFF_SENTENCE_BYTES];
    (void)state;
    assert_int_equal(load(&diff, LAST, 0, NULL, &said), CTL_OK);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        assert_string_equal(ctl_diff_sentence(sentence, &diff.row[i]), wanted[i]);
    ctl_diff_free(&diff);
    free(said);
}

static void windows_that_cannot_be_compared(void **state)
{
    struct ctl_diff diff;
    char *said;
    (void)state;
    assert_int_equal(load(&diff, LAST, 30 * SEC, NULL, &said), CTL_USAGE);
    assert_string_equal(said, "perfspy-ctl: --before 30 s is within the last 40 s, which the two "
                              "windows then share: it takes --before 40 s or more, or a shorter "
                              "--last\n");
    ctl_diff_free(&diff);
    free(said);
    assert_int_equal(load(&diff, LAST, 120 * SEC, NULL, &said), CTL_NOTHING);
    assert_string_equal(said, "perfspy-ctl: nothing to compare with: history has nothing of the "
                              "40 s that ended 2 min ago, the processes are younger or its steps "
                              "are longer; choose a shorter --last or --before\n");
    ctl_diff_free(&diff);
    free(said);
    assert_int_equal(load(&diff, LAST, 0, "api.gte_part", &said), CTL_NOTHING);
    assert_non_null(strstr(said, "did you mean api.get_part"));
    ctl_diff_free(&diff);
    free(said);
    assert_int_equal(load(&diff, LAST, 0, "old", &said), CTL_OK);
    assert_string_equal(diff.only->op->name, "parts_crud.old");
    ctl_diff_free(&diff);
    free(said);
}

/* The window that ended 75 s ago is covered from 100 s on, when the process began. */
static void as_json(void **state)
{
    struct ctl_diff diff;
    char *said;
    (void)state;
    assert_int_equal(load(&diff, LAST, 75 * SEC, "api.get_part", &said), CTL_OK);
    json_t *document = ctl_json_diff(&diff, SIZE_MAX);
    json_t *before = json_object_get(document, "before");
    assert_float_equal(json_real_value(json_object_get(document, "covered_s")), 40, 1e-9);
    assert_float_equal(json_real_value(json_object_get(before, "covered_s")), 24, 1e-9);
    assert_float_equal(json_real_value(json_object_get(before, "ended_s_ago")), 75, 1e-9);
    json_t *operations = json_object_get(document, "operations");
    assert_int_equal(json_array_size(operations), 1);
    char *text = json_dumps(json_array_get(operations, 0), JSON_COMPACT | JSON_REAL_PRECISION(15));
    assert_string_equal(
        text,
        "{\"operation\":\"api.get_part\",\"kind\":\"http\",\"mapped\":true,\"changes\":[\"faster\","
        "\"quieter\"],\"noticeable\":true,\"few_calls\":false,\"stat\":\"p95\",\"grown_part\":null,"
        "\"text\":\"faster: api.get_part p95 989 ms -> 20.0 ms "
        "(x0.02)\",\"before\":{\"calls\":117,\"timed\":117,\"rate\":4.875,\"errors\":0,\"total_ms_"
        "per_s\":3215.0,"
        "\"mean_ms\":659.487179,\"p50_ms\":989.228013,\"p95_ms\":989.228013,\"p99_ms\":989.228013,"
        "\"parts\":{\"read_ms\":0.0,\"database_wait_ms\":659.145299,\"database_rows_ms\":0.0,"
        "\"blocked_ms\":0.0,\"program_ms\":0.34188}},\"now\":{\"calls\":20,\"timed\":20,\"rate\":0."
        "5,\"errors\":"
        "0,\"total_ms_per_s\":10.0,\"mean_ms\":20.0,\"p50_ms\":20.044844,\"p95_ms\":20.044844,"
        "\"p99_ms\":20.044844,\"parts\":{\"read_ms\":0.0,\"database_wait_ms\":18.0,\"database_rows_"
        "ms\":0.0,\"blocked_ms\":0.0,\"program_ms\":2.0}}}");
    free(text);
    json_decref(document);
    ctl_diff_free(&diff);
    free(said);
}

static void add(struct ctl_model *model, const struct spy_region *r, enum ctl_state state)
{
    static const struct ctl_run now = {.now_mono_ns = 200 * SEC, .now_real_ns = REAL + 100 * SEC};
    struct ctl_process process = {.state = state};
    process.proc.pid = r->pid;
    ctl_model_add(model, &process, r, &now);
}

/* Else the window would seem to reach to where that process began, and its rates would be too low.
 */
static void a_younger_process_is_not_in_the_window_before(void **state)
{
    struct ctl_model before;
    (void)state;
    struct spy_region *old = make(), *young = fixture_region(PID + 1, 1000);
    young->epoch_mono_ns += 90 * SEC;
    young->epoch_real_ns += 90 * SEC;
    step(young, fixture_op(young, SPY_KIND_SQL, true, "parts_crud.get_part"), 7, MS, MS, 0, 191);
    ctl_model_init(&before, LAST);
    before.ago_ns = LAST;
    add(&before, young, CTL_LIVE);
    assert_int_equal(before.members, 0);
    add(&before, old, CTL_LIVE);
    add(&before, young, CTL_LIVE);
    assert_int_equal(before.members, 1);
    assert_float_equal(ctl_model_span_s(&before), 40, 1e-9);
    ctl_model_free(&before);
    free(young);
    free(old);
}

/* An operation that only one side has heard of is not paired with its neighbour. */
static void each_operation_is_paired_with_itself(void **state)
{
    static const char *both[] = {"99999995", "99999996"};
    struct ctl_args args = {.process = both, .processes = 2, .last_ns = LAST};
    struct ctl_source source;
    struct ctl_diff diff;
    struct capture c;
    (void)state;
    struct spy_region *r = fixture_region(PID + 1, 1000);
    step(r, fixture_op(r, SPY_KIND_HTTP, true, "api.begun"), 7, MS, MS, 0, 166);
    fixture_save(r, dir);
    capture_begin(&c, &args);
    assert_int_equal(ctl_source_open(&source, &c.run, CTL_WANT_WINDOW), CTL_OK);
    assert_int_equal(ctl_diff_load(&diff, &source, &c.run, "api.begun"), CTL_OK);
    capture_end(&c);
    assert_int_equal(diff.rows, OPS + 1);
    assert_int_equal(diff.only->side[CTL_DIFF_BEFORE]->totals.calls, 0);
    assert_int_equal(diff.only->side[CTL_DIFF_NOW]->totals.calls, 7);
    assert_string_equal(diff.row[0].op->name, "api.get_part");
    assert_int_equal(diff.row[0].side[CTL_DIFF_BEFORE]->totals.calls, 40);
    ctl_diff_free(&diff);
    ctl_source_free(&source);
    capture_free(&c);
    fixture_remove(dir, r);
    free(r);
}

static void as_text(void **state)
{
    static const char *process[] = {"99999995"};
    static char name[] = "api.get_part", *operand[] = {name};
    struct ctl_args args = {.process = process, .processes = 1, .last_ns = LAST, .limit = 6};
    struct capture c;
    (void)state;
    capture_begin(&c, &args);
    assert_int_equal(ctl_cmd_diff(&c.run), CTL_OK);
    capture_end(&c);
    assert_string_equal(c.err, "");
    assert_string_equal(
        c.out,
        "parts_server, process 99999995 (dead); the last 40 s\n"
        "compared with the 40 s before that\n"
        "OPERATION            CHANGE          CALLS              RATE          ERR                "
        "MEAN                 P50                 P95                 P99        LOAD\n"
        "api.get_part         slower x5.0  40 -> 20  1.00/s -> 0.50/s            -  4.00 ms -> "
        "20.0 ms  4.04 ms -> 20.0 ms  4.04 ms -> 20.0 ms  4.04 ms -> 20.0 ms  +6.00 ms/s\n"
        "api.add_part         new            0 -> 9  0.00/s -> 0.23/s            -        - -> "
        "1.00 ms        - -> 1.01 ms        - -> 1.01 ms        - -> 1.01 ms   +225 µs/s\n"
        "parts_crud.failing   more errors  20 -> 20  0.50/s -> 0.50/s  0 % -> 40 %  1.00 ms -> "
        "1.00 ms  1.01 ms -> 1.01 ms  1.01 ms -> 1.01 ms  1.01 ms -> 1.01 ms     +0 µs/s\n"
        "parts_crud.old       gone          16 -> 0  0.40/s -> 0.00/s            -        8.00 ms "
        "-> -        8.07 ms -> -        8.07 ms -> -        8.07 ms -> -  -3.20 ms/s\n"
        "parts_crud.slowed    few calls      3 -> 3  0.07/s -> 0.07/s            -   1.00 ms -> "
        "100 ms  1.01 ms -> 99.6 ms  1.01 ms -> 99.6 ms  1.01 ms -> 99.6 ms  +7.42 ms/s\n"
        "parts_crud.get_part  -            40 -> 42  1.00/s -> 1.05/s            -  2.00 ms -> "
        "2.10 ms  2.02 ms -> 2.11 ms  2.02 ms -> 2.11 ms  2.02 ms -> 2.11 ms   +205 µs/s\n"
        "6 of 7 operations; --limit N shows more\n"
        "-: no change that is beyond chance and large enough to matter\n"
        "few calls: below 20 on one side, too few to find anything\n"
        "slower: api.get_part p95 4.04 ms -> 20.0 ms (x5.0); on the mean its database wait 3.00 ms "
        "-> 18.0 ms\n"
        "new: api.add_part 0.00/s -> 0.23/s\n"
        "more errors: parts_crud.failing 0 % -> 40 %\n");
    capture_free(&c);
    args.operand = operand;
    args.operands = 1;
    capture_begin(&c, &args);
    assert_int_equal(ctl_cmd_diff(&c.run), CTL_OK);
    capture_end(&c);
    assert_string_equal(c.out, "parts_server, process 99999995 (dead); the last 40 s\n"
                               "compared with the 40 s before that\n"
                               "                BEFORE      NOW  CHANGE\n"
                               "calls               40       20\n"
                               "rate            1.00/s   0.50/s   x0.50\n"
                               "errors             0 %      0 %\n"
                               "mean           4.00 ms  20.0 ms    x5.0\n"
                               "p50            4.04 ms  20.0 ms    x5.0\n"
                               "p95            4.04 ms  20.0 ms    x5.0\n"
                               "p99            4.04 ms  20.0 ms    x5.0\n"
                               "reading           0 µs     0 µs\n"
                               "database wait  3.00 ms  18.0 ms    x6.0\n"
                               "database rows     0 µs     0 µs\n"
                               "blocked           0 µs     0 µs\n"
                               "program        1.00 ms  2.00 ms    x2.0\n"
                               "below p99: the mean parts of a call\n"
                               "slower: api.get_part p95 4.04 ms -> 20.0 ms (x5.0); on the mean "
                               "its database wait 3.00 ms -> 18.0 ms\n");
    capture_free(&c);
}

static int set_up(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    fixture_dir(dir);
    save();
    return 0;
}

static int tear_down(void **state)
{
    char path[SPY_PATH_BYTES];
    (void)state;
    if (spy_paths_region(path, sizeof(path), dir, (struct spy_process_id){PID, 1000}))
        unlink(path);
    rmdir(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_hurts_most_comes_first_and_noise_last),
        cmocka_unit_test(a_sentence_says_what_grew),
        cmocka_unit_test(windows_that_cannot_be_compared),
        cmocka_unit_test(as_json),
        cmocka_unit_test(a_younger_process_is_not_in_the_window_before),
        cmocka_unit_test(each_operation_is_paired_with_itself),
        cmocka_unit_test(as_text),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
