/* SPDX-License-Identifier: MIT */
/*
 * Sequences: a rule may name several statements run in order on one connection; one call of its
 * operation is all of them. What a connection has run stays pending while it may still become part
 * of a longer match, and is credited to the longest rule that matched as soon as it cannot: the
 * next statement does not fit, a statement failed, the request or the connection ended. Nothing is
 * credited twice or lost; what is pending is published meanwhile (record/held.h). A statement that
 * fails inside a sequence makes a failed call of that sequence. Other rules end a sequence: what is
 * pending is credited by those it began under.
 *
 * Ownership: statements are appended by the thread that has the connection. When a request ends on
 * a thread, that thread flushes what it left open, and by then the connection may already be
 * another's. `owner` decides: the leaver's thread id while statements lie open, claimed by
 * compare-and-swap from either side. Who loses does not wait.
 */
#ifndef SPY_OBSERVE_SEQUENCE_H
#define SPY_OBSERVE_SEQUENCE_H

#include "observe/conn.h"

/* Has CONN (which may be NULL) statements that wait for others to follow? */
static inline bool spy_sequence_is_open(const struct spy_conn *conn)
{
    /* Acquire: pairs with the release of whoever settled them, as in spy_sequence_add(). */
    return conn != NULL && atomic_load_explicit(&conn->pending.count, memory_order_acquire) != 0;
}

/* A statement STMT (of CLASSIFIER) of connection CONN ended as SAMPLE (whose op is not set yet).
 * DETAIL goes with it as in spy_record_with(); a statement that is held for a sequence loses it.
 * CAPTURED is what was kept of it, or 0. */
void spy_sequence_add(struct spy_region *region, struct spy_classifier *classifier,
                      struct spy_conn *conn, spy_stmt stmt, struct spy_sample *sample,
                      const char *detail, spy_capture_ticket captured);

/* The connection's sequence ends here. */
void spy_sequence_flush(struct spy_region *region, struct spy_conn *conn);

/* The same by a thread that has not got the connection, and never will. */
void spy_sequence_flush_from_outside(struct spy_region *region, struct spy_conn *conn);

/* The calling thread's request ends here: flushes what the thread left open. */
void spy_sequence_flush_thread(struct spy_region *region);

#endif
