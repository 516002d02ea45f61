/* SPDX-License-Identifier: MIT */
/*
 * `stats --self`: what perfspy itself costs each process.
 */
#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/image.h"
#include "ctl/json.h"
#include "ctl/model.h"
#include "ctl/occupancy.h"
#include "ctl/self.h"
#include "ctl/view.h"

/* One process; the model is of it alone. */
struct seen {
    const struct ctl_member *member;
    struct ctl_self self;
    struct ctl_occupancy occupancy;
};

/* ---- for people ----------------------------------------------------------------------------- */

static void print_side(const struct ctl_run *run, const char *label, const char *unit,
                       const struct ctl_self_side *side)
{
    char call[CTL_NUMBER_BYTES], calls[CTL_NUMBER_BYTES], n[CTL_NUMBER_BYTES];
    if (side->samples + side->cut == 0)
        return;
    ctl_view_label(run, label);
    fprintf(run->out, "%s a %s, by %s samples of about %s\n",
            ctl_format_duration(call, (double)side->call_ns), unit,
            ctl_format_count(n, side->samples), ctl_format_count(calls, side->calls));
    if (side->cut > 0) {
        ctl_view_label(run, "");
        fprintf(run->out,
                "%s more took over %s: the thread lost the processor, or had a long new "
                "text to read\n",
                ctl_format_count(n, side->cut), ctl_format_limit(call, SPY_COST_CUT_NS));
    }
}

static void print_sums(const struct ctl_run *run, const struct ctl_self *self)
{
    char time[CTL_NUMBER_BYTES], of[CTL_NUMBER_BYTES], share[CTL_NUMBER_BYTES];
    ctl_view_label(run, "calls");
    fprintf(run->out, "about %s in all\n", ctl_format_duration(time, (double)self->calls_ns));
    if (!self->noted)
        return;
    ctl_view_label(run, "helper");
    fprintf(run->out, "%s\n", ctl_format_duration(time, (double)self->helper_ns));
    ctl_view_label(run, "share");
    fprintf(run->out, "about %s of the process' CPU time (%s), %s of a processor\n",
            ctl_format_percent(share, ctl_self_share(self), 1),
            ctl_format_duration(time, (double)self->process_ns),
            ctl_format_percent(of, ctl_self_processor(self), 1));
}

static void print_limit(const struct ctl_run *run, const struct ctl_self *self)
{
    char text[CTL_NUMBER_BYTES], note[CTL_SELF_NOTE_BYTES];
    ctl_view_label(run, "limit");
    fputs(self->limit_ppm > 0 ? ctl_format_percent(text, self->limit_ppm, 1e6) : "off", run->out);
    if (self->backoffs > 0)
        fprintf(run->out, "; backed off %s time%s", ctl_format_count(text, self->backoffs),
                self->backoffs == 1 ? "" : "s");
    fputc('\n', run->out);
    if (self->backoff == SPY_BACKOFF_NONE)
        return;
    ctl_view_label(run, "");
    fprintf(run->out, "%s\n", ctl_self_backoff(self, note));
}

static void print_losses(const struct ctl_run *run, const struct ctl_member *m)
{
    char count[CTL_NUMBER_BYTES];
    const char *label = "lost";
    for (uint32_t i = 0; i < SPY_SELF_COUNT; i++) {
        if (m->self[i] == 0)
            continue;
        ctl_view_label(run, label);
        fprintf(run->out, "%s %s\n", ctl_format_count(count, m->self[i]), spy_self_text(i));
        label = "";
    }
}

static void print(const struct ctl_run *run, const struct seen *s)
{
    static const char *const clocks[] = {"not known", "the vDSO's", "the processor's counter"};
    char used[CTL_NUMBER_BYTES], size[CTL_NUMBER_BYTES];
    fprintf(run->out, "%d %s (%s)\n", s->member->pid, s->member->exe,
            ctl_state_name(s->member->state));
    print_side(run, "queries", "call of libpq", &s->self.side[SPY_KIND_SQL]);
    print_side(run, "requests", "socket call", &s->self.side[SPY_KIND_HTTP]);
    print_sums(run, &s->self);
    print_limit(run, &s->self);
    ctl_view_label(run, "clock");
    fprintf(run->out, "%s\n", clocks[s->self.clock]);
    ctl_view_label(run, "region");
    fprintf(run->out, "%s of %s\n", ctl_format_bytes(used, s->occupancy.used[CTL_TABLE_region]),
            ctl_format_bytes(size, s->occupancy.size[CTL_TABLE_region]));
    print_losses(run, s->member);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *seen_json(const struct seen *s)
{
    json_t *o = json_object(), *region = json_object();
    ctl_json_set(o, "pid", json_integer(s->member->pid));
    ctl_json_set(o, "exe", json_string(s->member->exe));
    ctl_json_set(o, "state", json_string(ctl_state_name(s->member->state)));
    ctl_json_set(o, "cost", ctl_self_json(&s->self));
    ctl_json_set(region, "used", ctl_json_count(s->occupancy.used[CTL_TABLE_region]));
    ctl_json_set(region, "size", ctl_json_count(s->occupancy.size[CTL_TABLE_region]));
    ctl_json_set(o, "region_bytes", region);
    ctl_json_set(o, "self", ctl_self_counters_json(s->member->self));
    return o;
}

/* ---- the command ---------------------------------------------------------------------------- */

/* False: it cannot be read. */
static bool show(const struct ctl_process *process, const struct ctl_run *run, json_t *array)
{
    struct ctl_model model;
    struct seen seen;
    struct spy_region *region = ctl_source_load(process, run->err);
    if (region == NULL)
        return false;
    ctl_model_init(&model, 0);
    ctl_model_add(&model, process, region, run);
    seen.member = &model.member[0];
    ctl_self_read(&seen.self, region);
    ctl_occupancy_read(&seen.occupancy, region);
    if (run->args->json)
        ctl_json_append(array, seen_json(&seen));
    else
        print(run, &seen);
    ctl_model_free(&model);
    ctl_image_free(region);
    return true;
}

enum ctl_exit ctl_self_answer(const struct ctl_run *run)
{
    struct ctl_source source;
    if (run->args->operands > 0 || run->args->last_ns != 0) {
        ctl_say(run->err, "--self tells of whole processes: it goes with no OPERATION, nor --last");
        return CTL_USAGE;
    }
    enum ctl_exit result = ctl_source_open(&source, run, CTL_WANT_TOTALS);
    if (result != CTL_OK)
        return result;
    json_t *array = json_array();
    size_t shown = 0;
    for (size_t i = 0; i < source.count; i++)
        shown += show(&source.process[i], run, array);
    if (run->args->json) {
        json_t *o = json_object();
        ctl_json_set(o, "version", json_integer(1));
        ctl_json_set(o, "processes", json_incref(array));
        ctl_json_print(run, o);
    }
    json_decref(array);
    ctl_source_free(&source);
    return shown > 0 ? CTL_OK : CTL_NOTHING;
}
