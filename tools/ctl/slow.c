/* SPDX-License-Identifier: MIT */
/*
 * Reading kept calls; see slow.h, struct spy_slow_event and struct spy_worst.
 */
#include "ctl/slow.h"

#include "ctl/format.h"
#include "ctl/image.h"
#include "ctl/model.h"
#include "shared/endpoint.h"

#include <stdlib.h>
#include <string.h>

/* Copies an event between two equal, even readings of its number (pairs with the release stores in
 * the library's record/slow.c). */
static bool copy_event(struct spy_slow_event *copy, const struct spy_slow_event *event)
{
    uint64_t before = atomic_load_explicit(&event->seq, memory_order_acquire);
    if (before == 0 || before % 2 != 0)
        return false;
    memcpy(copy, event, sizeof(*copy));
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&event->seq, memory_order_relaxed) == before;
}

static struct ctl_server server_of(const struct spy_region *region, uint32_t row)
{
    struct ctl_server server = {0};
    const struct spy_endpoint *e = spy_endpoint_at(region, row);
    if (e == NULL)
        return server;
    ctl_format_clean(server.host, sizeof(server.host), e->host, sizeof(e->host));
    ctl_format_clean(server.port, sizeof(server.port), e->port, sizeof(e->port));
    ctl_format_clean(server.database, sizeof(server.database), e->database, sizeof(e->database));
    ctl_format_clean(server.user, sizeof(server.user), e->user, sizeof(e->user));
    return server;
}

static const struct spy_op *ready_op(const struct spy_region *region, uint32_t op)
{
    const struct spy_op *row = op < spy_region_ops(region) ? spy_region_op(region, op) : NULL;
    if (row == NULL || row->kind >= SPY_KIND_COUNT ||
        atomic_load_explicit(&row->state, memory_order_acquire) != SPY_OP_READY)
        return NULL;
    return row;
}

static void add_call(struct ctl_slow *slow, const struct ctl_process *process,
                     const struct spy_region *region, const struct spy_slow_event *event)
{
    const struct spy_op *op = spy_region_op(region, event->sample.op);
    const struct spy_op *request = ready_op(region, event->sample.request_op - 1);
    slow->call = ctl_grow(slow->call, slow->count + 1, sizeof(*slow->call));
    struct ctl_slow_call *call = &slow->call[slow->count++];
    *call = (struct ctl_slow_call){
        .kind = op->kind,
        .level = spy_level_of(event->sample.dur_ns, region->level_bounds_ns),
        .end_ns = ctl_real_ns(region, event->sample.end_ns),
        .pid = process->proc.pid,
        .tid = event->tid,
        .sample = event->sample,
        .server = server_of(region, event->sample.endpoint),
    };
    ctl_format_clean(call->operation, sizeof(call->operation), op->name, sizeof(op->name));
    ctl_format_clean(call->detail, sizeof(call->detail), event->detail, sizeof(event->detail));
    if (request != NULL)
        ctl_format_clean(call->request, sizeof(call->request), request->name,
                         sizeof(request->name));
}

/* One region's events on their way into SLOW. */
struct adding {
    struct ctl_slow *slow;
    const struct ctl_process *process;
    const struct spy_region *region;
    uint64_t since_ns;
    size_t first; /* of the region's calls in SLOW */
};

/* A call may be kept as one of the worst and as one of the newest. A thread ends one call at one
 * time. */
static bool is_there(const struct adding *a, const struct spy_slow_event *event)
{
    for (size_t i = a->first; i < a->slow->count; i++) {
        const struct ctl_slow_call *call = &a->slow->call[i];
        if (call->sample.end_ns == event->sample.end_ns && call->tid == event->tid &&
            call->sample.op == event->sample.op && call->sample.dur_ns == event->sample.dur_ns)
            return true;
    }
    return false;
}

static void add_events(const struct adding *a, const struct spy_slow_event *events, uint32_t count,
                       bool once)
{
    for (uint32_t i = 0; i < count; i++) {
        struct spy_slow_event event;
        if (!copy_event(&event, &events[i]) || ready_op(a->region, event.sample.op) == NULL ||
            spy_region_is_before(a->region, event.sample.end_ns) ||
            ctl_real_ns(a->region, event.sample.end_ns) < a->since_ns)
            continue;
        if (!once || !is_there(a, &event))
            add_call(a->slow, a->process, a->region, &event);
    }
}

void ctl_slow_add(struct ctl_slow *slow, const struct ctl_process *process,
                  const struct spy_region *region, uint64_t since_ns, bool worst_only)
{
    const struct adding a = {slow, process, region, since_ns, slow->count};
    slow->dropped += ctl_slow_dropped(region);
    if (!worst_only) {
        add_events(&a, spy_region_section(region, SPY_SECTION_SLOW), SPY_SLOW_EVENTS, false);
        add_events(&a, spy_region_section(region, SPY_SECTION_FAILED), SPY_FAILED_EVENTS, false);
    }
    for (uint32_t op = 0; op < spy_region_ops(region); op++) {
        const struct spy_op *row = ready_op(region, op);
        const struct spy_worst *worst = row != NULL ? spy_region_worst(region, row) : NULL;
        for (uint32_t i = 0; worst != NULL && i < SPY_WORST_SETS; i++)
            add_events(&a, worst->set[i].event, SPY_WORST_CALLS, true);
    }
}

bool ctl_slow_load(struct ctl_slow *slow, const struct ctl_source *source,
                   const struct ctl_run *run)
{
    uint64_t last = run->args->last_ns;
    uint64_t since = last > 0 && last < run->now_real_ns ? run->now_real_ns - last : 0;
    bool any = false;
    for (size_t i = 0; i < source->count; i++) {
        struct spy_region *region = ctl_source_load(&source->process[i], run->err);
        if (region == NULL)
            continue;
        any = true;
        ctl_slow_add(slow, &source->process[i], region, since, run->args->worst);
        ctl_image_free(region);
    }
    return any;
}

static int by_time(const void *a, const void *b)
{
    const struct ctl_slow_call *x = a, *y = b;
    return (x->end_ns < y->end_ns) - (x->end_ns > y->end_ns);
}

static int by_duration(const void *a, const void *b)
{
    const struct ctl_slow_call *x = a, *y = b;
    if (x->sample.dur_ns == y->sample.dur_ns)
        return by_time(a, b);
    return x->sample.dur_ns < y->sample.dur_ns ? 1 : -1;
}

void ctl_slow_sort(struct ctl_slow *slow, enum ctl_sort sort)
{
    if (slow->count > 0)
        qsort(slow->call, slow->count, sizeof(*slow->call),
              sort == CTL_SORT_TIME ? by_time : by_duration);
}

void ctl_slow_free(struct ctl_slow *slow)
{
    free(slow->call);
}

const char *ctl_slow_code(char out[CTL_SLOW_CODE_BYTES], const struct ctl_slow_call *call)
{
    if (call->sample.code == 0)
        return strcpy(out, "");
    if (call->kind == SPY_KIND_SQL)
        spy_sqlstate_unpack(call->sample.code, out);
    else
        snprintf(out, CTL_SLOW_CODE_BYTES, "%u", call->sample.code);
    return out;
}

uint64_t ctl_slow_tail_ns(const struct spy_sample *sample)
{
    return sample->dur_ns > sample->wait_ns ? sample->dur_ns - sample->wait_ns : 0;
}
