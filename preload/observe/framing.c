/* SPDX-License-Identifier: MIT */
/* Body framing: payload is skipped by arithmetic, only chunk syntax is looked at byte by byte. */
#include "observe/framing.h"

#include <string.h>

static void begin(struct spy_framing *body, enum spy_framing_state state, uint64_t left)
{
    body->left = left;
    body->state = (uint8_t)state;
    body->digit = false;
}

void spy_framing_none(struct spy_framing *body)
{
    begin(body, SPY_FRAMING_DONE, 0);
}

void spy_framing_length(struct spy_framing *body, uint64_t length)
{
    begin(body, length > 0 ? SPY_FRAMING_LENGTH : SPY_FRAMING_DONE, length);
}

void spy_framing_chunked(struct spy_framing *body)
{
    begin(body, SPY_FRAMING_SIZE, 0);
}

void spy_framing_close(struct spy_framing *body)
{
    begin(body, SPY_FRAMING_CLOSE, 0);
}

/* Payload: N bytes, of which at most `left` are ours; then the state is NEXT. */
static size_t take_payload(struct spy_framing *body, size_t n, enum spy_framing_state next)
{
    if (n < body->left) {
        body->left -= n;
        return n;
    }
    size_t used = (size_t)body->left;
    begin(body, next, 0);
    return used;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The line of a chunk size is over: its data, or after the last chunk the trailers. */
static void end_size(struct spy_framing *body)
{
    body->state = body->left > 0 ? SPY_FRAMING_DATA : SPY_FRAMING_LINE;
}

static void take_size(struct spy_framing *body, char c)
{
    int value = hex_value(c);
    if (value >= 0) {
        bool overflow = body->left >> 60 != 0;
        body->left = body->left << 4 | (uint64_t)value;
        body->digit = true;
        if (overflow)
            body->state = SPY_FRAMING_BROKEN;
        return;
    }
    if (!body->digit)
        body->state = SPY_FRAMING_BROKEN;
    else if (c == '\n')
        end_size(body);
    else if (c == '\r' || c == ';' || c == ' ' || c == '\t')
        body->state = SPY_FRAMING_EXT;
    else
        body->state = SPY_FRAMING_BROKEN;
}

/* The rest of a line that means nothing to us, up to and with its LF. */
static size_t skip_line(struct spy_framing *body, const char *data, size_t n)
{
    const char *lf = memchr(data, '\n', n);
    if (!lf)
        return n;
    if (body->state == SPY_FRAMING_EXT)
        end_size(body);
    else
        body->state = SPY_FRAMING_LINE;
    return (size_t)(lf - data) + 1;
}

/* One of the places where only a line end may stand, or (at a trailer line's start) also text. */
static void take_line_end(struct spy_framing *body, char c)
{
    switch (body->state) {
    case SPY_FRAMING_DATA_CR:
        if (c == '\r')
            body->state = SPY_FRAMING_DATA_LF;
        else if (c == '\n')
            begin(body, SPY_FRAMING_SIZE, 0);
        else
            body->state = SPY_FRAMING_BROKEN;
        return;
    case SPY_FRAMING_DATA_LF:
        begin(body, c == '\n' ? SPY_FRAMING_SIZE : SPY_FRAMING_BROKEN, 0);
        return;
    case SPY_FRAMING_LINE:
        if (c == '\r')
            body->state = SPY_FRAMING_END_LF;
        else
            body->state = c == '\n' ? SPY_FRAMING_DONE : SPY_FRAMING_TRAILER;
        return;
    default:
        body->state = c == '\n' ? SPY_FRAMING_DONE : SPY_FRAMING_BROKEN;
        return;
    }
}

static size_t take_syntax(struct spy_framing *body, const char *data, size_t n)
{
    if (!data) {
        body->state = SPY_FRAMING_BROKEN;
        return 0;
    }
    if (body->state == SPY_FRAMING_EXT || body->state == SPY_FRAMING_TRAILER)
        return skip_line(body, data, n);
    if (body->state == SPY_FRAMING_SIZE)
        take_size(body, *data);
    else
        take_line_end(body, *data);
    return spy_framing_broken(body) ? 0 : 1;
}

size_t spy_framing_take(struct spy_framing *body, const char *data, size_t n)
{
    size_t used = 0;
    while (used < n) {
        switch (body->state) {
        case SPY_FRAMING_DONE:
        case SPY_FRAMING_BROKEN:
            return used;
        case SPY_FRAMING_CLOSE:
            return n;
        case SPY_FRAMING_LENGTH:
            used += take_payload(body, n - used, SPY_FRAMING_DONE);
            break;
        case SPY_FRAMING_DATA:
            used += take_payload(body, n - used, SPY_FRAMING_DATA_CR);
            break;
        default:
            used += take_syntax(body, data ? data + used : NULL, n - used);
            break;
        }
    }
    return used;
}
