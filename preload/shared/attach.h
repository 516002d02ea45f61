/* SPDX-License-Identifier: MIT */
/*
 * What perfspy-ctl and the library agree on where the library is loaded into a running process: a
 * note in libperfspy.so that tells where its entry is, since only hooks are exported; what the
 * entry is asked; and how it answers.
 *
 * perfspy-ctl has a thread of the process call dlopen and then the entry, which returns at once:
 * all work is done by a thread of the library's own. perfspy-ctl reads the answer in the process'
 * memory.
 */
#ifndef SPY_SHARED_ATTACH_H
#define SPY_SHARED_ATTACH_H

#include "shared/paths.h"

#include <stdatomic.h>
#include <stdint.h>

/* The note: its name and type, and its contents. A reader refuses another `protocol`. */
#define SPY_ATTACH_NOTE     "perfspy"
#define SPY_ATTACH_TYPE     1
#define SPY_ATTACH_PROTOCOL 1u

struct spy_attach_note {
    int64_t entry; /* where spy_attach() is, counted from this very field */
    uint32_t protocol;
    char version[20];
};

/* "" leaves a setting as the process' environment has it. */
struct spy_attach_request {
    char rules[SPY_PATH_BYTES];
    char dir[SPY_PATH_BYTES];
    char log[SPY_PATH_BYTES];
};

enum spy_attach_state {
    SPY_ATTACH_IDLE,    /* never asked, or detached */
    SPY_ATTACH_WORKING, /* the library's thread is at it */
    SPY_ATTACH_DONE,    /* watched; `slots` are patched, `text` tells what is missing */
    SPY_ATTACH_FAILED,  /* not watched; `text` tells why */
};

/* Written by the library. `state` is stored with release, after all else. */
struct spy_attach_status {
    _Atomic uint32_t state; /* enum spy_attach_state */
    uint32_t slots;
    char text[256];
};

/* The entry. In a thread of the program, on a stack of 64 KiB or more; copies REQUEST. The answer
 * is constant: the status of this process; or NULL where somebody else's request came first. */
typedef struct spy_attach_status *spy_attach_fn(const struct spy_attach_request *request);

#endif
