/* SPDX-License-Identifier: MIT */
/*
 * Mappings whose keys are known beforehand: dispatch by table, duplicates refused, and a wrong key
 * answered with the nearest right one. Contract in rules_internal.h.
 */
#include "shared/rules_internal.h"

#include <stdio.h>
#include <string.h>

#define NEAREST_BYTES 24u /* longer words are not compared: no key is that long */

static uint32_t min3(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Edit distance: the fewest insertions, deletions and replacements from A to B. */
static uint32_t distance(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    if (na > NEAREST_BYTES || nb > NEAREST_BYTES)
        return UINT32_MAX;
    uint32_t row[NEAREST_BYTES + 1];
    for (size_t j = 0; j <= nb; j++)
        row[j] = (uint32_t)j;
    for (size_t i = 1; i <= na; i++) {
        uint32_t diagonal = row[0];
        row[0] = (uint32_t)i;
        for (size_t j = 1; j <= nb; j++) {
            uint32_t above = row[j];
            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[nb];
}

bool spy_walk_unknown_key(struct spy_rules_walk *walk, const char *key, struct spy_mark at,
                          const char *what, const char *(*name)(const void *ctx, uint32_t i),
                          const void *ctx, uint32_t count)
{
    char quoted[SPY_QUOTE_BYTES], known[160] = "";
    uint32_t nearest = 0, least = UINT32_MAX;
    size_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t far = distance(key, name(ctx, i));
        if (far < least) {
            least = far;
            nearest = i;
        }
        int wrote =
            snprintf(known + used, sizeof(known) - used, "%s%s", i > 0 ? ", " : "", name(ctx, i));
        used += wrote > 0 && (size_t)wrote < sizeof(known) - used ? (size_t)wrote : 0;
    }
    spy_quote(quoted, key);
    bool close = least <= 1 + strlen(name(ctx, nearest)) / 4;
    if (!close)
        return spy_walk_fail(walk, SPY_ERR_VALUE, at, "unknown key \"%s\" in %s; known: %s", quoted,
                             what, known);
    return spy_walk_fail(walk, SPY_ERR_VALUE, at,
                         "unknown key \"%s\" in %s; did you mean \"%s\"? Known: %s", quoted, what,
                         name(ctx, nearest), known);
}

struct dispatch {
    const struct spy_keys *keys;
    void *target;
    uint32_t seen[SPY_KEYS_MAX]; /* line where the key was first given; 0: not yet */
};

static const char *key_name(const void *ctx, uint32_t i)
{
    return ((const struct spy_keys *)ctx)->key[i].name;
}

static bool read_pair(struct spy_rules_walk *walk, const char *key, struct spy_mark at,
                      void *target)
{
    struct dispatch *dispatch = target;
    const struct spy_keys *keys = dispatch->keys;
    uint32_t i = 0;
    while (i < keys->count && strcmp(keys->key[i].name, key) != 0)
        i++;
    if (i == keys->count)
        return spy_walk_unknown_key(walk, key, at, keys->what, key_name, keys, keys->count);
    if (dispatch->seen[i] != 0)
        return spy_walk_fail(walk, SPY_ERR_VALUE, at,
                             "\"%s\" is given twice in %s, first in line %u", key, keys->what,
                             dispatch->seen[i]);
    dispatch->seen[i] = at.line;
    return keys->key[i].read(walk, dispatch->target);
}

bool spy_walk_keys(struct spy_rules_walk *walk, const struct spy_keys *keys, void *target)
{
    struct dispatch dispatch = {.keys = keys, .target = target};
    return spy_walk_mapping(walk, keys->what, read_pair, &dispatch);
}
