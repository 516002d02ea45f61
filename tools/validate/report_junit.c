/* SPDX-License-Identifier: MIT */
/*
 * The report for continuous integration: JUnit's XML. A suite a scenario, a case a check; one more
 * suite for the benchmarks, where no data is a skipped case.
 */
#include "validate/report.h"

#include "ctl/format.h"
#include "ctl/view.h"

#include <inttypes.h>
#include <string.h>

/* Text fit for an attribute or an element. XML 1.0 has no place for U+FFFE and U+FFFF, nor for
 * most control characters, which ctl_format_clean() has taken out. */
static void put(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&apos;", out);
            break;
        default:
            if (strncmp(text, "\xEF\xBF\xBE", 3) == 0 || strncmp(text, "\xEF\xBF\xBF", 3) == 0) {
                fputc('?', out);
                text += 2;
            } else {
                fputc(*text, out);
            }
        }
    }
}

static void attribute(FILE *out, const char *name, const char *text)
{
    char clean[1024];
    fprintf(out, " %s=\"", name);
    put(out, ctl_format_clean(clean, sizeof(clean), text, strlen(text)));
    fputc('"', out);
}

static void open_suite(FILE *out, const char *name, size_t tests, size_t failures, size_t skipped,
                       uint64_t dur_ns, uint64_t begin_ns)
{
    char when[CTL_NUMBER_BYTES];
    ctl_format_utc(when, begin_ns);
    when[strcspn(when, "Z")] = '\0'; /* JUnit's schema has no zone */
    fputs("  <testsuite", out);
    attribute(out, "name", name);
    fprintf(out,
            " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"%.3f\" "
            "timestamp=\"%s\">\n",
            tests, failures, skipped, (double)dur_ns / 1e9, when);
}

static void open_case(FILE *out, const char *suite, const char *name)
{
    char class[128];
    snprintf(class, sizeof(class), VAL_NAME ".%s", suite);
    fputs("    <testcase", out);
    attribute(out, "classname", class);
    attribute(out, "name", name);
}

static void fail(FILE *out, const char *message, const char *detail)
{
    fputs(">\n      <failure", out);
    attribute(out, "message", message);
    fputc('>', out);
    put(out, detail);
    fputs("</failure>\n    </testcase>\n", out);
}

/* ---- scenarios ------------------------------------------------------------------------------ */

static void put_check(FILE *out, const char *suite, const struct val_check *check)
{
    char message[80];
    open_case(out, suite, check->what);
    if (check->failed == 0) {
        fputs("/>\n", out);
        return;
    }
    snprintf(message, sizeof(message), "failed %" PRIu64 " of %" PRIu64 " times", check->failed,
             check->failed + check->passed);
    fail(out, message, check->detail);
}

static size_t failed_cases(const struct val_outcome *outcome)
{
    size_t failed = !outcome->complete;
    for (size_t i = 0; i < outcome->findings.count; i++)
        failed += outcome->findings.check[i].failed > 0;
    return failed;
}

static void put_outcome(FILE *out, const struct val_outcome *outcome)
{
    const char *name = val_outcome_name(outcome);
    open_suite(out, name, outcome->findings.count + 1, failed_cases(outcome), 0, outcome->dur_ns,
               outcome->begin_ns);
    for (size_t i = 0; i < outcome->findings.count; i++)
        put_check(out, name, &outcome->findings.check[i]);
    open_case(out, name, "all requests were made");
    if (outcome->complete)
        fputs("/>\n", out);
    else
        fail(out, "the run was stopped before its end", "");
    fputs("  </testsuite>\n", out);
}

/* ---- benchmarks ----------------------------------------------------------------------------- */

static void put_bench(FILE *out, const struct ctl_bench *bench)
{
    char limit[CTL_NUMBER_BYTES], name[256], reason[CTL_REASON_BYTES];
    snprintf(name, sizeof(name), "%s %s within %s", bench->op->name,
             spy_stat_name(bench->budget->stat), ctl_view_limit(limit, bench->budget));
    ctl_view_reason(reason, bench->op, bench->budget);
    open_case(out, "benchmarks", name);
    if (bench->verdict == CTL_BENCH_MISSED) {
        fail(out, reason, "");
    } else if (bench->verdict == CTL_BENCH_NO_DATA) {
        fputs(">\n      <skipped", out);
        attribute(out, "message", reason);
        fputs("/>\n    </testcase>\n", out);
    } else {
        fputs("/>\n", out);
    }
}

void val_report_junit(const struct val_report *report, FILE *out)
{
    const struct ctl_bench_list *bench = &report->bench;
    size_t tests = bench->count, failures = bench->with[CTL_BENCH_MISSED];
    for (size_t i = 0; i < report->outcomes->count; i++) {
        tests += report->outcomes->outcome[i].findings.count + 1;
        failures += failed_cases(&report->outcomes->outcome[i]);
    }
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", out);
    attribute(out, "name", VAL_NAME);
    fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" time=\"%.3f\">\n", tests, failures,
            (double)report->dur_ns / 1e9);
    for (size_t i = 0; i < report->outcomes->count; i++)
        put_outcome(out, &report->outcomes->outcome[i]);
    open_suite(out, "benchmarks", bench->count, bench->with[CTL_BENCH_MISSED],
               bench->with[CTL_BENCH_NO_DATA], 0, report->begin_ns);
    for (size_t i = 0; i < bench->count; i++)
        put_bench(out, &bench->bench[i]);
    fputs("  </testsuite>\n</testsuites>\n", out);
}
