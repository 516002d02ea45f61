/* SPDX-License-Identifier: MIT */
/*
 * The one helper thread: answers the socket, rolls history, writes the log of calls. All signals
 * are blocked in it; it sleeps in ppoll until a client comes or the next step of history is due,
 * and where calls are logged it wakes five times a second.
 */
#ifndef SPY_PUBLISH_HELPER_H
#define SPY_PUBLISH_HELPER_H

#include "publish/regionfile.h"
#include "runtime/confine.h"

/* Starts the thread on a copy of PUBLICATION. In a fork's child, a second time. False, with
 * region->problem set, where no thread can be had: then history and the socket are missing, and
 * calls are counted all the same. Cold path; allocates (pthread_create does). */
bool spy_helper_start(const struct spy_publication *publication);

/* After a command was the server's last (publish/control.h): waits for the end of the thread, for a
 * client's time limit at most. */
void spy_helper_join(void);

/* After that: opens the socket and starts the thread once more. Cost as above. */
void spy_helper_resume(void);

/* Is it there, with a socket, and descriptors for a client and a command? Nobody could end the
 * watch where it is not. In the thread that has started it. */
bool spy_helper_answers(void);

/* How it is told that the program changes the ground it stands on. */
extern const struct spy_confine_helper spy_helper_confined;

#endif
