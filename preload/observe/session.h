/* SPDX-License-Identifier: MIT */
/*
 * The table of TLS sessions: which copy of its library made one, and which stream its plain text
 * is. Keyed by the address of the library's object, since its descriptor may not be known to
 * anybody but the program (asyncio and node encrypt in memory).
 *
 * Any thread, no lock; a row is used by one thread at a time, as the session itself is. Memory is
 * mapped at the first session and touched as rows are used.
 */
#ifndef SPY_OBSERVE_SESSION_H
#define SPY_OBSERVE_SESSION_H

#include "runtime/copies.h"

#include <stdint.h>

#define SPY_SESSIONS_MAX (1u << 17)

enum spy_session_side {
    SPY_SESSION_UNKNOWN, /* no plain text has moved yet */
    SPY_SESSION_SERVER,
    SPY_SESSION_FOREIGN, /* a client's, or nothing that is followed */
};

struct spy_session {
    const struct spy_copy *copy;
    uint64_t handle; /* of its stream (observe/pool.h); 0: none */
    enum spy_session_side side;
    uint32_t resumed; /* spy_process_resumed when its beginning was seen, or that of its stream */
};

/* Maps the table now, if it can be. */
void spy_sessions_reserve(void);

/* The row of the session at ADDRESS, or NULL. */
struct spy_session *spy_session_find(const void *address);

/* A row for the session at ADDRESS, made by COPY: the one that is there, or a new one, all else of
 * it 0. NULL: no room or no memory. */
struct spy_session *spy_session_add(const void *address, const struct spy_copy *copy);

/* Frees all rows. */
void spy_sessions_forget(void);

/* Frees the row of ADDRESS, if there is one. */
void spy_session_remove(const void *address);

#endif
