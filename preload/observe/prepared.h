/* SPDX-License-Identifier: MIT */
/*
 * Prepared statements: (connection, name) to the statement they stand for, and to their text, by
 * which they are classified anew when other rules come into force. Fixed caches: a statement that
 * was pushed out of both, or prepared unseen, is found by its name alone and counted as
 * PREPARED_UNKNOWN. Any thread; no lock.
 *
 * Texts are kept as the program gave them, each different one once, in memory of this process that
 * is never published.
 */
#ifndef SPY_OBSERVE_PREPARED_H
#define SPY_OBSERVE_PREPARED_H

#include "classify/classify.h"

#include <stdbool.h>
#include <stddef.h>

/* Different texts kept, and their bytes in all; longer ones are not kept. */
#define SPY_PREPARED_TEXTS      8192u
#define SPY_PREPARED_BYTES      (2u * 1024u * 1024u)
#define SPY_PREPARED_TEXT_BYTES 16384u

struct spy_prepared_text {
    const char *at;
    size_t len;
    unsigned how; /* shared/sql.h: 0 or SPY_SQL_BACKSLASH */
};

/* What (connection, NAME of LEN bytes) is known by. Never 0. */
uint64_t spy_prepared_key(uint64_t conn_serial, const char *name, size_t len);

/* STMT is one of CLASSIFIER's, TEXT what spy_prepared_text_keep() gave, or 0. */
void spy_prepared_put(uint64_t key, const struct spy_classifier *classifier, spy_stmt stmt,
                      uint32_t text);
bool spy_prepared_get(uint64_t key, const struct spy_classifier *classifier, spy_stmt *stmt);
void spy_prepared_drop(uint64_t key, const struct spy_classifier *classifier);

/* The text prepared under KEY, whatever the classifier: *TEXT, and its number; 0 where it is not
 * known. */
uint32_t spy_prepared_text_of(uint64_t key, struct spy_prepared_text *text);

/* Keeps TEXT for ever and returns its number, the same for equal texts; 0 where there is no room.
 */
uint32_t spy_prepared_text_keep(const struct spy_prepared_text *text);

/* *TEXT becomes the text of that number; false where there is none. */
bool spy_prepared_text_at(uint32_t number, struct spy_prepared_text *text);

/* Maps the memory for texts now, if it can be. */
void spy_prepared_reserve(void);

#endif
