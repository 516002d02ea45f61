/* SPDX-License-Identifier: MIT */
/*
 * What perfspy costs and what it could not do, for Prometheus: counters over whole lives from the
 * ledger, gauges of the living processes. See metrics.h.
 *
 * The cost of calls is estimated from those that were timed (shared/cost.h). As a counter it is
 * SPY_COST_EVERY times what the believed ones took, which never falls; `stats --self` also adds the
 * mean for those that were cut off, and may be a little more.
 */
#include "ctl/metrics.h"
#include "ctl/prom.h"
#include "ctl/self.h"

#include <ctype.h>

/* ---- reading -------------------------------------------------------------------------------- */

static void add_tables(struct ctl_metrics_self *self, const struct spy_region *region)
{
    struct ctl_occupancy tables;
    ctl_occupancy_read(&tables, region);
    for (int i = 0; i < CTL_TABLE_COUNT; i++) {
        double share = (double)tables.used[i] / (double)tables.size[i];
        if (share > self->fullest[i])
            self->fullest[i] = share;
    }
    self->stored_bytes += tables.used[CTL_TABLE_region];
    self->region_bytes += tables.size[CTL_TABLE_region];
}

void ctl_metrics_self_add(struct ctl_metrics_self *self, const struct spy_region *region)
{
    struct ctl_self one;
    ctl_self_read(&one, region);
    self->processes++;
    for (uint32_t kind = 0; kind < SPY_KIND_COUNT; kind++) {
        self->timed[kind] += one.side[kind].samples;
        self->timed_ns[kind] += one.side[kind].samples * one.side[kind].call_ns;
    }
    if (one.noted) {
        self->own_ns += one.noted_calls_ns + one.helper_ns;
        self->process_ns += one.process_ns;
    }
    if (one.limit_ppm > 0 && (self->limit_ppm == 0 || one.limit_ppm < self->limit_ppm))
        self->limit_ppm = one.limit_ppm;
    if (one.backoff > self->backoff)
        self->backoff = one.backoff;
    add_tables(self, region);
}

/* ---- counters ------------------------------------------------------------------------------- */

/* "perfspy_self_ops_full_total" of OPS_FULL. */
static void drop_name(char out[64], const char *id)
{
    int used = snprintf(out, 64, "perfspy_self_%s_total", id);
    for (int i = 0; i < used && i < 63; i++)
        out[i] = (char)tolower((unsigned char)out[i]);
}

static void print_drops(FILE *out, const struct ctl_sums *sums, size_t count)
{
    static const char *const ids[SPY_SELF_COUNT] = {
#define X(id, text) [SPY_SELF_##id] = #id,
        SPY_SELF_COUNTERS(X)
#undef X
    };
    for (uint32_t i = 0; i < SPY_SELF_COUNT; i++) {
        char name[64];
        drop_name(name, ids[i]);
        ctl_prom_heading(out, name, "counter", spy_self_text(i));
        for (size_t k = 0; k < count; k++) {
            ctl_prom_identity(out, name, sums[k].program, NULL);
            ctl_prom_count(out, sums[k].self[i]);
        }
    }
    ctl_prom_heading(out, "perfspy_self_slow_dropped_total", "counter",
                     "slow or failed calls that came faster than they could be kept");
    for (size_t k = 0; k < count; k++) {
        ctl_prom_identity(out, "perfspy_self_slow_dropped_total", sums[k].program, NULL);
        ctl_prom_count(out, sums[k].slow_dropped);
    }
}

static void kind_label(FILE *out, const char *metric, const char *program, uint32_t kind)
{
    ctl_prom_identity(out, metric, program, NULL);
    ctl_prom_label(out, ",kind=\"", spy_kind_name(kind));
}

static void print_calls(FILE *out, const struct ctl_sums *sums, size_t count)
{
    const char *metric = "perfspy_self_calls_seconds_total";
    ctl_prom_heading(out, metric, "counter",
                     "Time that perfspy's part of the program's calls took, estimated from those "
                     "that were timed.");
    for (size_t k = 0; k < count; k++)
        for (uint32_t kind = 0; kind < SPY_KIND_COUNT; kind++) {
            kind_label(out, metric, sums[k].program, kind);
            ctl_prom_seconds(out, sums[k].spent.timed_ns[kind] * SPY_COST_EVERY);
        }
    metric = "perfspy_self_timed_calls_total";
    ctl_prom_heading(out, metric, "counter",
                     "Calls of libpq and of sockets whose own part was timed for that: about one "
                     "in 256.");
    for (size_t k = 0; k < count; k++)
        for (uint32_t kind = 0; kind < SPY_KIND_COUNT; kind++) {
            kind_label(out, metric, sums[k].program, kind);
            ctl_prom_count(out, sums[k].spent.timed[kind]);
        }
}

static void print_counters(FILE *out, const struct ctl_sums *sums, size_t count)
{
    static const struct {
        const char *metric;
        size_t offset;
        bool seconds;
        const char *help;
    } rows[] = {
        {"perfspy_self_helper_cpu_seconds_total", offsetof(struct ctl_spent, helper_ns), true,
         "CPU time of perfspy's helper threads, at the last step of history."},
        {"perfspy_self_process_cpu_seconds_total", offsetof(struct ctl_spent, process_ns), true,
         "CPU time of the watched processes, perfspy's included, at the same moment."},
        {"perfspy_self_backoffs_total", offsetof(struct ctl_spent, backoffs), false,
         "Times that perfspy began to leave out work because it took too much CPU time."},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ctl_prom_heading(out, rows[i].metric, "counter", rows[i].help);
        for (size_t k = 0; k < count; k++) {
            const char *spent = (const char *)&sums[k].spent;
            uint64_t value = *(const uint64_t *)(const void *)(spent + rows[i].offset);
            ctl_prom_identity(out, rows[i].metric, sums[k].program, NULL);
            rows[i].seconds ? ctl_prom_seconds(out, value) : ctl_prom_count(out, value);
        }
    }
}

/* ---- gauges --------------------------------------------------------------------------------- */

static void print_call_cost(FILE *out, const struct ctl_metrics_program *program, size_t programs)
{
    const char *metric = "perfspy_self_call_cost_seconds";
    ctl_prom_heading(out, metric, "gauge",
                     "What perfspy's part of one call of libpq, or of a socket that carries "
                     "requests, takes on average; absent until one was timed.");
    for (size_t i = 0; i < programs; i++)
        for (uint32_t kind = 0; kind < SPY_KIND_COUNT; kind++) {
            const struct ctl_metrics_self *self = &program[i].self;
            if (self->timed[kind] == 0)
                continue;
            kind_label(out, metric, program[i].name, kind);
            ctl_prom_seconds(out, self->timed_ns[kind] / self->timed[kind]);
        }
}

static void print_tables(FILE *out, const struct ctl_metrics_program *program, size_t programs)
{
    const char *metric = "perfspy_self_table_used_ratio";
    ctl_prom_heading(out, metric, "gauge",
                     "How full each table of fixed size is, in the process where it is fullest.");
    for (size_t i = 0; i < programs; i++)
        for (int id = 0; program[i].self.processes > 0 && id < CTL_TABLE_COUNT; id++) {
            ctl_prom_identity(out, metric, program[i].name, NULL);
            ctl_prom_label(out, ",table=\"", ctl_occupancy_name((enum ctl_table_id)id));
            ctl_prom_real(out, program[i].self.fullest[id]);
        }
}

/* Value of one gauge of a program; negative: not known. */
static double cpu_ratio(const struct ctl_metrics_self *self)
{
    return self->process_ns > 0 ? (double)self->own_ns / (double)self->process_ns : -1;
}

static double cpu_limit(const struct ctl_metrics_self *self)
{
    return self->limit_ppm > 0 ? self->limit_ppm / 1e6 : -1;
}

static double backoff(const struct ctl_metrics_self *self)
{
    return self->backoff;
}

static double stored(const struct ctl_metrics_self *self)
{
    return (double)self->stored_bytes;
}

static double size(const struct ctl_metrics_self *self)
{
    return (double)self->region_bytes;
}

static void print_gauges(FILE *out, const struct ctl_metrics_program *program, size_t programs)
{
    static const struct {
        const char *metric;
        double (*value)(const struct ctl_metrics_self *self);
        const char *help;
    } rows[] = {
        {"perfspy_self_cpu_ratio", cpu_ratio,
         "Share of the processes' CPU time that perfspy took since their start, helper included."},
        {"perfspy_self_cpu_limit_ratio", cpu_limit,
         "Above this share it leaves out work (PERFSPY_COST_LIMIT, the least); absent where off."},
        {"perfspy_self_backoff_level", backoff,
         "What it leaves out, in the process where that is most: 0 nothing, 1 captures, 2 "
         "attribution and percentiles of parts, too."},
        {"perfspy_self_region_bytes", stored, "Memory that the regions have taken."},
        {"perfspy_self_region_limit_bytes", size, "What they can grow to."},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ctl_prom_heading(out, rows[i].metric, "gauge", rows[i].help);
        for (size_t k = 0; k < programs; k++) {
            if (program[k].self.processes == 0 || rows[i].value(&program[k].self) < 0)
                continue;
            ctl_prom_identity(out, rows[i].metric, program[k].name, NULL);
            ctl_prom_real(out, rows[i].value(&program[k].self));
        }
    }
}

void ctl_metrics_self(FILE *out, const struct ctl_sums *sums, size_t count,
                      const struct ctl_metrics_program *program, size_t programs)
{
    print_calls(out, sums, count);
    print_counters(out, sums, count);
    print_call_cost(out, program, programs);
    print_gauges(out, program, programs);
    print_tables(out, program, programs);
    print_drops(out, sums, count);
}
