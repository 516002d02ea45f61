/* SPDX-License-Identifier: MIT */
/*
 * The slots, and the tables made from hooks.def that fill them.
 */
#include "hooks/hooks.h"

#include "runtime/originals.h"

struct spy_libc spy_libc;

const char *const spy_libpq_hooks[] = {
#define LIBC(name)
#define LIBPQ(name) #name,
#define OPENSSL(name)
#define GNUTLS(name)
#include "hooks/hooks.def"
#undef LIBC
#undef LIBPQ
#undef OPENSSL
#undef GNUTLS
};
const size_t spy_libpq_hook_count = SPY_PQ_COUNT;

void spy_hooks_init(void)
{
    static const struct spy_original libc_table[] = {
#define LIBC(name) {#name, (void **)&spy_libc.name},
#define LIBPQ(name)
#define OPENSSL(name)
#define GNUTLS(name)
#include "hooks/hooks.def"
#undef LIBC
#undef LIBPQ
#undef OPENSSL
#undef GNUTLS
    };
    spy_originals_resolve(libc_table, sizeof(libc_table) / sizeof(libc_table[0]));
}
