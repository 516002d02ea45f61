/* SPDX-License-Identifier: MIT */
/*
 * The statement table: what the caches answer with. A statement is what the rules can tell apart:
 * the operation of one call on its own, and the sequence patterns that it matches. Texts, and even
 * fingerprints, that agree in both are one statement; so the table stays far from full, and a row
 * is all that later questions need. A text of several statements has a row that says which; one
 * with sqlcommenter tags has a row for every place in the program that they name.
 *
 * All but open and close are wait-free and may be called by any thread.
 */
#ifndef SPY_CLASSIFY_STMT_H
#define SPY_CLASSIFY_STMT_H

#include "classify/classify.h"
#include "classify/intern.h"

/* Sequence patterns that one statement can match; more are ignored, the first in file order stay.
 * Chosen so that a row is one cache line. */
#define SPY_STMT_FITS 27u

struct spy_stmt_row {
    uint32_t op;
    uint16_t batch;  /* it is several statements: see batch.h; 0: it is one */
    uint16_t origin; /* what its sqlcommenter tags name: see origins.h; 0: nothing */
    uint16_t fits;
    uint16_t fit[SPY_STMT_FITS]; /* ids of patterns, ascending; the rest is 0 */
};
_Static_assert(sizeof(struct spy_stmt_row) == 64, "one cache line");
_Static_assert(SPY_STMTS_MAX < UINT16_MAX, "statements fit the caches' words");

struct spy_stmts {
    _Atomic uint32_t used;
    struct spy_intern intern;
    struct spy_stmt_row *row; /* constant once published */
};

bool spy_stmts_open(struct spy_stmts *stmts);
void spy_stmts_close(struct spy_stmts *stmts);

/* Rows that statements with an origin may take. When they are taken such a one is the statement
 * without it: whose it is becomes less certain, which one it is does not. */
#define SPY_STMT_ORIGIN_ROWS (SPY_STMTS_MAX / 2)

/* The statement with this row; SPY_STMT_OTHER when the table is full, or where the row says no
 * more than that statement does. */
spy_stmt spy_stmts_intern(struct spy_stmts *stmts, const struct spy_stmt_row *row);

/* STMT may be any number: what is none is SPY_STMT_OTHER. */
static inline const struct spy_stmt_row *spy_stmts_row(const struct spy_stmts *stmts, spy_stmt stmt)
{
    return &stmts->row[stmt < SPY_STMTS_MAX ? stmt : SPY_STMT_OTHER];
}

#endif
