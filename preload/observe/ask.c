/* SPDX-License-Identifier: MIT */
/*
 * Calls of libpq on a connection: what is asked. See query.h for the contract.
 */
#include "observe/query.h"

#include "observe/inflight.h"
#include "observe/observe.h"
#include "observe/prepared.h"
#include "observe/sampling.h"
#include "record/shard.h"
#include "runtime/clock.h"
#include "runtime/process.h"
#include "shared/sql.h"

#include <string.h>

static struct spy_flight *open_flight(struct spy_query *call, enum spy_flight_kind kind)
{
    struct spy_flight *flight = &call->flight;
    *flight = (struct spy_flight){.kind = (uint8_t)kind, .classifier = spy_observe_classifier()};
    return flight;
}

/* The measured span begins. STMT is the statement that is asked for, or to be prepared. */
static void ask(struct spy_query *call, spy_stmt stmt)
{
    struct spy_flight *flight = &call->flight;
    flight->owner = spy_attribute(call->region, flight->classifier, stmt);
    flight->site = call->site;
    if (SPY_LIKELY(spy_term(call->region->sampling) == 0))
        flight->begin_ns = spy_now();
    else
        spy_sampling_begin(call);
    spy_inflight_begun(call);
    if (__builtin_expect(call->timed, 0))
        spy_cost_stop(&call->timing);
}

static uint16_t params_of(int params)
{
    return params < 0 ? 0 : params > UINT16_MAX ? UINT16_MAX : (uint16_t)params;
}

static bool several(const struct spy_flight *flight)
{
    const spy_stmt *parts;
    return spy_classify_parts(flight->classifier, flight->stmt, &parts) > 1;
}

/* How the server reads TEXT: a backslash in a literal escapes where the connection says so. */
static unsigned how_read(const struct spy_query *call, const char *text, size_t len)
{
    if (memchr(text, '\\', len) == NULL)
        return 0;
    const char *standard = call->pq->PQparameterStatus(call->pgconn, "standard_conforming_strings");
    return standard != NULL && strcmp(standard, "off") == 0 ? SPY_SQL_BACKSLASH : 0;
}

static spy_stmt stmt_of_text(const struct spy_query *call, const char *text)
{
    size_t len = strlen(text);
    return spy_classify_sql_as(call->flight.classifier, text, len, how_read(call, text, len));
}

/* A capture may want this call: notes where what is asked stands. Out of line: seldom. */
__attribute__((noinline)) static void note_given(struct spy_query *call, const char *text,
                                                 const char *name)
{
    unsigned how = text != NULL ? how_read(call, text, strlen(text)) : 0;
    call->given = (struct spy_asked){.text = text, .name = name, .how = how};
    call->capturing = true;
}

void spy_query_text(struct spy_query *call, const char *text)
{
    if (call->region == NULL)
        return;
    struct spy_flight *flight = open_flight(call, SPY_FLIGHT_STATEMENT);
    spy_flight_asks(flight, text != NULL ? stmt_of_text(call, text) : SPY_STMT_OTHER);
    if (!flight->alone && call->conn != NULL && several(flight)) {
        call->asked = false;
        call->conn->batch = call;
        spy_guard_top()->passes = NULL; /* libpq's own calls tell them apart */
    }
    if (spy_capturing())
        note_given(call, text, NULL);
    ask(call, flight->stmt);
}

/* Several are an error then, and that is one. */
void spy_query_command(struct spy_query *call, const char *text, int params)
{
    if (call->region == NULL)
        return;
    struct spy_flight *flight = open_flight(call, SPY_FLIGHT_STATEMENT);
    flight->whole = true;
    flight->params = params_of(params);
    spy_flight_asks(flight, text != NULL ? stmt_of_text(call, text) : SPY_STMT_OTHER);
    if (spy_capturing())
        note_given(call, text, NULL);
    ask(call, flight->stmt);
}

/* Names prepared in one watch mean nothing in another (a fork's child has other statement rows). */
static uint64_t prepared_key(const struct spy_conn *conn, const struct spy_region *region,
                             const char *name, size_t len)
{
    return spy_prepared_key(conn->serial ^ region->epoch_mono_ns, name, len);
}

static void keep_name(struct spy_flight *flight, const char *name, size_t len)
{
    memcpy(flight->name, name, len < SPY_FLIGHT_NAME_BYTES ? len : SPY_FLIGHT_NAME_BYTES - 1);
}

/* It was not executed under these rules: where they are others than when it was prepared, its text
 * is asked about anew. */
SPY_SELDOM static spy_stmt stmt_of_text_kept(const struct spy_query *call, const char *name,
                                             uint64_t key)
{
    struct spy_classifier *classifier = call->flight.classifier;
    struct spy_prepared_text text;
    uint32_t kept = key != 0 ? spy_prepared_text_of(key, &text) : 0;
    if (kept == 0) {
        spy_self_count(call->region, SPY_SELF_PREPARED_UNKNOWN);
        return spy_classify_prepared(classifier, name, NULL, 0);
    }
    spy_stmt stmt = spy_classify_prepared_as(classifier, name, text.at, text.len, text.how);
    spy_prepared_put(key, classifier, stmt, kept);
    return stmt;
}

/* Where CALL's connection keeps what NAME led to; NULL where it does not. */
static inline struct spy_executed *executed_as(const struct spy_query *call, const char *name,
                                               size_t len)
{
    if (call->conn == NULL || len == 0 || len >= SPY_FLIGHT_NAME_BYTES)
        return NULL;
    return &call->conn->executed[(unsigned char)name[len - 1] % SPY_CONN_EXECUTED];
}

/* The statement of NAME. KEPT: for the next time. Only what was found is kept: the rest is counted
 * each time. */
__attribute__((noinline)) static void look_up_name(struct spy_query *call, const char *name,
                                                   size_t len, struct spy_executed *kept)
{
    struct spy_flight *flight = &call->flight;
    uint64_t key = call->conn != NULL ? prepared_key(call->conn, call->region, name, len) : 0;
    spy_stmt stmt;
    bool found = key != 0 && spy_prepared_get(key, flight->classifier, &stmt);
    if (!found)
        stmt = stmt_of_text_kept(call, name, key);
    flight->prepared_key = key;
    keep_name(flight, name, len);
    spy_flight_asks(flight, stmt);
    if (kept == NULL || !found || stmt == SPY_STMT_OTHER)
        return;
    *kept = (struct spy_executed){.classifier = flight->classifier,
                                  .key = key,
                                  .len = (uint32_t)len,
                                  .changes = call->conn->prepared_changes,
                                  .stmt = stmt,
                                  .op = flight->op,
                                  .alone = flight->alone};
    memcpy(kept->name, flight->name, SPY_FLIGHT_NAME_BYTES);
}

/* A name that was looked up on this connection lately is not looked up again, under the same rules
 * and as long as nothing is prepared anew. */
static inline void ask_for_name(struct spy_query *call, const char *name)
{
    struct spy_flight *flight = &call->flight;
    size_t len = strlen(name);
    struct spy_executed *kept = executed_as(call, name, len);
    if (kept == NULL || kept->classifier != flight->classifier || kept->len != len ||
        kept->changes != call->conn->prepared_changes || memcmp(kept->name, name, len) != 0) {
        look_up_name(call, name, len, kept);
        return;
    }
    flight->prepared_key = kept->key;
    flight->stmt = kept->stmt;
    flight->op = kept->op;
    flight->alone = kept->alone;
    memcpy(flight->name, kept->name, SPY_FLIGHT_NAME_BYTES);
}

void spy_query_name(struct spy_query *call, const char *name, int params)
{
    if (call->region == NULL)
        return;
    struct spy_flight *flight = open_flight(call, SPY_FLIGHT_STATEMENT);
    flight->whole = true;
    flight->params = params_of(params);
    if (name != NULL)
        ask_for_name(call, name);
    else
        spy_flight_asks(flight, SPY_STMT_OTHER);
    if (spy_capturing())
        note_given(call, NULL, name);
    ask(call, flight->stmt);
}

static spy_stmt keep_prepared(struct spy_query *call, const char *name, const char *text)
{
    struct spy_flight *flight = &call->flight;
    struct spy_prepared_text before, kept = {.at = text, .len = strlen(text)};
    call->conn->named = true;
    kept.how = how_read(call, text, kept.len);
    flight->text_before = spy_prepared_text_of(flight->prepared_key, &before);
    if (!spy_prepared_get(flight->prepared_key, flight->classifier, &flight->prepared_before))
        flight->prepared_before = SPY_STMT_OTHER;
    spy_stmt stmt = spy_classify_prepared_as(flight->classifier, name, text, kept.len, kept.how);
    spy_prepared_put(flight->prepared_key, flight->classifier, stmt, spy_prepared_text_keep(&kept));
    call->conn->prepared_changes++;
    return stmt;
}

/* While recording is switched off a name that is prepared anew stands for a text that is not known.
 */
static void forget_prepared(const struct spy_query *call, const char *name)
{
    const struct spy_region *region =
        atomic_load_explicit(&spy_process->paused, memory_order_acquire);
    if (region == NULL || call->conn == NULL || name == NULL)
        return;
    spy_prepared_drop(prepared_key(call->conn, region, name, strlen(name)),
                      spy_observe_classifier());
    call->conn->prepared_changes++;
}

/* The name stands for its text from here on, and not only when the server has said yes: in a
 * pipeline it is executed before that. Should the server say no, what it stood for comes back. */
void spy_query_prepare(struct spy_query *call, const char *name, const char *text)
{
    if (call->region == NULL) {
        forget_prepared(call, name);
        return;
    }
    struct spy_flight *flight = open_flight(call, SPY_FLIGHT_PREPARE);
    spy_stmt stmt = SPY_STMT_OTHER;
    flight->op = spy_classify_builtin(flight->classifier, SPY_BUILTIN_PREPARE);
    if (name != NULL && text != NULL && call->conn != NULL) {
        size_t len = strlen(name);
        keep_name(flight, name, len);
        flight->prepared_key = prepared_key(call->conn, call->region, name, len);
        stmt = keep_prepared(call, name, text);
    }
    ask(call, stmt);
}

void spy_query_own(struct spy_query *call, enum spy_builtin which)
{
    if (call->region == NULL)
        return;
    struct spy_flight *flight = open_flight(call, SPY_FLIGHT_OWN);
    flight->op = spy_classify_builtin(flight->classifier, which);
    ask(call, SPY_STMT_OTHER);
}
