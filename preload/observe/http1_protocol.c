/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1 as one of the protocols: binds the state machine (http1.h) to requests (request.h).
 */
#include "observe/protocol.h"
#include "observe/request.h"

/* A server's fault is 500 and above; 4xx is the client's (OpenTelemetry's rule for servers). */
#define FIRST_SERVER_ERROR 500u

/* What the sink's functions need. */
struct context {
    struct spy_http1_state *state;
    struct spy_region *region;
};

static uint32_t on_head(void *ctx, const char *method, size_t method_len, const char *target,
                        size_t target_len)
{
    struct context *c = ctx;
    uint32_t heads = atomic_load_explicit(&c->state->heads, memory_order_relaxed);
    uint32_t op =
        spy_request_head(c->region, method, method_len, target, target_len, c->state->params);
    /* Pairs with the acquire load in params_of(). */
    atomic_store_explicit(&c->state->heads, heads + 1, memory_order_release);
    return op;
}

/* The parameters of the request that ends now, if no later one has begun. A next request cannot
 * begin while the write side is at this one but by pipelining, and then they are not told. */
static const char *params_of(struct spy_http1_state *state)
{
    uint32_t heads = atomic_load_explicit(&state->heads, memory_order_acquire);
    return ++state->dones == heads ? state->params : NULL;
}

/* A fork's child may answer what its parent read: that operation's number is the parent's. */
static uint32_t op_of(const struct spy_region *region, const struct spy_http1_exchange *x)
{
    return x->begin_ns < region->epoch_mono_ns ? SPY_OP_OTHER_HTTP : x->op;
}

static void on_done(void *ctx, const struct spy_http1_exchange *x)
{
    struct context *c = ctx;
    const char *params = params_of(c->state);
    if (x->lost)
        return;
    struct spy_sample sample = {
        .op = op_of(c->region, x),
        .code = x->status,
        .failed = x->status >= FIRST_SERVER_ERROR,
        .aborted = x->aborted,
        .end_ns = x->end_ns,
        .dur_ns = x->end_ns - x->begin_ns,
        .wait_ns = (x->first_byte_ns != 0 ? x->first_byte_ns : x->end_ns) - x->begin_ns,
        .blocked_ns = x->blocked_ns,
        .bytes_in = x->bytes_in,
        .bytes_out = x->bytes_out,
    };
    spy_request_done(c->region, &sample, params);
}

static struct spy_http1_sink sink_of(struct context *context)
{
    return (struct spy_http1_sink){.head = on_head, .done = on_done, .ctx = context};
}

static void http1_open(union spy_protocol_state *state)
{
    spy_http1_open(&state->http1.machine);
    atomic_store_explicit(&state->http1.heads, 0, memory_order_relaxed);
    state->http1.dones = 0;
    state->http1.params[0] = '\0';
}

static void http1_in(union spy_protocol_state *state, struct spy_region *region,
                     const struct spy_bytes *b)
{
    struct context context = {&state->http1, region};
    struct spy_http1_sink sink = sink_of(&context);
    spy_http1_in(&state->http1.machine, &sink, b->data, b->n, b->end_ns);
}

static void http1_out(union spy_protocol_state *state, struct spy_region *region,
                      const struct spy_bytes *b)
{
    struct context context = {&state->http1, region};
    struct spy_http1_sink sink = sink_of(&context);
    spy_http1_out(&state->http1.machine, &sink, b->data, b->n, b->wanted, b->begin_ns, b->end_ns);
}

static void http1_close(union spy_protocol_state *state, struct spy_region *region, uint64_t now_ns)
{
    struct context context = {&state->http1, region};
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
    .open = http1_open,
    .in = http1_in,
    .out = http1_out,
    .close = http1_close,
    .lost = http1_lost,
};
