/* SPDX-License-Identifier: MIT */
/*
 * Which tables of a region are full, and what has been lost by that. See doctor.h.
 */
#include "ctl/doctor.h"
#include "ctl/format.h"
#include "ctl/occupancy.h"

#define NEARLY_FULL 80u /* percent */
#define NOT_COUNTED SPY_SELF_COUNT

static const char names[] = "write rules that bring many statements or paths under one name";

/* A table that rules can empty, what counts what it could not take, and what helps. */
struct table {
    enum ctl_table_id id;
    uint32_t counter; /* NOT_COUNTED: nothing does */
    const char *what;
    const char *remedy;
};

static const struct table tables[] = {
    {CTL_TABLE_operations, SPY_SELF_OPS_FULL, "operations", names},
    {CTL_TABLE_texts, SPY_SELF_TEXT_FULL, "statement texts", names},
    {CTL_TABLE_held, SPY_SELF_HELD_FULL, "connections within a sequence",
     "use fewer connections, or no sequences"},
    {CTL_TABLE_requests, SPY_SELF_OPEN_FULL, "requests under way",
     "see what they wait for: \"" CTL_NAME " inflight\""},
    {CTL_TABLE_connections, SPY_SELF_OPEN_FULL, "libpq connections",
     "close connections that are no longer used"},
    {CTL_TABLE_repeats, SPY_SELF_REPEATS_FULL, "repeated statements",
     "see \"" CTL_NAME " requests\"; \"" CTL_NAME " reset\" does not empty it"},
    {CTL_TABLE_endpoints, SPY_SELF_ENDPOINTS_FULL, "servers, databases and users",
     "nothing: further ones are not named"},
};

static uint64_t lost(const struct spy_region *region, uint32_t counter)
{
    return counter < SPY_SELF_COUNT
               ? atomic_load_explicit(&region->self[counter], memory_order_relaxed)
               : 0;
}

/* What is full already and has cost something is told by that. */
static void look_at_table(struct ctl_findings *f, const struct spy_region *region,
                          const struct table *table, const struct ctl_occupancy *o)
{
    char used[CTL_NUMBER_BYTES], size[CTL_NUMBER_BYTES];
    uint64_t n = o->used[table->id], room = o->size[table->id];
    bool bytes = table->id == CTL_TABLE_texts || table->id == CTL_TABLE_arena;
    char *(*format)(char *, uint64_t) = bytes ? ctl_format_bytes : ctl_format_count;
    if (room == 0 || n * 100 / room < NEARLY_FULL || lost(region, table->counter) > 0)
        return;
    ctl_find(f, CTL_WARNING, table->remedy, "the table of %s is %s (%s of %s)", table->what,
             n >= room ? "full" : "nearly full", format(used, n), format(size, room));
}

/* A cap may leave less to counters than they have without it: only then does a larger one help. */
static const char *remedy_of_arena(const struct spy_region *region, char *out, size_t cap)
{
    char size[CTL_NUMBER_BYTES], most[CTL_NUMBER_BYTES];
    if (region->arena_bytes >= SPY_ARENA_BYTES)
        return names;
    snprintf(out, cap,
             "raise PERFSPY_REGION_SIZE and restart it: it leaves %s to counters, of %s that they "
             "have without it; or %s",
             ctl_format_bytes(size, region->arena_bytes), ctl_format_bytes(most, SPY_ARENA_BYTES),
             names);
    return out;
}

/* What helps against a self counter that is not 0. */
static const char *remedy_of(uint32_t counter, const char *arena)
{
    static const char other[] = "nothing but less of it: what is counted stays right";
    const char *const remedies[SPY_SELF_COUNT] = {
        [SPY_SELF_OPS_FULL] = names,
        [SPY_SELF_ARENA_FULL] = arena,
        [SPY_SELF_PARTS_FULL] = arena,
        [SPY_SELF_TEXT_FULL] = names,
        [SPY_SELF_ORIGINS_FULL] = "leave tags that differ from call to call out of its comments",
        [SPY_SELF_SHARED_SHARD] = "nothing: they are counted, only slower",
        [SPY_SELF_PREPARED_UNKNOWN] = "name them by \"prepared:\" rules",
        [SPY_SELF_LOG_DROPPED] = "raise PERFSPY_LOG_LEVEL, or see whether the log can be written",
        [SPY_SELF_STORAGE_DENIED] = "make room on the file system of PERFSPY_DIR",
        [SPY_SELF_FD_TOO_HIGH] = "lower the program's limit on descriptors",
        [SPY_SELF_STREAMS_FULL] = "close connections that are no longer used",
        [SPY_SELF_STREAMS_LOST] = "nothing, where something else than HTTP/1 is spoken there",
        [SPY_SELF_FLIGHTS_FULL] = "queue fewer statements in a pipeline before fetching results",
        [SPY_SELF_OPEN_FULL] = "see what they wait for: \"" CTL_NAME " inflight\"",
        [SPY_SELF_REPEATS_FULL] = "see \"" CTL_NAME " requests\", and mend those first",
        [SPY_SELF_ENDPOINTS_FULL] = "nothing: further ones are not named",
        [SPY_SELF_HELD_FULL] = "use fewer connections, or no sequences",
    };
    return remedies[counter] != NULL ? remedies[counter] : other;
}

static void look_at_losses(struct ctl_findings *f, const struct spy_region *region,
                           const char *arena)
{
    for (uint32_t i = 0; i < SPY_SELF_COUNT; i++) {
        char count[CTL_NUMBER_BYTES];
        uint64_t n = lost(region, i);
        if (n > 0)
            ctl_find(f, i == SPY_SELF_SHARED_SHARD ? CTL_NOTE : CTL_WARNING, remedy_of(i, arena),
                     "%s %s", ctl_format_count(count, n), spy_self_text(i));
    }
}

/* Rings are always full, and shards are meant to be; the others are not. */
void ctl_doctor_tables(struct ctl_findings *f, const struct spy_region *region)
{
    char text[256];
    struct ctl_occupancy o;
    ctl_occupancy_read(&o, region);
    const char *remedy = remedy_of_arena(region, text, sizeof(text));
    const struct table arena = {CTL_TABLE_arena, SPY_SELF_ARENA_FULL, "counters", remedy};
    look_at_table(f, region, &arena, &o);
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        look_at_table(f, region, &tables[i], &o);
    look_at_losses(f, region, remedy);
}
