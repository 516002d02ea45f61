/* SPDX-License-Identifier: MIT */
/*
 * Not waiting in a queue for the processor, on a machine where a hundred threads do: for the tool
 * itself, and for a thread of another process that it has stopped or waits for.
 *
 * Both are for root, and others that may have real-time priority; for the rest nothing happens.
 * Nothing can be left behind by it: what the thread is lent, the kernel takes back by itself when
 * we are killed, and after 100 ms at the latest. Its own priority and policy are not touched.
 */
#ifndef CTL_PRIORITY_H
#define CTL_PRIORITY_H

#include <sys/types.h>

/* Before all others that are not real-time themselves, and no longer. Of the calling process,
 * which has one thread. */
void ctl_priority_raise(void);
void ctl_priority_lower(void);

/* Has thread TID of any process run before others, too, where we do; nothing for
 * 0. Returns what to give to ctl_priority_take_back(), which does nothing for 0 either. */
pid_t ctl_priority_lend(pid_t tid);
void ctl_priority_take_back(pid_t lender);

#endif
