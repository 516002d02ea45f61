/* SPDX-License-Identifier: MIT */
/*
 * What perfspy costs a process: time, as the region has it, and memory, as the kernel has it. See
 * doctor.h.
 */
#include "ctl/doctor.h"
#include "ctl/format.h"
#include "ctl/self.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PAGES       512u                /* of which pagemap is read at a time */
#define WALL_MIN_NS 500000000u          /* sooner a share is that of the start */
#define PRESENT     (UINT64_C(1) << 63) /* Documentation/admin-guide/mm/pagemap.rst */

/* ---- time ----------------------------------------------------------------------------------- */

/* ", 340 ns a call of libpq"; nothing where no call was timed. */
static void add_call(char *out, size_t cap, const struct ctl_self_side *side, const char *what)
{
    char time[CTL_NUMBER_BYTES];
    size_t used = strlen(out);
    if (side->samples > 0)
        snprintf(out + used, cap - used, ", %s %s",
                 ctl_format_duration(time, (double)side->call_ns), what);
}

/* Of a process that does next to nothing any part is large: so its share is told beside what it is
 * the share of, and what it is of a processor. */
static void look_at_time(struct ctl_findings *f, const struct ctl_self *self)
{
    char calls[2 * CTL_NUMBER_BYTES + 32] = "", share[CTL_NUMBER_BYTES], whole[CTL_NUMBER_BYTES];
    char part[CTL_NUMBER_BYTES], processor[CTL_NUMBER_BYTES];
    add_call(calls, sizeof(calls), &self->side[SPY_KIND_SQL], "a call of libpq");
    add_call(calls, sizeof(calls), &self->side[SPY_KIND_HTTP], "a socket call");
    if (ctl_self_share(self) >= 0 && self->wall_ns >= WALL_MIN_NS)
        ctl_find(f, CTL_NOTE, "",
                 "perfspy takes %s of the process' CPU time (%s of %s), %s of a processor%s",
                 ctl_format_percent(share, ctl_self_share(self), 1),
                 ctl_format_duration(part, (double)(self->noted_calls_ns + self->helper_ns)),
                 ctl_format_duration(whole, (double)self->process_ns),
                 ctl_format_percent(processor, ctl_self_processor(self), 1), calls);
    else if (calls[0] != '\0')
        ctl_find(f, CTL_NOTE, "", "perfspy takes about %s", calls + 2);
}

/* ---- memory --------------------------------------------------------------------------------- */

/* Bytes of RANGE that the process has in memory. */
static uint64_t resident(int pagemap, const struct ctl_own *range)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t entries[PAGES], bytes = 0;
    for (uint64_t at = range->begin / page; at < range->end / page;) {
        uint64_t left = range->end / page - at;
        size_t want = (left < PAGES ? left : PAGES) * sizeof(entries[0]);
        ssize_t got = pread(pagemap, entries, want, (off_t)(at * sizeof(entries[0])));
        if (got < (ssize_t)sizeof(entries[0]))
            break;
        size_t n = (size_t)got / sizeof(entries[0]);
        for (size_t i = 0; i < n; i++)
            bytes += (entries[i] & PRESENT) != 0 ? page : 0;
        at += n;
    }
    return bytes;
}

static void look_at_memory(struct ctl_findings *f, const struct spy_region *region,
                           const struct ctl_facts *facts)
{
    char path[64], used[CTL_NUMBER_BYTES], size[CTL_NUMBER_BYTES], library[CTL_NUMBER_BYTES];
    uint64_t bytes[2] = {0};
    snprintf(path, sizeof(path), "/proc/%d/pagemap", f->pid);
    int pagemap = open(path, O_RDONLY | O_CLOEXEC);
    if (pagemap < 0)
        return;
    for (unsigned i = 0; i < facts->owns; i++) {
        const struct ctl_own *own = &facts->own[i];
        if (!own->region || own->end - own->begin == region->total_bytes)
            bytes[own->region] += resident(pagemap, own);
    }
    close(pagemap);
    ctl_find(f, CTL_NOTE, "",
             "perfspy has in memory: %s of its region, which has %s at most (PERFSPY_REGION_SIZE), "
             "and %s of libperfspy.so; besides tables that no setting caps, touched as they are "
             "used: up to 15 MB if it accepts connections, 5 MB if it uses libpq",
             ctl_format_bytes(used, bytes[true]), ctl_format_bytes(size, region->total_bytes),
             ctl_format_bytes(library, bytes[false]));
}

void ctl_doctor_cost(struct ctl_findings *f, const struct spy_region *region,
                     const struct ctl_facts *facts)
{
    struct ctl_self self;
    char note[CTL_SELF_NOTE_BYTES];
    ctl_self_read(&self, region);
    if (self.backoff != SPY_BACKOFF_NONE)
        ctl_find(f, CTL_WARNING, "raise PERFSPY_COST_LIMIT, if the process can bear it", "%s",
                 ctl_self_backoff(&self, note));
    look_at_time(f, &self);
    if (facts != NULL)
        look_at_memory(f, region, facts);
}
