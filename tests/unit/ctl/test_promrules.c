/* SPDX-License-Identifier: MIT */
/* Alerting rules from a rules file: the whole output of a small one, and the exit codes. */
#include "ctl/promrules.h"

#include "ctl/command.h"
#include "unit/ctl/fixture.h"

static char *print(const char *yaml, uint64_t for_ns)
{
    struct spy_rules *rules;
    struct spy_error err;
    char *text = NULL;
    size_t len = 0;
    assert_int_equal(spy_rules_parse(yaml, strlen(yaml), &rules, &err), SPY_OK);
    FILE *out = open_memstream(&text, &len);
    ctl_promrules_print(out, rules, "rules.yml", for_ns);
    fclose(out);
    spy_rules_free(rules);
    return text;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void every_budget_is_an_alert(void **state)
{
    (void)state;
    char *text = print("version: 1\n"
                       "operations:\n"
                       "  - {name: a.b, http: GET /a, benchmark: {p99.9: 250us, errors: 0.5%}}\n"
                       "  - {name: c, http: GET /c}\n",
                       90 * SEC);
    assert_has(
        text,
        "  - name: perfspy-benchmarks\n"
        "    rules:\n"
        "      - alert: PerfspyBenchmarkMissed\n"
        "        expr: 'perfspy_benchmark_value_seconds{operation=\"a.b\",stat=\"p99.9\"} and "
        "(perfspy_benchmark_met == 0)'\n"
        "        for: 90s\n"
        "        labels:\n"
        "          severity: warning\n"
        "          operation: a.b\n"
        "          stat: p99.9\n"
        "        annotations:\n"
        "          summary: 'a.b of {{ $labels.exe }}: p99.9 above 250 µs'\n"
        "          description: 'p99.9 is {{ $value | humanizeDuration }} in the last 5 min, its "
        "limit is 250 µs.'\n"
        "      - alert: PerfspyErrorRate\n"
        "        expr: 'perfspy_benchmark_value_ratio{operation=\"a.b\",stat=\"errors\"} and "
        "(perfspy_benchmark_met == 0)'\n"
        "        for: 90s\n"
        "        labels:\n"
        "          severity: warning\n"
        "          operation: a.b\n"
        "          stat: errors\n"
        "        annotations:\n"
        "          summary: 'a.b of {{ $labels.exe }}: error share above 0.5 %'\n"
        "          description: 'The share of errors is {{ $value | humanizePercentage }} in the "
        "last 5 min, its limit is 0.5 %.'\n"
        "  - name: perfspy-itself\n");
    free(text);
}

static void thresholds_are_those_of_the_rules(void **state)
{
    (void)state;
    char *text = print("version: 1\n"
                       "levels: {excellent: 1ms, good: 2ms, acceptable: 30ms, slow: 4s}\n"
                       "health: {window: 1m, slow_share: 7.5%}\n",
                       1500000);
    assert_has(text, "'At least one call took 4 s or longer in the last 1 min.'");
    assert_has(text, "'More than 7.5 % of all calls took 30 ms or longer in the last 1 min.'");
    assert_has(text, "        for: 2ms\n");          /* never less than what was asked for */
    assert_null(strstr(text, "perfspy-benchmarks")); /* an empty group would be an error */
    free(text);
}

static void counters_are_those_of_the_library(void **state)
{
    (void)state;
    char *text = print("version: 1\n", SEC);
    size_t alerts = 0, counters = 1; /* slow_dropped, which is not in the list */
    for (const char *at = text; (at = strstr(at, "increase(perfspy_self_")) != NULL; at++)
        alerts++;
#define X(id, help) counters++;
    SPY_SELF_COUNTERS(X)
#undef X
    assert_int_equal(alerts, counters);
    assert_has(text, "increase(perfspy_self_ops_full_total[5m]), \"counter\", \"ops_full\", "
                     "\"\", \"\") > 0\n          or label_replace(");
    free(text);
}

static enum ctl_exit export(char *path, const char **said) {
    static char text[512]; char * operand[] = {path, NULL};
    struct ctl_args args = {.operand = operand, .operands = path != NULL};
    struct capture c;
    capture_begin(&c, &args);
    enum ctl_exit result = ctl_cmd_export_prometheus_rules(&c.run);
    capture_end(&c);
    snprintf(text, sizeof(text), "%s", c.err);
    *said = text;
    assert_int_equal(c.out_len > 0, result == CTL_OK);
    capture_free(&c);
    return result;
}

static void takes_the_file_in_force(void **state)
{
    char path[SPY_PATH_BYTES];
    const char *said;
    (void)state;
    snprintf(path, sizeof(path), "%s/test-promrules-XXXXXX", SPY_TEST_BUILD);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "version: 1\n", 11), 11);
    setenv("PERFSPY_RULES", path, 1);
    assert_int_equal(export(NULL, &said), CTL_OK);
    assert_int_equal(write(fd, "what: 1\n", 8), 8);
    assert_int_equal(export(path, &said), CTL_INVALID);
    assert_non_null(strstr(said, ":2:1: unknown key \"what\""));
    unlink(path);
    assert_int_equal(export(NULL, &said), CTL_NOTHING);
    assert_non_null(strstr(said, "No such file"));
    unsetenv("PERFSPY_RULES");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_budget_is_an_alert),
        cmocka_unit_test(thresholds_are_those_of_the_rules),
        cmocka_unit_test(counters_are_those_of_the_library),
        cmocka_unit_test(takes_the_file_in_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
