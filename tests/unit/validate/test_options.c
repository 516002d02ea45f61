/* SPDX-License-Identifier: MIT */
/*
 * The command line: what it sets, and what it refuses. The wording of refusals is the integration
 * test's business; here standard error goes nowhere.
 */
#include "validate/options.h"
#include "validate/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define WORDS 40

static enum val_parsed parse(struct val_settings *out, const char *line)
{
    static char copy[512];
    char *argv[WORDS + 1], *rest = NULL;
    int argc = 0;
    snprintf(copy, sizeof(copy), "parts-validate %s", line);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL && argc < WORDS;
         word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    argv[argc] = NULL;
    return val_options_parse(out, argc, argv);
}

static void test_defaults(void **state)
{
    struct val_settings s;
    (void)state;
    assert_int_equal(parse(&s, "--url http://localhost:8000/"), VAL_RUN);
    assert_string_equal(s.url, "http://localhost:8000");
    assert_int_equal(s.outputs, 1);
    assert_null(s.output[0].path);
    assert_int_equal(s.output[0].format, VAL_TEXT);
    assert_int_equal(s.scenarios, (1u << val_scenario_count) - 1);
    assert_int_equal(s.requests, 200);
    assert_int_equal(s.concurrency, 4);
    assert_int_equal(s.warmup, 20);
    assert_int_equal(s.time_limit_ns, 300000000000ull);
    val_options_free(&s);
}

static void test_everything(void **state)
{
    struct val_settings s;
    (void)state;
    assert_int_equal(parse(&s, "-u https://h/base -o a.txt -o b.json --output=c.xml -n5 -c 6 -w0 "
                               "-s write --scenario pagination -t 90s -p 7 -q -r r.yml "
                               "--set api.get_part=p99:50ms --set get_part=errors:1%"),
                     VAL_RUN);
    assert_string_equal(s.url, "https://h/base");
    assert_int_equal(s.outputs, 3);
    assert_int_equal(s.output[0].format, VAL_TEXT);
    assert_int_equal(s.output[1].format, VAL_JSON);
    assert_int_equal(s.output[2].format, VAL_JUNIT);
    assert_int_equal(s.scenarios, 1u << (val_scenario_count - 1) | 1u);
    assert_int_equal(s.requests, 5);
    assert_int_equal(s.concurrency, 6);
    assert_int_equal(s.warmup, 0);
    assert_int_equal(s.time_limit_ns, 90000000000ull);
    assert_int_equal(s.pid, 7);
    assert_true(s.quiet);
    assert_int_equal(s.limits.count, 2);
    val_options_free(&s);
}

static void test_format_wins(void **state)
{
    struct val_settings s;
    (void)state;
    assert_int_equal(parse(&s, "-u http://h -o a.txt -f junit"), VAL_RUN);
    assert_int_equal(s.output[0].format, VAL_JUNIT);
    val_options_free(&s);
    assert_int_equal(parse(&s, "-u http://h -f json"), VAL_RUN);
    assert_int_equal(s.output[0].format, VAL_JSON);
    val_options_free(&s);
}

static void test_refused(void **state)
{
    static const char *const lines[] = {
        "",
        "--url",
        "-u nonsense://h",
        "-u http://user@h",
        "-u http://h/?q=1",
        "-u http://h x",
        "-u http://h --nothing",
        "-u http://h -z",
        "-u http://h --quiet=yes",
        "-u http://h -n 0",
        "-u http://h -n 5x",
        "-u http://h -n -5",
        "-u http://h -c 257",
        "-u http://h -c 99999999999999999999",
        "-u http://h -s nothing",
        "-u http://h -t 0s",
        "-u http://h -t soon",
        "-u http://h -p 0",
        "-u http://h -f xml",
        "-u http://h --set x",
        "-u http://h -o 1 -o 2 -o 3 -o 4 -o 5 -o 6 -o 7 -o 8 -o 9",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct val_settings s;
        if (parse(&s, lines[i]) != VAL_WRONG)
            fail_msg("accepted: %s", lines[i]);
        val_options_free(&s);
    }
}

/* Every option is told by --help and by the manual page. */
static void test_told(void **state)
{
    char *help = NULL, *man = NULL, name[64];
    size_t len;
    (void)state;
    FILE *out = open_memstream(&help, &len);
    val_help(out);
    fclose(out);
    out = open_memstream(&man, &len);
    val_man(out);
    fclose(out);
    for (unsigned i = 0; i < VAL_OPTION_COUNT; i++) {
        snprintf(name, sizeof(name), "--%s", val_options[i].name);
        assert_non_null(strstr(help, name));
    }
    for (size_t i = 0; i < val_scenario_count; i++)
        assert_non_null(strstr(help, val_scenarios[i].name));
    assert_non_null(strstr(man, "\\-\\-password\\-file"));
    free(help);
    free(man);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),    cmocka_unit_test(test_everything),
        cmocka_unit_test(test_format_wins), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_told),
    };
    if (freopen("/dev/null", "w", stderr) == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
