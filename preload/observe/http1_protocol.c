/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1 as one of the protocols: binds the state machine (http1.h) to requests (request.h).
 */
#include "observe/protocol.h"
#include "observe/request.h"

/* A server's fault is 500 and above; 4xx is the client's (OpenTelemetry's rule for servers). */
#define FIRST_SERVER_ERROR 500u

static uint32_t on_head(void *ctx, const char *method, size_t method_len, const char *target,
                        size_t target_len)
{
    return spy_request_head(ctx, method, method_len, target, target_len);
}

static void on_done(void *ctx, const struct spy_http1_exchange *x)
{
    if (x->lost)
        return;
    struct spy_sample sample = {
        .op = x->op,
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
    spy_request_done(ctx, &sample);
}

static struct spy_http1_sink sink_of(struct spy_region *region)
{
    return (struct spy_http1_sink){.head = on_head, .done = on_done, .ctx = region};
}

static void http1_open(union spy_protocol_state *state)
{
    spy_http1_open(&state->http1);
}

static void http1_in(union spy_protocol_state *state, struct spy_region *region,
                     const struct spy_bytes *b)
{
    struct spy_http1_sink sink = sink_of(region);
    spy_http1_in(&state->http1, &sink, b->data, b->n, b->end_ns);
}

static void http1_out(union spy_protocol_state *state, struct spy_region *region,
                      const struct spy_bytes *b)
{
    struct spy_http1_sink sink = sink_of(region);
    spy_http1_out(&state->http1, &sink, b->data, b->n, b->wanted, b->begin_ns, b->end_ns);
}

static void http1_close(union spy_protocol_state *state, struct spy_region *region, uint64_t now_ns)
{
    struct spy_http1_sink sink = sink_of(region);
    spy_http1_close(&state->http1, &sink, now_ns);
}

static bool http1_lost(const union spy_protocol_state *state, bool *fault)
{
    enum spy_http1_lost why = spy_http1_why_lost(&state->http1);
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
