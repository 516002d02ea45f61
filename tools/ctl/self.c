/* SPDX-License-Identifier: MIT */
/*
 * Reading what perfspy costs; see self.h. The region may be written meanwhile: the numbers of one
 * side may be of moments a few samples apart.
 */
#include "ctl/self.h"

#include "ctl/format.h"
#include "ctl/model.h"

#define LOAD(field) atomic_load_explicit(&(field), memory_order_relaxed)

static const char *const states[] = {"none", "captures", "detail"};
static const char *const clocks[] = {NULL, "vdso", "counter"};

static uint32_t at_most(uint32_t value, uint32_t most)
{
    return value < most ? value : most;
}

void ctl_self_read(struct ctl_self *self, const struct spy_region *region)
{
    const struct spy_cost *cost = &region->cost;
    uint64_t noted_ns = LOAD(cost->noted_ns), changed_ns = LOAD(cost->changed_ns);
    *self = (struct ctl_self){
        .calls_ns = spy_cost_calls_ns(cost),
        .noted = noted_ns > region->epoch_mono_ns && LOAD(cost->process_ns) > 0,
        .noted_calls_ns = LOAD(cost->calls_ns),
        .helper_ns = LOAD(cost->helper_ns),
        .process_ns = LOAD(cost->process_ns),
        .wall_ns = noted_ns > region->epoch_mono_ns ? noted_ns - region->epoch_mono_ns : 0,
        .limit_ppm = cost->limit_ppm,
        .backoff = at_most(LOAD(cost->backoff), SPY_BACKOFF_DETAIL),
        .backoffs = LOAD(cost->backoffs),
        .changed_ns = changed_ns != 0 ? ctl_real_ns(region, changed_ns) : 0,
        .clock = at_most(LOAD(cost->clock), SPY_COST_CLOCK_COUNTER),
    };
    for (uint32_t kind = 0; kind < SPY_KIND_COUNT; kind++)
        self->side[kind] = (struct ctl_self_side){
            .samples = LOAD(cost->side[kind].samples),
            .cut = LOAD(cost->side[kind].cut),
            .calls = spy_cost_calls(&cost->side[kind]),
            .call_ns = spy_cost_call_ns(&cost->side[kind]),
        };
}

static double part(const struct ctl_self *self, uint64_t whole_ns)
{
    if (!self->noted || whole_ns == 0)
        return -1;
    return (double)(self->noted_calls_ns + self->helper_ns) / (double)whole_ns;
}

double ctl_self_share(const struct ctl_self *self)
{
    return part(self, self->process_ns);
}

double ctl_self_processor(const struct ctl_self *self)
{
    return part(self, self->wall_ns);
}

char *ctl_self_backoff(const struct ctl_self *self, char out[CTL_SELF_NOTE_BYTES])
{
    char since[CTL_NUMBER_BYTES], limit[CTL_NUMBER_BYTES];
    snprintf(out, CTL_SELF_NOTE_BYTES,
             "backed off since %s: perfspy took more than %s of the CPU time (PERFSPY_COST_LIMIT); "
             "left out: %s",
             ctl_format_utc(since, self->changed_ns),
             ctl_format_percent(limit, self->limit_ppm, 1e6), spy_backoff_text(self->backoff));
    return out;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *side_json(const struct ctl_self_side *side)
{
    json_t *o = json_object();
    ctl_json_set(o, "call_ms",
                 side->samples > 0 ? ctl_json_ms((double)side->call_ns) : json_null());
    ctl_json_set(o, "samples", ctl_json_count(side->samples));
    ctl_json_set(o, "cut", ctl_json_count(side->cut));
    ctl_json_set(o, "estimated_calls", ctl_json_count(side->calls));
    return o;
}

static json_t *backoff_json(const struct ctl_self *self)
{
    json_t *o = json_object();
    bool is = self->backoff != SPY_BACKOFF_NONE;
    ctl_json_set(o, "state", json_string(states[self->backoff]));
    ctl_json_set(o, "since", is ? ctl_json_utc(self->changed_ns) : json_null());
    ctl_json_set(o, "left_out", is ? json_string(spy_backoff_text(self->backoff)) : json_null());
    ctl_json_set(o, "times", ctl_json_count(self->backoffs));
    return o;
}

static json_t *share_json(double share)
{
    return share >= 0 ? json_real(share) : json_null();
}

json_t *ctl_self_json(const struct ctl_self *self)
{
    json_t *o = json_object();
    const char *clock = clocks[self->clock];
    ctl_json_set(o, "queries", side_json(&self->side[SPY_KIND_SQL]));
    ctl_json_set(o, "requests", side_json(&self->side[SPY_KIND_HTTP]));
    ctl_json_set(o, "estimated_calls_ms", ctl_json_ms((double)self->calls_ns));
    ctl_json_set(o, "helper_ms", self->noted ? ctl_json_ms((double)self->helper_ns) : json_null());
    ctl_json_set(o, "process_cpu_ms",
                 self->noted ? ctl_json_ms((double)self->process_ns) : json_null());
    ctl_json_set(o, "cpu_share", share_json(ctl_self_share(self)));
    ctl_json_set(o, "processor_share", share_json(ctl_self_processor(self)));
    ctl_json_set(o, "limit_share",
                 self->limit_ppm > 0 ? json_real(self->limit_ppm / 1e6) : json_null());
    ctl_json_set(o, "backoff", backoff_json(self));
    ctl_json_set(o, "clock", clock != NULL ? json_string(clock) : json_null());
    return o;
}

json_t *ctl_self_counters_json(const uint64_t self[SPY_SELF_COUNT])
{
#define X(id, text) #id,
    static const char *const names[] = {SPY_SELF_COUNTERS(X)};
#undef X
    json_t *o = json_object();
    for (uint32_t i = 0; i < SPY_SELF_COUNT; i++) {
        char key[64];
        size_t n = 0;
        for (; names[i][n] != '\0' && n + 1 < sizeof(key); n++)
            key[n] =
                names[i][n] >= 'A' && names[i][n] <= 'Z' ? (char)(names[i][n] + 32) : names[i][n];
        key[n] = '\0';
        ctl_json_set(o, key, ctl_json_count(self[i]));
    }
    return o;
}
