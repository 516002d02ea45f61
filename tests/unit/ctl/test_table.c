/* SPDX-License-Identifier: MIT */
/* Table layout, with golden strings. */
#include "ctl/table.h"

#include "unit/ctl/fixture.h"

static const struct ctl_column columns[] = {
    {.title = "NAME", .elastic = true},
    {.title = "N", .right = true},
    {.title = "RARE", .right = true, .rank = 1},
    {.title = "NOTE", .rank = 2},
};

static char *print(struct ctl_term term)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct ctl_table *table = ctl_table_new(columns, 4);
    const char *const cells[] = {"alpha", "1",    "12 µs", "x", "a.rather.long.name.indeed",
                                 "1,000", "3 ms", "yy"};
    for (size_t i = 0; i < 8; i++)
        ctl_table_cell(table, i == 4 ? CTL_BAD : CTL_PLAIN, cells[i]);
    ctl_table_print(table, out, &term);
    ctl_table_free(table);
    fclose(out);
    return text;
}

static void expect(struct ctl_term term, const char *wanted)
{
    char *text = print(term);
    assert_string_equal(text, wanted);
    free(text);
}

static void unlimited(void **state)
{
    (void)state;
    expect((struct ctl_term){0}, "NAME                           N   RARE  NOTE\n"
                                 "alpha                          1  12 µs  x\n"
                                 "a.rather.long.name.indeed  1,000   3 ms  yy\n");
}

static void columns_go_by_rank(void **state)
{
    (void)state;
    expect((struct ctl_term){.width = 40}, "NAME                           N   RARE\n"
                                           "alpha                          1  12 µs\n"
                                           "a.rather.long.name.indeed  1,000   3 ms\n");
    expect((struct ctl_term){.width = 36}, "NAME                           N\n"
                                           "alpha                          1\n"
                                           "a.rather.long.name.indeed  1,000\n");
}

static void then_the_elastic_one_shrinks(void **state)
{
    (void)state;
    expect((struct ctl_term){.width = 24}, "NAME                   N\n"
                                           "alpha                  1\n"
                                           "a.rather.long.na…  1,000\n");
    expect((struct ctl_term){.width = 5}, "NAME              N\n"
                                          "alpha             1\n"
                                          "a.rather.lo…  1,000\n");
}

static void colour_does_not_shift(void **state)
{
    (void)state;
    expect((struct ctl_term){.width = 36, .colour = true},
           "\033[1mNAME\033[0m                           \033[1mN\033[0m\n"
           "alpha                          1\n"
           "\033[31ma.rather.long.name.indeed\033[0m  1,000\n");
}

static void nothing_without_rows(void **state)
{
    char *text = NULL;
    size_t len = 0;
    (void)state;
    FILE *out = open_memstream(&text, &len);
    struct ctl_table *table = ctl_table_new(columns, 4);
    ctl_table_print(table, out, &(struct ctl_term){0});
    ctl_table_free(table);
    fclose(out);
    assert_string_equal(text, "");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unlimited),
        cmocka_unit_test(columns_go_by_rank),
        cmocka_unit_test(then_the_elastic_one_shrinks),
        cmocka_unit_test(colour_does_not_shift),
        cmocka_unit_test(nothing_without_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
