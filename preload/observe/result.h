/* SPDX-License-Identifier: MIT */
/*
 * Results: what libpq hands to the program, and which statement in flight that was.
 *
 * Called between spy_query_begin() and the end of the call, by query.c only. No lock, no
 * allocation, no system call but at a connection's first credit in a region (its facts).
 */
#ifndef SPY_OBSERVE_RESULT_H
#define SPY_OBSERVE_RESULT_H

#include "observe/query.h"

/* FLIGHT got RESULT (NULL: libpq could not send it) at NOW. Of a text with several statements the
 * one under way is credited with it, and the next begins, unless the server says that it copies. */
void spy_result_take(struct spy_query *call, struct spy_flight *flight, const PGresult *result,
                     uint64_t now);

/* Adds the rows of RESULT, of STATUS, which ends its statement, to FLIGHT. */
void spy_result_rows(struct spy_flight *flight, const struct spy_libpq *pq, const PGresult *result,
                     ExecStatusType status);

/* FLIGHT is over at NOW: records it. */
void spy_result_credit(struct spy_query *call, struct spy_flight *flight, uint64_t now);

/* What FLIGHT has under way is over at NOW, and well, by a result that was not seen. */
void spy_result_unseen(struct spy_query *call, struct spy_flight *flight, uint64_t now);

/* The operation that FLIGHT, or what it has under way, is by itself. */
uint32_t spy_result_op(const struct spy_flight *flight);

/* Is FLIGHT, or of several statements one, still to be credited? */
bool spy_result_under_way(const struct spy_flight *flight);

/* PQgetResult handed over RESULT at NOW. */
void spy_result_handed(struct spy_query *call, const PGresult *result, uint64_t now);

/* libpq discarded the results that were not fetched: their statements were over at NOW. */
void spy_result_discard(struct spy_query *call, uint64_t now);

/* The connection ends: what is in flight will never end. The statement that the server may be at
 * is a failed call; those behind it in a pipeline, and one that was not sent yet, are aborted. */
void spy_result_cut(struct spy_query *call);

#endif
