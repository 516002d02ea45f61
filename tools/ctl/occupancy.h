/* SPDX-License-Identifier: MIT */
/*
 * How full the tables of a region are: each is a bound of memory.
 */
#ifndef CTL_OCCUPANCY_H
#define CTL_OCCUPANCY_H

#include "ctl/json.h"
#include "shared/region.h"

/* One row: identifier, as in JSON; whether it is counted in bytes; what is in it, for a person. */
#define CTL_TABLES(X)                                     \
    X(region, true, "its storage, on a disk all at once") \
    X(operations, false, "operations")                    \
    X(shards, false, "shards of counters, one a thread")  \
    X(arena, true, "counters and histograms")             \
    X(texts, true, "statements' texts")                   \
    X(slow, false, "newest slow calls")                   \
    X(failed, false, "newest failed calls")               \
    X(held, false, "connections within a sequence")       \
    X(requests, false, "requests under way")              \
    X(connections, false, "libpq connections")            \
    X(repeats, false, "repeated statements")              \
    X(endpoints, false, "servers, databases and users")   \
    X(history, true, "history")

enum ctl_table_id {
#define X(id, bytes, text) CTL_TABLE_##id,
    CTL_TABLES(X)
#undef X
        CTL_TABLE_COUNT
};

struct ctl_occupancy {
    uint64_t used[CTL_TABLE_COUNT]; /* never more than the size */
    uint64_t size[CTL_TABLE_COUNT];
};

void ctl_occupancy_read(struct ctl_occupancy *out, const struct spy_region *region);

/* Name of table ID, as in JSON. */
const char *ctl_occupancy_name(enum ctl_table_id id);

/* A line a table. */
void ctl_occupancy_print(const struct ctl_occupancy *occupancy, FILE *out);

/* An object of objects: {"arena": {"used": 1, "size": 2}, ...}. */
json_t *ctl_occupancy_json(const struct ctl_occupancy *occupancy);

#endif
