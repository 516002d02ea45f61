/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1 as one of the protocols: binds the state machine (http1.h) to requests (request.h).
 */
#include "observe/protocol.h"
#include "observe/request.h"
#include "record/open.h"
#include "runtime/clock.h"

/* A server's fault is 500 and above; 4xx is the client's (OpenTelemetry's rule for servers). */
#define FIRST_SERVER_ERROR 500u

/* What the sink's functions need. */
struct context {
    struct spy_http1_state *state;
    struct spy_region *region;
    uint64_t now_ns;
};

static uint32_t on_head(void *ctx, const char *method, size_t method_len, const char *target,
                        size_t target_len)
{
    struct context *c = ctx;
    struct spy_http1_state *state = c->state;
    uint32_t heads = atomic_load_explicit(&state->heads, memory_order_relaxed);
    struct spy_request request = spy_request_head(c->region, method, method_len, target, target_len,
                                                  c->now_ns, state->params);
    state->row[heads % SPY_HTTP1_PIPELINE] = (uint16_t)(request.row + 1); /* NO_ROW: 0 */
    /* Pairs with the acquire loads in take_next() and oldest_row(). */
    atomic_store_explicit(&state->heads, heads + 1, memory_order_release);
    return request.op;
}

/* What was kept of the request that ends now. Parameters only if no later one has begun: a next
 * request cannot begin while the write side is at this one but by pipelining. */
static uint32_t take_next(struct spy_http1_state *state, const char **params)
{
    uint32_t heads = atomic_load_explicit(&state->heads, memory_order_acquire);
    uint32_t row = state->row[state->dones % SPY_HTTP1_PIPELINE];
    *params = ++state->dones == heads ? state->params : NULL;
    return row - 1;
}

/* A fork's child may answer what its parent read: that one's numbers are the parent's. */
static bool is_of(const struct spy_region *region, const struct spy_http1_exchange *x)
{
    return x->begin_ns >= region->epoch_mono_ns;
}

static void on_done(void *ctx, const struct spy_http1_exchange *x)
{
    struct context *c = ctx;
    const char *params;
    uint32_t row = take_next(c->state, &params);
    bool ours = is_of(c->region, x);
    if (x->lost) {
        if (ours)
            spy_request_lost(c->region, row);
        return;
    }
    struct spy_sample sample = {
        .op = ours ? x->op : SPY_OP_OTHER_HTTP,
        .code = x->status,
        .failed = x->status >= FIRST_SERVER_ERROR,
        .aborted = x->aborted,
        .end_ns = x->end_ns,
        .dur_ns = spy_clock_since(x->end_ns, x->begin_ns),
        .wait_ns =
            spy_clock_since(x->first_byte_ns != 0 ? x->first_byte_ns : x->end_ns, x->begin_ns),
        .blocked_ns = x->blocked_ns,
        .bytes_in = x->bytes_in,
        .bytes_out = x->bytes_out,
        .read_ns = x->request_end_ns != 0 ? spy_clock_since(x->request_end_ns, x->begin_ns) : 0,
    };
    spy_request_done(c->region, ours ? row : SPY_OPEN_NO_ROW, &sample, params);
}

/* The request whose response is under way may be waiting for its client. */
static void note_stall(struct spy_http1_state *state, struct spy_region *region)
{
    const struct spy_http1_response *response = &state->machine.out.response;
    if (atomic_load_explicit(&state->heads, memory_order_acquire) == state->dones)
        return;
    uint32_t row = state->row[state->dones % SPY_HTTP1_PIPELINE] - 1u;
    spy_request_stalled(region, row, response->stalled ? response->charged_ns : 0);
}

static struct spy_http1_sink sink_of(struct context *context)
{
    return (struct spy_http1_sink){.head = on_head, .done = on_done, .ctx = context};
}

static void http1_open(struct spy_protocol_memory memory)
{
    struct spy_http1_state *state = &memory.state->http1;
    spy_http1_open(&state->machine, memory.room);
    atomic_store_explicit(&state->heads, 0, memory_order_relaxed);
    state->dones = 0;
    state->params[0] = '\0';
}

static void http1_in(union spy_protocol_state *state, struct spy_region *region,
                     const struct spy_bytes *b)
{
    struct context context = {&state->http1, region, b->end_ns};
    struct spy_http1_sink sink = sink_of(&context);
    spy_http1_in(&state->http1.machine, &sink, b->data, b->n, b->end_ns);
}

static void http1_out(union spy_protocol_state *state, struct spy_region *region,
                      const struct spy_bytes *b)
{
    struct context context = {&state->http1, region, b->end_ns};
    struct spy_http1_sink sink = sink_of(&context);
    spy_http1_out(&state->http1.machine, &sink, b->data, b->n, b->wanted, b->begin_ns, b->end_ns);
    note_stall(&state->http1, region);
}

static void http1_close(union spy_protocol_state *state, struct spy_region *region, uint64_t now_ns)
{
    struct context context = {&state->http1, region, now_ns};
    struct spy_http1_sink sink = sink_of(&context);
    spy_http1_close(&state->http1.machine, &sink, now_ns);
}

static bool http1_lost(const union spy_protocol_state *state, bool *fault)
{
    enum spy_http1_lost why = spy_http1_why_lost(&state->http1.machine);
    *fault = why == SPY_HTTP1_LOST;
    return why != SPY_HTTP1_FOLLOWED;
}

const struct spy_protocol spy_protocol_http1 = {
    .name = "http/1",
    .claims = spy_http1_plausible,
    .begins = spy_http1_request_line,
    .open = http1_open,
    .in = http1_in,
    .out = http1_out,
    .close = http1_close,
    .lost = http1_lost,
};
