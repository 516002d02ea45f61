/* SPDX-License-Identifier: MIT */
/*
 * Recording, off and on. See pause.h.
 */
#include "observe/pause.h"

#include "observe/conn.h"
#include "observe/descriptors.h"
#include "observe/pool.h"
#include "observe/sequence.h"
#include "observe/session.h"
#include "observe/stream.h"
#include "record/open.h"
#include "runtime/process.h"

#include <limits.h>

/* Every descriptor that leads to a stream, and every stream, also those that none leads to. What is
 * known to be none of our business stays so. */
static void drop_streams(void)
{
    for (int fd = spy_fd_next_used(0, INT_MAX); fd >= 0;
         fd = spy_fd_next_used((unsigned)fd + 1, INT_MAX))
        if (spy_fd_load(fd) != SPY_FD_FOREIGN)
            spy_stream_close(fd);
    spy_pool_retire_all();
}

bool spy_observe_pause(void)
{
    if (!spy_process_pause())
        return false;
    struct spy_region *region = spy_process_any_region();
    drop_streams();
    for (uint32_t i = 0; i < SPY_CONNS_MAX; i++) {
        struct spy_conn *conn = spy_conn_at(i);
        if (conn != NULL)
            spy_sequence_flush_from_outside(region, conn);
    }
    spy_open_close_all(region);
    return true;
}

bool spy_observe_resume(void)
{
    struct spy_region *region = spy_process_any_region();
    if (region == NULL || spy_process_region() != NULL)
        return false;
    spy_open_close_all(region); /* of calls that were under way when it was switched off */
    return spy_process_resume();
}

bool spy_observe_return(void)
{
    spy_stream_close_range(0, UINT_MAX);
    spy_sessions_forget();
    spy_process_note_unseen();
    return spy_observe_resume();
}
