/* SPDX-License-Identifier: MIT */
/*
 * Keeping requests: method and target. See captured.h. Between head and end what was kept is found
 * by the request's row among the open ones; a request without a row is missed.
 */
#include "observe/captured.h"
#include "observe/request.h"
#include "shared/secret.h"

#include <string.h>

/* Tickets, by row. One that a capture left behind is no good in the next. */
static _Atomic spy_capture_ticket of_row[SPY_OPEN_REQUESTS];

/* Stars out what may be a password in the query of TARGET, LEN bytes. */
static void star_out(char *target, size_t len)
{
    char *at = memchr(target, '?', len);
    char *end = target + len;
    while (at != NULL && ++at < end) {
        char *next = memchr(at, '&', (size_t)(end - at));
        char *stop = next != NULL ? next : end;
        char *equals = memchr(at, '=', (size_t)(stop - at));
        if (equals != NULL && spy_secret_parameter(at, (size_t)(equals - at)))
            memset(equals + 1, '*', (size_t)(stop - equals - 1));
        at = next;
    }
}

static void fill(struct spy_capture_slot *slot, const char *method, size_t method_len,
                 const char *target, size_t target_len)
{
    struct spy_capture_item item = {.kind = SPY_CAPTURE_METHOD, .full = (uint32_t)method_len};
    spy_capture_put(slot, &item, method, method_len);
    item = (struct spy_capture_item){.kind = SPY_CAPTURE_TARGET, .full = (uint32_t)target_len};
    char *kept = spy_capture_put(slot, &item, target, SPY_CAPTURE_TEXT_MAX);
    if (kept != NULL)
        star_out(kept, target_len < SPY_CAPTURE_TEXT_MAX ? target_len : SPY_CAPTURE_TEXT_MAX);
}

void spy_captured_head(const struct spy_request *request, const char *method, size_t method_len,
                       const char *target, size_t target_len)
{
    spy_capture_ticket ticket = 0;
    if (request->row >= SPY_OPEN_REQUESTS)
        return;
    struct spy_capture_slot *slot = request->op == spy_capture_op() ? spy_capture_begin() : NULL;
    if (slot != NULL) {
        fill(slot, method, method_len, target, target_len);
        ticket = spy_capture_hold(slot);
    }
    /* Release and acquire: the slot's bytes go with its ticket. */
    atomic_store_explicit(&of_row[request->row], ticket, memory_order_release);
}

spy_capture_ticket spy_captured_take(uint32_t row)
{
    if (row >= SPY_OPEN_REQUESTS)
        return 0;
    return atomic_exchange_explicit(&of_row[row], 0, memory_order_acq_rel);
}
