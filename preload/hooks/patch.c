/* SPDX-License-Identifier: MIT */
/*
 * The wrappers as runtime/slots.h puts them in place, where the library came into a program that
 * ran. dlerror is not among them: only where the program's dlsym could find our own functions has
 * it something to put right.
 */
#include "runtime/slots.h"

#include "hooks/gnutls.h"
#include "hooks/hooks.h"
#include "hooks/openssl.h"

#define ROW(name, libc) {#name, (void *)name, libc},

const struct spy_slot_hook spy_slot_hooks[] = {
#define LIBC(name)    ROW(name, true)
#define LIBPQ(name)   ROW(name, false)
#define OPENSSL(name) ROW(name, false)
#define GNUTLS(name)  ROW(name, false)
#include "hooks/hooks.def"
#undef LIBC
#undef LIBPQ
#undef OPENSSL
#undef GNUTLS
};
const size_t spy_slot_hook_count = sizeof(spy_slot_hooks) / sizeof(spy_slot_hooks[0]);
