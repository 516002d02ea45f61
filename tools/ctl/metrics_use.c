/* SPDX-License-Identifier: MIT */
/*
 * What the live processes use, as gauges by the names that Prometheus' own clients give them. See
 * metrics.h.
 */
#include "ctl/metrics.h"
#include "ctl/prom.h"

static uint64_t rss(const struct spy_use *use)
{
    return use->rss_bytes;
}

static uint64_t threads(const struct spy_use *use)
{
    return use->threads;
}

static uint64_t fds(const struct spy_use *use)
{
    return use->fds;
}

/* A program of which nothing is known has no sample. */
static void print_sample(FILE *out, const char *metric, const struct ctl_metrics_program *program,
                         uint64_t (*value)(const struct spy_use *use))
{
    uint64_t sum = 0;
    for (size_t i = 0; i < program->model.members; i++)
        if (program->model.member[i].state == CTL_LIVE)
            sum += value(&program->model.member[i].use);
    if (sum == 0)
        return;
    ctl_prom_identity(out, metric, program->name, NULL);
    ctl_prom_count(out, sum);
}

void ctl_metrics_use(FILE *out, const struct ctl_metrics_program *program, size_t programs)
{
    static const struct {
        const char *metric;
        uint64_t (*value)(const struct spy_use *use);
        const char *help;
    } gauges[] = {
        {"process_resident_memory_bytes", rss,
         "Resident memory of the watched processes of a program, at the last step of history."},
        {"process_threads", threads, "Their threads; one of each is perfspy's."},
        {"process_open_fds", fds, "Their open file descriptors; a few of each are perfspy's."},
    };
    for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++) {
        ctl_prom_heading(out, gauges[i].metric, "gauge", gauges[i].help);
        for (size_t k = 0; k < programs; k++)
            print_sample(out, gauges[i].metric, &program[k], gauges[i].value);
    }
}
