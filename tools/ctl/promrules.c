/* SPDX-License-Identifier: MIT */
/*
 * Printing alerting rules; see promrules.h. The metrics are those of metrics_text.c.
 *
 * Nothing in the output needs escaping: names of operations are [A-Za-z0-9_.:-], and every other
 * text is ours. Expressions stand in single quotes, which PromQL can do without.
 */
#include "ctl/promrules.h"

#include "ctl/format.h"
#include "shared/region.h"

#include <ctype.h>

/* Long enough for some scrapes, short enough that the alert is still of use. */
#define DROPS_RANGE "5m"
/* For how long a target is remembered to be one of `serve`. */
#define KNOWN_RANGE "1d"

struct printer {
    FILE *out;
    const struct spy_rules *rules;
    uint64_t for_ns;
};

/* Prometheus knows durations of whole milliseconds only; a shorter one is rounded up. */
static void print_for(const struct printer *p)
{
    uint64_t ms = (p->for_ns + 999999) / 1000000;
    bool seconds = ms % 1000 == 0;
    fprintf(p->out, "        for: %llu%s\n", (unsigned long long)(seconds ? ms / 1000 : ms),
            seconds ? "s" : "ms");
}

static void begin_group(const struct printer *p, const char *name)
{
    fprintf(p->out, "  - name: %s\n    rules:\n", name);
}

static void end_alert(const struct printer *p, const char *severity)
{
    print_for(p);
    fprintf(p->out, "        labels:\n          severity: %s\n        annotations:\n", severity);
}

static void health_alert(const struct printer *p, const char *alert, const char *status,
                         const char *severity)
{
    fprintf(p->out, "      - alert: %s\n        expr: 'perfspy_health{status=\"%s\"} == 1'\n",
            alert, status);
    end_alert(p, severity);
    fprintf(p->out, "          summary: 'The health of {{ $labels.exe }}: %s'\n", status);
}

static void print_health(const struct printer *p)
{
    char bound[CTL_NUMBER_BYTES], window[CTL_NUMBER_BYTES], share[CTL_NUMBER_BYTES];
    ctl_format_limit(window, p->rules->health_window_ns);
    begin_group(p, "perfspy-health");
    health_alert(p, "PerfspyHealthCritical", "critical", "critical");
    fprintf(p->out,
            "          description: 'At least one call took %s or longer in the last %s.'\n",
            ctl_format_limit(bound, p->rules->level_bounds_ns[SPY_LEVEL_SLOW]), window);
    health_alert(p, "PerfspyHealthWarning", "warning", "warning");
    fprintf(p->out,
            "          description: 'More than %s of all calls took %s or longer in the last "
            "%s.'\n",
            ctl_format_percent(share, (double)p->rules->health_slow_share_ppm, 1e6),
            ctl_format_limit(bound, p->rules->level_bounds_ns[SPY_LEVEL_ACCEPTABLE]), window);
}

/* The value of the alert is the benchmark's: both gauges have the same labels. */
static void print_benchmark(const struct printer *p, const char *operation,
                            const struct spy_budget *budget)
{
    char limit[CTL_NUMBER_BYTES], window[CTL_NUMBER_BYTES];
    const char *stat = spy_stat_name(budget->stat);
    bool errors = budget->stat == SPY_STAT_ERRORS;
    fprintf(p->out,
            "      - alert: %s\n"
            "        expr: 'perfspy_benchmark_value_%s{operation=\"%s\",stat=\"%s\"} "
            "and (perfspy_benchmark_met == 0)'\n",
            errors ? "PerfspyErrorRate" : "PerfspyBenchmarkMissed", errors ? "ratio" : "seconds",
            operation, stat);
    /* As the gauge's own: rules that differ in nothing but their expressions are an error. */
    print_for(p);
    fprintf(p->out,
            "        labels:\n          severity: warning\n          operation: %s\n"
            "          stat: %s\n        annotations:\n",
            operation, stat);
    if (errors)
        ctl_format_percent(limit, (double)budget->limit, 1e6);
    else
        ctl_format_limit(limit, budget->limit);
    fprintf(p->out,
            "          summary: '%s of {{ $labels.exe }}: %s above %s'\n"
            "          description: '%s is {{ $value | %s }} in the last %s, its limit is %s.'\n",
            operation, errors ? "error share" : stat, limit, errors ? "The share of errors" : stat,
            errors ? "humanizePercentage" : "humanizeDuration",
            ctl_format_limit(window, p->rules->health_window_ns), limit);
}

static void print_benchmarks(const struct printer *p)
{
    bool any = false;
    for (uint32_t i = 0; i < p->rules->count; i++)
        for (uint32_t k = 0; k < p->rules->rule[i].budgets; k++) {
            if (!any)
                begin_group(p, "perfspy-benchmarks");
            any = true;
            print_benchmark(p, p->rules->rule[i].name, &p->rules->rule[i].budget[k]);
        }
}

static void print_down(const struct printer *p)
{
    fputs("      - alert: PerfspyDown\n"
          "        expr: 'up == 0 and on (job, instance) "
          "last_over_time(perfspy_build_info[" KNOWN_RANGE "])'\n",
          p->out);
    end_alert(p, "critical");
    fputs("          summary: 'perfspy-ctl serve at {{ $labels.instance }} cannot be scraped'\n"
          "          description: 'Nothing is known of the programs it tells about, and none of "
          "their alerts can fire.'\n",
          p->out);
}

/* increase() forgets the name of a metric, so each counter is given it as a label. */
static void print_drops(const struct printer *p)
{
    static const char *const ids[] = {
#define X(id, text) #id,
        SPY_SELF_COUNTERS(X)
#undef X
            "slow_dropped",
    };
    fputs("      - alert: PerfspyIncomplete\n        expr: |\n", p->out);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        char name[64];
        int n = snprintf(name, sizeof(name), "%s", ids[i]);
        for (int k = 0; k < n; k++)
            name[k] = (char)tolower((unsigned char)name[k]);
        fprintf(p->out,
                "          %slabel_replace(increase(perfspy_self_%s_total[" DROPS_RANGE
                "]), \"counter\", \"%s\", \"\", \"\") > 0\n",
                i > 0 ? "or " : "", name, name);
    }
    end_alert(p, "info");
    fputs("          summary: 'perfspy does not see all of {{ $labels.exe }}: {{ $labels.counter "
          "}}'\n"
          "          description: 'Its counter perfspy_self_{{ $labels.counter }}_total went up by "
          "{{ $value | humanize }} in " DROPS_RANGE "; perfspy-ctl ps explains it.'\n",
          p->out);
}

void ctl_promrules_print(FILE *out, const struct spy_rules *rules, const char *source,
                         uint64_t for_ns)
{
    const struct printer p = {out, rules, for_ns};
    fprintf(out,
            "# Alerting rules for Prometheus, which scrapes perfspy-ctl serve. Made by\n"
            "# perfspy-ctl export prometheus-rules from %s; make them anew when it changes.\n"
            "#\n"
            "# Benchmarks and health are the gauges of serve: exact, over the health window of\n"
            "# the rules that the program runs with, and silent where there are too few calls to\n"
            "# tell. A quantile of the histograms would be interpolated between bounds as far\n"
            "# apart as 100 ms and 500 ms.\n"
            "groups:\n",
            source);
    print_health(&p);
    print_benchmarks(&p);
    begin_group(&p, "perfspy-itself");
    print_down(&p);
    print_drops(&p);
}
