/* SPDX-License-Identifier: MIT */
/*
 * Reading the watched process, twice, and the difference; see server.h.
 */
#include "validate/server.h"

#include "ctl/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SETTLE_NS 10000000000ull
#define NAP_NS    20000000

/* ---- one reading ---------------------------------------------------------------------------- */

static bool is_wanted(const struct val_server *server, const struct ctl_process *process)
{
    for (size_t i = 0; i < server->process.count; i++)
        if (server->process.pid[i] == process->proc.pid)
            return true;
    return false;
}

/* Why none of the wanted processes can be read, from what was found of the first. */
static void explain(struct val_server *server, const struct ctl_source *source)
{
    struct ctl_proc proc;
    int32_t pid = server->process.pid[0];
    for (size_t i = 0; i < source->count; i++) {
        const struct ctl_process *p = &source->process[i];
        if (p->proc.pid != pid)
            continue;
        if (p->state == CTL_CLOSED)
            snprintf(server->reason, sizeof(server->reason),
                     "process %d (%s) may not be looked into", pid, p->proc.exe);
        else
            snprintf(server->reason, sizeof(server->reason), "process %d (%s) is %s: %s", pid,
                     p->proc.exe, ctl_state_name(p->state), p->note);
        return;
    }
    if (ctl_proc_read(pid, &proc))
        snprintf(server->reason, sizeof(server->reason),
                 "process %d (%s) is not watched: libperfspy.so is not loaded in it", pid,
                 proc.exe);
    else
        snprintf(server->reason, sizeof(server->reason), "there is no process %d", pid);
}

static void read_model(struct val_server *server, struct ctl_model *model)
{
    struct ctl_args args = {0};
    struct ctl_source source;
    char *text = NULL;
    size_t len = 0;
    FILE *said = open_memstream(&text, &len);
    struct ctl_run run = {
        .args = &args,
        .err = said != NULL ? said : stderr,
        .now_mono_ns = ctl_clock_ns(CLOCK_MONOTONIC),
        .now_real_ns = ctl_clock_ns(CLOCK_REALTIME),
    };
    ctl_model_init(model, 0);
    ctl_source_scan(&source, run.err);
    for (size_t i = 0; i < source.count; i++) {
        const struct ctl_process *process = &source.process[i];
        if (process->state != CTL_LIVE || !is_wanted(server, process))
            continue;
        struct spy_region *region = ctl_source_load(process, run.err);
        if (region != NULL)
            ctl_model_add(model, process, region, &run);
        ctl_image_free(region);
    }
    if (said != NULL)
        fclose(said);
    if (model->members == 0)
        explain(server, &source);
    free(text); /* warnings about other processes' files; not this tool's business */
    ctl_source_free(&source);
}

/* ---- finding the process -------------------------------------------------------------------- */

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

static void find_process(struct val_server *server, const char *url)
{
    char peer[64], local[64];
    unsigned port;
    if (!val_http_peer(url, peer, local, &port)) {
        snprintf(server->reason, sizeof(server->reason), "the service cannot be reached");
        return;
    }
    if (!is_loopback(peer) && strcmp(peer, local) != 0) {
        snprintf(server->reason, sizeof(server->reason), "the service is on another machine, %s",
                 peer);
        return;
    }
    val_listeners_find(peer, port, &server->process);
    if (server->process.count == 0)
        snprintf(server->reason, sizeof(server->reason),
                 server->process.bound ? "the process that listens at %s port %u may not be looked "
                                         "into; run as its user, or as root"
                                       : "no process of this machine is seen to listen at %s "
                                         "port %u",
                 peer, port);
}

void val_server_open(struct val_server *server, int32_t pid, const char *url)
{
    *server = (struct val_server){.taken = false};
    ctl_model_init(&server->before, 0);
    ctl_model_init(&server->after, 0);
    if (pid > 0) {
        server->process.pid[0] = pid;
        server->process.count = 1;
    } else {
        find_process(server, url);
    }
    if (server->process.count > 0)
        read_model(server, &server->before);
}

/* ---- the difference ------------------------------------------------------------------------- */

static struct ctl_operation *find(const struct ctl_model *model, const char *name, uint32_t kind)
{
    for (size_t i = 0; i < model->count; i++)
        if (model->operation[i]->kind == kind && strcmp(model->operation[i]->name, name) == 0)
            return model->operation[i];
    return NULL;
}

/* The exact extremes are those of the process' whole life: where the buckets show that the
 * difference did not reach them, its own are the bounds of its outermost buckets. */
static void tighten(struct spy_totals *totals)
{
    uint32_t first = 0, last = SPY_HIST_BUCKETS;
    while (first < SPY_HIST_BUCKETS && totals->hist.bucket[first] == 0)
        first++;
    while (last > first && totals->hist.bucket[last - 1] == 0)
        last--;
    if (first == SPY_HIST_BUCKETS)
        return;
    double low = spy_hist_lower_s(first) * 1e9, high = spy_hist_upper_s(last - 1) * 1e9;
    if (first > 0 && low > (double)totals->min_ns)
        totals->min_ns = (uint64_t)low;
    if (last < SPY_HIST_BUCKETS && high < (double)totals->max_ns)
        totals->max_ns = (uint64_t)high;
}

/* The processes are the same, and nothing was taken back. */
static bool is_later(const struct ctl_model *before, const struct ctl_model *after)
{
    if (before->members != after->members)
        return false;
    for (size_t i = 0; i < before->members; i++)
        if (before->member[i].pid != after->member[i].pid ||
            before->member[i].started_ns != after->member[i].started_ns ||
            before->member[i].calls > after->member[i].calls)
            return false;
    return true;
}

static void subtract(struct ctl_model *after, const struct ctl_model *before)
{
    for (size_t i = 0; i < after->count; i++) {
        struct ctl_operation *op = after->operation[i];
        const struct ctl_operation *old = find(before, op->name, op->kind);
        if (old != NULL && old->totals.calls > 0) {
            spy_totals_subtract(&op->totals, &old->totals);
            tighten(&op->totals);
        }
    }
}

/* Every request that was answered has been counted. */
static bool has_all(const struct val_server *server, const struct val_record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        const struct val_seen *seen = record->seen[i];
        const struct ctl_operation *op = find(&server->after, seen->op.name, seen->op.kind);
        const struct ctl_operation *old = find(&server->before, seen->op.name, seen->op.kind);
        uint64_t counted = op != NULL ? op->totals.calls : 0;
        uint64_t already = old != NULL ? old->totals.calls : 0;
        if (op != NULL && counted - already < seen->sum.calls - seen->unanswered)
            return false;
    }
    return true;
}

void val_server_take(struct val_server *server, const struct val_record *record)
{
    uint64_t begin = ctl_clock_ns(CLOCK_MONOTONIC);
    if (server->before.members == 0)
        return;
    for (;;) {
        ctl_model_free(&server->after);
        read_model(server, &server->after);
        if (!is_later(&server->before, &server->after)) {
            if (server->reason[0] == '\0')
                snprintf(server->reason, sizeof(server->reason),
                         "process %d was started anew or reset during the run",
                         server->process.pid[0]);
            return;
        }
        if (has_all(server, record) || ctl_clock_ns(CLOCK_MONOTONIC) - begin > SETTLE_NS)
            break;
        nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
    }
    subtract(&server->after, &server->before);
    server->taken = true;
}

void val_server_free(struct val_server *server)
{
    ctl_model_free(&server->before);
    ctl_model_free(&server->after);
}

const struct ctl_operation *val_server_operation(const struct val_server *server, const char *name,
                                                 uint32_t kind)
{
    return server->taken ? find(&server->after, name, kind) : NULL;
}
