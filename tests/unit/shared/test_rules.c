/* SPDX-License-Identifier: MIT */
/*
 * The rules parser: what a good file becomes, the place and wording of every error, and limits.
 * Run from the top of the tree: the fixtures are found by relative path.
 */
#include "shared/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIXTURES "tests/fixtures/rules/"
#define MS       1000000ull

static struct spy_rules *load_good(const char *path)
{
    struct spy_rules *rules;
    struct spy_error err = {0};
    if (spy_rules_load(path, &rules, &err) != SPY_OK)
        fail_msg("%s:%u:%u: %s", path, err.line, err.column, err.text);
    return rules;
}

static enum spy_status parse(const char *text, struct spy_error *err)
{
    struct spy_rules *rules;
    enum spy_status status = spy_rules_parse(text, strlen(text), &rules, err);
    assert_true((status == SPY_OK) == (rules != NULL));
    spy_rules_free(rules);
    return status;
}

static void test_defaults(void **state)
{
    (void)state;
    struct spy_rules rules;
    spy_rules_defaults(&rules);
    const uint64_t bounds[] = {100 * MS, 500 * MS, 1000 * MS, 3000 * MS};
    assert_memory_equal(rules.level_bounds_ns, bounds, sizeof(bounds));
    assert_int_equal(rules.health_window_ns, 300000 * MS);
    assert_int_equal(rules.health_slow_share_ppm, 200000);
    assert_int_equal(rules.count, 0);
    assert_null(rules.rule);
}

static void check_budget(const struct spy_rule *rule, uint32_t i, enum spy_stat stat,
                         uint64_t limit)
{
    assert_true(i < rule->budgets);
    assert_int_equal(rule->budget[i].stat, stat);
    assert_int_equal(rule->budget[i].limit, limit);
}

static void check_http_rules(const struct spy_rules *rules)
{
    const struct spy_rule *get = &rules->rule[0], *list = &rules->rule[1];
    assert_string_equal(get->name, "api.get_part");
    assert_int_equal(get->line, 8);
    assert_int_equal(get->match, SPY_RULE_HTTP);
    assert_int_equal(get->routes, 1);
    assert_string_equal(get->route[0].method, "GET");
    assert_string_equal(get->route[0].path, "/parts/{part_id}");
    assert_int_equal(get->budgets, 1);
    check_budget(get, 0, SPY_STAT_P95, 200 * MS);
    assert_int_equal(list->routes, 2);
    assert_string_equal(list->route[1].method, "HEAD");
    assert_int_equal(list->budgets, 4);
    check_budget(list, 0, SPY_STAT_P99, 300 * MS);
    check_budget(list, 1, SPY_STAT_MEAN, 50 * MS);
    check_budget(list, 2, SPY_STAT_ERRORS, 10000);
    check_budget(list, 3, SPY_STAT_P999, 1000 * MS);
    assert_string_equal(rules->rule[2].route[0].method, "*");
    assert_string_equal(rules->rule[2].route[0].path, "/static/{path...}");
}

static void check_sql_rules(const struct spy_rules *rules)
{
    assert_int_equal(rules->rule[3].match, SPY_RULE_SQL);
    assert_int_equal(rules->rule[3].steps, 1);
    assert_string_equal(rules->rule[3].step[0], "SELECT ... FROM parts WHERE id = ?");
    assert_int_equal(rules->rule[4].steps, 2);
    assert_string_equal(rules->rule[4].step[1], "SELECT ... FROM parts WHERE ... LIMIT ? OFFSET ?");
    assert_string_equal(rules->rule[5].step[0], "SELECT data #> '{a}', \"x: y\"\nFROM parts\n");
    assert_int_equal(rules->rule[6].match, SPY_RULE_PREPARED);
    assert_string_equal(rules->rule[6].prepared, "legacy_stmt");
    const struct spy_rule *tagged = &rules->rule[7];
    assert_int_equal(tagged->match, SPY_RULE_COMMENT);
    assert_int_equal(tagged->tags, 2);
    assert_string_equal(tagged->tag[0].key, "controller"); /* sorted */
    assert_string_equal(tagged->tag[0].value, "parts");
    assert_string_equal(tagged->tag[1].key, "route");
    assert_string_equal(tagged->tag[1].value, "/parts/search");
}

static void test_full_file(void **state)
{
    (void)state;
    struct spy_rules *rules = load_good(FIXTURES "good/full.yml");
    const uint64_t bounds[] = {50 * MS, 250 * MS, 1000 * MS, 2500 * MS};
    assert_memory_equal(rules->level_bounds_ns, bounds, sizeof(bounds));
    assert_int_equal(rules->health_window_ns, 600000 * MS);
    assert_int_equal(rules->health_slow_share_ppm, 125000);
    assert_int_equal(rules->repeats_calls, 10);
    assert_int_equal(rules->repeats_ns, 20 * MS);
    assert_int_equal(rules->repeats_share_ppm, 50000);
    assert_true(rules->rule[6].may_repeat);
    assert_false(rules->rule[5].may_repeat);
    assert_int_equal(rules->rule[6].sample, 1024);
    assert_int_equal(rules->rule[5].sample, 0);
    assert_int_equal(rules->parameters, 3);
    assert_string_equal(rules->parameter[2], "part_type");
    assert_int_equal(rules->count, 8);
    check_http_rules(rules);
    check_sql_rules(rules);
    spy_rules_free(rules);
}

static void test_partial_file(void **state)
{
    (void)state;
    struct spy_rules *rules = load_good(FIXTURES "good/partial.yml");
    const uint64_t bounds[] = {100 * MS, 500 * MS, 1000 * MS, 5000 * MS};
    assert_memory_equal(rules->level_bounds_ns, bounds, sizeof(bounds));
    assert_int_equal(rules->health_window_ns, 300000 * MS);
    assert_int_equal(rules->count, 0);
    spy_rules_free(rules);
}

static void test_document_markers(void **state)
{
    (void)state;
    spy_rules_free(load_good(FIXTURES "good/markers.yml"));
}

/* The grammar by example is one that parses. */
static void test_documented_example(void **state)
{
    (void)state;
    static char text[65536];
    FILE *file = fopen("rules/README.md", "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    char *begin = strstr(text, "```yaml\n");
    assert_non_null(begin);
    begin += strlen("```yaml\n");
    *strstr(begin, "```") = '\0';
    struct spy_error err = {0};
    if (parse(begin, &err) != SPY_OK)
        fail_msg("line %u of the example: %s", err.line, err.text);
}

/* A broken file's first line is `# expect: LINE:COLUMN: beginning of the message`. */
static bool check_broken(const char *path)
{
    char want[512], got[512];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(want, sizeof(want), file));
    fclose(file);
    want[strcspn(want, "\n")] = '\0';
    const char *expected = want + strlen("# expect: ");

    struct spy_rules *rules;
    struct spy_error err = {0};
    enum spy_status status = spy_rules_load(path, &rules, &err);
    snprintf(got, sizeof(got), "%u:%u: %s", err.line, err.column, err.text);
    if (status != SPY_OK && rules == NULL && strncmp(got, expected, strlen(expected)) == 0)
        return true;
    print_error("%s\n  expected %s\n  got      %s\n", path, expected,
                status == SPY_OK ? "no error" : got);
    return false;
}

static void test_broken_files(void **state)
{
    (void)state;
    DIR *dir = opendir(FIXTURES "bad");
    assert_non_null(dir);
    unsigned count = 0, wrong = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char path[512];
        snprintf(path, sizeof(path), "%s%s", FIXTURES "bad/", entry->d_name);
        wrong += !check_broken(path);
        count++;
    }
    closedir(dir);
    assert_int_equal(wrong, 0);
    assert_true(count >= 70);
}

static void test_empty(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n", "# nothing but a comment\n"};
    for (size_t i = 0; i < 3; i++) {
        struct spy_error err = {0};
        assert_int_equal(parse(texts[i], &err), SPY_ERR_SYNTAX);
        assert_string_equal(err.text, "the file is empty; it must say version: 1");
        assert_int_equal(err.line, 1);
    }
    struct spy_rules *rules;
    assert_int_equal(spy_rules_parse(NULL, 0, &rules, NULL), SPY_ERR_SYNTAX);
    assert_null(rules);
}

static void test_nul_byte(void **state)
{
    (void)state;
    static const char text[] = "version: 1\nhea\0lth: {}\n";
    struct spy_rules *rules;
    struct spy_error err = {0};
    assert_int_equal(spy_rules_parse(text, sizeof(text) - 1, &rules, &err), SPY_ERR_SYNTAX);
    assert_int_equal(err.line, 2);
    assert_int_equal(err.column, 4);
    assert_string_equal(err.text, "a NUL byte; a rules file is UTF-8 text");
}

static void test_largest_file(void **state)
{
    (void)state;
    struct spy_rules *rules;
    struct spy_error err = {0};
    char *text = malloc(SPY_RULES_FILE_BYTES + 1);
    assert_non_null(text);
    memset(text, '\n', SPY_RULES_FILE_BYTES + 1);
    memcpy(text, "version: 1", 10);
    assert_int_equal(spy_rules_parse(text, SPY_RULES_FILE_BYTES, &rules, &err), SPY_OK);
    spy_rules_free(rules);
    assert_int_equal(spy_rules_parse(text, SPY_RULES_FILE_BYTES + 1, &rules, &err), SPY_ERR_VALUE);
    assert_string_equal(err.text, "the file is larger than 1 MiB");
    free(text);
}

/* COUNT operations, each with ROUTES patterns. */
static char *many_operations(unsigned count, unsigned routes)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    fputs("version: 1\noperations:\n", out);
    for (unsigned i = 0; i < count; i++) {
        fprintf(out, "- name: op%u\n  http:\n", i);
        for (unsigned k = 0; k < routes; k++)
            fprintf(out, "  - GET /a%u/b%u/{c}\n", i, k);
    }
    fclose(out);
    return text;
}

static void test_most_operations(void **state)
{
    (void)state;
    struct spy_error err = {0};
    char *text = many_operations(SPY_RULES_OPERATIONS, SPY_RULES_ROUTES);
    assert_int_equal(parse(text, &err), SPY_OK);
    free(text);
    text = many_operations(SPY_RULES_OPERATIONS + 1, 1);
    assert_int_equal(parse(text, &err), SPY_ERR_VALUE);
    assert_string_equal(err.text, "too many items in operations: at most 1000 are allowed");
    assert_int_equal(err.line, 3 + 3 * 1000);
    free(text);
}

/* Text of the file in a message cannot break a terminal or overflow the message. */
static void test_hostile_quote(void **state)
{
    (void)state;
    struct spy_error err = {0};
    assert_int_equal(parse("version: 1\n\"\\e[31m\\n\": 1\n", &err), SPY_ERR_VALUE);
    assert_ptr_equal(strstr(err.text, "unknown key \"?[31m?\""), err.text);
    char text[700] = "version: ";
    for (int i = 0; i < 300; i++)
        strcat(text, "\xc3\xa9");
    assert_int_equal(parse(text, &err), SPY_ERR_VERSION);
    const char *cut = strstr(err.text, "...");
    assert_non_null(cut);
    assert_int_equal((unsigned char)cut[-1], 0xA9); /* a whole character before the cut */
}

static void test_unreadable(void **state)
{
    (void)state;
    struct spy_rules *rules;
    struct spy_error err = {0};
    assert_int_equal(spy_rules_load(FIXTURES "absent.yml", &rules, &err), SPY_ERR_ABSENT);
    assert_string_equal(err.text, "cannot open: No such file or directory");
    assert_int_equal(err.line, 0);
    assert_null(rules);
    assert_int_equal(spy_rules_load(FIXTURES, &rules, &err), SPY_ERR_IO);
    assert_string_equal(err.text, "cannot read: not a regular file");
}

/* A FIFO in the file's place: an answer, not a program that hangs at its start. */
static void test_fifo(void **state)
{
    (void)state;
    char dir[] = "/tmp/test_rules.XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/fifo", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    struct spy_rules *rules;
    struct spy_error err = {0};
    assert_int_equal(spy_rules_load(path, &rules, &err), SPY_ERR_IO);
    unlink(path);
    rmdir(dir);
}

static void test_no_error_wanted(void **state)
{
    (void)state;
    assert_int_equal(parse("version: 1\nx: 1\n", NULL), SPY_ERR_VALUE);
    assert_int_equal(parse("version: 1\noperations: {", NULL), SPY_ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_full_file),
        cmocka_unit_test(test_partial_file),
        cmocka_unit_test(test_document_markers),
        cmocka_unit_test(test_documented_example),
        cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_nul_byte),
        cmocka_unit_test(test_largest_file),
        cmocka_unit_test(test_most_operations),
        cmocka_unit_test(test_hostile_quote),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_fifo),
        cmocka_unit_test(test_no_error_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
