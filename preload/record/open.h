/* SPDX-License-Identifier: MIT */
/*
 * What is under way, published: rows of open requests and of libpq connections (shared/region.h),
 * and the counts by which the only request of a thread or of the process is known.
 *
 * Any thread; no lock, no allocation, no system call but at a thread's first use of the region.
 * A request's row is found by a few probes; where those are all taken the request is counted
 * (OPEN_FULL) and not listed, and its queries are not attributed. So is a connection where the
 * whole table is.
 */
#ifndef SPY_RECORD_OPEN_H
#define SPY_RECORD_OPEN_H

#include "shared/region.h"

/* A request of OP, whose head was complete at BEGIN_NS, was read by the calling thread. */
uint32_t spy_open_request(struct spy_region *region, uint32_t op, uint64_t begin_ns);

/* It is over: ROW is free. Nothing for SPY_OPEN_NO_ROW; so is spy_close_conn(). */
void spy_close_request(struct spy_region *region, uint32_t row);

static inline struct spy_open_request *spy_open_request_at(const struct spy_region *region,
                                                           uint32_t row)
{
    return (struct spy_open_request *)spy_region_section(region, SPY_SECTION_REQUESTS) + row;
}

/* The calling thread's shard: where its open requests are counted. */
struct spy_shard *spy_open_shard(struct spy_region *region);

/* Row of the only open request whose head the calling thread read. SPY_OPEN_NO_ROW where there is
 * none or more than one, or where that cannot be told: beyond SPY_SHARDS threads several count in
 * one shard, and a shard is taken over with what a thread that ended left open. */
uint32_t spy_open_own(struct spy_region *region);

/* The calling thread is writing a response since SINCE_NS; 0: no more. */
void spy_open_writing(struct spy_region *region, uint64_t since_ns);

/* Closes every row: recording is switched off. */
void spy_open_close_all(struct spy_region *region);

/* A connection's row, all zero. */
uint32_t spy_open_conn(struct spy_region *region);
void spy_close_conn(struct spy_region *region, uint32_t row);

static inline struct spy_open_conn *spy_open_conn_at(const struct spy_region *region, uint32_t row)
{
    return (struct spy_open_conn *)spy_region_section(region, SPY_SECTION_CONNS) + row;
}

#endif
