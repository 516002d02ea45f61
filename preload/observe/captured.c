/* SPDX-License-Identifier: MIT */
/*
 * Keeping statements: text, name and bind values. See captured.h.
 */
#include "observe/captured.h"

#include "observe/query.h"
#include "shared/secret.h"
#include "shared/sql.h"

#include <string.h>

/* A bind value beyond so many is counted only; libpq's own limit. */
#define VALUES_MAX 65535

/* What a statement normalised may take of a slot, and of the stack. */
#define NORMAL_BYTES 2048u

static uint32_t length(size_t len)
{
    return len < UINT32_MAX ? (uint32_t)len : UINT32_MAX;
}

/* The text of a statement whose own was not given: as its operation has it. */
static const char *known_text(const struct spy_query *call)
{
    uint32_t op = spy_classify_single(call->flight.classifier, call->flight.stmt);
    return spy_region_text(call->region, spy_region_op(call->region, op));
}

static void put_text(struct spy_capture_slot *slot, enum spy_capture_kind kind, const char *text,
                     size_t len, size_t full)
{
    struct spy_capture_item item = {.kind = kind, .full = length(full)};
    size_t max = len < SPY_CAPTURE_TEXT_MAX ? len : SPY_CAPTURE_TEXT_MAX;
    spy_capture_put(slot, &item, text, max);
}

/* False: it may hold a password. Where the normalised text was cut the whole one is looked at all
 * the same. */
__attribute__((noinline)) static bool put_statement(struct spy_capture_slot *slot,
                                                    const struct spy_asked *given)
{
    char normal_text[NORMAL_BYTES];
    size_t len = strlen(given->text);
    struct spy_sql_normal normal =
        spy_sql_normalise_as(given->text, len, given->how, normal_text, sizeof(normal_text));
    put_text(slot, SPY_CAPTURE_STATEMENT, normal_text, normal.len,
             normal.len + (size_t)normal.truncated);
    if (spy_secret_sql(given->text, len) || spy_secret_sql(normal_text, normal.len))
        return false;
    put_text(slot, SPY_CAPTURE_TEXT, given->text, len, len);
    return true;
}

static bool put_prepared(struct spy_capture_slot *slot, const struct spy_query *call)
{
    const char *text = known_text(call);
    size_t len = strlen(text), name_len = strlen(call->given.name);
    if (len > 0)
        put_text(slot, SPY_CAPTURE_STATEMENT, text, len, len);
    put_text(slot, SPY_CAPTURE_NAME, call->given.name, name_len, name_len);
    return !spy_secret_sql(text, len);
}

static void put_value(struct spy_capture_slot *slot, const struct spy_asked *given, int i)
{
    const char *value = given->values[i];
    bool binary = given->formats != NULL && given->formats[i] != 0;
    struct spy_capture_item item = {
        .kind = binary ? SPY_CAPTURE_BINARY : SPY_CAPTURE_VALUE,
        .type = given->types != NULL ? given->types[i] : 0,
    };
    if (value == NULL)
        item.kind = SPY_CAPTURE_NULL;
    else if (!binary)
        item.full = length(strlen(value));
    else if (given->lengths != NULL && given->lengths[i] > 0)
        item.full = (uint32_t)given->lengths[i];
    spy_capture_put(slot, &item, value, SPY_CAPTURE_VALUE_MAX);
}

static void fill(struct spy_capture_slot *slot, const struct spy_query *call)
{
    const struct spy_asked *given = &call->given;
    bool refused = call->flight.code == SPY_SQLSTATE_NOT_SENT; /* then libpq read no value */
    int params = given->params;
    struct spy_capture_head *head = spy_capture_head(slot);
    bool open = given->text != NULL ? put_statement(slot, given)
                                    : given->name != NULL && put_prepared(slot, call);
    head->withheld = !open;
    head->values = params > 0 ? (uint32_t)params : 0;
    if (!open || refused || given->values == NULL || params > VALUES_MAX)
        return;
    for (int i = 0; i < params; i++)
        put_value(slot, given, i);
}

spy_capture_ticket spy_captured_copy(const struct spy_query *call)
{
    if (call->flight.kind != SPY_FLIGHT_STATEMENT ||
        !spy_classify_may_be(call->flight.classifier, call->flight.stmt, spy_capture_op()))
        return 0;
    struct spy_capture_slot *slot = spy_capture_begin();
    if (slot == NULL)
        return 0;
    fill(slot, call);
    return spy_capture_hold(slot);
}
