/* SPDX-License-Identifier: MIT */
/*
 * Capturing: what the program gives to the next calls of one operation, kept from the moment when
 * the operation may be the wanted one until the helper has sent it.
 *
 * Values are in one private mapping and nowhere else: not in the region, not in a core dump, not in
 * a fork's child. A slot is wiped as soon as it is sent or turns out not to be wanted, and all of
 * them when the capture ends. While none is under way everything here costs the one load of
 * spy_capturing(); the flag is beside the region's pointer, which every call reads.
 *
 * A slot belongs to who took it: a thread while it copies, nobody while its statement is in flight
 * (then a ticket names it, which is no good any more once the slot has been given to another), the
 * helper once the call is published. Threads: any; no lock, no allocation, no system call.
 * Functions of the helper are said to be.
 */
#ifndef SPY_RECORD_CAPTURE_H
#define SPY_RECORD_CAPTURE_H

#include "runtime/process.h"
#include "shared/capture.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Statements and requests kept at one time: a power of two. Where there are more the capture misses
 * them, and says so. */
#define SPY_CAPTURE_SLOTS 128u

/* A slot that is held: 0 is none. */
typedef uint32_t spy_capture_ticket;

struct spy_capture_slot;

/* Is a capture under way? */
static inline bool spy_capturing(void)
{
    return atomic_load_explicit(&spy_process->capturing, memory_order_relaxed) != 0;
}

/* The operation that is wanted. */
uint32_t spy_capture_op(void);

/* ---- filling a slot ------------------------------------------------------------------------- */

/* A slot to fill, or NULL: no capture is under way, it has its calls already, or all are taken
 * (which counts as missed). Must soon be given to spy_capture_hold(). */
struct spy_capture_slot *spy_capture_begin(void);

struct spy_capture_head *spy_capture_head(struct spy_capture_slot *slot);

/* Keeps at most MAX of the LEN bytes of DATA. Returns where the copy is, NULL if there was no room
 * for it. */
char *spy_capture_put(struct spy_capture_slot *slot, const struct spy_capture_item *item,
                      const char *data, size_t max);

spy_capture_ticket spy_capture_hold(struct spy_capture_slot *slot);

/* ---- held slots ----------------------------------------------------------------------------- */

/* Each does nothing for ticket 0, and for one whose capture has ended. */

void spy_capture_drop(spy_capture_ticket ticket);

/* Another slot with the same items. */
spy_capture_ticket spy_capture_clone(spy_capture_ticket ticket);

/* CALL is over; it was N statements, each with its sample and ticket. If it is wanted it is
 * published, else what was kept of it is wiped. */
void spy_capture_credit(const struct spy_sample *call, const struct spy_sample *statement,
                        const spy_capture_ticket *ticket, uint32_t n);

/* ---- the helper ----------------------------------------------------------------------------- */

/* Begins a capture of CALLS calls of OP that took SLOW_NS or more; false: no memory. The last one
 * must be over: spy_capture_disarm() said so. */
bool spy_capture_arm(uint32_t op, uint32_t calls, uint64_t slow_ns);

/* Nothing more is kept or published; what is published stays. */
void spy_capture_stop(void);

/* Ends the capture and wipes what was kept; false while a thread still copies: call again. */
bool spy_capture_disarm(void);

/* Wipes and gives up what threads still copy to: where disarming has been in vain for so long that
 * they must have been cancelled, or have jumped out of it. */
void spy_capture_abandon(void);

/* The oldest call that is published: its first statement, or NULL. The head and its items are the
 * helper's until it releases them. */
struct spy_capture_slot *spy_capture_next(void);

/* Wipes and frees SLOT; returns the call's next statement, or NULL. */
struct spy_capture_slot *spy_capture_release(struct spy_capture_slot *slot);

/* Statements that were not kept for want of a slot. */
uint32_t spy_capture_missed(void);

#endif
