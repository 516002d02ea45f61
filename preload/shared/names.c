/* SPDX-License-Identifier: MIT */
/*
 * Names of the enumerations in names.h, expanded from the same lists. Pure functions on static
 * tables: safe in any thread and in signal handlers.
 */
#include "shared/names.h"

#include <string.h>

static const char *lookup(const char *const *names, size_t count, uint32_t value)
{
    return value < count ? names[value] : "?";
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *spy_level_name(uint32_t level)
{
#define X(id, name, bound_ms) name,
    static const char *const names[] = {SPY_LEVELS(X)};
#undef X
    return lookup(names, COUNT(names), level);
}

const char *spy_kind_name(uint32_t kind)
{
#define X(id, name) name,
    static const char *const names[] = {SPY_KINDS(X)};
#undef X
    return lookup(names, COUNT(names), kind);
}

const char *spy_rules_state_name(uint32_t state)
{
#define X(id, name) name,
    static const char *const names[] = {SPY_RULES_STATES(X)};
#undef X
    return lookup(names, COUNT(names), state);
}

const char *spy_transaction_name(uint32_t transaction)
{
#define X(id, name) name,
    static const char *const names[] = {SPY_TRANSACTIONS(X)};
#undef X
    return lookup(names, COUNT(names), transaction);
}

#define X(id, name, quantile) name,
static const char *const stat_names[] = {SPY_STATS(X)};
#undef X

const char *spy_stat_name(uint32_t stat)
{
    return lookup(stat_names, COUNT(stat_names), stat);
}

double spy_stat_quantile(uint32_t stat)
{
#define X(id, name, quantile) quantile,
    static const uint16_t quantiles[] = {SPY_STATS(X)};
#undef X
    return stat < COUNT(quantiles) ? quantiles[stat] / 1000.0 : 0;
}

int spy_stat_find(const char *name, size_t len)
{
    for (size_t i = 0; i < COUNT(stat_names); i++)
        if (strlen(stat_names[i]) == len && memcmp(stat_names[i], name, len) == 0)
            return (int)i;
    return -1;
}

uint32_t spy_sqlstate_pack(const char *text)
{
    if (text == NULL || strnlen(text, 6) != 5)
        return 0;
    return SPY_SQLSTATE_PACK(text[0], text[1], text[2], text[3], text[4]);
}

void spy_sqlstate_unpack(uint32_t code, char text[6])
{
    for (int i = 0; i < 5; i++, code >>= 6)
        text[i] = (char)((code & 0x3F) + '0');
    text[5] = '\0';
}
