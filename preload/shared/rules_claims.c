/* SPDX-License-Identifier: MIT */
/*
 * What was said before: a fixed hash set of texts with the line of each, for "duplicate" errors
 * that name both places. Sized for the largest file that the limits allow, so it never fills.
 */
#include "shared/rules_internal.h"

#include <stdlib.h>
#include <string.h>

bool spy_claims_open(struct spy_claims *claims)
{
    claims->slot = calloc(SPY_CLAIM_SLOTS, sizeof(*claims->slot));
    return claims->slot != NULL;
}

void spy_claims_close(struct spy_claims *claims)
{
    for (uint32_t i = 0; claims->slot != NULL && i < SPY_CLAIM_SLOTS; i++)
        free(claims->slot[i].text);
    free(claims->slot);
    claims->slot = NULL;
}

/* FNV-1a. */
static uint32_t hash(const char *text)
{
    uint32_t h = 2166136261u;
    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * 16777619u;
    return h;
}

bool spy_claims_add(struct spy_claims *claims, const char *text, uint32_t line, uint32_t *earlier)
{
    uint32_t i = hash(text) % SPY_CLAIM_SLOTS;
    while (claims->slot[i].text != NULL && strcmp(claims->slot[i].text, text) != 0)
        i = (i + 1) % SPY_CLAIM_SLOTS;
    struct spy_claim *slot = &claims->slot[i];
    *earlier = slot->text != NULL ? slot->line : 0;
    if (slot->text != NULL)
        return true;
    slot->line = line;
    slot->text = strdup(text);
    return slot->text != NULL;
}
