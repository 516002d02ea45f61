/* SPDX-License-Identifier: MIT */
/*
 * Prepared statements: (connection, name) to the statement they stand for. A fixed cache: a
 * statement that was pushed out, or prepared unseen, is found by its name alone and counted as
 * PREPARED_UNKNOWN. Any thread; no lock.
 */
#ifndef SPY_OBSERVE_PREPARED_H
#define SPY_OBSERVE_PREPARED_H

#include "classify/classify.h"

#include <stdbool.h>
#include <stddef.h>

/* What (connection, NAME of LEN bytes) is known by. Never 0. */
uint64_t spy_prepared_key(uint64_t conn_serial, const char *name, size_t len);

void spy_prepared_put(uint64_t key, spy_stmt stmt);
bool spy_prepared_get(uint64_t key, spy_stmt *stmt);
void spy_prepared_drop(uint64_t key);

#endif
