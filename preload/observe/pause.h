/* SPDX-License-Identifier: MIT */
/*
 * Switching recording off and on again in a running process. Helper thread only, but for one.
 *
 * Off: nothing is begun any more; a call under way is counted whole when it ends. Streams are given
 * up, sequences that lie open are credited, and nothing is listed as in flight. On: libpq's
 * connections drop what was in flight before (observe/begin.c, by spy_process_resumed), and HTTP
 * connections are joined at the next read that begins with a whole request. So nothing is counted
 * twice, or for as long as recording was off.
 */
#ifndef SPY_OBSERVE_PAUSE_H
#define SPY_OBSERVE_PAUSE_H

#include <stdbool.h>

/* False where it is so already. */
bool spy_observe_pause(void);
bool spy_observe_resume(void);

/* Resumes where the program's calls have not even been passed through meanwhile: what is known of
 * its descriptors, TLS sessions and prepared statements may have ended unseen, and is forgotten.
 * Before that the wrappers are not in place. Any thread, where there is no helper. */
bool spy_observe_return(void);

#endif
