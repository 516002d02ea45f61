/* SPDX-License-Identifier: MIT */
/*
 * The state machine of an HTTP/1 connection. The first half of this file is the read side, the
 * second the write side; only the ring, `lost`, `in_lost` and `spoken` are shared by them.
 */
#include "observe/http1.h"

#include <string.h>

#define RELAXED memory_order_relaxed

void spy_http1_open(struct spy_http1 *http, char *target)
{
    memset(http, 0, sizeof(*http));
    http->in.target = target;
    spy_http1_head_open(&http->in.head, HTTP_REQUEST);
    spy_http1_head_open(&http->out.head, HTTP_RESPONSE);
}

static bool is_lost(const struct spy_http1 *http)
{
    return spy_http1_why_lost(http) != SPY_HTTP1_FOLLOWED;
}

static struct spy_http1_request *slot(struct spy_http1 *http, uint32_t index)
{
    return &http->ring[index % SPY_HTTP1_PIPELINE];
}

/* ---------------------------------------------------------------------------------------------
 * Read side */

/* No further request can be made out. Those in the ring may still be answered: the write side
 * ends the connection when it has answered the last. If it does so at this very moment, neither
 * side sees the other; then the next call on either side finds out. */
static void lose_in(struct spy_http1 *http, enum spy_http1_lost why)
{
    atomic_store_explicit(&http->in_lost, (uint8_t)why, RELAXED);
    if (spy_http1_pending(http) == 0)
        atomic_store_explicit(&http->lost, (uint8_t)why, RELAXED);
}

/* What cannot be parsed was never HTTP/1 unless an earlier head or this one's version said so. */
static enum spy_http1_lost why_refused(const struct spy_http1 *http)
{
    bool http1 = atomic_load_explicit(&http->ring_tail, RELAXED) != 0 ||
                 http->in.head.parser.http_major == 1;
    return http1 ? SPY_HTTP1_LOST : SPY_HTTP1_NOT_HTTP;
}

/* The bytes last fed go away with the caller's buffer: keep what they hold of the target. */
static void keep_target(struct spy_http1_in *in)
{
    if (!in->head.target)
        return;
    uint32_t room = SPY_HTTP1_TARGET_MAX - in->target_len;
    uint32_t len = in->head.target_len < room ? in->head.target_len : room;
    memcpy(in->target + in->target_len, in->head.target, len);
    in->target_len += len;
}

static uint32_t ask_operation(struct spy_http1_in *in, const struct spy_http1_sink *sink)
{
    const char *target = in->head.target;
    uint32_t len = in->head.target_len;
    if (in->target_len > 0) {
        keep_target(in);
        target = in->target;
        len = in->target_len;
    } else if (len > SPY_HTTP1_TARGET_MAX) {
        len = SPY_HTTP1_TARGET_MAX;
    }
    const char *method = llhttp_method_name((llhttp_method_t)in->head.parser.method);
    return sink->head(sink->ctx, method, strlen(method), target, len);
}

/* The head is complete: its request enters the ring. */
static void push(struct spy_http1 *http, const struct spy_http1_sink *sink, uint64_t now_ns)
{
    struct spy_http1_in *in = &http->in;
    if (spy_http1_pending(http) == SPY_HTTP1_PIPELINE) {
        lose_in(http, SPY_HTTP1_LOST);
        return;
    }
    uint32_t tail = atomic_load_explicit(&http->ring_tail, RELAXED);
    struct spy_http1_request *request = slot(http, tail);
    spy_http1_request_body(&in->head, &in->body);
    request->op = ask_operation(in, sink);
    request->method = in->head.parser.method;
    request->begin_ns = in->begin_ns;
    atomic_store_explicit(&request->bytes_in, in->head.bytes, RELAXED);
    atomic_store_explicit(&request->end_ns, spy_framing_done(&in->body) ? now_ns : 0, RELAXED);
    /* Pairs with the acquire of ring_tail in spy_http1_pending(), called by the write side. */
    atomic_store_explicit(&http->ring_tail, tail + 1, memory_order_release);
    spy_http1_head_again(&in->head);
}

/* Returns how many bytes were used; on a loss, all. */
static size_t head_in(struct spy_http1 *http, const struct spy_http1_sink *sink, const char *data,
                      size_t n, uint64_t now_ns)
{
    struct spy_http1_in *in = &http->in;
    if (in->head.bytes == 0) {
        size_t blank = data ? spy_http1_blank(data, n) : 0;
        if (blank > 0)
            return blank;
        in->begin_ns = now_ns;
        in->target_len = 0;
    }
    size_t used = n;
    switch (spy_http1_head_feed(&in->head, data, n, &used)) {
    case SPY_HTTP1_REFUSED:
        lose_in(http, why_refused(http));
        return n;
    case SPY_HTTP1_COMPLETE:
        push(http, sink, now_ns);
        return used;
    default:
        keep_target(in);
        atomic_store_explicit(&http->spoken, true, RELAXED);
        return used;
    }
}

/* The slot is still ours to write even when the response is already over and the write side has
 * let go of it: nobody but this side can use it again, and does so only after this body. */
static size_t body_in(struct spy_http1 *http, const char *data, size_t n, uint64_t now_ns)
{
    struct spy_http1_in *in = &http->in;
    uint32_t tail = atomic_load_explicit(&http->ring_tail, RELAXED);
    struct spy_http1_request *request = slot(http, tail - 1);
    size_t used = spy_framing_take(&in->body, data, n);
    uint64_t bytes = atomic_load_explicit(&request->bytes_in, RELAXED) + used;
    atomic_store_explicit(&request->bytes_in, bytes, RELAXED);
    if (spy_framing_done(&in->body))
        atomic_store_explicit(&request->end_ns, now_ns, RELAXED);
    if (!spy_framing_broken(&in->body))
        return used;
    lose_in(http, SPY_HTTP1_LOST);
    return n;
}

void spy_http1_in(struct spy_http1 *http, const struct spy_http1_sink *sink, const char *data,
                  size_t n, uint64_t now_ns)
{
    while (n > 0 && !is_lost(http) && atomic_load_explicit(&http->in_lost, RELAXED) == 0) {
        size_t used = spy_framing_done(&http->in.body) ? head_in(http, sink, data, n, now_ns)
                                                       : body_in(http, data, n, now_ns);
        data = data ? data + used : NULL;
        n -= used;
    }
}

/* ---------------------------------------------------------------------------------------------
 * Write side */

struct write_call {
    uint64_t begin_ns;
    uint64_t end_ns;
};

static struct spy_http1_request *oldest(struct spy_http1 *http)
{
    return slot(http, atomic_load_explicit(&http->ring_head, RELAXED));
}

static void pop(struct spy_http1 *http)
{
    uint32_t head = atomic_load_explicit(&http->ring_head, RELAXED);
    /* Pairs with the acquire of ring_head in spy_http1_pending(), called by push(). */
    atomic_store_explicit(&http->ring_head, head + 1, memory_order_release);
    uint8_t in_lost = atomic_load_explicit(&http->in_lost, RELAXED);
    if (in_lost != 0 && !is_lost(http) && spy_http1_pending(http) == 0)
        atomic_store_explicit(&http->lost, in_lost, RELAXED);
}

enum outcome { COMPLETE, ABORTED, LOST };

/* The oldest request is over: report it and make room for the next. */
static void finish(struct spy_http1 *http, const struct spy_http1_sink *sink, uint64_t end_ns,
                   enum outcome outcome)
{
    const struct spy_http1_request *request = oldest(http);
    const struct spy_http1_response *response = &http->out.response;
    struct spy_http1_exchange exchange = {
        .op = request->op,
        .status = response->status,
        .aborted = outcome == ABORTED,
        .lost = outcome == LOST,
        .begin_ns = request->begin_ns,
        .request_end_ns = atomic_load_explicit(&request->end_ns, RELAXED),
        .first_byte_ns = response->status != 0 ? response->first_ns : 0,
        .end_ns = end_ns,
        .blocked_ns = response->blocked_ns,
        .bytes_in = atomic_load_explicit(&request->bytes_in, RELAXED),
        .bytes_out = response->bytes,
    };
    http->out.response = (struct spy_http1_response){0};
    pop(http);
    sink->done(sink->ctx, &exchange);
}

static void finish_all(struct spy_http1 *http, const struct spy_http1_sink *sink, uint64_t now_ns,
                       enum outcome outcome)
{
    while (spy_http1_pending(http) > 0)
        finish(http, sink, now_ns, outcome);
}

/* The connection cannot be followed any more, nor the requests that wait for an answer. */
static void lose(struct spy_http1 *http, const struct spy_http1_sink *sink, enum spy_http1_lost why,
                 uint64_t now_ns)
{
    atomic_store_explicit(&http->lost, (uint8_t)why, RELAXED);
    finish_all(http, sink, now_ns, LOST);
}

/* Bytes without a request: a server that speaks first (so not HTTP), or one that answers what we
 * could not make out. */
static void lose_unasked(struct spy_http1 *http)
{
    bool spoken = atomic_load_explicit(&http->spoken, RELAXED) ||
                  atomic_load_explicit(&http->ring_tail, RELAXED) != 0;
    uint8_t why = spoken ? SPY_HTTP1_LOST : SPY_HTTP1_NOT_HTTP;
    atomic_store_explicit(&http->lost, why, RELAXED);
}

/* Counts the call's time as blocked time of the response, with the time since the socket was full
 * if it was. A second time for the same call (another buffer, another part) adds nothing. */
static void charge(struct spy_http1_response *response, const struct write_call *call)
{
    uint64_t from = response->charged_ns;
    if (!response->stalled && call->begin_ns > from)
        from = call->begin_ns;
    response->stalled = false;
    if (call->end_ns <= from)
        return;
    response->blocked_ns += call->end_ns - from;
    response->charged_ns = call->end_ns;
}

/* After a call that took fewer bytes than it should: the response under way waits. A response
 * that is complete does not: sendfile is often asked for more than the file has. */
static void note_short(struct spy_http1 *http, size_t n, const struct write_call *call)
{
    struct spy_http1_response *response = &http->out.response;
    if (is_lost(http) || spy_http1_pending(http) == 0)
        return;
    if (n > 0 && response->bytes == 0)
        return;
    charge(response, call);
    response->stalled = true;
}

/* A response head is complete: what follows? */
static void begin_body(struct spy_http1 *http, const struct spy_http1_sink *sink, uint64_t end_ns)
{
    struct spy_http1_out *out = &http->out;
    uint16_t status = out->head.parser.status_code;
    uint8_t method = oldest(http)->method;
    bool handed_over = status == 101 || (method == HTTP_CONNECT && status / 100 == 2);

    spy_http1_response_body(&out->head, method == HTTP_HEAD || handed_over, &out->body);
    spy_http1_head_again(&out->head);
    if (status / 100 == 1 && !handed_over)
        return; /* interim: the final response has its own head */
    out->response.status = status;
    out->response.in_body = !spy_framing_done(&out->body);
    if (!out->response.in_body)
        finish(http, sink, end_ns, COMPLETE);
    if (handed_over)
        lose(http, sink, SPY_HTTP1_HANDED_OVER, end_ns);
}

/* Returns how many bytes were used; on a loss, all. */
static size_t head_out(struct spy_http1 *http, const struct spy_http1_sink *sink, const char *data,
                       size_t n, const struct write_call *call)
{
    struct spy_http1_out *out = &http->out;
    if (out->head.bytes == 0) {
        size_t blank = data ? spy_http1_blank(data, n) : 0;
        if (blank > 0)
            return blank;
        if (spy_http1_pending(http) == 0) {
            lose_unasked(http);
            return n;
        }
        out->response.first_ns = call->end_ns;
    }
    charge(&out->response, call);
    out->response.last_ns = call->end_ns;
    size_t used = n;
    enum spy_http1_fed fed = spy_http1_head_feed(&out->head, data, n, &used);
    if (fed == SPY_HTTP1_REFUSED) {
        lose(http, sink, SPY_HTTP1_LOST, call->end_ns);
        return n;
    }
    out->response.bytes += used;
    if (fed == SPY_HTTP1_COMPLETE)
        begin_body(http, sink, call->end_ns);
    return used;
}

static size_t body_out(struct spy_http1 *http, const struct spy_http1_sink *sink, const char *data,
                       size_t n, const struct write_call *call)
{
    struct spy_http1_out *out = &http->out;
    charge(&out->response, call);
    out->response.last_ns = call->end_ns;
    size_t used = spy_framing_take(&out->body, data, n);
    out->response.bytes += used;
    if (spy_framing_done(&out->body))
        finish(http, sink, call->end_ns, COMPLETE);
    if (!spy_framing_broken(&out->body))
        return used;
    lose(http, sink, SPY_HTTP1_LOST, call->end_ns);
    return n;
}

void spy_http1_out(struct spy_http1 *http, const struct spy_http1_sink *sink, const char *data,
                   size_t n, size_t wanted, uint64_t begin_ns, uint64_t end_ns)
{
    const struct write_call call = {begin_ns, end_ns};
    size_t left = n;
    while (left > 0 && !is_lost(http)) {
        size_t used = http->out.response.in_body ? body_out(http, sink, data, left, &call)
                                                 : head_out(http, sink, data, left, &call);
        data = data ? data + used : NULL;
        left -= used;
    }
    if (n < wanted)
        note_short(http, n, &call);
}

void spy_http1_close(struct spy_http1 *http, const struct spy_http1_sink *sink, uint64_t now_ns)
{
    struct spy_http1_response *response = &http->out.response;
    /* The read side may have put one into the ring while the write side gave up. */
    if (is_lost(http)) {
        finish_all(http, sink, now_ns, LOST);
        return;
    }
    if (response->in_body && spy_framing_until_close(&http->out.body))
        finish(http, sink, response->last_ns, COMPLETE);
    else if (response->stalled)
        charge(response, &(struct write_call){now_ns, now_ns});
    finish_all(http, sink, now_ns, ABORTED);
}
