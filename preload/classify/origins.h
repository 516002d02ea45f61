/* SPDX-License-Identifier: MIT */
/*
 * Origins: which operations of requests the sqlcommenter tags of a statement name (keys of the
 * specification: google.github.io/sqlcommenter/spec). For attribution, where threads do not tell.
 *
 * - `action`, `controller`, `route`, or controller and action with a dot between them, is the name
 *   that a rule gives to an operation of requests: that one. Two that name different ones: none.
 * - else `route` is the path pattern of the operation, in a rule or as the templated path of one
 *   that no rule names. Frameworks write patterns in their own ways: compared is their shape, in
 *   which every segment that is not literal is alike ({id}, <int:id>, :id, (?P<id>[0-9]+), *), and
 *   a method before it, anchors, and slashes at both ends do not count. A literal segment that
 *   looks like an identifier (template.h) is alike, too, so that a raw path names what a pattern
 *   does.
 *
 * A shape may be that of several operations (GET and DELETE), and of more as they come: a route
 * has no method. To take too many of them for one origin is safe: whoever asks for the only request
 * of all these gets none sooner, never a wrong one, since the request that the statement belongs to
 * is one of them.
 *
 * Any thread; no lock, no allocation after spy_origins_open(), no system call.
 */
#ifndef SPY_CLASSIFY_ORIGINS_H
#define SPY_CLASSIFY_ORIGINS_H

#include "classify/classify.h"
#include "classify/intern.h"
#include "classify/optable.h"
#include "shared/sql.h"

/* Different origins: routes of a program, a table that raw paths may fill. */
#define SPY_ORIGINS_MAX 1024u

struct spy_origin {
    uint64_t shape; /* hash of the route's; 0: the operation was named, and is the only one */
    _Atomic uint32_t learnt; /* operations of requests that there were when `op` was filled */
    _Atomic uint32_t many;   /* 1: there are more than find room */
    _Atomic uint32_t op[SPY_ORIGIN_OPS]; /* those known, one after the other; 0: no more */
};

struct spy_origins {
    const struct spy_rules *rules;
    const struct spy_optable *ops;
    _Atomic uint32_t used;
    struct spy_intern intern;
    struct spy_origin *row;
};

/* RULES and OPS must outlive it. False when out of memory. */
bool spy_origins_open(struct spy_origins *origins, const struct spy_rules *rules,
                      const struct spy_optable *ops);
void spy_origins_close(struct spy_origins *origins);

/* The origin that COMMENT names; 0 where it names none, or (counted) there is no room. */
uint32_t spy_origins_find(struct spy_origins *origins, const struct spy_sql_tags *comment);

/* The operations of ORIGIN: writes them to OP and returns how many; 0 where there is none yet, or
 * there are more than SPY_ORIGIN_OPS. */
uint32_t spy_origins_ops(struct spy_origins *origins, uint32_t origin, uint32_t op[SPY_ORIGIN_OPS]);

/* The shape of PATH, which begins anyhow: see above. Never 0. */
uint64_t spy_origins_shape(const char *path, size_t len);

#endif
