/* SPDX-License-Identifier: MIT */
/*
 * Reading the rows of open requests and connections; see inflight.h. Rows change while they are
 * read: what cannot be is left out, what is out of range is bounded.
 */
#include "ctl/inflight.h"

#include "ctl/format.h"
#include "ctl/image.h"
#include "ctl/model.h"
#include "shared/endpoint.h"

#include <stdlib.h>
#include <string.h>

#define LOAD(field) atomic_load_explicit(&(field), memory_order_relaxed)

#define OPEN 2u /* `taken` of a row that is complete */

static bool name_of(char out[SPY_NAME_BYTES + 1], const struct spy_region *region, uint32_t op)
{
    out[0] = '\0';
    if (op >= spy_region_ops(region))
        return false;
    const struct spy_op *row = spy_region_op(region, op);
    if (atomic_load_explicit(&row->state, memory_order_acquire) != SPY_OP_READY)
        return false;
    ctl_format_clean(out, SPY_NAME_BYTES + 1, row->name, sizeof(row->name));
    return true;
}

struct adding {
    const struct ctl_process *process;
    const struct spy_region *region;
    bool dead;
    uint64_t now_ns; /* CLOCK_MONOTONIC of the region's boot */
};

static uint64_t elapsed_of(const struct adding *a, uint64_t since_ns)
{
    return a->now_ns > since_ns ? a->now_ns - since_ns : 0;
}

static struct ctl_place place_of(const struct adding *a, uint64_t since_ns, uint32_t tid)
{
    return (struct ctl_place){
        .pid = a->process->proc.pid,
        .tid = tid,
        .dead = a->dead,
        .since_ns = ctl_real_ns(a->region, since_ns),
        .elapsed_ns = elapsed_of(a, since_ns),
    };
}

static enum ctl_waits waits_of_phase(uint32_t phase)
{
    switch (phase) {
    case SPY_PHASE_CONNECTING:
        return CTL_WAITS_CONNECT;
    case SPY_PHASE_QUEUED:
        return CTL_WAITS_QUEUE;
    case SPY_PHASE_SERVER:
        return CTL_WAITS_SERVER;
    case SPY_PHASE_ROWS:
        return CTL_WAITS_ROWS;
    default:
        return CTL_WAITS_PROGRAM;
    }
}

/* ---- requests ------------------------------------------------------------------------------- */

/* Does the statement of C belong to the request in ROW? Not to one that has begun since then, in
 * the place of its own. */
static bool works_for(const struct spy_open_conn *c, uint32_t row, const struct spy_open_request *r)
{
    return LOAD(c->taken) == OPEN && LOAD(c->phase) != SPY_PHASE_IDLE &&
           LOAD(c->request) == row + 1 && LOAD(c->since_ns) >= LOAD(r->begin_ns);
}

/* The connection that works for the request, the one that has been at it the longest, or NULL. */
static const struct spy_open_conn *conn_of(const struct spy_region *region, uint32_t row,
                                           const struct spy_open_request *r)
{
    const struct spy_open_conn *c = spy_region_section(region, SPY_SECTION_CONNS), *found = NULL;
    for (uint32_t i = 0; i < SPY_OPEN_CONNS; i++)
        if (works_for(&c[i], row, r) &&
            (found == NULL || LOAD(c[i].since_ns) < LOAD(found->since_ns)))
            found = &c[i];
    return found;
}

/* What the request has waited for the database so far, statements and connects under way included:
 * several at once are added up, as they are where they have ended. */
static uint64_t db_ns_of(const struct adding *a, uint32_t row, const struct spy_open_request *r)
{
    const struct spy_open_conn *c = spy_region_section(a->region, SPY_SECTION_CONNS);
    uint64_t ns = LOAD(r->db_wait_ns) + LOAD(r->db_rows_ns);
    for (uint32_t i = 0; i < SPY_OPEN_CONNS; i++)
        if (works_for(&c[i], row, r))
            ns += elapsed_of(a, LOAD(c[i].since_ns));
    return ns;
}

/* Is the response being written, or waiting for room in the socket? A thread that has read several
 * heads may be writing any of them. */
static bool waits_for_client(const struct spy_region *region, uint32_t row,
                             const struct spy_open_request *r)
{
    uint32_t shard = LOAD(r->shard);
    if (LOAD(r->stalled_ns) != 0)
        return true;
    return shard < SPY_SHARDS && LOAD(spy_region_shard(region, shard)->writing_ns) != 0 &&
           spy_open_only(LOAD(spy_region_shard(region, shard)->open)) == row;
}

static void add_request(struct ctl_inflight *in, const struct adding *a, uint32_t row,
                        const struct spy_open_request *r)
{
    struct ctl_open_request request = {.place = place_of(a, LOAD(r->begin_ns), LOAD(r->tid))};
    if (!name_of(request.operation, a->region, LOAD(r->op)) || LOAD(r->begin_ns) == 0)
        return;
    const struct spy_open_conn *conn = conn_of(a->region, row, r);
    if (conn != NULL) {
        request.waits = waits_of_phase(LOAD(conn->phase));
        request.backend_pid = LOAD(conn->backend_pid);
        name_of(request.statement, a->region, LOAD(conn->op));
    } else if (waits_for_client(a->region, row, r)) {
        request.waits = CTL_WAITS_CLIENT;
    }
    request.queries = LOAD(r->queries);
    request.db_ns = db_ns_of(a, row, r);
    in->request = ctl_grow(in->request, in->requests + 1, sizeof(request));
    in->request[in->requests++] = request;
}

/* ---- connections ---------------------------------------------------------------------------- */

static void take_endpoint(struct ctl_open_conn *conn, const struct spy_region *region, uint32_t row)
{
    const struct spy_endpoint *e = spy_endpoint_at(region, row);
    if (e == NULL)
        return;
    ctl_format_clean(conn->database, sizeof(conn->database), e->database, sizeof(e->database));
    ctl_format_clean(conn->user, sizeof(conn->user), e->user, sizeof(e->user));
    ctl_format_clean(conn->host, sizeof(conn->host), e->host, sizeof(e->host));
    ctl_format_clean(conn->port, sizeof(conn->port), e->port, sizeof(e->port));
}

static char *statement_of(const struct spy_region *region, uint32_t op)
{
    const char *text = spy_region_text(region, spy_region_op(region, op));
    size_t len = strlen(text);
    char *clean = NULL;
    if (len > 0)
        clean = ctl_format_clean(ctl_alloc(len + 1), len + 1, text, len);
    return clean;
}

static void take_request(struct ctl_open_conn *conn, const struct spy_region *region,
                         const struct spy_open_conn *c)
{
    uint32_t request = LOAD(c->request);
    if (request == 0 || request > SPY_OPEN_REQUESTS)
        return;
    const struct spy_open_request *r = spy_region_section(region, SPY_SECTION_REQUESTS);
    r += request - 1;
    if (LOAD(r->taken) == OPEN && works_for(c, request - 1, r))
        name_of(conn->request, region, LOAD(r->op));
}

/* Since when C is worth showing: a statement's begin, or where it is idle its transaction's. 0: it
 * is not. */
static uint64_t shown_since(const struct spy_open_conn *c)
{
    return LOAD(c->phase) == SPY_PHASE_IDLE ? LOAD(c->transaction_ns) : LOAD(c->since_ns);
}

/* Is the moment in SINCE that of a call of OP, which is sampled? */
static bool is_sampled(const struct spy_region *region, uint32_t op)
{
    return op < spy_region_ops(region) && spy_term(spy_region_op(region, op)->sample) != 0;
}

static void add_conn(struct ctl_inflight *in, const struct adding *a, const struct spy_open_conn *c)
{
    uint32_t phase = LOAD(c->phase), op = LOAD(c->op);
    uint64_t transaction_ns = LOAD(c->transaction_ns);
    bool idle = phase == SPY_PHASE_IDLE;
    struct ctl_open_conn conn = {
        .place = place_of(a, shown_since(c), LOAD(c->tid)),
        .idle = idle,
        .waits = waits_of_phase(phase),
        .queued = LOAD(c->queued),
        .idle_ns = idle ? elapsed_of(a, LOAD(c->since_ns)) : 0,
        .transaction = LOAD(c->transaction),
        .transaction_ns = transaction_ns != 0 ? elapsed_of(a, transaction_ns) : 0,
        .backend_pid = LOAD(c->backend_pid),
    };
    if (shown_since(c) == 0 || !name_of(conn.operation, a->region, op))
        return;
    conn.place.at_most = is_sampled(a->region, idle ? LOAD(c->transaction_op) : op);
    conn.statement = statement_of(a->region, op);
    if (transaction_ns != 0)
        name_of(conn.opened_by, a->region, LOAD(c->transaction_op));
    take_request(&conn, a->region, c);
    take_endpoint(&conn, a->region, LOAD(c->endpoint));
    in->conn = ctl_grow(in->conn, in->conns + 1, sizeof(conn));
    in->conn[in->conns++] = conn;
    in->statements += !idle;
}

/* ---- processes ------------------------------------------------------------------------------ */

void ctl_inflight_add(struct ctl_inflight *in, const struct ctl_process *process,
                      const struct spy_region *region, const struct ctl_run *run)
{
    bool dead = process->state == CTL_DEAD;
    struct adding a = {process, region, dead,
                       dead ? ctl_last_mono_ns(region, run) : run->now_mono_ns};
    const struct spy_open_request *r = spy_region_section(region, SPY_SECTION_REQUESTS);
    for (uint32_t i = 0; i < SPY_OPEN_REQUESTS; i++)
        if (LOAD(r[i].taken) == OPEN)
            add_request(in, &a, i, &r[i]);
    const struct spy_open_conn *c = spy_region_section(region, SPY_SECTION_CONNS);
    for (uint32_t i = 0; i < SPY_OPEN_CONNS; i++)
        if (LOAD(c[i].taken) == OPEN)
            add_conn(in, &a, &c[i]);
    in->unlisted += LOAD(region->self[SPY_SELF_OPEN_FULL]);
}

bool ctl_inflight_load(struct ctl_inflight *in, const struct ctl_source *source,
                       const struct ctl_run *run)
{
    bool any = false;
    for (size_t i = 0; i < source->count; i++) {
        struct spy_region *region = ctl_source_load(&source->process[i], run->err);
        if (region == NULL)
            continue;
        any = true;
        ctl_inflight_add(in, &source->process[i], region, run);
        ctl_image_free(region);
    }
    return any;
}

static int longer(const struct ctl_place *x, const struct ctl_place *y)
{
    return (x->elapsed_ns < y->elapsed_ns) - (x->elapsed_ns > y->elapsed_ns);
}

static int longest_request(const void *a, const void *b)
{
    return longer(&((const struct ctl_open_request *)a)->place,
                  &((const struct ctl_open_request *)b)->place);
}

static int longest_conn(const void *a, const void *b)
{
    const struct ctl_open_conn *x = a, *y = b;
    return x->idle != y->idle ? x->idle - y->idle : longer(&x->place, &y->place);
}

void ctl_inflight_sort(struct ctl_inflight *in)
{
    if (in->requests > 0)
        qsort(in->request, in->requests, sizeof(*in->request), longest_request);
    if (in->conns > 0)
        qsort(in->conn, in->conns, sizeof(*in->conn), longest_conn);
}

void ctl_inflight_free(struct ctl_inflight *in)
{
    for (size_t i = 0; i < in->conns; i++)
        free(in->conn[i].statement);
    free(in->conn);
    free(in->request);
}

const char *ctl_waits_name(enum ctl_waits waits)
{
    static const char *const names[CTL_WAITS_COUNT] = {
#define X(id, name, text) name,
        CTL_WAITS(X)
#undef X
    };
    return names[waits];
}
