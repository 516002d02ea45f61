/* SPDX-License-Identifier: MIT */
/*
 * Plain text that moves through TLS libraries: from the wrappers' begin and end to streams.
 *
 * Every begin returns the copy of the library to call, NULL only where there is none at all. A
 * session is the library's own object (SSL, gnutls_session_t). The first plain text tells whether
 * it is a server's; one that has written before it read is none that we follow, and one whose
 * beginning was not seen is followed from the first read that begins with a request. The stream of
 * a session ends when it is freed, or when its descriptor, where that is known, is closed.
 *
 * Libraries call their own exported functions: such inner calls are passed on and are no events. No
 * lock, no allocation, no system call on the way of a known session. errno is left as the real call
 * left it.
 */
#ifndef SPY_OBSERVE_TLS_H
#define SPY_OBSERVE_TLS_H

#include "observe/session.h"
#include "observe/stream.h"

/* A TLS library, and what to ask it about a session that has moved plain text. */
struct spy_tls_library {
    struct spy_library library;
    bool (*is_server)(const struct spy_copy *copy, const void *session);
    /* Negative: the descriptor is not known. */
    int (*descriptor)(const struct spy_copy *copy, const void *session);
};

/* A call under way; lives in the wrapper's frame. */
struct spy_tls {
    struct spy_tls_library *library;
    const struct spy_copy *copy;
    const void *session;
    struct spy_session *row; /* NULL: pass through, this is no event */
    uint64_t begin_ns;       /* of a write */
};

/* A session is about to be made by a call from CALLER. */
const struct spy_copy *spy_tls_making(struct spy_tls_library *library, const void *caller);

/* COPY made SESSION (NULL: it did not). What had this address before is over. */
void spy_tls_made(const struct spy_copy *copy, const void *session);

/* SESSION, whose side was told when it was made, is a server's or not. */
void spy_tls_side(const void *session, bool server);

/* SESSION is about to be used for another connection, or to be freed. */
const struct spy_copy *spy_tls_cleared(struct spy_tls_library *library, const void *session,
                                       const void *caller);
const struct spy_copy *spy_tls_freed(struct spy_tls_library *library, const void *session,
                                     const void *caller);

/* A wrapper that returns to CALLER is about to read or to write. */
const struct spy_copy *spy_tls_begin_in(struct spy_tls *call, struct spy_tls_library *library,
                                        const void *session, const void *caller);
const struct spy_copy *spy_tls_begin_out(struct spy_tls *call, struct spy_tls_library *library,
                                         const void *session, const void *caller);

/* GOT bytes of plain text came, at DATA; <= 0: none. Ends what begin_in began. */
void spy_tls_in(struct spy_tls *call, const void *data, ssize_t got);

/* SENT of WANTED bytes of DATA (NULL: not in memory) were taken; 0: none, the connection was full;
 * negative: none, for another reason. Ends what begin_out began. */
void spy_tls_out(struct spy_tls *call, const void *data, size_t wanted, ssize_t sent);

#endif
