/* SPDX-License-Identifier: MIT */
/*
 * Inside of the rules parser: a walk over libyaml's events, and what its files ask of each other.
 *
 * Convention: a reader is called with the walk standing on the first event of a value and leaves
 * it on the value's last event. Every function that can fail returns false, after spy_walk_fail()
 * has kept the place and the message; the first failure ends the walk, so there is only one.
 *
 * libyaml asserts what its callers promise: a parser that was initialised, one input that is not
 * NULL, no use after deletion. spy_walk_open() and spy_walk_close() are the only ones to promise.
 *
 * Threads: a walk belongs to one thread. Cold path; allocates with malloc.
 */
#ifndef SPY_SHARED_RULES_INTERNAL_H
#define SPY_SHARED_RULES_INTERNAL_H

#include "shared/rules.h"

#include <yaml.h>

struct spy_mark {
    uint32_t line; /* 1-based, both */
    uint32_t column;
};

/* What was said before, to find duplicates: a set of texts, each with the line that said it. */
struct spy_claim {
    char *text;
    uint32_t line;
};

struct spy_claims {
    struct spy_claim *slot; /* SPY_CLAIM_SLOTS */
};

/* Room for every name and every HTTP pattern of the largest file, at a load of about a half. */
#define SPY_CLAIM_SLOTS 16384u
_Static_assert(SPY_RULES_OPERATIONS *(1 + SPY_RULES_ROUTES) < SPY_CLAIM_SLOTS / 4 * 3,
               "claims would crowd");

struct spy_rules_walk {
    yaml_parser_t parser;
    yaml_event_t event; /* current; YAML_NO_EVENT before the first */
    struct spy_rules *rules;
    uint32_t capacity; /* of rules->rule */
    struct spy_claims claims;
    struct spy_error *err; /* may be NULL */
    enum spy_status status;
    struct spy_mark sample_at; /* the last `sample` that was read */
};

/* --- rules_yaml.c: the walk -------------------------------------------------------------- */

/* Begins at the start of TEXT, which must outlive the walk. False when out of memory; close it
 * in either case. */
bool spy_walk_open(struct spy_rules_walk *walk, const char *text, size_t len,
                   struct spy_error *err);
void spy_walk_close(struct spy_rules_walk *walk);

/* On to the next event. Refuses what the grammar never has: anchors, aliases, tags. */
bool spy_walk_next(struct spy_rules_walk *walk);

/* Where the current event begins. */
struct spy_mark spy_walk_mark(const struct spy_rules_walk *walk);

/* Keeps the failure. Always false. */
bool spy_walk_fail(struct spy_rules_walk *walk, enum spy_status status, struct spy_mark at,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));
bool spy_walk_nomem(struct spy_rules_walk *walk);

/* The current event's text, not empty, shorter than CAP, without NUL bytes; good until the next
 * event. WHAT names it in messages. */
bool spy_walk_text(struct spy_rules_walk *walk, const char *what, size_t cap, const char **text);

/* The same, copied; *COPY is the caller's. */
bool spy_walk_copy(struct spy_rules_walk *walk, const char *what, size_t cap, char **copy);

/* A mapping with keys of any name: EACH is called for every pair, standing on its value. KEY is
 * good during the call, AT is where the key stands. */
typedef bool spy_pair_reader(struct spy_rules_walk *walk, const char *key, struct spy_mark at,
                             void *target);
bool spy_walk_mapping(struct spy_rules_walk *walk, const char *what, spy_pair_reader *each,
                      void *target);

/* A list of at most MAX items, at least one unless EMPTY_IS_FINE. */
typedef bool spy_value_reader(struct spy_rules_walk *walk, void *target);
bool spy_walk_list(struct spy_rules_walk *walk, const char *what, uint32_t max, bool empty_is_fine,
                   spy_value_reader *each, void *target);

/* One value, or a list of them. */
bool spy_walk_one_or_list(struct spy_rules_walk *walk, const char *what, uint32_t max,
                          spy_value_reader *each, void *target);

/* TEXT for a message: at most some 60 bytes, control characters replaced. Returns BUFFER. */
#define SPY_QUOTE_BYTES 64u
const char *spy_quote(char buffer[SPY_QUOTE_BYTES], const char *text);

/* --- rules_keys.c: mappings with known keys ----------------------------------------------- */

struct spy_key {
    const char *name;
    spy_value_reader *read;
};

#define SPY_KEYS_MAX 16u
struct spy_keys {
    const char *what; /* "operation": for messages */
    const struct spy_key *key;
    uint32_t count; /* <= SPY_KEYS_MAX */
};

bool spy_walk_keys(struct spy_rules_walk *walk, const struct spy_keys *keys, void *target);

/* Fails with: unknown key KEY in WHAT, the nearest known one, and all of them. NAME(i) spells the
 * i-th of COUNT known keys. */
bool spy_walk_unknown_key(struct spy_rules_walk *walk, const char *key, struct spy_mark at,
                          const char *what, const char *(*name)(const void *ctx, uint32_t i),
                          const void *ctx, uint32_t count);

/* --- rules_claims.c ----------------------------------------------------------------------- */

bool spy_claims_open(struct spy_claims *claims);
void spy_claims_close(struct spy_claims *claims);

/* Enters TEXT. *EARLIER is the line that said it before, 0 if none did. False: out of memory. */
bool spy_claims_add(struct spy_claims *claims, const char *text, uint32_t line, uint32_t *earlier);

/* --- the grammar -------------------------------------------------------------------------- */

/* rules_file.c: the whole document, the walk standing before its first event. */
bool spy_rules_read_file(struct spy_rules_walk *walk);

/* rules_file.c: is there a `version: 1`? Asked first, on a walk of its own, because a file of a
 * later version would only give misleading errors. */
bool spy_rules_check_version(const char *text, size_t len, struct spy_error *err,
                             enum spy_status *status);

/* rules_operation.c: one item of `operations`. TARGET is unused. */
bool spy_rules_read_operation(struct spy_rules_walk *walk, void *target);

/* rules_http.c: `METHOD /path/{param}`, into struct spy_rule *TARGET. */
bool spy_rules_read_route(struct spy_rules_walk *walk, void *target);

/* rules_budget.c: the value of `benchmark`, into struct spy_rule *TARGET. */
bool spy_rules_read_budget(struct spy_rules_walk *walk, void *target);

/* rules_repeats.c: the value of `repeats`; that of `may_repeat`, into struct spy_rule *TARGET. */
bool spy_rules_read_repeats(struct spy_rules_walk *walk, void *target);
bool spy_rules_read_may_repeat(struct spy_rules_walk *walk, void *target);

/* rules_sample.c: `sample` of an operation, whose target is its rule; and, once the whole operation
 * was read, can it be sampled? */
bool spy_rules_read_sample(struct spy_rules_walk *walk, void *target);
bool spy_rules_may_sample(struct spy_rules_walk *walk, const struct spy_rule *rule);

/* rules_budget.c: "a duration such as 200ms", into uint64_t *NS. WHAT names it in messages. */
bool spy_rules_read_duration(struct spy_rules_walk *walk, const char *what, uint64_t *ns);

/* rules_budget.c: "a percentage such as 20%", into uint64_t *PPM. */
bool spy_rules_read_share(struct spy_rules_walk *walk, const char *what, uint64_t *ppm);

#endif
