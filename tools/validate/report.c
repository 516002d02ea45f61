/* SPDX-License-Identifier: MIT */
/*
 * The verdict, and what all forms of the report take from; see report.h.
 */
#include "validate/report.h"

#include "ctl/format.h"

#include <inttypes.h>
#include <string.h>

/* ---- judging -------------------------------------------------------------------------------- */

/* Statements are seen by the service only: its view where there is one, else the rules' benchmarks
 * of statements are not ours to judge. */
static void take_statements(struct val_report *report)
{
    for (size_t i = 0; i < report->model.count; i++) {
        struct ctl_operation *op = report->model.operation[i];
        const struct ctl_operation *theirs =
            val_server_operation(report->server, op->name, SPY_KIND_SQL);
        if (op->kind != SPY_KIND_SQL)
            continue;
        if (theirs != NULL)
            op->totals = theirs->totals;
        else
            op->budgets = 0;
    }
}

enum val_exit val_report_judge(struct val_report *report)
{
    struct spy_error error;
    val_record_model(report->record, report->begin_ns, report->begin_ns + report->dur_ns,
                     &report->model);
    take_statements(report);
    if (ctl_limits_apply(&report->settings->limits, &report->model, &error) != SPY_OK) {
        val_say("--set: %s", error.text);
        return VAL_USAGE;
    }
    report->bench = ctl_bench_judge(&report->model);
    return VAL_OK;
}

void val_report_free(struct val_report *report)
{
    ctl_bench_free(&report->bench);
    val_record_release(&report->model);
}

/* ---- the verdict ---------------------------------------------------------------------------- */

static bool is_good(const struct val_report *report)
{
    return val_outcomes_good(report->outcomes) && report->bench.with[CTL_BENCH_MISSED] == 0;
}

int val_report_exit(const struct val_report *report)
{
    if (report->stop == VAL_STOP_SIGNAL)
        return VAL_SIGNAL + val_stop_signal();
    return is_good(report) ? VAL_OK : VAL_FAILED;
}

const char *val_report_verdict(const struct val_report *report)
{
    if (report->stop == VAL_STOP_SIGNAL)
        return "interrupted";
    return is_good(report) ? "passed" : "failed";
}

static const char *why_stopped(enum val_stop stop)
{
    switch (stop) {
    case VAL_STOP_SIGNAL:
        return "; stopped by a signal";
    case VAL_STOP_TIME:
        return "; stopped by the time limit";
    case VAL_STOP_SILENT:
        return "; given up, the service does not answer any more";
    case VAL_GO:
        break;
    }
    return "";
}

void val_report_sentence(const struct val_report *report, FILE *out)
{
    uint64_t checks = 0, failed = 0;
    char all[CTL_NUMBER_BYTES], bad[CTL_NUMBER_BYTES];
    for (size_t i = 0; i < report->outcomes->count; i++) {
        checks += val_findings_checks(&report->outcomes->outcome[i].findings);
        failed += val_findings_failed(&report->outcomes->outcome[i].findings);
    }
    fprintf(
        out, "%s: %s of %s checks failed; benchmarks: %zu missed, %zu met, %zu without data%s\n",
        val_report_verdict(report), ctl_format_count(bad, failed), ctl_format_count(all, checks),
        report->bench.with[CTL_BENCH_MISSED], report->bench.with[CTL_BENCH_MET],
        report->bench.with[CTL_BENCH_NO_DATA], why_stopped(report->stop));
}

const char *val_outcome_name(const struct val_outcome *outcome)
{
    return outcome->scenario != NULL ? outcome->scenario->name : "clean-up";
}

const char *val_outcome_word(const struct val_outcome *outcome)
{
    if (val_findings_failed(&outcome->findings) > 0)
        return "failed";
    return outcome->complete ? "passed" : "incomplete";
}

/* ---- both views ----------------------------------------------------------------------------- */

static double p95(const struct spy_totals *totals)
{
    return spy_hist_quantile_ns(&totals->hist, 0.95, totals->min_ns, totals->max_ns);
}

bool val_report_pair(const struct val_report *report, size_t *at, struct val_pair *out)
{
    while (*at < report->record->count) {
        const struct val_seen *seen = report->record->seen[(*at)++];
        if (seen->sum.calls == 0)
            continue;
        const struct ctl_operation *theirs =
            val_server_operation(report->server, seen->op.name, SPY_KIND_HTTP);
        *out = (struct val_pair){
            .name = seen->op.name,
            .client_calls = seen->sum.calls - seen->unanswered,
            .client_p95_ns = p95(&seen->sum),
            .known = theirs != NULL,
        };
        if (theirs != NULL) {
            out->server_calls = theirs->totals.calls;
            out->server_p95_ns = p95(&theirs->totals);
        }
        return true;
    }
    return false;
}
