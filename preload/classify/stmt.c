/* SPDX-License-Identifier: MIT */
/*
 * The statement table: see stmt.h.
 */
#include "classify/stmt.h"

#include "classify/hash.h"
#include "classify/zeroed.h"

bool spy_stmts_open(struct spy_stmts *stmts)
{
    stmts->row = spy_zeroed_open(SPY_STMTS_MAX * sizeof(*stmts->row));
    if (stmts->row == NULL)
        return false;
    stmts->row[SPY_STMT_OTHER].op = SPY_OP_OTHER_SQL;
    atomic_store_explicit(&stmts->used, SPY_STMT_OTHER + 1, memory_order_relaxed);
    return spy_intern_open(&stmts->intern, &stmts->used, SPY_STMTS_MAX);
}

void spy_stmts_close(struct spy_stmts *stmts)
{
    spy_intern_close(&stmts->intern);
    spy_zeroed_close(stmts->row, SPY_STMTS_MAX * sizeof(*stmts->row));
    stmts->row = NULL;
}

static spy_stmt intern(struct spy_stmts *stmts, const struct spy_stmt_row *row)
{
    if (row->op == SPY_OP_OTHER_SQL && row->fits == 0 && row->batch == 0 && row->origin == 0)
        return SPY_STMT_OTHER;
    uint64_t key = spy_hash(row, sizeof(*row));
    spy_stmt stmt = spy_intern_find(&stmts->intern, key);
    if (stmt != 0)
        return stmt;
    if (row->origin != 0 &&
        atomic_load_explicit(&stmts->used, memory_order_relaxed) >= SPY_STMT_ORIGIN_ROWS)
        return SPY_STMT_OTHER;
    stmt = spy_intern_take(&stmts->intern);
    if (stmt == 0)
        return SPY_STMT_OTHER;
    stmts->row[stmt] = *row;
    return spy_intern_publish(&stmts->intern, key, stmt);
}

spy_stmt spy_stmts_intern(struct spy_stmts *stmts, const struct spy_stmt_row *row)
{
    spy_stmt stmt = intern(stmts, row);
    if (stmt != SPY_STMT_OTHER || row->origin == 0)
        return stmt;
    struct spy_stmt_row plain = *row;
    plain.origin = 0;
    return intern(stmts, &plain);
}
