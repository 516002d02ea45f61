/* SPDX-License-Identifier: MIT */
/*
 * Plain text of TLS sessions. See tls.h.
 */
#include "observe/tls.h"

#include "observe/protocol.h"
#include "record/open.h"
#include "runtime/clock.h"
#include "runtime/process.h"

#include <errno.h>

const struct spy_copy *spy_tls_making(struct spy_tls_library *library, const void *caller)
{
    return spy_copy_of_caller(&library->library, caller);
}

static uint32_t resumed(void)
{
    return atomic_load_explicit(&spy_process_resumed, memory_order_relaxed);
}

/* Was some of it not seen: what was before we came, or while recording was off? */
static bool has_gap(const struct spy_session *row)
{
    return row->resumed != resumed();
}

/* The stream of ROW is over; the row stays. */
static void end_stream(struct spy_session *row)
{
    spy_stream_cipher_end(row->handle);
    row->handle = 0;
    row->side = SPY_SESSION_UNKNOWN;
}

void spy_tls_made(const struct spy_copy *copy, const void *session)
{
    if (session == NULL)
        return;
    int saved_errno = errno;
    struct spy_session *row = spy_session_add(session, copy);
    if (row != NULL) {
        end_stream(row);
        row->copy = copy;
        row->resumed = resumed();
    }
    errno = saved_errno;
}

void spy_tls_side(const void *session, bool server)
{
    struct spy_session *row = spy_session_find(session);
    if (row != NULL)
        row->side = server ? SPY_SESSION_SERVER : SPY_SESSION_FOREIGN;
}

const struct spy_copy *spy_tls_cleared(struct spy_tls_library *library, const void *session,
                                       const void *caller)
{
    struct spy_session *row = spy_session_find(session);
    if (row == NULL)
        return spy_copy_of_caller(&library->library, caller);
    end_stream(row);
    return row->copy;
}

const struct spy_copy *spy_tls_freed(struct spy_tls_library *library, const void *session,
                                     const void *caller)
{
    const struct spy_copy *copy = spy_tls_cleared(library, session, caller);
    spy_session_remove(session);
    return copy;
}

/* Where there is no room for a row the call is only passed on. */
static void begin(struct spy_tls *call, struct spy_tls_library *library, const void *session,
                  const void *caller)
{
    struct spy_session *row = spy_session_find(session);
    *call = (struct spy_tls){.library = library, .session = session};
    if (row == NULL) {
        call->copy = spy_copy_of_caller(&library->library, caller);
        row = call->copy != NULL ? spy_session_add(session, call->copy) : NULL;
        if (row != NULL)
            row->resumed = resumed() - 1; /* it is older than we */
    } else {
        call->copy = row->copy;
    }
    if (row != NULL && row->side != SPY_SESSION_FOREIGN && !spy_copy_calls(call->copy, caller))
        call->row = row;
}

const struct spy_copy *spy_tls_begin_in(struct spy_tls *call, struct spy_tls_library *library,
                                        const void *session, const void *caller)
{
    begin(call, library, session, caller);
    return call->copy;
}

const struct spy_copy *spy_tls_begin_out(struct spy_tls *call, struct spy_tls_library *library,
                                         const void *session, const void *caller)
{
    struct spy_region *region = spy_process_region();
    begin(call, library, session, caller);
    if (call->row != NULL && region != NULL) { /* else the clock may be forbidden */
        call->begin_ns = spy_now();
        if (call->row->handle != 0)
            spy_open_writing(region, call->begin_ns);
    }
    return call->copy;
}

static enum spy_session_side side_of(const struct spy_tls *call)
{
    return call->library->is_server(call->copy, call->session) ? SPY_SESSION_SERVER
                                                               : SPY_SESSION_FOREIGN;
}

/* The first plain text was read. A client's session is left alone, and does not start a watch. */
static void meet(struct spy_tls *call)
{
    struct spy_session *row = call->row;
    if (atomic_load_explicit(&spy_process_dormant, memory_order_relaxed))
        return;
    if (row->side == SPY_SESSION_UNKNOWN)
        row->side = side_of(call);
    if (row->side != SPY_SESSION_SERVER)
        return;
    spy_process_start();
    row->resumed = resumed();
    row->handle = spy_stream_cipher(call->library->descriptor(call->copy, call->session));
    if (row->handle == 0)
        row->side = SPY_SESSION_FOREIGN;
}

/* May a stream begin here? After a gap, where a request does, beyond doubt. */
static bool may_begin(const struct spy_session *row, const void *data, ssize_t got)
{
    if (!has_gap(row))
        return row->handle == 0;
    return got >= SPY_REQUEST_LEAST && (unsigned)*(const unsigned char *)data - 'A' <= 'Z' - 'A' &&
           spy_protocol_begins(data, (size_t)got);
}

/* One writes that nothing was read of. Unless that was not seen, it speaks first. */
static void meet_speaker(struct spy_tls *call)
{
    struct spy_session *row = call->row;
    if (!has_gap(row))
        row->side = SPY_SESSION_FOREIGN;
    else if (row->side == SPY_SESSION_UNKNOWN)
        row->side = side_of(call);
}

void spy_tls_in(struct spy_tls *call, const void *data, ssize_t got)
{
    if (call->row == NULL)
        return;
    int saved_errno = errno;
    if (got > 0 && may_begin(call->row, data, got))
        meet(call);
    if (got > 0 && call->row->handle != 0) {
        struct spy_io io = spy_io_in_of(call->row->handle);
        spy_stream_in(&io, data, got);
    }
    errno = saved_errno;
}

void spy_tls_out(struct spy_tls *call, const void *data, size_t wanted, ssize_t sent)
{
    if (call->row == NULL)
        return;
    int saved_errno = errno;
    struct spy_region *region = spy_process_region();
    if (region != NULL)
        spy_open_writing(region, 0);
    if (call->row->handle != 0 && sent >= 0) {
        struct spy_io io = spy_io_out_of(call->row->handle, call->begin_ns);
        spy_stream_out(&io, data, wanted, sent);
    } else if (sent > 0 && region != NULL) {
        meet_speaker(call);
    }
    errno = saved_errno;
}
