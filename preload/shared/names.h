/* SPDX-License-Identifier: MIT */
/*
 * The vocabulary: every enumeration that has a spelling somebody outside reads (rules, JSON, log,
 * tables). Each is one list, so that a value and its name cannot drift apart.
 */
#ifndef SPY_SHARED_NAMES_H
#define SPY_SHARED_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Levels of a call by its duration. The bound of a level is exclusive: a call of exactly the
 * bound belongs to the next level. `critical` has no bound. Defaults in milliseconds. */
#define SPY_LEVELS(X)                 \
    X(EXCELLENT, "excellent", 100)    \
    X(GOOD, "good", 500)              \
    X(ACCEPTABLE, "acceptable", 1000) \
    X(SLOW, "slow", 3000)             \
    X(CRITICAL, "critical", 0)

enum spy_level {
#define X(id, name, bound_ms) SPY_LEVEL_##id,
    SPY_LEVELS(X)
#undef X
        SPY_LEVEL_COUNT
};

/* Kinds of operation. */
#define SPY_KINDS(X) \
    X(SQL, "sql")    \
    X(HTTP, "http")

enum spy_kind {
#define X(id, name) SPY_KIND_##id,
    SPY_KINDS(X)
#undef X
        SPY_KIND_COUNT
};

/* Statistics a benchmark may limit. Quantiles and extremes are limits on time; `errors` on the
 * share of calls that failed. QUANTILE is in 1/1000, 0 where the statistic is none. */
#define SPY_STATS(X)      \
    X(MEAN, "mean", 0)    \
    X(P50, "p50", 500)    \
    X(P90, "p90", 900)    \
    X(P95, "p95", 950)    \
    X(P99, "p99", 990)    \
    X(P999, "p99.9", 999) \
    X(MAX, "max", 0)      \
    X(ERRORS, "errors", 0)

enum spy_stat {
#define X(id, name, quantile) SPY_STAT_##id,
    SPY_STATS(X)
#undef X
        SPY_STAT_COUNT
};

/* One budget: STAT must not exceed LIMIT, which is in nanoseconds, or for SPY_STAT_ERRORS in
 * millionths of all calls (1 % = 10,000). */
struct spy_budget {
    uint32_t stat; /* enum spy_stat */
    uint32_t reserved;
    uint64_t limit;
};

/* Why there are, or are not, rules in force. */
#define SPY_RULES_STATES(X) \
    X(NONE, "none")         \
    X(LOADED, "loaded")     \
    X(INVALID, "invalid")   \
    X(UNREADABLE, "unreadable")

enum spy_rules_state {
#define X(id, name) SPY_RULES_##id,
    SPY_RULES_STATES(X)
#undef X
        SPY_RULES_STATE_COUNT
};

/* State of a connection's transaction, as libpq tells it: PGTransactionStatusType plus one. */
#define SPY_TRANSACTIONS(X) \
    X(UNSEEN, "")           \
    X(IDLE, "idle")         \
    X(ACTIVE, "active")     \
    X(INTRANS, "intrans")   \
    X(INERROR, "inerror")   \
    X(UNKNOWN, "unknown")

enum spy_transaction {
#define X(id, name) SPY_TRANSACTION_##id,
    SPY_TRANSACTIONS(X)
#undef X
        SPY_TRANSACTION_COUNT
};

/* Names of values; "?" for a value out of range. Static storage. */
const char *spy_level_name(uint32_t level);
const char *spy_kind_name(uint32_t kind);
const char *spy_stat_name(uint32_t stat);
const char *spy_rules_state_name(uint32_t state);
const char *spy_transaction_name(uint32_t transaction); /* "" where it was not seen */

/* Quantile of STAT in 0..1, or 0 where STAT is not a quantile. */
double spy_stat_quantile(uint32_t stat);

/* The statistic called NAME (LEN bytes), or -1. */
int spy_stat_find(const char *name, size_t len);

/* Level of a duration, given the four bounds (ns, ascending) of the levels below critical. Those of
 * a region may be changed meanwhile (a reload): each is read whole, the old one or the new one. */
static inline uint32_t spy_level_of(uint64_t ns, const uint64_t bounds[SPY_LEVEL_COUNT - 1])
{
    uint32_t level = 0;
    while (level < SPY_LEVEL_COUNT - 1 && ns >= __atomic_load_n(&bounds[level], __ATOMIC_RELAXED))
        level++;
    return level;
}

/*
 * SQLSTATE packed as PostgreSQL packs it (elog.h, MAKE_SQLSTATE): five characters of six bits,
 * first character lowest. 0 is "no code". Codes of the library's own for failures that have no
 * SQLSTATE because the server never answered use class "XP", which PostgreSQL does not assign.
 */
#define SPY_SQLSTATE_PACK(a, b, c, d, e)                                               \
    ((((uint32_t)(a) - '0') & 0x3F) | ((((uint32_t)(b) - '0') & 0x3F) << 6) |          \
     ((((uint32_t)(c) - '0') & 0x3F) << 12) | ((((uint32_t)(d) - '0') & 0x3F) << 18) | \
     ((((uint32_t)(e) - '0') & 0x3F) << 24))

#define SPY_SQLSTATE_NO_ANSWER SPY_SQLSTATE_PACK('X', 'P', '0', '0', '1') /* connection lost */
#define SPY_SQLSTATE_NOT_SENT  SPY_SQLSTATE_PACK('X', 'P', '0', '0', '2') /* refused by libpq */
#define SPY_SQLSTATE_ABANDONED \
    SPY_SQLSTATE_PACK('X', 'P', '0', '0', '3') /* closed before the end */

uint32_t spy_sqlstate_pack(const char *text);
void spy_sqlstate_unpack(uint32_t code, char text[6]);

#endif
