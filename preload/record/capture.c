/* SPDX-License-Identifier: MIT */
/*
 * The slots of a capture. See capture.h for the contract.
 *
 * A slot's word is its serial number << 3 | state; who changes the state owns the rest:
 *
 *   FREE ──▶ FILLING ──▶ HELD ──▶ FILLING ──▶ READY, the others of its call LINKED ──▶ FREE
 *            a thread    nobody   a thread    the helper
 *
 * What a thread was filling when it was cancelled, or jumped out of by a signal's handler, is never
 * handed on: after a while the helper makes it LOST, so that it holds up no further capture. Where
 * the thread was only late it finds that, and frees it.
 *
 * A free slot is all zero but for its word. Serials come from one counter that never begins again,
 * also not in a fork's child: a ticket is good for one holding.
 */
#include "record/capture.h"

#include "runtime/thread.h"
#include "shared/sys.h"

#include <string.h>
#include <sys/mman.h>

#define RELAXED memory_order_relaxed

enum { FREE, FILLING, HELD, LINKED, READY, LOST };

#define STATE_BITS 3u
#define INDEX_BITS 7u
#define SERIALS    ((1u << (32u - INDEX_BITS)) - 1) /* from 1 on, so that no ticket is 0 */
_Static_assert(SPY_CAPTURE_SLOTS == 1u << INDEX_BITS, "a ticket holds a slot's index");

struct spy_capture_slot {
    _Alignas(64) _Atomic uint32_t word;
    uint32_t order; /* of a published call */
    uint32_t link;  /* index + 1 of the call's next statement; 0: it is the last */
    struct spy_capture_head head;
    char items[SPY_CAPTURE_ITEMS_MAX]; /* directly behind: sent together */
};
_Static_assert(sizeof(struct spy_capture_slot) <= 16384, "slots are kept small");
_Static_assert(offsetof(struct spy_capture_slot, items) ==
                   offsetof(struct spy_capture_slot, head) + sizeof(struct spy_capture_head),
               "items follow the head");

static struct spy_capture_slot *slots; /* made by the helper at its first capture, then kept */

static struct {
    _Atomic uint32_t op;
    _Atomic uint64_t slow_ns;
    _Atomic int64_t left; /* calls that may still be published */
    _Atomic uint32_t missed;
    _Atomic uint32_t order;
} wanted;

static _Atomic uint32_t serials;

static uint32_t index_of(const struct spy_capture_slot *slot)
{
    return (uint32_t)(slot - slots);
}

static uint32_t state_of(uint32_t word)
{
    return word & ((1u << STATE_BITS) - 1);
}

/* All but the word. */
static void clear(struct spy_capture_slot *slot)
{
    slot->order = 0;
    slot->link = 0;
    memset(&slot->head, 0, sizeof(slot->head) + sizeof(slot->items));
}

/* By who owns SLOT. */
static void wipe(struct spy_capture_slot *slot)
{
    uint32_t serial = atomic_load_explicit(&slot->word, RELAXED) >> STATE_BITS;
    clear(slot);
    atomic_store_explicit(&slot->word, serial << STATE_BITS | FREE, memory_order_release);
}

/* The thread that fills SLOT hands it on in STATE: release, after all that it wrote. False where it
 * was given up meanwhile. */
static bool hand_on(struct spy_capture_slot *slot, uint32_t state)
{
    uint32_t serial = atomic_load_explicit(&slot->word, RELAXED) >> STATE_BITS;
    uint32_t filling = serial << STATE_BITS | FILLING;
    if (atomic_compare_exchange_strong_explicit(&slot->word, &filling, serial << STATE_BITS | state,
                                                memory_order_release, RELAXED))
        return true;
    wipe(slot);
    return false;
}

uint32_t spy_capture_op(void)
{
    return atomic_load_explicit(&wanted.op, RELAXED);
}

/* ---- filling -------------------------------------------------------------------------------- */

static struct spy_capture_slot *claim(struct spy_capture_slot *slot)
{
    uint32_t word = atomic_load_explicit(&slot->word, RELAXED);
    if (state_of(word) != FREE)
        return NULL;
    uint32_t serial = atomic_fetch_add_explicit(&serials, 1, RELAXED) % SERIALS + 1;
    if (!atomic_compare_exchange_strong(&slot->word, &word, serial << STATE_BITS | FILLING))
        return NULL;
    /* In one order with spy_capture_disarm(), which clears the flag and then looks at the slots: it
     * finds this one taken, or the flag is found cleared here, before anything is copied. */
    if (atomic_load(&spy_process->capturing) != 0)
        return slot;
    hand_on(slot, FREE);
    return NULL;
}

struct spy_capture_slot *spy_capture_begin(void)
{
    /* Acquire: the slots were made before. */
    if (atomic_load_explicit(&spy_process->capturing, memory_order_acquire) == 0 ||
        atomic_load_explicit(&wanted.left, RELAXED) <= 0)
        return NULL;
    uint32_t first = spy_thread.tid;
    for (uint32_t i = 0; i < SPY_CAPTURE_SLOTS; i++) {
        struct spy_capture_slot *slot = claim(&slots[(first + i) % SPY_CAPTURE_SLOTS]);
        if (slot != NULL)
            return slot;
    }
    if (spy_capturing())
        atomic_fetch_add_explicit(&wanted.missed, 1, RELAXED);
    return NULL;
}

struct spy_capture_head *spy_capture_head(struct spy_capture_slot *slot)
{
    return &slot->head;
}

char *spy_capture_put(struct spy_capture_slot *slot, const struct spy_capture_item *item,
                      const char *data, size_t max)
{
    struct spy_capture_item kept = *item;
    size_t room = sizeof(slot->items) - slot->head.bytes;
    if (room < sizeof(kept))
        return NULL;
    room -= sizeof(kept);
    max = max < room ? max : room;
    kept.len = kept.full < max ? kept.full : (uint32_t)max;
    char *at = slot->items + slot->head.bytes;
    memcpy(at, &kept, sizeof(kept));
    at += sizeof(kept);
    if (kept.len > 0)
        memcpy(at, data, kept.len);
    slot->head.bytes += (uint32_t)sizeof(kept) + kept.len;
    return at;
}

spy_capture_ticket spy_capture_hold(struct spy_capture_slot *slot)
{
    uint32_t serial = atomic_load_explicit(&slot->word, RELAXED) >> STATE_BITS;
    return hand_on(slot, HELD) ? serial << INDEX_BITS | index_of(slot) : 0;
}

/* ---- held slots ----------------------------------------------------------------------------- */

/* The slot of TICKET, the caller's from here; NULL: it has been wiped meanwhile. */
static struct spy_capture_slot *take(spy_capture_ticket ticket)
{
    if (ticket == 0)
        return NULL;
    struct spy_capture_slot *slot = &slots[ticket % SPY_CAPTURE_SLOTS];
    uint32_t word = ticket >> INDEX_BITS << STATE_BITS | HELD;
    uint32_t mine = ticket >> INDEX_BITS << STATE_BITS | FILLING;
    return atomic_compare_exchange_strong(&slot->word, &word, mine) ? slot : NULL;
}

void spy_capture_drop(spy_capture_ticket ticket)
{
    struct spy_capture_slot *slot = take(ticket);
    if (slot != NULL)
        wipe(slot);
}

spy_capture_ticket spy_capture_clone(spy_capture_ticket ticket)
{
    struct spy_capture_slot *slot = take(ticket);
    struct spy_capture_slot *copy = slot != NULL ? spy_capture_begin() : NULL;
    if (copy != NULL) {
        copy->head = slot->head;
        memcpy(copy->items, slot->items, slot->head.bytes);
    }
    if (slot != NULL)
        hand_on(slot, HELD);
    return copy != NULL ? spy_capture_hold(copy) : 0;
}

static bool is_wanted(const struct spy_sample *call)
{
    return spy_capturing() && call->op == spy_capture_op() &&
           call->dur_ns >= atomic_load_explicit(&wanted.slow_ns, RELAXED);
}

static void note_end(struct spy_capture_slot *slot, const struct spy_sample *call,
                     const struct spy_sample *statement, uint32_t part, uint32_t parts)
{
    slot->head.tid = spy_thread.tid;
    slot->head.part = (uint16_t)part;
    slot->head.parts = (uint16_t)parts;
    slot->head.call = *call;
    slot->head.statement = *statement;
}

/* Takes what is still kept of CALL's N statements; returns how many are MINE now. None of a call
 * that an earlier capture has kept. */
static uint32_t take_all(struct spy_capture_slot **mine, const struct spy_sample *call,
                         const struct spy_sample *statement, const spy_capture_ticket *ticket,
                         uint32_t n)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n && i < SPY_HELD_CREDITS; i++) {
        mine[count] = take(ticket[i]);
        if (mine[count] != NULL)
            note_end(mine[count++], call, &statement[i], i, n);
    }
    return count;
}

/* None is handed on before all are complete, and the first comes last: until then the helper finds
 * one that is being filled, and leaves the capture open. */
static void publish(struct spy_capture_slot **mine, uint32_t count)
{
    uint32_t order = atomic_fetch_add_explicit(&wanted.order, 1, RELAXED);
    for (uint32_t i = 0; i < count; i++) {
        mine[i]->order = order;
        mine[i]->link = i + 1 < count ? index_of(mine[i + 1]) + 1 : 0;
    }
    mine[count - 1]->head.last = 1;
    for (uint32_t i = 1; i < count; i++)
        hand_on(mine[i], LINKED);
    hand_on(mine[0], READY);
}

static void drop_all(const spy_capture_ticket *ticket, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        spy_capture_drop(ticket[i]);
}

void spy_capture_credit(const struct spy_sample *call, const struct spy_sample *statement,
                        const spy_capture_ticket *ticket, uint32_t n)
{
    struct spy_capture_slot *mine[SPY_HELD_CREDITS];
    if (!is_wanted(call)) {
        drop_all(ticket, n);
        return;
    }
    uint32_t count = take_all(mine, call, statement, ticket, n);
    if (count == 0) /* not one of the calls that are counted */
        return;
    if (atomic_fetch_sub_explicit(&wanted.left, 1, RELAXED) > 0) {
        publish(mine, count);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        wipe(mine[i]);
}

/* ---- the helper ----------------------------------------------------------------------------- */

/* Not in a child, which has its own, nor in a core dump. Untouched slots take no memory. */
static bool make_slots(void)
{
    size_t bytes = SPY_CAPTURE_SLOTS * sizeof(struct spy_capture_slot);
    if (slots != NULL)
        return true;
    void *made = spy_sys_mmap(bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    if (spy_sys_failed(made))
        return false;
    if (spy_sys_madvise(made, bytes, MADV_WIPEONFORK) != 0 ||
        spy_sys_madvise(made, bytes, MADV_DONTDUMP) != 0) {
        spy_sys_munmap(made, bytes);
        return false;
    }
    slots = made;
    return true;
}

bool spy_capture_arm(uint32_t op, uint32_t calls, uint64_t slow_ns)
{
    if (!make_slots())
        return false;
    atomic_store_explicit(&wanted.op, op, RELAXED);
    atomic_store_explicit(&wanted.slow_ns, slow_ns, RELAXED);
    atomic_store_explicit(&wanted.left, calls, RELAXED);
    atomic_store_explicit(&wanted.missed, 0, RELAXED);
    atomic_store(&spy_process->capturing, 1);
    return true;
}

void spy_capture_stop(void)
{
    atomic_store(&spy_process->capturing, 0);
}

bool spy_capture_disarm(void)
{
    bool wiped = true;
    spy_capture_stop();
    for (uint32_t i = 0; slots != NULL && i < SPY_CAPTURE_SLOTS; i++) {
        uint32_t word = atomic_load(&slots[i].word);
        if (state_of(word) == HELD) /* or its statement ends just now, and the slot is filling */
            atomic_compare_exchange_strong(&slots[i].word, &word,
                                           word >> STATE_BITS << STATE_BITS | LINKED);
        if (state_of(word) == FILLING)
            wiped = false;
        else if (state_of(word) != FREE && state_of(word) != LOST)
            wipe(&slots[i]);
    }
    return wiped;
}

/* Wiped before it is given up: from then on it is its thread's, if that ever comes back. */
void spy_capture_abandon(void)
{
    for (uint32_t i = 0; slots != NULL && i < SPY_CAPTURE_SLOTS; i++) {
        uint32_t word = atomic_load(&slots[i].word);
        if (state_of(word) != FILLING)
            continue;
        clear(&slots[i]);
        atomic_compare_exchange_strong(&slots[i].word, &word,
                                       word >> STATE_BITS << STATE_BITS | LOST);
    }
}

struct spy_capture_slot *spy_capture_next(void)
{
    struct spy_capture_slot *oldest = NULL;
    for (uint32_t i = 0; i < SPY_CAPTURE_SLOTS; i++) {
        struct spy_capture_slot *slot = &slots[i];
        if (state_of(atomic_load_explicit(&slot->word, memory_order_acquire)) == READY &&
            (oldest == NULL || (int32_t)(slot->order - oldest->order) < 0))
            oldest = slot;
    }
    return oldest;
}

struct spy_capture_slot *spy_capture_release(struct spy_capture_slot *slot)
{
    struct spy_capture_slot *next = slot->link != 0 ? &slots[slot->link - 1] : NULL;
    wipe(slot);
    return next;
}

uint32_t spy_capture_missed(void)
{
    return atomic_load_explicit(&wanted.missed, RELAXED);
}
