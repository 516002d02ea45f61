/* SPDX-License-Identifier: MIT */
/* The command line: what is understood, what is refused, and what is suggested. */
#include "ctl/options.h"

#include "ctl/limits.h"
#include "ctl/nearest.h"
#include "unit/ctl/fixture.h"

#define LINE(...) ((char **)(uintptr_t)(const char *const[]){"perfspy-ctl", __VA_ARGS__, NULL})

static struct ctl_line line;
static char message[1024];

static enum ctl_exit parse(char **argv)
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    memset(message, 0, sizeof(message));
    FILE *err = fmemopen(message, sizeof(message), "w");
    assert_non_null(err);
    enum ctl_exit result = ctl_line_parse(&line, argc, argv, err);
    fclose(err);
    return result;
}

static void refused(char **argv, const char *sentence)
{
    assert_int_equal(parse(argv), CTL_USAGE);
    ctl_line_free(&line);
    assert_string_equal(message, sentence);
}

static void understood(void **state)
{
    (void)state;
    assert_int_equal(parse(LINE("stats", "-p", "12", "--process=x", "-py", "--last", "5m", "--json",
                                "op", "--watch=0.5")),
                     CTL_OK);
    assert_string_equal(line.command->name, "stats");
    assert_int_equal(line.args.processes, 3);
    assert_string_equal(line.args.process[1], "x");
    assert_string_equal(line.args.process[2], "y");
    assert_int_equal(line.args.last_ns, 300 * SEC);
    assert_int_equal(line.args.watch_ns, 500 * MS);
    assert_true(line.args.json);
    assert_int_equal(line.args.operands, 1);
    assert_string_equal(line.args.operand[0], "op");
    ctl_line_free(&line);
}

static void single_calls(void **state)
{
    (void)state;
    assert_int_equal(parse(LINE("slow", "--full", "-n", "3")), CTL_OK);
    assert_true(line.args.full);
    assert_int_equal(line.args.limit, 3);
    ctl_line_free(&line);
    refused(LINE("stats", "--full"),
            "perfspy-ctl: \"stats\" takes no --full; see \"perfspy-ctl help stats\"\n");
}

static void alerting(void **state)
{
    (void)state;
    assert_int_equal(
        parse(LINE("watch", "--on-change", "a b", "--every=300ms", "--hold", "3", "--timeout", "2s",
                   "--initial", "--set", "x=p99:1ms", "--set", "y=errors:1%", "--min-calls", "7")),
        CTL_OK);
    assert_string_equal(line.command->name, "watch");
    assert_string_equal(line.args.on_change, "a b");
    assert_int_equal(line.args.every_ns, 300 * MS);
    assert_int_equal(line.args.hold, 3);
    assert_int_equal(line.args.timeout_ns, 2 * SEC);
    assert_true(line.args.initial);
    assert_int_equal(line.args.limits->count, 2);
    assert_string_equal(line.args.limits->limit[1].operation, "y");
    assert_int_equal(line.args.min_calls, 7);
    ctl_line_free(&line);
    assert_int_equal(parse(LINE("export", "prometheus-rules", "--for", "2s", "f")), CTL_OK);
    assert_string_equal(line.command->name, "export prometheus-rules");
    assert_int_equal(line.args.for_ns, 2 * SEC);
    assert_int_equal(line.args.operands, 1);
    ctl_line_free(&line);
    refused(LINE("watch", "--every", "10ms"),
            "perfspy-ctl: --every: \"10ms\" is not a time of 0.1 seconds or more\n");
    refused(LINE("watch", "--hold", "0"),
            "perfspy-ctl: --hold: \"0\" is not a number from 1 to 1000\n");
    refused(LINE("watch", "--hold", "99999999999999999999"),
            "perfspy-ctl: --hold: \"99999999999999999999\" is not a number from 1 to 1000\n");
    refused(LINE("watch", "--timeout", "0s"),
            "perfspy-ctl: --timeout: \"0s\" is not a duration such as 30s, 5m or 1h\n");
    refused(LINE("benchmarks", "--set", "x"),
            "perfspy-ctl: --set: \"x\" is not OPERATION=STAT:LIMIT, such as "
            "api.get_part=p99:50ms\n");
    refused(LINE("export"), "perfspy-ctl: \"export\" needs one of its commands, such as "
                            "\"perfspy-ctl export prometheus-rules\"\n");
}

static void optional_value(void **state)
{
    (void)state;
    assert_int_equal(parse(LINE("stats", "--watch", "op")), CTL_OK);
    assert_int_equal(line.args.watch_ns, 2 * SEC);
    assert_int_equal(line.args.operands, 1);
    ctl_line_free(&line);
    assert_int_equal(parse(LINE("-w", "3", "health")), CTL_OK);
    assert_int_equal(line.args.watch_ns, 3 * SEC);
    assert_string_equal(line.command->name, "health");
    ctl_line_free(&line);
}

static void run_leaves_the_rest(void **state)
{
    (void)state;
    assert_int_equal(parse(LINE("run", "--rules", "r", "--", "prog", "--json", "-p", "--")),
                     CTL_OK);
    assert_int_equal(line.args.operands, 4);
    assert_string_equal(line.args.operand[3], "--");
    assert_null(line.args.operand[4]);
    assert_false(line.args.json);
    ctl_line_free(&line);
    assert_int_equal(parse(LINE("run", "prog", "--json")), CTL_OK);
    assert_int_equal(line.args.operands, 2);
    ctl_line_free(&line);
}

static void two_words(void **state)
{
    (void)state;
    assert_int_equal(parse(LINE("rules", "check", "f")), CTL_OK);
    assert_string_equal(line.command->name, "rules check");
    assert_int_equal(line.args.operands, 1);
    ctl_line_free(&line);
}

static void refusals(void **state)
{
    (void)state;
    refused(LINE("stts"), "perfspy-ctl: unknown command \"stts\"; did you mean \"stats\"?\n");
    refused(LINE("xyzzy"),
            "perfspy-ctl: unknown command \"xyzzy\"; \"perfspy-ctl help\" lists them\n");
    refused(LINE("stats", "--jsn"),
            "perfspy-ctl: unknown option \"--jsn\"; did you mean --json?\n");
    refused(LINE("stats", "-z"), "perfspy-ctl: unknown option \"-z\"\n");
    refused(LINE("stats", "--last", "soon"),
            "perfspy-ctl: --last: \"soon\" is not a duration such as 30s, 5m or 1h\n");
    refused(LINE("stats", "-p"), "perfspy-ctl: --process needs a value: PID|NAME\n");
    refused(LINE("stats", "--json=1"), "perfspy-ctl: --json takes no value\n");
    refused(LINE("slow", "--limit", "-1"),
            "perfspy-ctl: --limit: \"-1\" is not a number of 1 or more\n");
    refused(LINE("slow", "--sort", "x"),
            "perfspy-ctl: --sort: \"x\" is not \"duration\" or \"time\"\n");
    refused(LINE("health", "--watch=0"),
            "perfspy-ctl: --watch: \"0\" is not a time of 0.1 seconds or more\n");
    refused(LINE("ps", "--last", "5m"),
            "perfspy-ctl: \"ps\" takes no --last; see \"perfspy-ctl help ps\"\n");
    refused(LINE("stats", "a", "b"),
            "perfspy-ctl: too many words; usage: perfspy-ctl stats [OPERATION]\n");
    refused(LINE("rules", "check"),
            "perfspy-ctl: something is missing; usage: perfspy-ctl rules check FILE...\n");
}

static void edits(void **state)
{
    (void)state;
    assert_int_equal(ctl_edits("", "abc"), 3);
    assert_int_equal(ctl_edits("abc", "abc"), 0);
    assert_int_equal(ctl_edits("kitten", "sitting"), 3);
    assert_int_equal(ctl_edits("healht", "health"), 1); /* neighbours swapped */
    char long_word[200];
    memset(long_word, 'a', sizeof(long_word) - 1);
    long_word[sizeof(long_word) - 1] = '\0';
    assert_int_equal(ctl_edits(long_word, "a"), 62);
}

/* Every command has what help, man and completion print of it. */
static void table_is_complete(void **state)
{
    char *text = NULL;
    size_t len = 0;
    (void)state;
    FILE *out = open_memstream(&text, &len);
    ctl_help_overview(out);
    ctl_man_page(out);
    ctl_completion_bash(out);
    fclose(out);
    for (size_t i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *c = ctl_commands[i];
        assert_ptr_equal(ctl_command_find(c->name), c);
        assert_non_null(strstr(text, c->summary));
        assert_non_null(c->run);
        assert_true(c->max_operands >= c->min_operands);
    }
    for (size_t i = 0; i < CTL_OPTION_COUNT; i++) {
        char man[64];
        snprintf(man, sizeof(man), "\\fB\\-\\-%s\\fR", ctl_options[i].name);
        assert_non_null(strstr(text, man));
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(understood),
        cmocka_unit_test(single_calls),
        cmocka_unit_test(alerting),
        cmocka_unit_test(optional_value),
        cmocka_unit_test(run_leaves_the_rest),
        cmocka_unit_test(two_words),
        cmocka_unit_test(refusals),
        cmocka_unit_test(edits),
        cmocka_unit_test(table_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
