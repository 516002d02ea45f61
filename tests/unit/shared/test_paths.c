/* SPDX-License-Identifier: MIT */
/*
 * Names of files and enumerations.
 */
#include "shared/names.h"
#include "shared/paths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct spy_process_id id = {.pid = 42, .start_ticks = 123456};

static void names_come_back(void **state)
{
    (void)state;
    char path[SPY_PATH_BYTES];
    struct spy_process_id back;
    assert_true(spy_paths_region(path, sizeof(path), "/run/perfspy", id));
    assert_string_equal(path, "/run/perfspy/42-123456.region");
    assert_true(spy_paths_parse(strrchr(path, '/') + 1, &back));
    assert_int_equal(back.pid, 42);
    assert_int_equal(back.start_ticks, 123456);
    assert_true(spy_paths_socket(path, sizeof(path), "/run/perfspy", id));
    assert_string_equal(path, "/run/perfspy/42-123456.sock");
}

static void other_names_are_none(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",          "42",         "42-.region",      "-1-2.region",         "a-2.region",
        "42-2.sock", "0-2.region", "42-2.region.new", "99999999999-2.region"};
    struct spy_process_id back;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_false(spy_paths_parse(names[i], &back));
}

static void long_socket_paths_are_refused(void **state)
{
    (void)state;
    char dir[SPY_PATH_BYTES], path[SPY_PATH_BYTES];
    memset(dir, 'd', 100);
    dir[100] = '\0';
    assert_false(spy_paths_socket(path, sizeof(path), dir, id));
    dir[107 - strlen("/42-123456.sock")] = '\0';
    assert_true(spy_paths_socket(path, sizeof(path), dir, id));
    assert_int_equal(strlen(path), 107);
}

static void directories_are_tried_in_order(void **state)
{
    (void)state;
    char dirs[SPY_DIRS][SPY_PATH_BYTES];
    assert_int_equal(spy_paths_dirs("/x", "/run/user/7", 7, dirs), 1);
    assert_string_equal(dirs[0], "/x");
    assert_int_equal(spy_paths_dirs(NULL, "/run/user/7", 7, dirs), 3);
    assert_string_equal(dirs[0], "/run/user/7/perfspy");
    assert_string_equal(dirs[1], "/run/perfspy");
    assert_string_equal(dirs[2], "/tmp/perfspy-7");
    assert_int_equal(spy_paths_dirs("", "relative", 7, dirs), 2);
}

static void start_times_survive_any_command_name(void **state)
{
    (void)state;
    assert_int_equal(
        spy_paths_start_ticks("1 (a) S 1 1 1 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 777 9"), 777);
    assert_int_equal(
        spy_paths_start_ticks("1 (a) b ) S) S 1 1 1 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 778 9"),
        778);
    assert_int_equal(spy_paths_start_ticks(""), 0);
    assert_int_equal(spy_paths_start_ticks("1 (a) S"), 0);
}

static void sqlstates_come_back(void **state)
{
    (void)state;
    char text[6];
    static const char *const codes[] = {"23505", "42P01", "XX000", "57014", "HV00R", "00000"};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        spy_sqlstate_unpack(spy_sqlstate_pack(codes[i]), text);
        assert_string_equal(text, codes[i]);
    }
    assert_int_equal(spy_sqlstate_pack(NULL), 0);
    assert_int_equal(spy_sqlstate_pack("1234"), 0);
    assert_int_equal(spy_sqlstate_pack("123456"), 0);
}

static void level_bounds_are_exclusive(void **state)
{
    (void)state;
    static const uint64_t bounds[] = {100, 500, 1000, 3000};
    assert_int_equal(spy_level_of(99, bounds), SPY_LEVEL_EXCELLENT);
    assert_int_equal(spy_level_of(100, bounds), SPY_LEVEL_GOOD);
    assert_int_equal(spy_level_of(999, bounds), SPY_LEVEL_ACCEPTABLE);
    assert_int_equal(spy_level_of(1000, bounds), SPY_LEVEL_SLOW);
    assert_int_equal(spy_level_of(2999, bounds), SPY_LEVEL_SLOW);
    assert_int_equal(spy_level_of(3000, bounds), SPY_LEVEL_CRITICAL);
}

static void statistics_are_found_by_name(void **state)
{
    (void)state;
    assert_int_equal(spy_stat_find("p99.9", 5), SPY_STAT_P999);
    assert_int_equal(spy_stat_find("p99", 3), SPY_STAT_P99);
    assert_int_equal(spy_stat_find("p9", 2), -1);
    assert_true(spy_stat_quantile(SPY_STAT_P999) == 0.999);
    assert_true(spy_stat_quantile(SPY_STAT_MEAN) == 0);
    assert_string_equal(spy_stat_name(99), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_back),
        cmocka_unit_test(other_names_are_none),
        cmocka_unit_test(long_socket_paths_are_refused),
        cmocka_unit_test(directories_are_tried_in_order),
        cmocka_unit_test(start_times_survive_any_command_name),
        cmocka_unit_test(sqlstates_come_back),
        cmocka_unit_test(level_bounds_are_exclusive),
        cmocka_unit_test(statistics_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
