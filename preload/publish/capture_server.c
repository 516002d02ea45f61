/* SPDX-License-Identifier: MIT */
/*
 * Streaming a capture to its client. See capture_server.h.
 */
#include "publish/capture_server.h"

#include "publish/server.h"
#include "record/capture.h"
#include "runtime/ownfd.h"
#include "shared/sys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 64

/* A thread that copies is soon done, unless it has lost the processor. */
#define LOOKS_AT_THE_END 100000

/* One that has not done so for so long has been cancelled, or has jumped out of copying. */
#define COPYING_NS 10000000000u

static struct {
    bool open;   /* it has a client */
    bool wiping; /* it is over, but a thread still copied when we looked */
    bool last;   /* what is being sent is the end */
    bool stopped;
    uint64_t wiping_ns; /* since then; 0: nobody has looked yet */
    int slot;           /* own descriptor */
    uint64_t deadline_ns;
    uint64_t stuck_ns; /* the client has not taken anything since; 0: nothing waits */
    uint32_t calls;    /* wanted */
    uint32_t sent;
    /* What is being sent: a line, then BODY_LEN bytes of the slot, if there is one. */
    char line[LINE_BYTES];
    uint64_t line_len, body_len, done;
    struct spy_capture_slot *statement;
} capture;

/* ---- beginning ------------------------------------------------------------------------------ */

static bool find_op(const struct spy_region *region, const char *name, uint32_t *op)
{
    uint32_t used = atomic_load_explicit(&region->ops_used, memory_order_acquire);
    for (uint32_t i = 0; i < used && i < SPY_OPS_MAX; i++) {
        const struct spy_op *o = spy_region_op(region, i);
        if (atomic_load_explicit(&o->state, memory_order_acquire) == SPY_OP_READY &&
            strncmp(o->name, name, sizeof(o->name)) == 0) {
            *op = i;
            return true;
        }
    }
    return false;
}

/* Takes a number up to MAX and the blank behind it off TEXT; false where there is none. */
static bool take_number(const char **text, uint64_t max, uint64_t *number)
{
    const char *at = *text;
    *number = 0;
    for (; *at >= '0' && *at <= '9' && *number <= max; at++)
        *number = *number * 10 + (uint64_t)(*at - '0');
    if (at == *text || *at != ' ' || *number > max)
        return false;
    *text = at + 1;
    return true;
}

static void set_line(const char *word, uint64_t n)
{
    capture.line_len =
        (uint64_t)snprintf(capture.line, sizeof(capture.line), "%s %" PRIu64 "\n", word, n);
    capture.body_len = 0;
    capture.done = 0;
}

/* Looks again whether all threads have done with copying. */
static void wipe(uint64_t now_ns)
{
    if (!capture.wiping)
        return;
    if (capture.wiping_ns == 0)
        capture.wiping_ns = now_ns;
    if (now_ns - capture.wiping_ns >= COPYING_NS)
        spy_capture_abandon();
    capture.wiping = !spy_capture_disarm();
    capture.wiping_ns = capture.wiping ? capture.wiping_ns : 0;
}

const char *spy_capture_server_begin(const struct spy_region *region, int slot, const char *request,
                                     uint64_t now_ns)
{
    uint64_t calls, ms, slow_ms;
    uint32_t op;
    if (!take_number(&request, SPY_CAPTURE_CALLS_MAX, &calls) || calls == 0 ||
        !take_number(&request, SPY_CAPTURE_MS_MAX, &ms) ||
        !take_number(&request, SPY_CAPTURE_MS_MAX, &slow_ms))
        return "a capture is asked for by \"capture CALLS MS SLOW_MS OPERATION\"\n";
    if (spy_cost_leaves_out(&region->cost, SPY_BACKOFF_CAPTURE))
        return "no captures in this process: perfspy backs off, see PERFSPY_COST_LIMIT\n";
    wipe(now_ns);
    if (spy_capture_server_busy())
        return "another capture is under way in this process\n";
    if (!find_op(region, request, &op))
        return "no such operation in this process\n";
    if (!spy_capture_arm(op, (uint32_t)calls, slow_ms * 1000000u))
        return "no memory for a capture\n";
    memset(&capture, 0, sizeof(capture));
    capture.open = true;
    capture.slot = slot;
    capture.deadline_ns = now_ns + ms * 1000000u;
    capture.calls = (uint32_t)calls;
    set_line("ok", 0);
    return NULL;
}

/* ---- ending --------------------------------------------------------------------------------- */

static void end(void)
{
    if (capture.open)
        spy_own_fd_close(capture.slot);
    memset(&capture, 0, sizeof(capture));
    capture.wiping = !spy_capture_disarm();
}

/* The client has closed the connection, or speaks, which means nothing. */
static bool is_gone(int fd)
{
    char byte;
    long n = fd >= 0 ? spy_sys_read(fd, &byte, 1) : 0;
    return n != -EAGAIN && n != -EINTR;
}

/* The last word. Nothing more is kept from here on. */
static void set_end(void)
{
    char text[LINE_BYTES];
    int len = snprintf(text, sizeof(text), "calls=%" PRIu32 " missed=%" PRIu32 "%s\n", capture.sent,
                       spy_capture_missed(), capture.stopped ? " stopped=cost" : "");
    set_line("end", (uint64_t)len);
    capture.line_len += (uint64_t)snprintf(capture.line + capture.line_len,
                                           sizeof(capture.line) - capture.line_len, "%s", text);
    capture.last = true;
    capture.wiping = !spy_capture_disarm();
}

/* ---- sending -------------------------------------------------------------------------------- */

static void set_statement(struct spy_capture_slot *statement)
{
    capture.statement = statement;
    uint64_t bytes = sizeof(struct spy_capture_head) + spy_capture_head(statement)->bytes;
    set_line("call", bytes);
    capture.body_len = bytes;
}

/* Chooses what to send next; false: there is nothing. */
static bool set_next(uint64_t now_ns)
{
    if (capture.statement != NULL) {
        struct spy_capture_slot *next = spy_capture_release(capture.statement);
        capture.statement = NULL;
        capture.sent += next == NULL;
        if (next != NULL) {
            set_statement(next);
            return true;
        }
    }
    struct spy_capture_slot *next = capture.sent < capture.calls ? spy_capture_next() : NULL;
    if (next != NULL)
        set_statement(next);
    else if (capture.sent == capture.calls || capture.stopped || now_ns >= capture.deadline_ns)
        set_end();
    else
        return false;
    return true;
}

static bool is_sent(void)
{
    return capture.done == capture.line_len + capture.body_len;
}

/* True: the socket took it all. Where it fails the capture is over. */
static bool send_on(int fd, uint64_t now_ns)
{
    while (!is_sent()) {
        bool in_line = capture.done < capture.line_len;
        uint64_t at = in_line ? capture.done : capture.done - capture.line_len;
        const char *from = in_line ? capture.line : (char *)spy_capture_head(capture.statement);
        long n = spy_sys_send(fd, from + at, (in_line ? capture.line_len : capture.body_len) - at);
        if (n == -EAGAIN || n == -EINTR) {
            if (capture.stuck_ns == 0)
                capture.stuck_ns = now_ns;
            return false;
        }
        if (n <= 0) {
            end();
            return false;
        }
        capture.done += (uint64_t)n;
        capture.stuck_ns = 0;
    }
    return true;
}

static bool is_stuck(uint64_t now_ns)
{
    return capture.stuck_ns != 0 && now_ns - capture.stuck_ns > SPY_CLIENT_DEADLINE_NS;
}

void spy_capture_server_serve(uint64_t now_ns)
{
    wipe(now_ns);
    if (!capture.open)
        return;
    if (now_ns >= capture.deadline_ns)
        spy_capture_stop();
    int fd = spy_own_fd_number(capture.slot);
    if (fd < 0 || is_gone(fd) || is_stuck(now_ns)) {
        end();
        return;
    }
    while (send_on(fd, now_ns)) {
        if (capture.last) {
            end();
            return;
        }
        if (!set_next(now_ns))
            return;
    }
}

void spy_capture_server_stop(void)
{
    if (!capture.open)
        return;
    capture.stopped = true;
    spy_capture_stop();
}

/* ---- waiting -------------------------------------------------------------------------------- */

bool spy_capture_server_busy(void)
{
    return capture.open || capture.wiping;
}

unsigned spy_capture_server_prepare(struct pollfd *fd)
{
    if (!capture.open)
        return 0;
    *fd = (struct pollfd){.fd = spy_own_fd_number(capture.slot),
                          .events = (short)(is_sent() ? POLLIN : POLLIN | POLLOUT)};
    return 1;
}

void spy_capture_server_reset(void)
{
    end();
    for (int i = 0; i < LOOKS_AT_THE_END && capture.wiping; i++) /* nobody comes here again */
        capture.wiping = !spy_capture_disarm();
}
